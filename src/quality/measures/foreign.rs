use super::pair::Pair;
use crate::engine::math::exp2;
use std::f32::consts::LOG2_10;

/// Bins that are seen together: 250 Hz, within which an honest gain hardly changes.
const GROUP: usize = 8;
/// Below is rumble: 60 Hz.
const FIRST: usize = 2;
/// Power of a group below which there is nothing to compare: -80 dB.
const UNHEARD: f32 = 1e-8;

/// Energy that does not come from the input.
#[derive(Clone, Copy, Debug, Default)]
pub struct Foreign {
    /// Mean over all that can be heard.
    pub energy: f32,
    /// The worst 250 Hz, where only what became louder than the speech did counts: a tone that was added.
    pub tone: f32,
}

/// Foreign energy, 0..1: how little the fine structure of the output's spectrum has in common with
/// that of the input. In groups of neighbouring bins of each frame, 1 minus the squared cosine
/// between the magnitudes: any gain, equaliser or broad mask leaves it near 0, noise and tones that
/// the input has not bring it to 0.2 or more, even if they come and go. Trap: gains that differ from
/// bin to bin (musical noise, comb filters, notches) count too, and so does an output that is not
/// aligned with the input.
pub fn foreign(pair: &Pair) -> Foreign {
    let excerpt = pair.excerpt;
    let last = ((8000.0 / excerpt.frames.hertz()) as usize).clamp(FIRST, excerpt.frames.bins);
    let mut groups = vec![[0.0f32; 3]; (last - FIRST) / GROUP];
    for ((input, output), level) in excerpt.frames.spectra().zip(pair.output.spectra()).zip(&pair.levels) {
        let risen = exp2((level + 1.0) / 10.0 * LOG2_10);
        let (input, output) = (input[FIRST..last].as_chunks::<GROUP>().0, output[FIRST..last].as_chunks::<GROUP>().0);
        for ((input, output), [sum, louder, count]) in input.iter().zip(output).zip(&mut groups) {
            let (mut both, mut before, mut after) = (0.0f32, 0.0f32, 0.0f32);
            for i in 0..GROUP {
                both += (input[i] * output[i]).sqrt();
                before += input[i];
                after += output[i];
            }
            let heard = f32::from(u8::from(before.min(after) > UNHEARD));
            let foreign = heard * (1.0 - both * both / (before * after).max(1e-20));
            *sum += foreign;
            *louder += if after > risen * before { foreign } else { 0.0 };
            *count += heard;
        }
    }
    let (sum, heard) = groups.iter().fold((0.0, 0.0), |(sum, n), group| (sum + group[0], n + group[2]));
    let enough = pair.gain.len() as f32 * 0.2;
    let means = groups.iter().filter(|[_, _, count]| *count > enough).map(|[_, louder, count]| louder / count);
    Foreign { energy: sum / f32::max(heard, 1.0), tone: means.fold(0.0, f32::max) }
}
