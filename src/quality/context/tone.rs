//! The colour of the speech against usual speech.

use super::Context;
use super::noise::slope;
use super::window::Window;
use crate::engine::smooth::power_to_db;

/// Long-term average speech spectrum in third octaves from 63 Hz to 16 kHz, dB: D. Byrne et al., "An
/// international comparison of long-term average speech spectra", JASA 96(4), 1994; women and men
/// together (63 and 80 Hz: men).
const USUAL: [f32; 25] = [
    38.6, 43.5, 54.4, 57.7, 56.8, 60.2, 60.3, 59.0, 62.1, 62.1, 60.5, 56.8, 53.7, 53.0, 52.0, 48.7, 48.1, 46.8, 45.6,
    44.5, 44.3, 43.7, 43.4, 41.3, 40.7,
];
/// Centre of the first of them: 1 kHz is the 13th.
const LOWEST: f32 = 62.5;
/// Half the width of a third octave, as a factor.
const HALF: f32 = 1.122_462;
/// The third octaves that are compared: 80 Hz to 10 kHz.
const COMPARED: std::ops::Range<usize> = 1..23;
/// Those that everything is compared with: 400 Hz to 2 kHz.
const REFERENCE: std::ops::Range<usize> = 8..16;

/// Centre of a third octave, Hz.
fn centre(third: usize) -> f32 {
    LOWEST * (third as f32 / 3.0).exp2()
}

/// Power of usual speech from one frequency to another, in steps of third octaves.
pub fn usual(from: f32, to: f32) -> f32 {
    let part = |third: usize| {
        let (low, high) = (centre(third) / HALF, centre(third) * HALF);
        // The last one goes on for ever.
        let high = if third + 1 == USUAL.len() { f32::MAX } else { high };
        let width = centre(third) * (HALF - 1.0 / HALF);
        (to.min(high) - from.max(low)).max(0.0) / width * 10f32.powf(USUAL[third] / 10.0)
    };
    (0..USUAL.len()).map(part).sum()
}

/// Third octaves in which noise hides the speech do not count, and if there is not enough left,
/// nothing is wrong. Trap: who speaks matters; a voice is 3 dB away from the average of voices.
pub fn measure(window: &Window, context: &mut Context) {
    if !window.has_speech() {
        return;
    }
    let clean = window.clean();
    // What is cut off is not a matter of colour.
    let end = context.bandwidth;
    // Centre, difference from usual, and how sure it is to be speech.
    let points: Vec<[f32; 3]> = COMPARED
        .take_while(|&third| centre(third) * HALF <= end.max(4000.0))
        .map(|third| {
            let (low, high) = (centre(third) / HALF, centre(third) * HALF);
            let speech = window.between(&clean, low, high);
            let noise = window.between(&window.under_speech, low, high);
            let sure = speech / (speech + noise).max(1e-20);
            [centre(third), power_to_db(speech.max(0.1 * noise)).max(-120.0) - USUAL[third], sure]
        })
        .collect();
    let mean = |from: f32, to: f32| {
        let within = points.iter().filter(|p| (from..to).contains(&p[0]));
        let (sum, weight) = within.fold((0.0, 0.0), |(s, w), p| (s + p[1] * p[2], w + p[2]));
        // With little to go by, towards nothing unusual.
        (weight > 0.3).then(|| sum / weight)
    };
    let Some(reference) = mean(centre(REFERENCE.start) * 0.9, centre(REFERENCE.end - 1) * 1.1) else { return };
    let part = |from, to| mean(from, to).map_or(0.0, |level| (level - reference).clamp(-60.0, 60.0));
    context.bass = part(75.0, 260.0);
    context.mid = part(240.0, 410.0);
    context.presence = part(2100.0, 5100.0);
    context.air = part(5100.0, 10_100.0);
    let sure: Vec<(f32, f32)> =
        points.iter().filter(|p| p[2] > 0.5).map(|p| (p[0].log2(), (p[1] - reference).clamp(-60.0, 60.0))).collect();
    if sure.len() >= 6 {
        let offset = sure.iter().map(|p| p.1).sum::<f32>() / sure.len() as f32;
        let square = sure.iter().map(|p| (p.1 - offset).powi(2)).sum::<f32>() / sure.len() as f32;
        context.tone_distance = square.sqrt();
        context.tilt = slope(&sure);
    }
}
