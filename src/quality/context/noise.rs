//! The noise: its level, colour and steadiness, and the speech above it.

use super::window::Window;
use super::{Context, wada};
use crate::engine::math::sum;
use crate::engine::smooth::power_to_db;

/// Edges of the bands (Hz) in which steadiness is measured: wide enough that noise is not unsteady
/// by chance.
const EDGES: [f32; 5] = [100.0, 500.0, 1500.0, 3500.0, 8000.0];

pub fn measure(window: &Window, context: &mut Context) {
    let noise = sum(&window.noise);
    context.speech = window.talking / (window.excerpt.frames.len() as f32).max(1.0);
    context.noise_level = power_to_db(noise).max(-120.0);
    context.snr = snr(window);
    context.wada_snr = wada::snr(window);
    context.noise_tilt = tilt(window);
    context.noise_stationarity = stationarity(window);
}

/// What is there against the noise's estimate. Its trap is that of the estimate: sounds that come
/// and go count as speech.
fn snr(window: &Window) -> f32 {
    let (total, noise) = (sum(&window.total), sum(&window.noise));
    power_to_db((total - noise).max(0.0) / noise.max(1e-14)).clamp(-20.0, 60.0)
}

/// Slope of the straight line through the density in third octaves from 100 Hz to 8 kHz or 0.45 of
/// the rate, dB per octave.
fn tilt(window: &Window) -> f32 {
    let top = 8000f32.min(0.45 * window.excerpt.frames.rate as f32);
    let bands = (0..).map(|third| 100.0 * (third as f32 / 3.0).exp2()).take_while(|f| *f < top / 1.13);
    let points = bands.map(|f| {
        let (low, high) = (f / 1.122_46, f * 1.122_46);
        (f.log2(), power_to_db(window.between(&window.noise, low, high) / (high - low)).max(-160.0))
    });
    slope(&points.collect::<Vec<_>>())
}

/// Slope of the straight line through points, by least squares.
pub fn slope(points: &[(f32, f32)]) -> f32 {
    let n = points.len() as f32;
    let mean = |of: fn(&(f32, f32)) -> f32| points.iter().map(of).sum::<f32>() / n;
    let (x0, y0) = (mean(|p| p.0), mean(|p| p.1));
    let (up, across) =
        points.iter().fold((0.0, 0.0), |(up, across), (x, y)| (up + (x - x0) * (y - y0), across + (x - x0).powi(2)));
    if across > 0.0 { up / across } else { 0.0 }
}

/// Geometric against arithmetic mean over the pauses of the power in four bands, averaged: 1 if it
/// never changes. Where there are no pauses, the quietest quarter counts as such.
fn stationarity(window: &Window) -> f32 {
    let frames = &window.excerpt.frames;
    let levels = window.levels();
    let quiet = super::window::quantile(&mut levels.clone(), 0.25);
    let talk = &window.excerpt.speech;
    let mut pauses: Vec<usize> = (0..frames.len()).filter(|&f| talk[f] < 0.2).collect();
    if pauses.len() * 5 < frames.len() {
        pauses = (0..frames.len()).filter(|&f| levels[f] <= quiet).collect();
    }
    let n = (pauses.len() as f32).max(1.0);
    let flatness = |edges: &[f32]| {
        let powers = pauses.iter().map(|&f| window.between(frames.spectrum(f), edges[0], edges[1]) + 1e-12);
        let (sum, logs) = powers.fold((0.0, 0.0), |(sum, logs), p| (sum + p, logs + p.ln()));
        (logs / n).exp() / (sum / n).max(1e-12)
    };
    if pauses.is_empty() {
        return 0.0;
    }
    let used: Vec<f32> = EDGES.windows(2).filter(|e| e[1] <= 0.5 * frames.rate as f32).map(flatness).collect();
    (used.iter().sum::<f32>() / used.len() as f32).min(1.0)
}
