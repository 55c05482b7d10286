//! The voice: its pitch and its hisses.

use super::Context;
use super::window::{Window, quantile};
use crate::engine::math::sum;
use crate::engine::smooth::power_to_db;

/// Pitches that are looked for, Hz.
const LOWEST: f32 = 60.0;
const HIGHEST: f32 = 400.0;
/// The rate at which they are, roughly, Hz.
const RATE: f32 = 8000.0;
/// Length of what is compared with its past, s.
const LENGTH: f32 = 0.03;
/// Below this correlation there is no pitch.
const VOICED: f32 = 0.7;
/// A shorter period is taken if its correlation is so near the best.
const OCTAVE: f32 = 0.94;

pub fn measure(window: &Window, context: &mut Context) {
    if !window.has_speech() {
        return;
    }
    let mut pitches = pitches(window);
    if pitches.len() >= 5 {
        context.pitch = quantile(&mut pitches, 0.5);
        context.pitch_low = quantile(&mut pitches, 0.1);
        context.pitch_high = quantile(&mut pitches, 0.9);
    }
    context.sibilance = sibilance(window);
}

/// The pitch in every third frame that is surely speech and voiced, by normalised correlation.
fn pitches(window: &Window) -> Vec<f32> {
    let frames = &window.excerpt.frames;
    let factor = ((frames.rate as f32 / RATE) as usize).max(1);
    let rate = frames.rate as f32 / factor as f32;
    // Sums of neighbours are a poor low-pass, but speech has little to fold down.
    let low: Vec<f32> = window.mono.chunks_exact(factor).map(|few| few.iter().sum()).collect();
    let (length, longest) = ((LENGTH * rate) as usize, (rate / LOWEST) as usize + 1);
    let speech = (0..frames.len()).step_by(3).filter(|&f| window.excerpt.speech[f] > 0.8);
    let parts = speech.filter_map(|f| {
        let start = (f * frames.hop / factor).saturating_sub((longest - frames.hop.min(longest)) / 2);
        low.get(start..start + length + longest)
    });
    parts.filter_map(|part| pitch(part, length, rate)).collect()
}

/// The pitch of a part, of which the last `length` samples are compared with those before.
fn pitch(part: &[f32], length: usize, rate: f32) -> Option<f32> {
    let longest = part.len() - length;
    let now = &part[longest..];
    let energy = dot(now, now);
    let shortest = (rate / HIGHEST) as usize;
    let mut then = dot(&part[longest - shortest..][..length], &part[longest - shortest..][..length]);
    let mut correlation = Vec::with_capacity(longest);
    for lag in shortest..=longest {
        let old = &part[longest - lag..][..length];
        correlation.push(dot(now, old) / (energy * then).sqrt().max(1e-12));
        if lag < longest {
            then += part[longest - lag - 1].powi(2) - part[longest - lag - 1 + length].powi(2);
        }
    }
    let best = correlation.iter().copied().fold(0.0, f32::max);
    if best < VOICED {
        return None;
    }
    let peak = (1..correlation.len() - 1).find(|&i| {
        let c = &correlation[i - 1..=i + 1];
        c[1] >= OCTAVE * best && c[1] >= c[0] && c[1] >= c[2]
    })?;
    let [a, b, c] = [correlation[peak - 1], correlation[peak], correlation[peak + 1]];
    let bend = a - 2.0 * b + c;
    let shift = if bend < 0.0 { 0.5 * (a - c) / bend } else { 0.0 };
    Some(rate / ((shortest + peak) as f32 + shift))
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0; 8];
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for i in 0..8 {
            lanes[i] += a[i] * b[i];
        }
    }
    lanes.iter().sum::<f32>() + rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum::<f32>()
}

/// Level at 5..10 kHz that a twentieth of the frames of speech exceed, less the level of speech, dB.
/// The noise's share is left out.
fn sibilance(window: &Window) -> f32 {
    let frames = &window.excerpt.frames;
    let noise = window.between(&window.under_speech, 5000.0, 10_000.0);
    let speech = (0..frames.len()).filter(|&f| window.excerpt.speech[f] > 0.5);
    let high = |f| (window.between(frames.spectrum(f), 5000.0, 10_000.0) - noise).max(0.0);
    let mut hisses: Vec<f32> = speech.map(high).collect();
    let level = sum(&window.clean());
    power_to_db(quantile(&mut hisses, 0.95) / level.max(1e-14)).clamp(-60.0, 20.0)
}
