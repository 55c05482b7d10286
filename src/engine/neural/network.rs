//! RNNoise's recurrent network: features to gains and voice.

use super::bands::BANDS;
use std::sync::OnceLock;

/// Features of one frame.
pub(super) const FEATURES: usize = 42;
const DENSE: usize = 24;
const VOICE: usize = 24;
const NOISE: usize = 48;
const DENOISE: usize = 96;
/// Outputs that are summed in one pass, in registers. Divides the size of every layer.
const TILE: usize = 24;

/// A network with its state; the weights are shared by all.
#[derive(Clone)]
pub(super) struct Network {
    model: &'static Model,
    voice: [f32; VOICE],
    noise: [f32; NOISE],
    denoise: [f32; DENOISE],
}

impl Network {
    pub fn new() -> Network {
        static MODEL: OnceLock<Model> = OnceLock::new();
        Network {
            model: MODEL.get_or_init(Model::load),
            voice: [0.0; VOICE],
            noise: [0.0; NOISE],
            denoise: [0.0; DENOISE],
        }
    }

    pub fn reset(&mut self) {
        self.voice.fill(0.0);
        self.noise.fill(0.0);
        self.denoise.fill(0.0);
    }

    /// Gains of the bands and the probability of voice, all 0..1.
    pub fn run(&mut self, features: &[f32; FEATURES]) -> ([f32; BANDS], f32) {
        let model = self.model;
        let mut dense = [0.0; DENSE];
        model.dense.run(features, &mut dense);
        dense.iter_mut().for_each(|x| *x = model.tanh(*x));
        model.voice_gru.run(model, &dense, &mut self.voice);

        let mut input = [0.0; DENSE + VOICE + FEATURES];
        input[..DENSE].copy_from_slice(&dense);
        input[DENSE..DENSE + VOICE].copy_from_slice(&self.voice);
        input[DENSE + VOICE..].copy_from_slice(features);
        model.noise_gru.run(model, &input, &mut self.noise);

        let mut input = [0.0; VOICE + NOISE + FEATURES];
        input[..VOICE].copy_from_slice(&self.voice);
        input[VOICE..VOICE + NOISE].copy_from_slice(&self.noise);
        input[VOICE + NOISE..].copy_from_slice(features);
        model.denoise_gru.run(model, &input, &mut self.denoise);

        let (mut gains, mut voice) = ([0.0; TILE], [0.0; TILE]);
        model.gains.run(&self.denoise, &mut gains);
        model.voice.run(&self.voice, &mut voice);
        (std::array::from_fn(|band| model.sigmoid(gains[band])), model.sigmoid(voice[0]))
    }
}

struct Model {
    dense: Dense,
    voice_gru: Gru<VOICE>,
    noise_gru: Gru<NOISE>,
    denoise_gru: Gru<DENOISE>,
    gains: Dense,
    voice: Dense,
    /// tanh in steps of 1/25, to six decimals as in the reference.
    tanh: [f32; 201],
}

impl Model {
    fn load() -> Model {
        let mut file: &[u8] = include_bytes!("../../../assets/models/rnnoise.rnn");
        Model {
            dense: Dense::read(&mut file, FEATURES, DENSE),
            voice_gru: Gru::read(&mut file, DENSE),
            noise_gru: Gru::read(&mut file, DENSE + VOICE + FEATURES),
            denoise_gru: Gru::read(&mut file, VOICE + NOISE + FEATURES),
            gains: Dense::read(&mut file, DENOISE, BANDS),
            voice: Dense::read(&mut file, VOICE, 1),
            tanh: std::array::from_fn(|i| ((1e6 * (0.04 * i as f64).tanh()).round() / 1e6) as f32),
        }
    }

    /// Interpolates the table by the derivative of tanh, 1 - tanh².
    fn tanh(&self, x: f32) -> f32 {
        let size = x.abs().min(7.99);
        let i = (0.5 + 25.0 * size) as usize;
        let (y, dx) = (self.tanh[i.min(200)], size - 0.04 * i as f32);
        (y + dx * (1.0 - y * y) * (1.0 - y * dx)).copysign(x)
    }

    fn sigmoid(&self, x: f32) -> f32 {
        0.5 + 0.5 * self.tanh(0.5 * x)
    }
}

struct Dense {
    weights: Matrix,
    bias: Vec<f32>,
}

