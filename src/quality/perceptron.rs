use super::weights::{Dense, Tensors, WeightsError};

/// A small network of dense layers with SiLU between them.
pub(crate) struct Perceptron(Vec<Dense>);

impl Perceptron {
    /// The layers `name.0`, `name.1` and so on, from so many inputs to so many outputs.
    pub fn load(tensors: &Tensors, name: &str, inputs: usize, outputs: usize) -> Result<Perceptron, WeightsError> {
        let layers: Vec<Dense> = (0..).map_while(|layer| tensors.dense(&format!("{name}.{layer}")).ok()).collect();
        let wanted = [inputs].into_iter().chain(layers.iter().map(Dense::outputs));
        let whole = layers.iter().map(Dense::inputs).eq(wanted.take(layers.len()));
        match whole && layers.last().is_some_and(|last| last.outputs() == outputs) {
            true => Ok(Perceptron(layers)),
            false => Err(WeightsError::shape(name)),
        }
    }

    /// What it says of these inputs.
    pub fn run(&self, inputs: &[f32]) -> Vec<f32> {
        let mut x = inputs.to_vec();
        for (index, layer) in self.0.iter().enumerate() {
            let mut y = vec![0.0; layer.outputs()];
            layer.apply(&x, &mut y);
            if index + 1 < self.0.len() {
                y.iter_mut().for_each(|y| *y /= 1.0 + (-*y).exp());
            }
            x = y;
        }
        x
    }
}

/// Inputs are limited to so many spreads.
const LIMIT: f32 = 4.0;

/// Centre and spread of each input of a network.
pub(crate) struct Scale {
    centre: Vec<f32>,
    spread: Vec<f32>,
}

impl Scale {
    /// `name.centre` and `name.spread`, of so many inputs.
    pub fn load(tensors: &Tensors, name: &str, inputs: usize) -> Result<Scale, WeightsError> {
        let row = |part: &str| tensors.floats(&format!("{name}.{part}"));
        let (centre, spread) = (row("centre")?, row("spread")?);
        match centre.len() == inputs && spread.len() == inputs {
            true => Ok(Scale { centre, spread }),
            false => Err(WeightsError::shape(name)),
        }
    }

    /// The inputs in spreads from the centre, limited.
    pub fn apply(&self, inputs: &[f32]) -> Vec<f32> {
        let scales = self.centre.iter().zip(&self.spread);
        inputs.iter().zip(scales).map(|(x, (centre, spread))| ((x - centre) / spread).clamp(-LIMIT, LIMIT)).collect()
    }
}
