use super::Stream;
use super::math::exp2;

/// Noise power tracking by speech presence probability with a fixed prior: Gerkmann & Hendriks,
/// "Unbiased MMSE-based noise power estimation with low complexity and low tracking delay", IEEE
/// TASLP 20(4), 2012.
pub struct NoiseTracker {
    power: Vec<f32>,
    presence: Vec<f32>,
    /// Speech presence, smoothed over time; keeps the tracker from locking up.
    average: Vec<f32>,
    average_smoothing: f32,
    hop_seconds: f32,
    smoothing: f32,
    frames: u32,
    warm_up: u32,
}

/// A-priori SNR of speech where it is present: 15 dB, as in the paper.
const PRIOR: f32 = 31.622_777;
const FLOOR: f32 = 1e-14;

impl NoiseTracker {
    /// A tracker for spectra of this many bands.
    pub fn new(stream: &Stream, bands: usize) -> NoiseTracker {
        let hop_seconds = stream.hop as f32 / stream.rate;
        NoiseTracker {
            power: vec![0.0; bands],
            presence: vec![0.0; bands],
            average: vec![0.0; bands],
            average_smoothing: stream.smoothing(0.152, stream.hop),
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
        self.frames = 0;
    }
}
