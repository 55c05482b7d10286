//! How fast the room lets sound decay, blindly.

use super::Context;
use super::window::Window;
use crate::engine::math::log2;
use crate::quality::band_edges;
use crate::quality::frames::LOW_BANDS;

/// Mel bands that decay together.
const TOGETHER: usize = 4;
const GROUPS: usize = LOW_BANDS / TOGETHER;
/// Frames of a piece of decay.
const SPANS: [usize; 3] = [4, 8, 14];
/// Decay rates that are told apart: 16 from 20 to 800 dB/s, in equal ratios.
const RATES: usize = 16;
const SLOWEST: f32 = 20.0;
const FASTEST: f32 = 800.0;
/// A decay stays so far above the noise, dB.
const ABOVE_NOISE: f32 = 6.0;

/// The rates at which the level fell, whenever it fell steadily.
#[derive(Clone, Debug, Default)]
pub struct Decays {
    counts: [[f32; RATES]; SPANS.len()],
}

impl Decays {
    /// Looks for decays that end in the last `fresh` frames.
    pub fn add(&mut self, window: &Window, fresh: usize) {
        let frames = &window.excerpt.frames;
        // About 10 s.
        let keep = (-(fresh as f32) * frames.seconds() / 10.0).exp();
        self.counts.iter_mut().flatten().for_each(|count| *count *= keep);
        for group in 0..GROUPS {
            let (first, last) = (group * TOGETHER, group * TOGETHER + TOGETHER - 1);
            let (bottom, top) = (band_edges(first), band_edges(last));
            if top[2] > 0.5 * frames.rate as f32 {
                break;
            }
            let noise = window.between(&window.noise, 0.5 * (bottom[0] + bottom[1]), 0.5 * (top[1] + top[2]));
            let level = |power: f32| log2(power.max(1e-14)) * (10.0 / std::f32::consts::LOG2_10);
            let floor = level(noise) + ABOVE_NOISE;
            let levels: Vec<f32> = frames.bands.iter().map(|bands| level(bands[first..=last].iter().sum())).collect();
            for (span, counts) in SPANS.iter().zip(&mut self.counts) {
                let start = levels.len().saturating_sub(fresh + span - 1);
                for piece in levels[start..].windows(*span).filter(|piece| piece.iter().all(|&l| l > floor)) {
                    let rate = -fall(piece) / frames.seconds();
                    if rate > SLOWEST {
                        let place = (rate / SLOWEST).ln() / (FASTEST / SLOWEST).ln() * RATES as f32;
                        counts[(place as usize).min(RATES - 1)] += 1.0;
                    }
                }
            }
        }
    }

    pub fn measure(&self, context: &mut Context) {
        context.decay_time = 0.0;
    }
}

/// Change of the level per frame; positive if the piece isn't straight.
fn fall(piece: &[f32]) -> f32 {
    let n = piece.len() as f32;
    let middle = 0.5 * (n - 1.0);
    let mean = piece.iter().sum::<f32>() / n;
    let across = n * (n * n - 1.0) / 12.0;
    let slope = piece.iter().enumerate().map(|(i, l)| (i as f32 - middle) * (l - mean)).sum::<f32>() / across;
    let error = piece.iter().enumerate().map(|(i, l)| (l - mean - slope * (i as f32 - middle)).powi(2)).sum::<f32>();
    if error < 4.0 * n { slope } else { 1.0 }
}
