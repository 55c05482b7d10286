use super::Stream;
use super::bands::Bands;
use super::math::{exp, exp2, log2};

/// Spectral gains for speech in noise: log-spectral amplitude estimation under speech presence
/// uncertainty, after Ephraim & Malah (IEEE TASSP 33(2), 1985) and Cohen (OM-LSA, Signal Processing
/// 81(11), 2001), with the second step of Plapous et al. (TSNR, IEEE TASLP 14(6), 2006) half way
/// taken: it undoes the decision-directed estimate's delay, which would cut onsets.
pub struct GainEstimator {
    /// What the decision-directed estimate keeps of the last frame.
    memory: f32,
    /// Speech power of the last frame.
    previous: Vec<f32>,
    /// Power, smoothed over time and neighbouring bands, for the speech presence.
    smooth: Vec<f32>,
    smoothing: f32,
    hop_seconds: f32,
    /// Sums of the gains up to each band, for their average over neighbours.
    sums: Vec<f32>,
    raw: Vec<f32>,
    widths: Vec<usize>,
}

/// Lowest a-priori SNR: -18 dB.
const MIN_SNR: f32 = 0.015_849;
/// A-priori SNR where speech is present, for the speech presence probability.
const PRESENT_SNR: f32 = 4.0;
/// Odds of absence against presence, before looking.
const ABSENCE_ODDS: f32 = 0.4 / 0.6;
/// Bands on each side over which power is averaged for the speech presence.
const NEIGHBOURS: usize = 2;
/// Gains are averaged over this share of their frequency to each side.
const RELATIVE_WIDTH: f32 = 0.03;

impl GainEstimator {
    /// An estimator for spectra in these bands.
    pub fn new(stream: &Stream, bands: &Bands) -> GainEstimator {
        let bins = bands.count();
        GainEstimator {
            memory: 0.0,
            previous: vec![0.0; bins],
            smooth: vec![0.0; bins],
            smoothing: stream.smoothing(0.1, stream.hop),
            hop_seconds: stream.hop as f32 / stream.rate,
            sums: vec![0.0; bins + 1],
            raw: vec![1.0; bins],
            widths: bands.neighbours(RELATIVE_WIDTH),
        }
    }

    /// Time constant (s) of the decision-directed estimate: longer is smoother, against musical
    /// noise; shorter keeps more of what changes fast.
    pub fn set_smoothing(&mut self, seconds: f32) {
        self.memory = (-self.hop_seconds / seconds).exp();
    }

    /// One frame: `power` of the input, `interference` in it (both as power per band), and the gain
    /// `absent` (as log2) where there is no speech. Writes a gain of at most 1 per band.
    pub fn estimate(&mut self, power: &[f32], interference: &[f32], absent: &[f32], gains: &mut [f32]) {
        self.smooth_power(power);
        let n = gains.len();
        let (power, interference, absent) = (&power[..n], &interference[..n], &absent[..n]);
        let (previous, smooth, raw) = (&mut self.previous[..n], &self.smooth[..n], &mut self.raw[..n]);
        let memory = self.memory;
        for k in 0..n {
            let scale = 1.0 / interference[k];
            let posterior = power[k] * scale;
            let first = (memory * previous[k] * scale + (1.0 - memory) * (posterior - 1.0).max(0.0)).max(MIN_SNR);
            let wiener = first / (1.0 + first);
            let second = (wiener * wiener * posterior).max(MIN_SNR);
            let prior = (first * second).sqrt();
            let gain = log_amplitude_gain(prior, posterior);
            previous[k] = gain * gain * power[k];
            let presence = 0.25 + 0.75 * presence(smooth[k] * scale);
            let log_gain = log2(gain.max(1e-6));
            raw[k] = exp2(absent[k] + presence * (log_gain - absent[k])).min(1.0);
        }
        self.average_over_neighbours(gains);
    }

    fn smooth_power(&mut self, power: &[f32]) {
        let n = power.len();
        let (old, new) = (self.smoothing, (1.0 - self.smoothing) / (2 * NEIGHBOURS + 1) as f32);
        let edge = NEIGHBOURS.min(n / 2);
        for (k, smooth) in self.smooth.iter_mut().enumerate().take(edge) {
            *smooth = old * *smooth + (1.0 - old) * power[k];
        }
        for (smooth, around) in self.smooth[edge..].iter_mut().zip(power.windows(2 * NEIGHBOURS + 1)) {
            *smooth = old * *smooth + new * (around[0] + around[1] + around[2] + around[3] + around[4]);
        }
        for (smooth, power) in self.smooth.iter_mut().zip(power).skip(n - edge) {
            *smooth = old * *smooth + (1.0 - old) * power;
        }
    }

    fn average_over_neighbours(&mut self, gains: &mut [f32]) {
        let mut sum = 0.0;
        for (total, gain) in self.sums[1..].iter_mut().zip(&self.raw) {
            sum += gain;
            *total = sum;
        }
        let n = gains.len();
        for (k, (gain, &width)) in gains.iter_mut().zip(&self.widths).enumerate() {
            let width = width.min(n - 1 - k);
            *gain = (self.sums[k + width + 1] - self.sums[k - width]) / (2 * width + 1) as f32;
        }
    }

    /// Forgets the frames before.
    pub fn reset(&mut self) {
        self.previous.fill(0.0);
        self.smooth.fill(0.0);
    }
}

/// Gain of the log-spectral amplitude estimator, x / (1 + x) exp(E1(v) / 2) with v = x y / (1 + x),
/// of the a-priori SNR x and the a-posteriori SNR y. The exponential integral is approximated
/// within 1e-4 dB by a rational function between its two asymptotes.
#[inline(always)]
fn log_amplitude_gain(prior: f32, posterior: f32) -> f32 {
    let wiener = prior / (1.0 + prior);
    let v = (wiener * posterior).max(1e-6);
    let bend = (0.561_459_5 + v * (0.342_574_7 + v * 0.071_163_87)) / (1.0 + v * (0.391_353_3 + v * 0.071_163_87));
    wiener * (1.0 + bend * exp(-v) / v).sqrt()
}

/// Probability of speech, given the a-posteriori SNR averaged over some bands and frames.
#[inline(always)]
fn presence(posterior: f32) -> f32 {
    const SLOPE: f32 = PRESENT_SNR / (1.0 + PRESENT_SNR);
    1.0 / (1.0 + ABSENCE_ODDS * (1.0 + PRESENT_SNR) * exp(-posterior * SLOPE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gain_follows_the_exponential_integral() {
        // E1 by its power series, -gamma - ln v - sum (-v)^k / (k k!), in double precision.
        let e1 = |v: f64| {
            let (mut sum, mut term) = (0.0, 1.0);
            for k in 1..60 {
                term *= -v / f64::from(k);
                sum += term / f64::from(k);
            }
            -0.577_215_664_901_532_9 - v.ln() - sum
        };
        for v in [1e-3, 0.01, 0.1, 0.5, 1.0, 2.0, 4.0, 8.0] {
            for prior in [0.02, 0.5, 3.0, 100.0] {
                let wiener = prior / (1.0 + prior);
                let exact = wiener * (0.5 * e1(v)).exp();
                let gain = f64::from(log_amplitude_gain(prior as f32, (v / wiener) as f32));
                assert!((20.0 * (gain / exact).log10()).abs() < 1e-3, "{v} {prior} {gain} {exact}");
            }
        }
    }
}
