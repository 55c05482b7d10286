use super::Stream;
use super::math::exp2;

/// Noise power tracking by speech presence probability with a fixed prior: Gerkmann & Hendriks,
/// "Unbiased MMSE-based noise power estimation with low complexity and low tracking delay", IEEE
/// TASLP 20(4), 2012.
///
/// By itself it loses its way in clean speech: what stays far above the noise for long is taken to be noise. So the
/// noise is also at most a little louder than the quietest moment of the last second or so, as in minimum statistics
/// (Martin, IEEE TSAP 9(5), 2001). That is how it knows soon that a noise has ended, too.
pub struct NoiseTracker {
    power: Vec<f32>,
    presence: Vec<f32>,
    /// Speech presence, smoothed over time; keeps the tracker from locking up.
    average: Vec<f32>,
    average_smoothing: f32,
    /// The power, smoothed a little, and its least in this half of the memory and in the last.
    recent: Vec<f32>,
    recent_smoothing: f32,
    least: [Vec<f32>; 2],
    half: u32,
    hop_seconds: f32,
    smoothing: f32,
    frames: u32,
    warm_up: u32,
}

/// A-priori SNR of speech where it is present: 15 dB, as in the paper.
const PRIOR: f32 = 31.622_777;
const FLOOR: f32 = 1e-14;
/// Time constant of the power of which the least is taken, and for how long it is remembered at most, s.
const RECENT: f32 = 0.05;
const MEMORY: f32 = 1.5;
/// The noise is at most so much louder than the least: 12 dB. Smoothed that little, the least of a steady noise lies up
/// to 10 dB below its mean.
const ABOVE_LEAST: f32 = 16.0;

impl NoiseTracker {
    /// A tracker for spectra of this many bands.
    pub fn new(stream: &Stream, bands: usize) -> NoiseTracker {
        let hop_seconds = stream.hop as f32 / stream.rate;
        NoiseTracker {
            power: vec![0.0; bands],
            presence: vec![0.0; bands],
            average: vec![0.0; bands],
            average_smoothing: stream.smoothing(0.152, stream.hop),
            recent: vec![0.0; bands],
            recent_smoothing: stream.smoothing(RECENT, stream.hop),
            least: [vec![f32::INFINITY; bands], vec![f32::INFINITY; bands]],
            half: (0.5 * MEMORY / hop_seconds) as u32,
            hop_seconds,
            smoothing: 0.0,
            frames: 0,
            warm_up: (stream.window / stream.hop) as u32,
        }
    }

    /// Time constant (s) with which the estimate follows the noise.
    pub fn set_adaptation(&mut self, seconds: f32) {
        self.smoothing = (-self.hop_seconds / seconds).exp();
    }

    /// Takes the power spectrum of one frame.
    pub fn update(&mut self, power: &[f32]) {
        if self.frames < self.warm_up {
            // The first windows are partly silence: take the loudest as noise until there is more to go by.
            self.frames += 1;
            for (n, p) in self.power.iter_mut().zip(power) {
                *n = n.max(p + FLOOR);
            }
            self.recent.copy_from_slice(&self.power);
            return;
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
        self.bound(power);
    }

    /// Keeps the noise near the quietest of the last moments.
    fn bound(&mut self, power: &[f32]) {
        self.frames += 1;
        if self.frames >= self.warm_up + self.half {
            self.frames = self.warm_up;
            self.least.swap(0, 1);
            self.least[0].fill(f32::INFINITY);
        }
        let [newer, older] = &mut self.least;
        let rows = self.power.iter_mut().zip(&mut self.recent).zip(newer.iter_mut().zip(older)).zip(power);
        for (((noise, recent), (newer, older)), p) in rows {
            *recent += (1.0 - self.recent_smoothing) * (p - *recent);
            *newer = newer.min(*recent);
            *noise = noise.min(ABOVE_LEAST * newer.min(*older)).max(FLOOR);
        }
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
        self.recent.fill(0.0);
        self.least.iter_mut().for_each(|least| least.fill(f32::INFINITY));
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
        frames(1.0, 1).for_each(|frame| tracker.update(&frame));
        assert!(decibels(&tracker).abs() < 1.5, "{}", decibels(&tracker));
        frames(4.0, 2).take(150).for_each(|frame| tracker.update(&frame));
        assert!((decibels(&tracker) - 6.0).abs() < 1.5, "{}", decibels(&tracker));
        frames(0.1, 3).take(150).for_each(|frame| tracker.update(&frame));
        assert!((decibels(&tracker) + 10.0).abs() < 1.5, "{}", decibels(&tracker));
    }

    #[test]
    fn a_syllable_is_not_noise() {
        let mut tracker = tracker(0.2);
        frames(1.0, 1).for_each(|frame| tracker.update(&frame));
        let before = decibels(&tracker);
        frames(300.0, 2).take(20).for_each(|frame| tracker.update(&frame));
        assert!(decibels(&tracker) - before < 3.0, "{before} {}", decibels(&tracker));
        assert!(tracker.presence().iter().sum::<f32>() > 380.0);
    }

    #[test]
    fn a_noise_that_stays_is_noise_in_the_end() {
        let mut tracker = tracker(0.2);
        frames(1.0, 1).for_each(|frame| tracker.update(&frame));
        for seed in 0..10 {
            frames(1000.0, seed).for_each(|frame| tracker.update(&frame));
        }
        assert!((decibels(&tracker) - 30.0).abs() < 2.0, "{}", decibels(&tracker));
    }

    #[test]
    fn a_noise_that_ends_is_forgotten_soon() {
        let mut tracker = tracker(0.3);
        let hop = tracker.hop_seconds;
        frames(1.0, 1).for_each(|frame| tracker.update(&frame));
        frames(1e-6, 2).take((1.0 / hop) as usize).for_each(|frame| tracker.update(&frame));
        assert!(decibels(&tracker) < -45.0, "{}", decibels(&tracker));
    }

    #[test]
    fn clean_speech_without_pause_is_not_noise() {
        let mut tracker = tracker(0.3);
        let hop = tracker.hop_seconds;
        // 2 s of sound, in every band with gaps of 0.4 s.
        for (i, frame) in frames(1.0, 3).take((2.0 / hop) as usize).enumerate() {
            let gap = |band: usize| (i as f32 * hop + 0.01 * band as f32) % 1.0 < 0.4;
            let heard = |(band, p): (usize, f32)| if gap(band) { 1e-6 * p } else { p };
            tracker.update(&frame.into_iter().enumerate().map(heard).collect::<Vec<f32>>());
        }
        assert!(decibels(&tracker) < -18.0, "{}", decibels(&tracker));
    }
}
