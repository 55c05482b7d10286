use super::{Estimate, SCORE_FEATURES};
use crate::quality::EMBEDDING;
use crate::quality::weights::{Dense, Tensors, WeightsError};

/// Inputs of the networks: a take's features minus those of the untouched input, the latter, and the
/// embedding of the input's context.
const INPUTS: usize = 2 * SCORE_FEATURES + EMBEDDING;
/// Inputs are limited to so many spreads.
const LIMIT: f32 = 4.0;

type Features = [f32; SCORE_FEATURES];

/// An ensemble of small networks, fitted to true differences (`xtask/ears/fit.py`).
pub struct Model {
    centre: Vec<f32>,
    spread: Vec<f32>,
    /// What a unit of each feature costs, whatever the networks say.
    faults: Vec<f32>,
    members: Vec<Vec<Dense>>,
    /// Says the logarithm of sigma.
    doubt: Vec<Dense>,
}

/// What the networks say of a take.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// By each network.
    pub scores: Vec<f32>,
    /// Normalised.
    pub inputs: Vec<f32>,
}

impl Model {
    pub fn load(tensors: &Tensors) -> Result<Model, WeightsError> {
        let (centre, spread) = (tensors.floats("score.centre")?, tensors.floats("score.spread")?);
        let faults = tensors.floats("score.faults")?;
        let member = |index: usize| layers(tensors, &format!("score.{index}"));
        let members: Vec<Vec<Dense>> = (0..).map(member).take_while(|layers| !layers.is_empty()).collect();
        let doubt = layers(tensors, "doubt");
        let whole = members.iter().all(|layers| fit(layers, INPUTS)) && fit(&doubt, DOUBTS);
        let scales = [(&centre, INPUTS), (&spread, INPUTS), (&faults, SCORE_FEATURES)];
        if members.is_empty() || !whole || scales.iter().any(|(scale, count)| scale.len() != *count) {
            return Err(WeightsError::shape("score"));
        }
        Ok(Model { centre, spread, faults, members, doubt })
    }

    /// Judges a take beside the untouched input of this context.
    pub fn judge(&self, take: &Features, untouched: &Features, context: &[f32; EMBEDDING]) -> Verdict {
        let differences = take.iter().zip(untouched).map(|(take, untouched)| take - untouched);
        let inputs: Vec<f32> = differences
            .chain(untouched.iter().chain(context).copied())
            .zip(self.centre.iter().zip(&self.spread))
            .map(|(x, (centre, spread))| ((x - centre) / spread).clamp(-LIMIT, LIMIT))
            .collect();
        let fault: f32 = take.iter().zip(&self.faults).map(|(feature, cost)| feature * cost).sum();
        let scores = self.members.iter().map(|layers| run(layers, &inputs) - fault).collect();
        Verdict { scores, inputs }
    }

    /// By how much one take is better than another on the same input. How sure that is depends on how
    /// the takes differ, on the input, on how much the networks disagree, and on how much is promised.
    pub fn difference(&self, take: &Verdict, other: &Verdict) -> Estimate {
        if take.inputs == other.inputs {
            return Estimate { mean: 0.0, sigma: 0.0 };
        }
        let count = self.members.len() as f32;
        let differences = || take.scores.iter().zip(&other.scores).map(|(a, b)| a - b);
        let mean = differences().sum::<f32>() / count;
        let spread = (differences().map(|d| (d - mean).powi(2)).sum::<f32>() / count).sqrt();
        let apart = take.inputs.iter().zip(&other.inputs).take(SCORE_FEATURES).map(|(a, b)| (a - b).abs());
        let doubts: Vec<f32> = apart
            .chain(take.inputs[SCORE_FEATURES..].iter().copied())
            .chain([(spread + 1e-3).ln(), (mean.abs() + 1e-2).ln()])
            .collect();
        Estimate { mean, sigma: run(&self.doubt, &doubts).clamp(-7.0, 3.0).exp() }
    }
}

/// What sigma depends on: how each feature differs, the recording, disagreement and promise.
const DOUBTS: usize = INPUTS + 2;

/// The layers of one network; none where there is no such network.
fn layers(tensors: &Tensors, name: &str) -> Vec<Dense> {
    (0..).map_while(|layer| tensors.dense(&format!("{name}.{layer}")).ok()).collect()
}

/// Whether the layers belong together, from so many inputs to one output.
fn fit(layers: &[Dense], inputs: usize) -> bool {
    let outputs = layers.iter().map(Dense::outputs);
    let wanted = [inputs].into_iter().chain(outputs);
    layers.last().is_some_and(|last| last.outputs() == 1)
        && layers.iter().map(Dense::inputs).eq(wanted.take(layers.len()))
}

fn run(layers: &[Dense], inputs: &[f32]) -> f32 {
    let mut x = inputs.to_vec();
    for (index, layer) in layers.iter().enumerate() {
        let mut y = vec![0.0; layer.outputs()];
        layer.apply(&x, &mut y);
        if index + 1 < layers.len() {
            // SiLU.
            y.iter_mut().for_each(|y| *y /= 1.0 + (-*y).exp());
        }
        x = y;
    }
    x[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_weights_run_as_in_training() {
        let tensors = Tensors::read(include_bytes!("../../../assets/score/score.safetensors")).unwrap();
        let row = |name: &str| tensors.floats(name).unwrap();
        let features = |name: &str| Features::try_from(row(name)).unwrap();
        let model = Model::load(&tensors).unwrap();
        let context = <[f32; EMBEDDING]>::try_from(row("example.context")).unwrap();
        let untouched = features("example.untouched");
        let verdict = model.judge(&features("example.take"), &untouched, &context);
        let wanted = row("example.scores");
        assert!(verdict.scores.len() == wanted.len() && wanted.len() > 1);
        for (score, wanted) in verdict.scores.iter().zip(wanted) {
            assert!((score - wanted).abs() < 1e-3, "{score} {wanted}");
        }
        let same = model.judge(&untouched, &untouched, &context);
        assert_eq!(model.difference(&same, &same), Estimate { mean: 0.0, sigma: 0.0 });
        assert!((model.difference(&verdict, &same).sigma - row("example.sigma")[0]).abs() < 1e-2);
        let (there, back) = (model.difference(&verdict, &same), model.difference(&same, &verdict));
        assert!((there.mean + back.mean).abs() < 1e-6 && (there.sigma - back.sigma).abs() < 1e-6);
    }
}
