use crate::quality::LOW_BANDS;
use crate::quality::weights::{Dense, Tensors, WeightsError};

/// Distances (frames) between the taps of each block's convolution.
const DILATIONS: [usize; 8] = [1, 2, 4, 8, 16, 32, 1, 2];
/// Taps of each convolution.
const TAPS: usize = 5;

/// Residual blocks of a dilated depthwise convolution over time and two pointwise layers, as in
/// Luo & Mesgarani, "Conv-TasNet", IEEE/ACM TASLP 27(8), 2019, on band levels and without norms.
pub struct Network {
    input: Dense,
    statistics: Dense,
    blocks: Vec<Block>,
    median: Dense,
    scale: Dense,
    voice: Dense,
}

struct Block {
    taps: Vec<f32>,
    up: Dense,
    down: Dense,
}

/// What the network says, frame by frame; levels in units of 10 dB.
pub struct Output {
    pub median: Vec<[f32; LOW_BANDS]>,
    pub scale: Vec<[f32; LOW_BANDS]>,
    pub speech: Vec<f32>,
}

impl Network {
    pub fn load(tensors: &Tensors) -> Result<Network, WeightsError> {
        let block = |i: usize| -> Result<Block, WeightsError> {
            let taps = tensors.floats(&format!("reference.blocks.{i}.taps"))?;
            let up = tensors.dense(&format!("reference.blocks.{i}.up"))?;
            let down = tensors.dense(&format!("reference.blocks.{i}.down"))?;
            Ok(Block { taps, up, down })
        };
        Ok(Network {
            input: tensors.dense("reference.in")?,
            statistics: tensors.dense("reference.statistics")?,
            blocks: (0..DILATIONS.len()).map(block).collect::<Result<_, _>>()?,
            median: tensors.dense("reference.median")?,
            scale: tensors.dense("reference.scale")?,
            voice: tensors.dense("reference.voice")?,
        })
    }

    /// For the levels of a recording, frame by frame, in units of 10 dB.
    pub fn run(&self, input: &[[f32; LOW_BANDS]]) -> Output {
        let (frames, width) = (input.len(), self.input.outputs());
        let mut condition = vec![0.0; width];
        self.statistics.apply(&statistics(input), &mut condition);
        let mut hidden = vec![0.0; frames * width];
        for (hidden, input) in hidden.chunks_exact_mut(width).zip(input) {
            self.input.apply(input, hidden);
            hidden.iter_mut().zip(&condition).for_each(|(h, c)| *h += c);
        }
        let mut tapped = vec![0.0; width];
        let mut wide = vec![0.0; self.blocks.first().map_or(0, |block| block.up.outputs())];
        let mut narrow = vec![0.0; width];
        let mut next = hidden.clone();
        for (block, dilation) in self.blocks.iter().zip(DILATIONS) {
            for (frame, out) in next.chunks_exact_mut(width).enumerate() {
                tapped.fill(0.0);
                for (tap, weights) in block.taps.chunks_exact(width).enumerate() {
                    let at = (frame + tap * dilation).checked_sub(TAPS / 2 * dilation).filter(|&at| at < frames);
                    let Some(at) = at else { continue };
                    for ((t, w), h) in tapped.iter_mut().zip(weights).zip(&hidden[at * width..][..width]) {
                        *t += w * h;
                    }
                }
                block.up.apply(&tapped, &mut wide);
                wide.iter_mut().for_each(|w| *w = w.max(0.0));
                block.down.apply(&wide, &mut narrow);
                for ((out, h), n) in out.iter_mut().zip(&hidden[frame * width..][..width]).zip(&narrow) {
                    *out = h + n;
                }
            }
            std::mem::swap(&mut hidden, &mut next);
        }
        let mut output = Output { median: input.to_vec(), scale: vec![[0.0; LOW_BANDS]; frames], speech: Vec::new() };
        for (frame, hidden) in hidden.chunks_exact(width).enumerate() {
            let mut change = [0.0; LOW_BANDS];
            self.median.apply(hidden, &mut change);
            output.median[frame].iter_mut().zip(change).for_each(|(m, c)| *m += c);
            let scale = &mut output.scale[frame];
            self.scale.apply(hidden, scale);
            scale.iter_mut().for_each(|s| *s = 0.05 + (*s - 1.0).exp().ln_1p());
            let mut voice = [0.0];
            self.voice.apply(hidden, &mut voice);
            output.speech.push(1.0 / (1.0 + (-voice[0]).exp()));
        }
        output
    }
}

/// Of each band over time: mean, and the levels below which a tenth and nine tenths lie.
fn statistics(input: &[[f32; LOW_BANDS]]) -> [f32; 3 * LOW_BANDS] {
    let mut statistics = [0.0; 3 * LOW_BANDS];
    let Some(last) = input.len().checked_sub(1) else { return statistics };
    let mut levels = Vec::with_capacity(input.len());
    for band in 0..LOW_BANDS {
        levels.clear();
        levels.extend(input.iter().map(|bands| bands[band]));
        levels.sort_by(f32::total_cmp);
        statistics[band] = levels.iter().sum::<f32>() / levels.len() as f32;
        statistics[LOW_BANDS + band] = levels[last / 10];
        statistics[2 * LOW_BANDS + band] = levels[last - last / 10];
    }
    statistics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_weights_run_as_in_training() {
        let tensors = Tensors::read(include_bytes!("../../../assets/score/pseudo-reference.safetensors")).unwrap();
        let rows =
            |name: &str| -> Vec<[f32; LOW_BANDS]> { tensors.floats(name).unwrap().as_chunks::<LOW_BANDS>().0.to_vec() };
        let output = Network::load(&tensors).unwrap().run(&rows("example.input"));
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3);
        assert!(near(output.median.as_flattened(), rows("example.median").as_flattened()));
        assert!(near(output.scale.as_flattened(), rows("example.scale").as_flattened()));
        assert!(near(&output.speech, &tensors.floats("example.voice").unwrap()));
    }
}
