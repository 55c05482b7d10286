//! Peaks: how high they are, and whether they were cut off.

use super::Context;
use super::window::Window;
use crate::engine::math::sum;
use crate::engine::smooth::gain_to_db;

/// Samples within this share of the extreme may be a flat top.
const FLAT: f32 = 0.012;
/// Beside a flat top the signal is this share of the extreme lower: it arrives with a corner.
const CORNER: f32 = 0.03;
/// Shorter tops (s) may be natural.
const SHORTEST: f32 = 60e-6;
/// Extremes below this are of too few steps of quantisation to tell.
const FAINTEST: f32 = 0.003;
/// So many tops or none: a single one is chance.
const SEVERAL: usize = 3;

pub fn measure(window: &Window, context: &mut Context) {
    context.clipping = clipping(window);
    let (low, high) = extremes(&window.mono);
    let peak = high.max(-low);
    let power = sum(&window.total);
    context.crest = if power > 1e-12 { gain_to_db(peak / power.sqrt()).clamp(0.0, 60.0) } else { 0.0 };
}

/// Share of the samples in runs near the highest or lowest value of the window that begin or end
/// with a corner, as a clipped wave does and a round one does not; whatever the level of clipping,
/// and each side of zero for itself. The worst channel counts.
fn clipping(window: &Window) -> f32 {
    let rate = window.excerpt.frames.rate as f32;
    let share = |channel: &&[f32]| {
        let (low, high) = extremes(channel);
        let flat = flat(channel, high, 1.0, rate) + flat(channel, -low, -1.0, rate);
        flat as f32 / channel.len().max(1) as f32
    };
    window.channels.iter().map(share).fold(0.0, f32::max)
}

/// The lowest and the highest sample, or 0.
fn extremes(samples: &[f32]) -> (f32, f32) {
    let (mut low, mut high) = ([0f32; 8], [0f32; 8]);
    let (eights, rest) = samples.as_chunks::<8>();
    for eight in eights {
        for ((low, high), &x) in low.iter_mut().zip(&mut high).zip(eight) {
            *low = if x < *low { x } else { *low };
            *high = if x > *high { x } else { *high };
        }
    }
    rest.iter().chain(&low).chain(&high).fold((0.0, 0.0), |(low, high), &x| (x.min(low), x.max(high)))
}

/// Samples in flat tops at `extreme`, for the samples times `sign`.
fn flat(samples: &[f32], extreme: f32, sign: f32, rate: f32) -> usize {
    if extreme < FAINTEST {
        return 0;
    }
    let near = (1.0 - FLAT) * extreme;
    let beside = (rate / 16_000.0).round().max(1.0) as usize;
    let shortest = ((SHORTEST * rate).round() as usize).max(2);
    let (mut tops, mut count) = (0, 0);
    let mut run = 0;
    for (start, chunk) in samples.chunks(64).enumerate().map(|(i, chunk)| (64 * i, chunk)) {
        // Most of the signal is far from its extremes.
        if run == 0 && chunk.iter().all(|x| x * sign < near) {
            continue;
        }
        for (i, x) in (start..).zip(chunk) {
            if x * sign >= near {
                run += 1;
                continue;
            }
            let at = |i: Option<usize>| i.and_then(|i| samples.get(i)).map_or(0.0, |x| x * sign);
            let corner = |i| at(i) < (1.0 - FLAT - CORNER) * extreme;
            if run >= shortest && corner((i - run).checked_sub(beside)) && corner(Some(i + beside - 1)) {
                tops += 1;
                count += run;
            }
            run = 0;
        }
    }
    if tops >= SEVERAL { count } else { 0 }
}
