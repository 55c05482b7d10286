use super::Stream;
use super::bands::Bands;
use super::math::{log2, sum};
use super::noise::UNKNOWN;

/// How far noise may be turned down without doing harm. Two kinds of sound call for restraint:
///
/// *Crowds.* Where the noise is itself many voices (a cafe, a party), noise tracking hears speech
/// nearly everywhere, yet the level has none of the pauses of a single talker. Reducing such noise
/// follows the wrong voices and harms the right one.
///
/// *Clean recordings.* Noise far below the speech is not heard, but reducing it is.
///
/// Both are judged on the last seconds, in the range of speech.
pub struct Restraint {
    bands: std::ops::Range<usize>,
    fast: f32,
    slow: f32,
    speech_smoothing: f32,
    frames: u32,
    known: u32,
    level: f32,
    mean: f32,
    variance: f32,
    presence: f32,
    /// Power of speech where there is some, and of noise.
    speech: f32,
    noise: f32,
}

/// Mean presence from which a crowd is suspected, and where it is sure.
const PRESENCE: (f32, f32) = (0.19, 0.25);
/// Standard deviation of the level (dB) at which a crowd is sure, and where it is ruled out.
const DEVIATION: (f32, f32) = (4.0, 5.5);
/// Where both start, until the sound is known: a crowd is possible.
const START: (f32, f32) = (PRESENCE.1, 5.0);
/// Noise that began is so much louder than before, where it matters.
const BEGAN: f32 = 2.0;
/// Speech this far (dB) above the noise is clean.
const CLEAN: f32 = 42.0;
/// As long as the noise is [`UNKNOWN`], its mean is at most so much louder than it is just now (10 dB): what was speech
/// and taken for noise would count for ten seconds.
const ABOVE_NOW: f32 = 10.0;

impl Restraint {
    /// Watches 300 to 4000 Hz.
    pub fn new(stream: &Stream, bands: &Bands) -> Restraint {
        Restraint {
            bands: bands.range(300.0, 4000.0),
            fast: stream.smoothing(0.05, stream.hop),
            slow: stream.smoothing(1.5, stream.hop),
            speech_smoothing: stream.smoothing(0.5, stream.hop),
            frames: 0,
            known: (UNKNOWN * stream.rate) as u32 / stream.hop as u32,
            level: 0.0,
            mean: 0.0,
            variance: START.1 * START.1,
            presence: START.0,
            speech: 0.0,
            noise: 0.0,
        }
    }

    /// Takes one frame's power, its noise and its speech presence. Gives the reduction to apply (dB)
    /// where `reduction` was asked for.
    pub fn limit(&mut self, reduction: f32, power: &[f32], noise: &[f32], presence: &[f32]) -> f32 {
        let range = self.bands.clone();
        let power = sum(&power[range.clone()]);
        let noise = sum(&noise[range.clone()]);
        let presence = sum(&presence[range.clone()]) / range.len().max(1) as f32;
        let crowd = self.crowd(decibels(power), presence);
        let clean = self.signal_to_noise(power, noise, presence);
        let reduction = reduction.min((CLEAN - clean).max(0.0));
        reduction * (1.0 - crowd)
    }

    /// 0: a single talker, 1: surely a crowd.
    fn crowd(&mut self, level: f32, presence: f32) -> f32 {
        if self.frames == 0 {
            (self.level, self.mean) = (level, level);
        }
        self.level += (1.0 - self.fast) * (level - self.level);
        self.mean += (1.0 - self.slow) * (self.level - self.mean);
        self.variance += (1.0 - self.slow) * ((self.level - self.mean).powi(2) - self.variance);
        self.presence += (1.0 - self.slow) * (presence - self.presence);
        let busy = ((self.presence - PRESENCE.0) / (PRESENCE.1 - PRESENCE.0)).clamp(0.0, 1.0);
        let steady = ((DEVIATION.1 - self.variance.sqrt()) / (DEVIATION.1 - DEVIATION.0)).clamp(0.0, 1.0);
        busy * steady
    }

    /// Speech over noise in dB, where there is speech.
    fn signal_to_noise(&mut self, power: f32, noise: f32, presence: f32) -> f32 {
        let weight = (1.0 - self.speech_smoothing) * presence * presence;
        self.speech += weight * (power - self.speech);
        self.noise += (1.0 - self.slow) * (noise - self.noise);
        if self.frames < self.known {
            self.frames += 1;
            self.noise = self.noise.min(ABOVE_NOW * noise);
        }
        decibels(self.speech) - decibels(self.noise)
    }

