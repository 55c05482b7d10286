use super::{Outcome, Proposal, Proposer, Rng, Scene};
use crate::tuner::Point;
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

/// Length of the first step, in travels.
const FIRST_STEP: f32 = 0.1;
const STEPS: std::ops::RangeInclusive<f32> = 0.02..=0.3;
/// After a success longer, after a failure shorter: with one success in five they balance, as Rechenberg
/// (1973) advises.
const LONGER: f32 = 1.25;
const SHORTER: f32 = 0.945;
/// About so many coordinates move at a time: few settings matter to one recording.
const MOVED: f64 = 4.0;

/// A (1+1) evolution strategy: small random steps of a few settings at a time, from what is best so far.
#[derive(Clone, Debug)]
pub struct Evolution {
    step: f32,
}

impl Default for Evolution {
    fn default() -> Evolution {
        Evolution { step: FIRST_STEP }
    }
}

impl Proposer for Evolution {
    fn name(&self) -> &'static str {
        "evolution"
    }

    fn propose(&mut self, scene: &Scene, rng: &mut Rng) -> Option<Proposal> {
        let movable: Vec<usize> = (0..scene.space.len()).filter(|i| !scene.space.is_choice(*i)).collect();
        let chance = (MOVED / movable.len().max(1) as f64).min(1.0);
        let mut point: Point = scene.incumbent.clone();
        for i in movable {
            let normal: f32 = StandardNormal.sample(rng);
            if rng.random_bool(chance) {
                point[i] = (point[i] + self.step * normal).clamp(0.0, 1.0);
            }
        }
        (point != *scene.incumbent).then(|| Proposal { point, reason: "a small step".into() })
    }

    fn learn(&mut self, _: &Scene, outcome: &Outcome) {
        let better = !outcome.vetoed && outcome.gain.mean > 0.0;
        self.step = (self.step * if better { LONGER } else { SHORTER }).clamp(*STEPS.start(), *STEPS.end());
    }
}
