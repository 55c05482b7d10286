use super::{Estimate, SCORE_FEATURES};
use crate::quality::weights::{Dense, Tensors, WeightsError};

/// Inputs of the networks: a take's features minus those of the untouched input, and the latter.
const INPUTS: usize = 2 * SCORE_FEATURES;
/// Inputs are limited to so many spreads.
const LIMIT: f32 = 4.0;
/// No difference is known better than this.
const LEAST: f32 = 1e-3;

type Features = [f32; SCORE_FEATURES];

/// An ensemble of small networks, fitted to true differences (`xtask/ears/fit.py`).
pub struct Model {
    centre: Vec<f32>,
    spread: Vec<f32>,
    members: Vec<Vec<Dense>>,
    /// What each part of sigma counts for.
    sigma: [f32; 3],
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
        let sigma = tensors.floats("score.sigma")?;
        let member = |index: usize| {
            let layers: Vec<Dense> =
                (0..).map_while(|layer| tensors.dense(&format!("score.{index}.{layer}")).ok()).collect();
            (!layers.is_empty()).then_some(layers)
        };
        let members: Vec<Vec<Dense>> = (0..).map_while(member).collect();
        let fits = members.iter().all(|layers| {
            let outputs = layers.iter().map(Dense::outputs);
            layers.iter().map(Dense::inputs).eq([INPUTS].into_iter().chain(outputs.clone().take(layers.len() - 1)))
                && outputs.last() == Some(1)
        });
        let &[distance, disagreement, difference] = sigma.as_slice() else {
            return Err(WeightsError::shape("score.sigma"));
        };
        if members.is_empty() || !fits || centre.len() != INPUTS || spread.len() != INPUTS {
            return Err(WeightsError::shape("score"));
        }
        Ok(Model { centre, spread, members, sigma: [distance, disagreement, difference] })
    }

    /// Judges a take beside the untouched input.
    pub fn judge(&self, take: &Features, untouched: &Features) -> Verdict {
        let differences = take.iter().zip(untouched).map(|(take, untouched)| take - untouched);
        let inputs: Vec<f32> = differences
            .chain(untouched.iter().copied())
            .zip(self.centre.iter().zip(&self.spread))
            .map(|(x, (centre, spread))| ((x - centre) / spread).clamp(-LIMIT, LIMIT))
            .collect();
        let scores = self.members.iter().map(|layers| run(layers, &inputs)).collect();
        Verdict { scores, inputs }
    }

    /// By how much one take is better than another on the same input. Unsure where the networks
    /// disagree, where the takes sound different, and where much is promised.
    pub fn difference(&self, take: &Verdict, other: &Verdict) -> Estimate {
        let count = self.members.len() as f32;
        let differences = || take.scores.iter().zip(&other.scores).map(|(a, b)| a - b);
        let mean = differences().sum::<f32>() / count;
        let variance = differences().map(|d| (d - mean).powi(2)).sum::<f32>() / count;
        let pairs = take.inputs.iter().zip(&other.inputs).take(SCORE_FEATURES);
        let apart = (pairs.map(|(a, b)| (a - b).powi(2)).sum::<f32>() / SCORE_FEATURES as f32).min(1.0);
        let [distance, disagreement, difference] = self.sigma.map(|factor| factor * factor);
        let square = distance * apart + disagreement * variance + difference * mean * mean;
        Estimate { mean, sigma: (square + LEAST * LEAST).sqrt() }
    }
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