    /// This noise began, and was taken for speech until now: that tells nothing of a crowd.
    pub fn noise_began(&mut self, noise: &[f32]) {
        if sum(&noise[self.bands.clone()]) > BEGAN * self.noise {
            self.presence = self.presence.min(START.0);
            self.variance = self.variance.max(START.1 * START.1);
        }
    }

    /// Forgets the sound.
    pub fn reset(&mut self) {
        self.frames = 0;
        self.presence = START.0;
        self.variance = START.1 * START.1;
        self.speech = 0.0;
        self.noise = 0.0;
    }
}

fn decibels(power: f32) -> f32 {
    3.0103 * log2(power.max(1e-12))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{EngineConfig, Latency};

    /// The reduction left of 20 dB after 10 s, for speech presence, power and noise over time (s).
    fn left(presence: impl Fn(f32) -> f32, power: impl Fn(f32) -> f32, noise: impl Fn(f32) -> f32) -> f32 {
        let stream = Stream::new(EngineConfig { sample_rate: 48_000, channels: 1, latency: Latency::Studio }).unwrap();
        let bands = Bands::new(&stream);
        let mut restraint = Restraint::new(&stream, &bands);
        let flat = |value: f32| vec![value; bands.count()];
        let step = stream.hop as f32 / stream.rate;
        (0..(10.0 / step) as usize).fold(0.0, |_, frame| {
            let time = frame as f32 * step;
            restraint.limit(20.0, &flat(power(time)), &flat(noise(time)), &flat(presence(time)))
        })
    }

    /// 1 while somebody speaks: two syllables a second, with pauses.
    fn syllable(time: f32) -> f32 {
        if (time * 2.0).fract() < 0.5 { 1.0 } else { 0.0 }
    }

    #[test]
    fn a_talker_in_noise_gets_all_of_it() {
        assert!(left(|t| 0.1 + 0.7 * syllable(t), |t| 0.01 + syllable(t), |_| 0.01) > 19.0);
    }

    #[test]
    fn steady_noise_gets_all_of_it() {
        assert!(left(|_| 0.15, |_| 0.01, |_| 0.01) > 19.0);
    }

    #[test]
    fn a_crowd_is_left_alone() {
        let level = |t: f32| 1.0 + 0.6 * (11.0 * t).sin();
        assert!(left(|_| 0.35, level, |_| 0.3) < 1.0);
    }

    #[test]
    fn a_noise_that_begins_is_no_crowd() {
        let stream = Stream::new(EngineConfig { sample_rate: 48_000, channels: 1, latency: Latency::Studio }).unwrap();
        let bands = Bands::new(&stream);
        let flat = |value: f32| vec![value; bands.count()];
        let steps = (2.0 * stream.rate / stream.hop as f32) as usize;
        let mut crowd = Restraint::new(&stream, &bands);
        let limit = |restraint: &mut Restraint, presence| {
            (0..steps).fold(0.0, |_, _| restraint.limit(20.0, &flat(1.0), &flat(0.01), &flat(presence)))
        };
        assert!(limit(&mut crowd, 0.9) < 1.0, "steady, and everywhere speech");
        crowd.noise_began(&flat(0.01));
        assert!(limit(&mut crowd, 0.15) < 15.0, "it is as loud as before");
        limit(&mut crowd, 0.9);
        crowd.noise_began(&flat(1.0));
        assert!(limit(&mut crowd, 0.15) > 19.0);
    }

    #[test]
    fn a_clean_recording_is_left_alone() {
        let noisy = left(|t| 0.1 + 0.7 * syllable(t), |t| 0.01 + syllable(t), |_| 0.01);
        let clean = left(|t| 0.1 + 0.7 * syllable(t), |t| 1e-6 + syllable(t), |_| 1e-6);
        assert!(clean < 0.5 && noisy > clean + 15.0, "{clean} {noisy}");
    }

    #[test]
    fn a_clean_recording_may_begin_with_speech() {
        let until = |end: f32| {
            let noise = move |t: f32| if t < end { 1.0 } else { 1e-6 };
            left(|t| 0.1 + 0.7 * syllable(t), move |t| noise(t) + syllable(t), noise)
        };
        let (at_once, later) = (until(0.3), until(3.0));
        assert!(at_once < 0.5 && later > at_once + 10.0, "{at_once} {later}");
    }
}
