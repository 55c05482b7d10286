//! Reading trained weights.

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

/// Weights that can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the weights of the score are damaged: {0}")]
pub struct WeightsError(String);

impl WeightsError {
    pub(crate) fn shape(name: &str) -> WeightsError {
        WeightsError(format!("{name} has the wrong shape"))
    }
}

/// A file of named tensors (safetensors).
pub(crate) struct Tensors<'a>(SafeTensors<'a>);

impl<'a> Tensors<'a> {
    pub fn read(bytes: &'a [u8]) -> Result<Tensors<'a>, WeightsError> {
        SafeTensors::deserialize(bytes).map(Tensors).map_err(|e| WeightsError(e.to_string()))
    }

    fn tensor(&self, name: &str, dtype: Dtype) -> Result<TensorView<'_>, WeightsError> {
        let tensor = self.0.tensor(name).map_err(|e| WeightsError(e.to_string()))?;
        match tensor.dtype() == dtype {
            true => Ok(tensor),
            false => Err(WeightsError(format!("{name} is of type {:?}", tensor.dtype()))),
        }
    }

    pub fn floats(&self, name: &str) -> Result<Vec<f32>, WeightsError> {
        let tensor = self.tensor(name, Dtype::F32)?;
        Ok(tensor.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect())
    }

    /// `name.w`: 8-bit weights, inputs x outputs; `name.s`: the unit of each output's weights; `name.b`: biases.
    pub(super) fn dense(&self, name: &str) -> Result<Dense, WeightsError> {
        let (unit, bias) = (self.floats(&format!("{name}.s"))?, self.floats(&format!("{name}.b"))?);
        let weights = self.tensor(&format!("{name}.w"), Dtype::I8)?;
        if bias.is_empty() || unit.len() != bias.len() || weights.data().len() % bias.len() != 0 {
            return Err(WeightsError::shape(name));
        }
        let rows = weights.data().chunks_exact(bias.len());
        let weights = rows.flat_map(|row| row.iter().zip(&unit).map(|(&w, unit)| f32::from(w as i8) * unit)).collect();
        Ok(Dense { weights, bias })
    }
}

/// A layer in which every output hears every input.
pub(super) struct Dense {
    /// Input by input, the weight of each output.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Dense {
    pub fn inputs(&self) -> usize {
        self.weights.len() / self.bias.len()
    }

    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    pub fn apply(&self, input: &[f32], output: &mut [f32]) {
        output.copy_from_slice(&self.bias);
        for (x, weights) in input.iter().zip(self.weights.chunks_exact(self.bias.len())) {
            output.iter_mut().zip(weights).for_each(|(y, w)| *y += x * w);
        }
    }
}
