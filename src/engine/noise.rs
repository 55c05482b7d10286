use super::Stream;
use super::math::exp2;
use super::onset::Onset;

/// Noise power tracking by speech presence probability with a fixed prior: Gerkmann & Hendriks,
/// "Unbiased MMSE-based noise power estimation with low complexity and low tracking delay", IEEE
/// TASLP 20(4), 2012. A noise that begins far louder is noticed by [`Onset`].
pub struct NoiseTracker {
    power: Vec<f32>,
    presence: Vec<f32>,
    /// Speech presence, smoothed over time; keeps the tracker from locking up.
    average: Vec<f32>,
    average_smoothing: f32,
    onset: Onset,
    hop_seconds: f32,
    smoothing: f32,
    frames: u32,
    warm_up: u32,
    known: u32,
}

/// A-priori SNR of speech where it is present: 15 dB, as in the paper.
const PRIOR: f32 = 31.622_777;
const FLOOR: f32 = 1e-14;
/// Before so much was heard, s, little is known of the noise: most recordings begin with speech, and clean ones lose
/// most at their beginning.
pub const UNKNOWN: f32 = 2.0;
/// As long as that, the noise is at most so much louder than the sound just now (12 dB).
const ABOVE_RECENT: f32 = 16.0;

impl NoiseTracker {
    /// A tracker for spectra of this many bands.
    pub fn new(stream: &Stream, bands: usize) -> NoiseTracker {
        let hop_seconds = stream.hop as f32 / stream.rate;
        NoiseTracker {
            power: vec![0.0; bands],
            presence: vec![0.0; bands],
            average: vec![0.0; bands],
            average_smoothing: stream.smoothing(0.152, stream.hop),
            onset: Onset::new(stream, bands),
            hop_seconds,
            smoothing: 0.0,
            frames: 0,
            warm_up: (stream.window / stream.hop) as u32,
            known: (stream.window / stream.hop) as u32 + (UNKNOWN / hop_seconds) as u32,
        }
    }

    /// Time constant (s) with which the estimate follows the noise.
    pub fn set_adaptation(&mut self, seconds: f32) {
        self.smoothing = (-self.hop_seconds / seconds).exp();
    }

    /// Takes the power spectrum of one frame. Whether a noise began that is far louder than the one before.
    pub fn update(&mut self, power: &[f32]) -> bool {
        if self.frames < self.warm_up {
            // The first windows are partly silence: take the loudest as noise until there is more to go by.
            self.frames += 1;
            for (n, p) in self.power.iter_mut().zip(power) {
                *n = n.max(p + FLOOR);
            }
            self.onset.begin(&self.power);
            return false;
        }
        let (a, b) = (self.smoothing, self.average_smoothing);
        let slope = -PRIOR / (1.0 + PRIOR) * std::f32::consts::LOG2_E;
        for (((noise, presence), average), &p) in
            self.power.iter_mut().zip(&mut self.presence).zip(&mut self.average).zip(power)
        {
            let probability = 1.0 / (1.0 + (1.0 + PRIOR) * exp2(p / *noise * slope));
            *average = b * *average + (1.0 - b) * probability;
            let probability = if *average > 0.99 { probability.min(0.99) } else { probability };
            *presence = probability;
            let estimate = probability * *noise + (1.0 - probability) * p;
            *noise = (a * *noise + (1.0 - a) * estimate).max(FLOOR);
        }
        let began = self.onset.update(power, &mut self.power);
        if self.frames < self.known {
            self.frames += 1;
            for (noise, recent) in self.power.iter_mut().zip(self.onset.recent()) {
                *noise = noise.min(ABOVE_RECENT * recent).max(FLOOR);
            }
        }
        began
    }

    /// The noise's power in every band, for noise of unit variance: 1.
    pub fn power(&self) -> &[f32] {
        &self.power
    }

    /// Probability that there is speech, in every band of the last frame.
    pub fn presence(&self) -> &[f32] {
        &self.presence
    }

    /// Forgets the noise.
    pub fn reset(&mut self) {
        self.power.fill(0.0);
        self.presence.fill(0.0);
        self.average.fill(0.0);
        self.onset.reset();
        self.frames = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Latency;
    use crate::engine::testing::{noise, stream};

    /// The power of a bin of white noise of this variance: exponentially distributed.
    fn frames(variance: f32, seed: u32) -> impl Iterator<Item = Vec<f32>> {
        const BINS: usize = 400;
        let uniform = noise(BINS * 300, seed);
        (0..300).map(move |i| uniform[i * BINS..][..BINS].iter().map(|u| -variance * (0.5 + 0.499 * u).ln()).collect())
    }

    fn decibels(tracker: &NoiseTracker) -> f32 {
        10.0 * (tracker.power().iter().sum::<f32>() / tracker.power().len() as f32).log10()
    }

    fn tracker(adaptation: f32) -> NoiseTracker {
        let mut tracker = NoiseTracker::new(&stream(48_000, 1, Latency::Studio), 400);
        tracker.set_adaptation(adaptation);
        tracker
    }

    #[test]
    fn finds_white_noise_and_follows_it() {
        let mut tracker = tracker(0.2);
        frames(1.0, 1).for_each(|frame| {
            tracker.update(&frame);
        });
        assert!(decibels(&tracker).abs() < 1.5, "{}", decibels(&tracker));
        frames(4.0, 2).take(150).for_each(|frame| {
            tracker.update(&frame);
        });
        assert!((decibels(&tracker) - 6.0).abs() < 1.5, "{}", decibels(&tracker));
        frames(0.1, 3).take(150).for_each(|frame| {
            tracker.update(&frame);
        });
        assert!((decibels(&tracker) + 10.0).abs() < 1.5, "{}", decibels(&tracker));
    }

    #[test]
    fn a_syllable_is_not_noise() {
        let mut tracker = tracker(0.2);
        frames(1.0, 1).for_each(|frame| {
            tracker.update(&frame);
        });
        let before = decibels(&tracker);
        frames(300.0, 2).take(20).for_each(|frame| {
            tracker.update(&frame);
        });
        assert!(decibels(&tracker) - before < 3.0, "{before} {}", decibels(&tracker));
        assert!(tracker.presence().iter().sum::<f32>() > 380.0);
    }

    #[test]
    fn what_a_recording_begins_with_need_not_be_noise() {
        let mut tracker = tracker(0.3);
        let count = |seconds: f32| (seconds / tracker.hop_seconds) as usize;
        let (speech, pause) = (count(0.3), count(0.4));
        for frame in frames(1.0, 1).take(speech).chain(frames(1e-6, 2).take(pause)) {
            tracker.update(&frame);
        }
        assert!(decibels(&tracker) < -15.0, "{}", decibels(&tracker));
    }

    #[test]
    fn a_noise_that_stays_is_noise_in_the_end() {
        let mut tracker = tracker(0.2);
        frames(1.0, 1).for_each(|frame| {
            tracker.update(&frame);
        });
        for seed in 0..10 {
            frames(1000.0, seed).for_each(|frame| {
                tracker.update(&frame);
            });
        }
        assert!((decibels(&tracker) - 30.0).abs() < 2.0, "{}", decibels(&tracker));
    }
}
