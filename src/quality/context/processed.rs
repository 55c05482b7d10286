//! Traces of processing: gates, and suppressors that leave holes.

use super::Context;
use super::window::Window;
use crate::engine::math::log2;
use crate::engine::smooth::power_to_db;
use crate::quality::frames::LOW_BANDS;

/// A gate takes at least so many dB from every band within two frames.
const DROP: f32 = 12.0;
/// Share of the bands that must fall.
const TOGETHER: f32 = 0.9;
/// Bins that should hold noise of about one level.
const NEIGHBOURS: usize = 8;
/// ln of the mean against the mean of ln for eight bins of noise (exponentially distributed).
const NOISE: f32 = 0.52;

pub fn measure(window: &Window, context: &mut Context) {
    context.gating = gating(window);
    context.holes = holes(window);
}

/// Ends of sounds at which all bands up to 8 kHz fall together and stay down: rooms and lips let
/// high frequencies go first, and a floor of noise holds them all. Per second of speech.
fn gating(window: &Window) -> f32 {
    let frames = &window.excerpt.frames;
    if !window.has_speech() {
        return 0.0;
    }
    let used = (0..LOW_BANDS)
        .take_while(|&band| crate::quality::band_edges(band)[2] < 0.4 * frames.rate as f32)
        .count()
        .max(1);
    let levels = frames.levels();
    let falls = |frame: &usize| {
        let (before, after) = (&levels[*frame], &levels[frame + 2]);
        let fallen = (0..used).filter(|&band| before[band] - after[band] > DROP).count();
        let later = (frame + 3).min(levels.len() - 1);
        let stay = (0..used).filter(|&band| levels[later][band] < before[band] - DROP).count();
        fallen.min(stay) as f32 >= TOGETHER * used as f32
    };
    let falling: Vec<usize> = (0..levels.len().saturating_sub(2)).filter(falls).collect();
    // Neighbouring frames see the same fall.
    let ends = falling
        .iter()
        .zip(falling.iter().skip(1).map(Some).chain([None]))
        .filter(|(a, b)| b.is_none_or(|b| *b > **a + 2));
    ends.count() as f32 / (window.talking * frames.seconds())
}

/// In pauses: the logarithm of the mean over eight neighbouring bins less the mean
/// of the logarithms, which is always about the same for noise; musical noise has islands.
fn holes(window: &Window) -> f32 {
    let frames = &window.excerpt.frames;
    let (mut sum, mut count) = (0.0, 0usize);
    let top = ((8000.0 / frames.hertz()) as usize).min(frames.bins * 9 / 10);
    for &frame in &window.excerpt.pauses {
        let Some(power) = frames.spectrum(frame).get(4..top) else { break };
        for bins in power.as_chunks::<NEIGHBOURS>().0 {
            let mean = bins.iter().sum::<f32>() / NEIGHBOURS as f32;
            // Below -130 dB a bin there may be nothing but the steps of quantisation.
            if power_to_db(mean) > -130.0 {
                let logs: f32 = bins.iter().map(|p| log2(p.max(1e-20))).sum();
                sum += log2(mean) - logs / NEIGHBOURS as f32;
                count += 1;
            }
        }
    }
    if count < 50 { 0.0 } else { (sum / count as f32 * std::f32::consts::LN_2 - NOISE).clamp(0.0, 5.0) }
}
