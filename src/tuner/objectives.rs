//! What is wanted: several things at once, some more than others.

use crate::quality::Quality;
use std::fmt;

/// How many objectives there are.
pub const OBJECTIVES: usize = Objective::ALL.len();

/// Something that can be wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Objective {
    /// By how much the noise goes down further than the speech, dB.
    Noise,
    /// How much of the speech is left as it was, percent.
    Speech,
    /// How free the sound is of what processing leaves behind, percent.
    Artefacts,
    /// How near the tone is to that of usual speech, dB below 0: minus the distance.
    Tone,
    /// Loudness, LUFS.
    Loudness,
    /// Time of one core left over by the processing, percent.
    Cpu,
}

impl Objective {
    /// All of them, in the order of [`Objectives`].
    pub const ALL: [Objective; 6] = [
        Objective::Noise,
        Objective::Speech,
        Objective::Artefacts,
        Objective::Tone,
        Objective::Loudness,
        Objective::Cpu,
    ];

    /// As typed in a goal.
    pub fn name(self) -> &'static str {
        match self {
            Objective::Noise => "noise",
            Objective::Speech => "speech",
            Objective::Artefacts => "artefacts",
            Objective::Tone => "tone",
            Objective::Loudness => "loudness",
            Objective::Cpu => "cpu",
        }
    }

    /// The targets that can be set, in [`Objective::unit`]s, as people type them: of tone and CPU time it
    /// is the most that is allowed, of loudness the value itself, of the others the least.
    pub fn range(self) -> (f32, f32) {
        match self {
            Objective::Noise => (0.0, 24.0),
            Objective::Speech | Objective::Artefacts => (0.0, 100.0),
            Objective::Tone => (0.0, 20.0),
            Objective::Loudness => (-40.0, -9.0),
            Objective::Cpu => (0.0, 100.0),
        }
    }

    /// The unit, as it is written behind a number.
    pub fn unit(self) -> &'static str {
        match self {
            Objective::Noise | Objective::Tone => " dB",
            Objective::Loudness => " LUFS",
            _ => " %",
        }
    }

    /// What a target means, in plain words.
    pub fn meaning(self) -> &'static str {
        match self {
            Objective::Noise => "noise goes down by at least",
            Objective::Speech => "at least so much of the speech stays as it was",
            Objective::Artefacts => "at least so free of artefacts",
            Objective::Tone => "tone no further from usual speech than",
            Objective::Loudness => "loudness",
            Objective::Cpu => "at most so much of a core",
        }
    }

    /// How much of the unit is as bad as can be: a shortfall of 1.
    pub fn scale(self) -> f32 {
        match self {
            Objective::Noise => 24.0,
            Objective::Speech | Objective::Artefacts | Objective::Cpu => 100.0,
            Objective::Tone => 12.0,
            Objective::Loudness => 20.0,
        }
    }
}

impl fmt::Display for Objective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How well a candidate does in each objective.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Objectives {
    /// Noise that went down, dB; -20..40.
    pub noise: f32,
    /// Speech that stayed as it was, 0..100 %.
    pub speech: f32,
    /// Freedom from artefacts, 0..100 %.
    pub artefacts: f32,
    /// Distance of the tone from usual speech, 0..20 dB; less is better.
    pub tone: f32,
    /// Loudness, LUFS.
    pub loudness: f32,
    /// Time that the processing takes, percent of a core; less is better. Unknown: `None`.
    pub cpu: Option<f32>,
}

impl From<&Quality> for Objectives {
    /// Speech and artefacts are shares of what is left when each kind of harm takes its part away:
    /// exp(-sum of harm / what is a lot of it).
    fn from(q: &Quality) -> Objectives {
        let left = |harm: &[(f32, f32)]| 100.0 * (-harm.iter().map(|(x, lot)| x.max(0.0) / lot).sum::<f32>()).exp();
        Objectives {
            noise: q.noise_attenuation,
            speech: left(&[
                (q.speech_lost, 0.4),
                (q.onsets_lost, 0.6),
                (q.speech_attenuation, 24.0),
                (q.over_suppression, 24.0),
                (q.tail_attenuation, 60.0),
            ]),
            artefacts: left(&[
                (q.noise_fluctuation, 6.0),
                (q.pumping, 20.0),
                (q.log_kurtosis_ratio, 3.0),
                (q.foreign, 0.1),
                (q.added, 20.0),
                (q.clipped, 0.01),
            ]),
            tone: q.tone_error,
            loudness: q.loudness,
            cpu: None,
        }
    }
}

impl Objectives {
    /// The same, with the time that the processing takes, percent of a core.
    #[must_use]
    pub fn with_cpu(self, percent: f32) -> Objectives {
        Objectives { cpu: Some(percent), ..self }
    }

    /// One of them, in its unit. CPU time that is not known is 0.
    pub fn get(&self, objective: Objective) -> f32 {
        match objective {
            Objective::Noise => self.noise,
            Objective::Speech => self.speech,
            Objective::Artefacts => self.artefacts,
            Objective::Tone => self.tone,
            Objective::Loudness => self.loudness,
            Objective::Cpu => self.cpu.unwrap_or(0.0),
        }
    }

    /// All as utilities, 0 to 1, higher is better, in the order of [`Objective::ALL`]. The loudness is best
    /// from -24 to -14 LUFS.
    pub fn utilities(&self) -> [f32; OBJECTIVES] {
        Objective::ALL.map(|objective| {
            let value = self.get(objective);
            let utility = match objective {
                Objective::Noise | Objective::Speech | Objective::Artefacts => value / objective.scale(),
                Objective::Tone | Objective::Cpu => 1.0 - value / objective.scale(),
                Objective::Loudness => 1.0 - (value + 14.0).max(-24.0 - value).max(0.0) / objective.scale(),
            };
            if utility.is_nan() { 0.0 } else { utility.clamp(0.0, 1.0) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_objective_has_its_own_measure() {
        let clean = Quality { loudness: -18.0, ..Quality::default() };
        let best = Objectives::from(&clean).with_cpu(0.0);
        assert_eq!(best.utilities(), [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]);
        let worse = [
            (Quality { noise_attenuation: -9.0, ..clean }, None),
            (Quality { speech_lost: 0.2, ..clean }, Some(Objective::Speech)),
            (Quality { onsets_lost: 0.2, ..clean }, Some(Objective::Speech)),
            (Quality { noise_fluctuation: 2.0, ..clean }, Some(Objective::Artefacts)),
            (Quality { foreign: 0.05, ..clean }, Some(Objective::Artefacts)),
            (Quality { tone_error: 6.0, ..clean }, Some(Objective::Tone)),
            (Quality { loudness: -30.0, ..clean }, Some(Objective::Loudness)),
            (Quality { loudness: -8.0, ..clean }, Some(Objective::Loudness)),
        ];
        for (quality, objective) in worse {
            let utilities = Objectives::from(&quality).utilities();
            for (i, (u, best)) in utilities.iter().zip(best.utilities()).enumerate() {
                assert_eq!(*u < best, Some(Objective::ALL[i]) == objective, "{objective:?} {utilities:?}");
            }
        }
        assert_eq!(Objectives::from(&Quality { noise_attenuation: 12.0, ..clean }).utilities()[0], 0.5);
        assert_eq!(best.with_cpu(25.0).utilities()[5], 0.75);
        let odd = Quality { speech_lost: f32::NAN, tone_error: f32::INFINITY, loudness: f32::NAN, ..clean };
        assert!(Objectives::from(&odd).utilities().iter().all(|u| (0.0..=1.0).contains(u)));
    }
}
