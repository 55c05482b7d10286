//! What happened to the speech.

use super::noise::change;
use super::pair::{CLEAR, Pair, median};
use crate::quality::frames::decibels;

/// Speech attenuation, dB: how much more the weaker places of speech (6 to 15 dB over the noise)
/// went down than the speech as a whole. 0 for any gain or leveler. Trap: a tone control that
/// turns down what is weak counts as well.
pub fn attenuation(pair: &Pair) -> f32 {
    let weak = CLEAR..31.6;
    let gain = |f: usize, b: usize| {
        let weight = pair.excerpt.heard[f][b] * f32::from(u8::from(weak.contains(&pair.excerpt.snr[f][b])));
        (pair.relative(f, b), weight)
    };
    pair.mean(pair.excerpt.speaking.iter().copied(), gain).map_or(0.0, |gain| -gain)
}

/// Gain fluctuation, dB a frame: mean absolute change of each band's gain in time, everywhere.
/// The lower, the more natural. Trap: least when nothing is done.
pub fn gain_fluctuation(pair: &Pair) -> f32 {
    pair.mean(1..pair.gain.len().max(1), |f, b| change(pair, f, b)).unwrap_or(0.0)
}

/// Speech duty lost: share of the frames that speak whose level fell by 12 dB more than usual, and
/// is now 12 dB below the usual (from 6 dB on it counts in part): words swallowed, but no loud voice
/// that was turned down to the others. Trap: breaths that count as speech.
pub fn lost(pair: &Pair) -> f32 {
    share(&losses(pair))
}

/// Frame by frame that speaks: how far it was lost, dB.
fn losses(pair: &Pair) -> Vec<f32> {
    let level = |&f: &usize| decibels(pair.output.bands[f].iter().sum());
    let levels: Vec<f32> = pair.excerpt.speaking.iter().map(level).collect();
    let usual = median(levels.clone());
    let loss = |(gain, level): (&f32, &f32)| (pair.level - gain).min(usual - level);
    pair.speech_gain.iter().zip(&levels).map(loss).collect()
}

/// Share of the frames that speak which are silent now: 40 dB down, and below -60 dB.
pub fn silenced(pair: &Pair) -> f32 {
    let silent = |(f, gain): &(&usize, &f32)| **gain < -40.0 && pair.output.bands[**f].iter().sum::<f32>() < 1e-6;
    let count = pair.excerpt.speaking.iter().zip(&pair.speech_gain).filter(silent).count();
    count as f32 / pair.excerpt.speaking.len().max(1) as f32
}

/// Onsets lost: the same of the first 80 ms after each pause alone. Trap: a noise that rises just
/// before the word is an onset too.
pub fn onsets_lost(pair: &Pair) -> f32 {
    let speech = &pair.excerpt.speech;
    let starts = |f: usize| f >= 1 && speech[f.saturating_sub(6)..f].iter().any(|&p| p < 0.3);
    let losses = pair.excerpt.speaking.iter().zip(losses(pair)).filter(|(f, _)| starts(**f));
    share(&losses.map(|(_, loss)| loss).collect::<Vec<_>>())
}

/// The share of losses around 12 dB or more; below 6 dB none.
fn share(losses: &[f32]) -> f32 {
    let sum: f32 = losses.iter().map(|loss| ((loss - 6.0) / 12.0).clamp(0.0, 1.0)).sum();
    sum / losses.len().max(1) as f32
}

/// Tail attenuation, dB: how much further than the speech the sound went down in places that
/// decay: above the noise, and 8 dB or more below the loudest of the last 200 ms. Dereverberation
/// shows here. Trap: soft endings of words decay too.
pub fn tail_attenuation(pair: &Pair) -> f32 {
    let (excerpt, past) = (pair.excerpt, (0.2 / pair.excerpt.frames.seconds()) as usize);
    let gain = |f: usize, b: usize| {
        let before = excerpt.levels[f - past..f].iter().fold(-120.0f32, |loudest, bands| loudest.max(bands[b]));
        let decays = excerpt.snr[f][b] > 1.0 && before - excerpt.levels[f][b] > 8.0;
        (pair.relative(f, b), excerpt.heard[f][b] * f32::from(u8::from(decays)))
    };
    pair.mean(past..pair.gain.len().max(past), gain).map_or(0.0, |gain| -gain)
}
