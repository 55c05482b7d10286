use super::weights::{Dense, Tensors, WeightsError};

/// A small network of dense layers with SiLU between them.
pub(crate) struct Perceptron(Vec<Dense>);

impl Perceptron {
    /// The layers `name.0`, `name.1` and so on, from so many inputs to so many outputs.
    pub fn load(tensors: &Tensors, name: &str, inputs: usize, outputs: usize) -> Result<Perceptron, WeightsError> {
        Perceptron::find(tensors, name, inputs, outputs)?.ok_or_else(|| WeightsError::shape(name))
    }

    /// Networks of the same shape, `name.0`, `name.1` and so on; at least one.
    pub fn load_all(
        tensors: &Tensors,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Vec<Perceptron>, WeightsError> {
        let member = |index: usize| Perceptron::find(tensors, &format!("{name}.{index}"), inputs, outputs).transpose();
        let members: Vec<Perceptron> = (0..).map_while(member).collect::<Result<_, _>>()?;
        if members.is_empty() { Err(WeightsError::shape(name)) } else { Ok(members) }
    }

    /// As [`Perceptron::load`]; `None` where there is no such network.
    fn find(tensors: &Tensors, name: &str, inputs: usize, outputs: usize) -> Result<Option<Perceptron>, WeightsError> {
        let layers: Vec<Dense> = (0..).map_while(|layer| tensors.dense(&format!("{name}.{layer}")).ok()).collect();
        let Some(last) = layers.last() else { return Ok(None) };
        let wanted = [inputs].into_iter().chain(layers.iter().map(Dense::outputs));
        match last.outputs() == outputs && layers.iter().map(Dense::inputs).eq(wanted.take(layers.len())) {
            true => Ok(Some(Perceptron(layers))),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_another_shape_is_not_taken_for_none() {
        let tensors = Tensors::read(include_bytes!("../../assets/score/prior.safetensors")).unwrap();
        let find = |name, inputs, outputs| Perceptron::find(&tensors, name, inputs, outputs);
        assert!(find("prior.0", 164, 8).unwrap().is_some());
        assert!(find("prior.0", 165, 8).is_err() && find("prior.0", 164, 7).is_err());
        assert!(find("nothing", 164, 8).unwrap().is_none() && Perceptron::load(&tensors, "nothing", 164, 8).is_err());
        assert!(Perceptron::load_all(&tensors, "prior", 164, 8).is_ok_and(|members| members.len() > 1));
        assert!(Perceptron::load_all(&tensors, "nothing", 164, 8).is_err());
    }
}
