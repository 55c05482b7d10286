use super::yardstick::{Heard, Yardstick};
use crate::quality::LOW_BANDS;

/// What [`dynamics`] gives.
pub const DYNAMICS: [&str; 3] = ["level jumps, dB", "unsteadiness of the speech, dB", "level of the speech, dB"];

/// Frames over which a level is taken: 0.4 s.
const SPAN: usize = 25;

/// How steady and how loud the speech is: the spread of its level around that of the
/// pseudo-reference (what was pumped or left jumping), the spread of the level itself, and the level
/// (below 8 kHz, dB of full scale).
pub fn dynamics(yardstick: &Yardstick, heard: &Heard) -> [f32; DYNAMICS.len()] {
    let speech = &yardstick.reference.speech;
    let total = |bands: &[f32]| bands[..LOW_BANDS].iter().map(|&level| power(level)).sum::<f32>();
    let powers: Vec<f32> = heard.level.iter().map(|bands| total(bands)).collect();
    let errors: Vec<f32> = powers
        .iter()
        .zip(&yardstick.reference.level)
        .map(|(power, reference)| 10.0 * (power / total(reference)).max(1e-12).log10())
        .collect();
    let present = smooth(speech, |_| 1.0);
    let jumps: Vec<f32> = smooth(speech, |t| errors[t]).iter().zip(&present).map(|(e, p)| e / (p + 0.02)).collect();
    let level = smooth(speech, |t| powers[t]);
    let levels: Vec<f32> =
        level.iter().zip(&present).map(|(e, p)| 10.0 * (e / (p + 0.02)).max(1e-12).log10()).collect();
    let sure: Vec<f32> = present.iter().map(|&p| if p > 0.3 { p } else { 0.0 }).collect();
    let mean = powers.iter().zip(speech).map(|(power, speech)| power * speech).sum::<f32>() / yardstick.speech;
    [spread(&jumps, &present), spread(&levels, &sure), 10.0 * mean.max(1e-12).log10()]
}

fn power(decibels: f32) -> f32 {
    crate::engine::math::exp2(decibels * (0.1 * std::f32::consts::LOG2_10))
}

/// Moving average of the values, weighted by speech.
fn smooth(speech: &[f32], value: impl Fn(usize) -> f32) -> Vec<f32> {
    let products: Vec<f32> = speech.iter().enumerate().map(|(t, speech)| speech * value(t)).collect();
    let around = |t: usize| &products[t.saturating_sub(SPAN / 2)..products.len().min(t + SPAN / 2 + 1)];
    (0..products.len()).map(|t| around(t).iter().sum::<f32>() / SPAN as f32).collect()
}

/// Weighted standard deviation.
fn spread(values: &[f32], weights: &[f32]) -> f32 {
    let total: f32 = weights.iter().sum::<f32>().max(1e-6);
    let mean = |f: &dyn Fn(f32) -> f32| values.iter().zip(weights).map(|(&v, w)| f(v) * w).sum::<f32>() / total;
    let centre = mean(&|v| v);
    mean(&|v| (v - centre).powi(2)).sqrt()
}
