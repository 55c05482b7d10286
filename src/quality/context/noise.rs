//! The noise: its level, colour and steadiness, and the speech above it.

use super::regression::quadratic;
use super::window::{Window, quantile};
use super::{Context, wada};
use crate::engine::math::sum;
use crate::engine::smooth::power_to_db;

/// Edges of the bands (Hz) in which steadiness is measured: wide enough that noise is not unsteady
/// by chance.
const EDGES: [f32; 5] = [100.0, 500.0, 1500.0, 3500.0, 8000.0];

pub fn measure(window: &Window, context: &mut Context) {
    let noise = between_words(window);
    context.speech = window.talking / (window.excerpt.frames.len() as f32).max(1.0);
    context.noise_level = power_to_db(sum(&noise)).max(-120.0);
    context.tracked_snr = tracked(window);
    context.wada_snr = wada::snr(window);
    context.snr = snr(window, context);
    context.noise_tilt = tilt(window, &noise);
    context.noise_stationarity = stationarity(window);
}

/// The noise's spectrum in pauses, where no speech can leak into its estimate; where there are none,
/// everywhere.
fn between_words(window: &Window) -> Vec<f32> {
    let (pauses, bins) = (&window.excerpt.pauses, window.noise.len());
    if pauses.is_empty() {
        return window.noise.clone();
    }
    let mut noise = vec![0.0; bins];
    for &frame in pauses {
        noise.iter_mut().zip(&window.excerpt.noise[frame * bins..][..bins]).for_each(|(sum, n)| *sum += n);
    }
    noise.iter_mut().for_each(|sum| *sum /= pauses.len() as f32);
    noise
}

/// What the SNR is told from, and between which values: the two estimates, and the level of the
/// quietest 5 and 25 % of the frames and of the loudest 5 % against the mean, dB.
const TELLING: [(f32, f32); 5] = [(-10.0, 40.0), (-7.0, 40.0), (-45.0, -2.0), (-30.0, -1.0), (2.5, 9.0)];
/// What they weigh, see [`quadratic`].
const WEIGHTS: [f32; 21] = [
    22.198, 4.533, -1.568, -22.222, 4.28, 0.432, 0.397, -0.226, 7.884, -0.014, 0.783, 1.046, -1.026, -2.366, -0.826,
    -7.356, 0.242, 1.738, 3.77, 0.134, -2.05,
];

/// SNR in dB, -15..45: a quadratic function of what each fails at in a different place, fitted to
/// mixtures of read speech with noise of many sorts, hum and rooms, where it is 3 dB off in the
/// mean. The room's tail counts as speech. Traps: noise between words that comes and goes, and other
/// talkers (2 dB too high); a gate.
fn snr(window: &Window, context: &Context) -> f32 {
    let mean = power_to_db(sum(&window.total)).max(-120.0);
    let level = |share| quantile(&mut window.levels.clone(), share) - mean;
    let told = [context.tracked_snr, context.wada_snr, level(0.05), level(0.25), level(0.95)];
    quadratic(told, &TELLING, &WEIGHTS).clamp(-15.0, 45.0)
}

/// What is there against the noise's estimate, dB. Its trap is that of the estimate: sounds that
/// come and go count as speech, and a room's tail as noise.
fn tracked(window: &Window) -> f32 {
    let (total, noise) = (sum(&window.total), sum(&window.noise));
    power_to_db((total - noise).max(0.0) / noise.max(1e-14)).clamp(-20.0, 60.0)
}

/// Slope of the straight line through the density in third octaves from 100 Hz to 8 kHz or 0.45 of
/// the rate, dB per octave.
fn tilt(window: &Window, noise: &[f32]) -> f32 {
    let top = 8000f32.min(0.45 * window.excerpt.frames.rate as f32);
    let bands = (0..).map(|third| 100.0 * (third as f32 / 3.0).exp2()).take_while(|f| *f < top / 1.13);
    let points = bands.map(|f| {
        let (low, high) = (f / 1.122_46, f * 1.122_46);
        (f.log2(), power_to_db(window.between(noise, low, high) / (high - low)).max(-160.0))
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
    let mut pauses = window.excerpt.pauses.clone();
    if pauses.len() * 8 < frames.len() {
        let quiet = quantile(&mut window.levels.clone(), 0.25);
        pauses = (0..frames.len()).filter(|&f| window.levels[f] <= quiet).collect();
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
