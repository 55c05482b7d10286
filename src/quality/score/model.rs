use super::{Estimate, IMPRESSION, SCORE_FEATURES};
use crate::quality::perceptron::{Perceptron, Scale};
use crate::quality::weights::{Tensors, WeightsError};

/// No difference is known better than this.
const LEAST_DOUBT: f32 = 0.02;

/// An ensemble of small networks, fitted to true differences (`xtask/ears/fit.py`).
pub struct Model {
    scale: Scale,
    /// What a unit of each feature costs, whatever the networks say.
    faults: Vec<f32>,
    members: Vec<Perceptron>,
    /// Says the logarithm of sigma.
    doubt: Perceptron,
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
        let faults = tensors.floats("score.faults")?;
        if faults.len() != SCORE_FEATURES {
            return Err(WeightsError::shape("score.faults"));
        }
        let members = Perceptron::load_all(tensors, "score", IMPRESSION, 1)?;
        let doubt = Perceptron::load(tensors, "doubt", DOUBTS, 1)?;
        Ok(Model { scale: Scale::load(tensors, "score", IMPRESSION)?, faults, members, doubt })
    }

    /// Judges a take by what is heard of it.
    pub fn judge(&self, heard: &[f32; IMPRESSION]) -> Verdict {
        let inputs = self.scale.apply(heard);
        let (differences, untouched) = heard.split_at(SCORE_FEATURES);
        let features = differences.iter().zip(untouched).map(|(difference, untouched)| difference + untouched);
        let fault: f32 = features.zip(&self.faults).map(|(feature, cost)| feature * cost).sum();
        let scores = self.members.iter().map(|member| member.run(&inputs)[0] - fault).collect();
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
        Estimate { mean, sigma: LEAST_DOUBT + self.doubt.run(&doubts)[0].min(3.0).exp() }
    }
}

/// What sigma depends on: how each feature differs, the recording, disagreement and promise.
const DOUBTS: usize = IMPRESSION + 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_weights_run_as_in_training() {
        let tensors = Tensors::read(include_bytes!("../../../assets/score/score.safetensors")).unwrap();
        let row = |name: &str| tensors.floats(name).unwrap();
        let model = Model::load(&tensors).unwrap();
        let (untouched, context) = (row("example.untouched"), row("example.context"));
        let judged = |take: &[f32]| {
            let differences: Vec<f32> = take.iter().zip(&untouched).map(|(take, untouched)| take - untouched).collect();
            model.judge(&[differences, untouched.clone(), context.clone()].concat().try_into().unwrap())
        };
        let verdict = judged(&row("example.take"));
        let wanted = row("example.scores");
        assert!(verdict.scores.len() == wanted.len() && wanted.len() > 1);
        for (score, wanted) in verdict.scores.iter().zip(wanted) {
            assert!((score - wanted).abs() < 1e-3, "{score} {wanted}");
        }
        let same = judged(&untouched);
        assert_eq!(model.difference(&same, &same), Estimate { mean: 0.0, sigma: 0.0 });
        assert!((model.difference(&verdict, &same).sigma - row("example.sigma")[0]).abs() < 1e-2);
        let (there, back) = (model.difference(&verdict, &same), model.difference(&same, &verdict));
        assert!((there.mean + back.mean).abs() < 1e-6 && (there.sigma - back.sigma).abs() < 1e-6);
    }
}