impl Dense {
    fn read(file: &mut &[u8], inputs: usize, outputs: usize) -> Dense {
        skip_header(file, inputs, outputs);
        let weights = read(file, inputs * outputs);
        let mut bias = read(file, outputs);
        bias.resize(outputs.next_multiple_of(TILE), 0.0);
        Dense { weights: Matrix::new(&weights, outputs, 0, outputs), bias }
    }

    fn run(&self, input: &[f32], output: &mut [f32; TILE]) {
        output.copy_from_slice(&self.bias);
        self.weights.add(input, output);
    }
}

/// A gated recurrent unit with ReLU as the activation of its candidate.
struct Gru<const N: usize> {
    /// Columns for update, reset and candidate.
    input: Matrix,
    /// Columns for update and reset.
    gates: Matrix,
    candidate: Matrix,
    bias: Vec<f32>,
}

impl<const N: usize> Gru<N> {
    fn read(file: &mut &[u8], inputs: usize) -> Gru<N> {
        skip_header(file, inputs, N);
        let input = read(file, inputs * 3 * N);
        let recurrent = read(file, N * 3 * N);
        Gru {
            input: Matrix::new(&input, 3 * N, 0, 3 * N),
            gates: Matrix::new(&recurrent, 3 * N, 0, 2 * N),
            candidate: Matrix::new(&recurrent, 3 * N, 2 * N, N),
            bias: read(file, 3 * N),
        }
    }

    fn run(&self, model: &Model, input: &[f32], state: &mut [f32; N]) {
        let mut sums = [0.0; 3 * DENOISE];
        let sums = &mut sums[..3 * N];
        sums.copy_from_slice(&self.bias);
        self.input.add(input, sums);
        let (gates, candidate) = sums.split_at_mut(2 * N);
        self.gates.add(state, gates);
        gates.iter_mut().for_each(|x| *x = model.sigmoid(*x));
        let (update, reset) = gates.split_at_mut(N);
        for (reset, state) in reset.iter_mut().zip(&*state) {
            *reset *= state;
        }
        self.candidate.add(reset, candidate);
        for ((state, update), candidate) in state.iter_mut().zip(update).zip(candidate) {
            let next = *update * *state + (1.0 - *update) * candidate.max(0.0);
            // Decays to nothing without denormals; the bound is far above any sound's state.
            *state = if next > 1e-12 { next.min(1e4) } else { 0.0 };
        }
    }
}

/// A matrix cut into tiles of outputs; in each, the weights of all outputs lie together, input by
/// input.
struct Matrix {
    inputs: usize,
    tiles: Vec<f32>,
}

impl Matrix {
    /// From `count` columns, from `first` on, of weights in rows of `stride`.
    fn new(weights: &[f32], stride: usize, first: usize, count: usize) -> Matrix {
        let mut tiles = Vec::new();
        for tile in (first..first + count).step_by(TILE) {
            for row in weights.chunks_exact(stride) {
                let columns = tile..tile + TILE;
                tiles.extend(columns.map(|c| if c < first + count { row[c] } else { 0.0 }));
            }
        }
        Matrix { inputs: weights.len() / stride, tiles }
    }

    /// Adds the product with `input` to `output`.
    fn add(&self, input: &[f32], output: &mut [f32]) {
        let tiles = self.tiles.chunks_exact(TILE * self.inputs);
        for (tile, output) in tiles.zip(output.chunks_exact_mut(TILE)) {
            let mut sums = [0.0; TILE];
            sums.copy_from_slice(output);
            for (weights, x) in tile.chunks_exact(TILE).zip(input) {
                for (sum, weight) in sums.iter_mut().zip(weights) {
                    *sum += weight * x;
                }
            }
            output.copy_from_slice(&sums);
        }
    }
}

/// Layers start with their size and an activation, which is fixed here.
fn skip_header(file: &mut &[u8], inputs: usize, outputs: usize) {
    let (header, rest) = file.split_at(3);
    assert_eq!(header[..2], [inputs as u8, outputs as u8], "the model has other layers");
    *file = rest;
}

/// Takes weights from the file, in units of 1/256.
fn read(file: &mut &[u8], count: usize) -> Vec<f32> {
    let (bytes, rest) = file.split_at(count);
    *file = rest;
    bytes.iter().map(|&b| f32::from(b as i8) / 256.0).collect()
}
