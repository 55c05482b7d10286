//! The pseudo-reference: what the clean speech under a recording would have been.

mod network;

use super::{Frames, LOW_BANDS};
pub(super) use network::Network;

/// Levels are told apart this far below and above the power of the recording, in units of 10 dB.
const RANGE: (f32, f32) = (-7.0, 2.0);

/// An estimate of the clean speech, in the levels of its bands.
///
/// A small network of dilated convolutions sees about two seconds to both sides of each frame, so it
/// knows more than any candidate that has to work without delay, and it was trained to take away
/// noise, rooms, hum and microphones alike (`xtask/ears/reference.py`). It hears no absolute levels.
/// Its trap: it is unsure, and says so, where noise covers the speech.
#[derive(Clone, Debug)]
pub struct PseudoReference {
    /// Frame by frame: the likely level of the clean speech in the bands below 8 kHz, dB.
    pub level: Vec<[f32; LOW_BANDS]>,
    /// Mean absolute error that is to be expected of each level, dB.
    pub scale: Vec<[f32; LOW_BANDS]>,
    /// Frame by frame: probability that there is speech, 0..1.
    pub speech: Vec<f32>,
}

impl PseudoReference {
    pub(super) fn new(network: &Network, frames: &Frames) -> PseudoReference {
        let levels = frames.levels();
        let total: f32 = frames.bands.iter().flat_map(|bands| &bands[..LOW_BANDS]).sum();
        let zero = super::frames::decibels(total / frames.len().max(1) as f32);
        let mut input = vec![[0.0; LOW_BANDS]; levels.len()];
        for (input, levels) in input.iter_mut().zip(&levels) {
            for (input, level) in input.iter_mut().zip(levels) {
                *input = ((level - zero) / 10.0).clamp(RANGE.0, RANGE.1);
            }
        }
        let output = network.run(&input);
        PseudoReference {
            level: output.median.iter().map(|bands| bands.map(|m| zero + 10.0 * m)).collect(),
            scale: output.scale.iter().map(|bands| bands.map(|s| 10.0 * s)).collect(),
            speech: output.speech,
        }
    }
}
