//! What happened to the speech.

use super::noise::change;
use super::pair::{CLEAR, Pair};

/// Speech attenuation, dB: how much more the weaker places of speech (6 to 15 dB over the noise)
/// went down than the speech as a whole. 0 for any gain or leveler. Trap: a tone control that
/// turns down what is weak counts as well.
pub fn attenuation(pair: &Pair) -> f32 {
    let weak = CLEAR..31.6;
    let gain = |f: usize, b: usize| {
        let weight = pair.excerpt.heard[f][b] * f32::from(u8::from(weak.contains(&pair.excerpt.snr[f][b])));
        (pair.gain[f][b].max(pair.level - 40.0), weight)
    };
    pair.mean(pair.excerpt.speaking.iter().copied(), gain).map_or(0.0, |gain| pair.level - gain)
}

/// Gain fluctuation, dB a frame: mean absolute change of each band's gain in time, everywhere.
/// The lower, the more natural. Trap: least when nothing is done.
pub fn gain_fluctuation(pair: &Pair) -> f32 {
    pair.mean(1..pair.gain.len().max(1), |f, b| change(pair, f, b)).unwrap_or(0.0)
}

/// Speech duty lost: share of the frames that speak whose level fell by 12 dB more than usual
/// (from 6 dB on it counts in part): words swallowed. Trap: a leveler that turns one of two voices
/// down.
pub fn lost(pair: &Pair) -> f32 {
    share(pair.speech_gain.iter().map(|gain| pair.level - gain))
}

/// Onsets lost: the same of the first 80 ms after each pause alone. Trap: a noise that rises just
/// before the word is an onset too.
pub fn onsets_lost(pair: &Pair) -> f32 {
    let speech = &pair.excerpt.speech;
    let starts = |f: usize| f >= 1 && speech[f.saturating_sub(6)..f].iter().any(|&p| p < 0.3);
    let frames = pair.excerpt.speaking.iter().zip(&pair.speech_gain).filter(|(f, _)| starts(**f));
    share(frames.map(|(_, gain)| pair.level - gain))
}

/// The share of losses around 12 dB or more; below 6 dB none.
fn share(losses: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) =
        losses.fold((0.0, 0.0f32), |(sum, n), loss| (sum + ((loss - 6.0) / 12.0).clamp(0.0, 1.0), n + 1.0));
    sum / count.max(1.0)
}

/// Tail attenuation, dB: how much further than the speech the sound went down in places that
/// decay: above the noise, and 8 dB or more below the loudest of the last 200 ms. Dereverberation
/// shows here. Trap: soft endings of words decay too.
pub fn tail_attenuation(pair: &Pair) -> f32 {
    let (excerpt, past) = (pair.excerpt, (0.2 / pair.excerpt.frames.seconds()) as usize);
    let gain = |f: usize, b: usize| {
        let before = excerpt.levels[f - past..f].iter().fold(-120.0f32, |loudest, bands| loudest.max(bands[b]));
        let decays = excerpt.snr[f][b] > 1.0 && before - excerpt.levels[f][b] > 8.0;
        (pair.gain[f][b].max(pair.level - 40.0), excerpt.heard[f][b] * f32::from(u8::from(decays)))
    };
    pair.mean(past..pair.gain.len().max(past), gain).map_or(0.0, |gain| pair.level - gain)
}
