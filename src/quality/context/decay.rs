//! How fast the room lets sound decay, blindly.

use super::Context;
use super::regression::quadratic;
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
/// Fewer steady falls say nothing.
const LEAST: f32 = 8.0;
/// What the decay time is told from, and between which values: medians and 80th percentiles of the
/// rates, in steps of the histogram; modulation and SNR, dB.
const TELLING: [(f32, f32); 7] =
    [(4.5, 8.8), (6.5, 11.4), (2.5, 7.6), (3.9, 9.5), (0.8, 16.0), (1.7, 12.2), (-3.4, 34.4)];
/// Their weights in the logarithm of the decay time, see [`quadratic`].
const WEIGHTS: [f32; 36] = [
    -0.782, 0.061, -0.86, -0.091, 0.187, -0.045, -0.3, 0.008, -0.175, 0.119, -0.203, -0.164, -0.075, 0.08, -0.041,
    -0.072, 0.221, 0.16, 0.403, 0.068, -0.085, 0.038, -0.05, -0.086, 0.076, 0.11, 0.101, -0.252, 0.424, -0.317, -0.293,
    -0.038, -0.022, -0.235, 0.217, -0.005,
];

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

    /// The decay time that goes with the rates, the modulation and the SNR (which are measured
    /// before), by regression on simulated rooms of 0.13 to 1.3 s and read speech: 0.12 s off in the
    /// mean, 0.1 above 10 dB SNR, too short by 0.2 above 1 s. Traps: the talker's own way of ending
    /// words sets a lower limit of about 0.2 s; music.
    pub fn measure(&self, context: &mut Context) {
        context.decay_time = 0.0;
        let [short, middle, long] = &self.counts;
        if short.iter().sum::<f32>() < LEAST {
            return;
        }
        let told = [
            place(short, 0.5),
            place(short, 0.8),
            place(middle, 0.5),
            place(middle, 0.8),
            place(long, 0.5),
            context.modulation,
            context.snr,
        ];
        context.decay_time = quadratic(told, &TELLING, &WEIGHTS).exp().clamp(0.1, 2.0);
    }
}

/// The place in a histogram, in steps, below which a share of it lies; the end of it if it is empty.
fn place(counts: &[f32; RATES], share: f32) -> f32 {
    let wanted = share * counts.iter().sum::<f32>();
    let mut below = 0.0;
    for (step, count) in counts.iter().enumerate() {
        if *count > 0.0 && below + count >= wanted {
            return step as f32 + (wanted - below) / count;
        }
        below += count;
    }
    RATES as f32
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
