use super::Quality;
use std::fmt;

/// Why an output is out of the question, whatever its score.
///
/// The bounds lie well outside everything that the engine does within the safe ranges of its
/// settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Veto {
    /// Samples that are not finite.
    Broken,
    /// Share of the speech that is silent or nearly so, percent.
    Swallowed(f32),
    /// Peaks beyond full scale, dBTP.
    Overload(f32),
    /// Share of samples that were clipped, percent.
    Clipped(f32),
    /// Share of the pauses in which the sound is switched off, percent.
    Gated(f32),
    /// Loudness far beyond what is usual, LUFS.
    TooLoud(f32),
    /// Speech lost above 4 kHz, dB.
    LowPassed(f32),
    /// How far the tone of the speech is from what it was, dB.
    Tone(f32),
    /// Energy that the input has not, percent of the places that can be heard.
    Foreign(f32),
    /// Musical noise: how restless the noise is that is left, dB a frame.
    Musical(f32),
    /// How much too far speech is turned down where it should be kept, dB.
    OverSuppressed(f32),
}

impl Quality {
    /// The first hard bound that is broken.
    pub fn veto(&self) -> Option<Veto> {
        let q = self;
        let percent = |share: f32| 100.0 * share;
        // In noise that hardly moves, islands are below hearing.
        let flutters = q.noise_fluctuation > if q.log_kurtosis_ratio > 0.9 { 1.0 } else { 3.6 };
        let bounds = [
            (q.broken > 0.0, Veto::Broken),
            (q.silenced > 0.05, Veto::Swallowed(percent(q.silenced))),
            (q.speech_lost > 0.4, Veto::Swallowed(percent(q.speech_lost))),
            (q.true_peak > 0.1 && q.peak_change > 0.1, Veto::Overload(q.true_peak)),
            (q.clipping_change > 1e-4, Veto::Clipped(percent(q.clipping_change))),
            (q.muted > 0.1, Veto::Gated(percent(q.muted))),
            (q.loudness > -11.0 && q.loudness_change > 3.0, Veto::TooLoud(q.loudness)),
            (q.treble_cut > 14.0, Veto::LowPassed(q.treble_cut)),
            (q.tone_distance > 8.0, Veto::Tone(q.tone_distance)),
            (q.foreign > 0.06 || q.foreign_tone > 0.2, Veto::Foreign(percent(q.foreign.max(q.foreign_tone)))),
            (flutters, Veto::Musical(q.noise_fluctuation)),
            (q.over_suppression > 10.5, Veto::OverSuppressed(q.over_suppression)),
        ];
        bounds.into_iter().find_map(|(broken, veto)| broken.then_some(veto))
    }
}

impl fmt::Display for Veto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Veto::Broken => write!(f, "samples that are not numbers"),
            Veto::Swallowed(percent) => write!(f, "speech swallowed: {percent:.0} % of it"),
            Veto::Overload(peak) => write!(f, "overload: peaks of {peak:+.1} dBTP"),
            Veto::Clipped(percent) => write!(f, "clipping: {percent:.2} % of the samples"),
            Veto::Gated(percent) => write!(f, "hard gate: silence in {percent:.0} % of the pauses"),
            Veto::TooLoud(loudness) => write!(f, "too loud: {loudness:.1} LUFS"),
            Veto::LowPassed(loss) => write!(f, "dull: speech lost {loss:.0} dB of its treble"),
            Veto::Tone(distance) => write!(f, "tone of the speech changed by {distance:.0} dB"),
            Veto::Foreign(percent) => write!(f, "sound that is not in the input, in {percent:.0} % of it"),
            Veto::Musical(flutter) => write!(f, "musical noise: the rest of the noise flutters by {flutter:.1} dB"),
            Veto::OverSuppressed(missing) => write!(f, "speech suppressed by {missing:.0} dB too much"),
        }
    }
}
