//! Upper confidence bounds over strategies.
//!
//! Without context: discounted UCB (Garivier & Moulines, arXiv 0805.3415). With context: LinUCB with
//! disjoint arms (Li et al. 2010, arXiv 1003.0146), discounted in the same way (Russac et al. 2019,
//! arXiv 1909.09146): what is forgotten makes room for the prior again.

use nalgebra::{DMatrix, DVector};
use rand::seq::SliceRandom;

use super::arms::Arms;
use super::{Outcome, Proposal, Proposer, Rng, Scene};
use crate::quality::EMBEDDING;
use crate::tuner::Strategy;

/// How eager [`Ucb`] is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UcbConfig {
    /// Weight of what is not known; 0 never explores.
    pub alpha: f64,
    /// What is left of the evidence after each outcome; 1 never forgets.
    pub decay: f64,
    /// What is left of it when the incumbent changed: what helped before may help no more.
    pub decay_on_change: f64,
    /// By how much the gain of an arm varies from one trial to the next, PESQ points.
    pub spread: f64,
    /// Whether to learn which contexts want which arm.
    pub contextual: bool,
}

impl Default for UcbConfig {
    fn default() -> Self {
        Self { alpha: 2.0, decay: 0.99, decay_on_change: 0.5, spread: 0.05, contextual: false }
    }
}

/// An arm with less evidence than this, in trials, goes before all that have more.
const UNTRIED: f64 = 0.2;
/// Variance of the gain between trials over its variance between arms.
const RIDGE: f64 = 0.25;
/// The context's weight, unit length, beside the constant's 1.
const CONTEXT_WEIGHT: f64 = 2.0;

/// Tries the strategy with the highest upper bound of its gain over the incumbent.
///
/// Every arm is tried once before any is tried again, in random order; with context, anew for a
/// context unlike those before.
#[derive(Clone, Debug)]
pub struct Ucb {
    config: UcbConfig,
    arms: Arms,
    beliefs: Vec<Belief>,
}

/// What is known of an arm.
#[derive(Clone, Debug)]
enum Belief {
    Mean { trials: f64, sum: f64 },
    Linear { covariance: DMatrix<f64>, sum: DVector<f64> },
}

impl Ucb {
    /// Over these arms.
    pub fn new(strategies: Vec<Strategy>, config: UcbConfig) -> Ucb {
        let belief = match config.contextual {
            false => Belief::Mean { trials: 0.0, sum: 0.0 },
            true => {
                let n = EMBEDDING + 1;
                Belief::Linear { covariance: DMatrix::identity(n, n) * RIDGE, sum: DVector::zeros(n) }
            }
        };
        Ucb { config, beliefs: vec![belief; strategies.len()], arms: Arms::new(strategies) }
    }

    fn reward(&mut self, scene: &Scene, arm: usize, outcome: &Outcome) {
        self.beliefs.iter_mut().for_each(|belief| belief.forget(self.config.decay));
        self.beliefs[arm].learn(&features(scene.context), outcome.reward());
    }
}

impl Proposer for Ucb {
    fn name(&self) -> &'static str {
        if self.config.contextual { "linucb" } else { "ucb" }
    }

    fn propose(&mut self, scene: &Scene, rng: &mut Rng) -> Option<Proposal> {
        if self.arms.enter(scene) {
            self.beliefs.iter_mut().for_each(|belief| belief.forget(self.config.decay_on_change));
        }
        let mut open = self.arms.open(scene);
        open.shuffle(rng); // Ties.
        let context = features(scene.context);
        let known = self.beliefs.iter().map(Belief::trials).sum::<f64>().max(1.0);
        let (arm, point) = open
            .into_iter()
            .map(|lead| (self.beliefs[lead.0].upper_bound(&context, known, &self.config), lead))
            .max_by(|a, b| a.0.total_cmp(&b.0))?
            .1;
        Some(self.arms.pull(arm, point))
    }

    fn learn(&mut self, scene: &Scene, outcome: &Outcome) {
        if let Some(arm) = self.arms.pulled(&outcome.point) {
            self.reward(scene, arm, outcome);
        }
    }

    fn observe(&mut self, scene: &Scene, outcome: &Outcome) {
        if let Some(arm) = self.arms.seen(scene, &outcome.point) {
            self.reward(scene, arm, outcome);
        }
    }
}

impl Belief {
    fn forget(&mut self, decay: f64) {
        match self {
            Belief::Mean { trials, sum } => {
                *trials *= decay;
                *sum *= decay;
            }
            Belief::Linear { covariance, sum } => {
                *covariance *= decay;
                for i in 0..covariance.nrows() {
                    covariance[(i, i)] += (1.0 - decay) * RIDGE;
                }
                *sum *= decay;
            }
        }
    }

    fn learn(&mut self, context: &DVector<f64>, reward: f64) {
        match self {
            Belief::Mean { trials, sum } => {
                *trials += 1.0;
                *sum += reward;
            }
            Belief::Linear { covariance, sum } => {
                covariance.ger(1.0, context, context, 1.0);
                sum.axpy(reward, context, 1.0);
            }
        }
    }

    /// How much was seen of it in any context.
    fn trials(&self) -> f64 {
        match self {
            Belief::Mean { trials, .. } => *trials,
            Belief::Linear { covariance, .. } => covariance.trace() - RIDGE * covariance.nrows() as f64,
        }
    }

    /// What the arm may gain at best; infinite while next to nothing is known.
    fn upper_bound(&self, context: &DVector<f64>, known: f64, config: &UcbConfig) -> f64 {
        let (mean, width, trials) = match self {
            Belief::Mean { trials, sum } => (sum / trials, (config.alpha * known.ln() / trials).sqrt(), *trials),
            Belief::Linear { covariance, sum } => {
                let Some(cholesky) = covariance.clone().cholesky() else { return f64::INFINITY };
                let direction = cholesky.solve(context);
                let variance = direction.dot(context).max(f64::MIN_POSITIVE);
                (direction.dot(sum), config.alpha * variance.sqrt(), 1.0 / variance - RIDGE)
            }
        };
        if trials < UNTRIED { f64::INFINITY } else { mean + config.spread * width }
    }
}

/// The context with a constant, unit length together.
fn features(context: &[f32; EMBEDDING]) -> DVector<f64> {
    let context =
        DVector::from_iterator(EMBEDDING, context.iter().map(|x| if x.is_finite() { f64::from(*x) } else { 0.0 }));
    let context = context.try_normalize(1e-9).unwrap_or_else(|| DVector::zeros(EMBEDDING)) * CONTEXT_WEIGHT;
    context.insert_row(EMBEDDING, 1.0).normalize()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::super::testing::{Loop, survives_nonsense};
    use super::*;
    use crate::quality::Estimate;
    use crate::settings::Settings;
    use crate::tuner::{Point, Space};

    const ARMS: [&str; 6] = ["less bass", "more air", "low cut", "some de-essing", "hum removal", "less presence"];

    fn some(config: UcbConfig) -> Ucb {
        let named = |s: &Strategy| ARMS.contains(&s.name.as_str());
        Ucb::new(Strategy::built_in().into_iter().filter(named).collect(), config)
    }

    /// Which arms it pulls, one in each round, when the gain depends on trial and arm only.
    fn pulls(
        ucb: &mut Ucb,
        trials: usize,
        mut context: impl FnMut(usize) -> [f32; EMBEDDING],
        gain: impl Fn(usize, &str) -> f32,
    ) -> Vec<String> {
        let mut rng = Rng::seed_from_u64(1);
        let space = Space::new(Settings::default(), &[]);
        let pull = |trial: usize| {
            let context = context(trial);
            let scene = Scene { context: &context, space: &space, incumbent: space.origin(), round: trial as u64 };
            let Proposal { point, reason } = ucb.propose(&scene, &mut rng).unwrap();
            let mean = gain(trial, &reason) + rng.random_range(-0.05..0.05);
            let estimate = Estimate { mean, sigma: 0.05 };
            ucb.learn(&scene, &Outcome { point, gain: estimate, value: estimate, vetoed: mean < -5.0 });
            reason
        };
        (0..trials).map(pull).collect()
    }

    fn share(pulls: &[String], arm: &str) -> f64 {
        pulls.iter().filter(|p| *p == arm).count() as f64 / pulls.len() as f64
    }

    #[test]
    fn every_arm_is_tried_before_any_is_tried_again() {
        for contextual in [false, true] {
            let mut ucb = Ucb::new(Strategy::built_in(), UcbConfig { contextual, ..UcbConfig::default() });
            let mut lane = Loop::new(|_: &Space, _: &Point| 0.0, 1);
            let mut tried: Vec<Point> = Vec::new();
            let lead = Strategy::built_in().into_iter().map(|s| s.apply(&lane.space, lane.space.origin()));
            let lead: Vec<Point> = lead.filter(|to| to != lane.space.origin()).collect();
            for _ in 0..lead.len() / 8 - 1 {
                for point in lane.round(&mut ucb, 8) {
                    let times = |points: &[Point]| points.iter().filter(|other| **other == point).count();
                    assert!(times(&tried) < times(&lead));
                    tried.push(point);
                }
            }
            assert!(tried.len() > 30);
        }
    }

    #[test]
    fn forgetting_finds_the_new_best_arm_after_a_change() {
        let best = |trial| if trial < 600 { "less bass" } else { "more air" };
        let gain = |trial, arm: &str| if arm == best(trial) { 0.15 } else { 0.0 };
        let run =
            |decay| pulls(&mut some(UcbConfig { decay, ..UcbConfig::default() }), 720, |_| [0.5; EMBEDDING], gain);
        let forgetful = run(0.99);
        let before = share(&forgetful[400..600], "less bass");
        let after = share(&forgetful[640..], "more air");
        let stubborn = share(&run(1.0)[640..], "more air");
        assert!(before > 0.6 && after > 0.5 && after > stubborn + 0.2, "{before} {after} {stubborn}");
    }

    #[test]
    fn different_contexts_want_different_arms() {
        let mut rng = Rng::seed_from_u64(7);
        let kinds: Vec<usize> = (0..400).map(|_| rng.random_range(0..3)).collect();
        let gain = |trial: usize, arm: &str| if arm == ARMS[kinds[trial]] { 0.2 } else { -0.1 };
        let right = |contextual| {
            let config = UcbConfig { contextual, ..UcbConfig::default() };
            let mut rng = rng.clone();
            // Three kinds that have most in common, and never twice the same.
            let context = |trial: usize| {
                let kind = kinds[trial];
                std::array::from_fn(|i| {
                    let own = if i < 12 { if i / 4 == kind { 1.0 } else { -0.5 } } else { 0.5 };
                    own + rng.random_range(-0.15..0.15)
                })
            };
            let pulls = pulls(&mut some(config), 400, context, gain);
            (200..400).filter(|t| pulls[*t] == ARMS[kinds[*t]]).count() as f64 / 200.0
        };
        let (with, without) = (right(true), right(false));
        assert!(with > 0.8 && without < 0.5, "{with} {without}");
    }

    #[test]
    fn one_veto_is_not_for_ever() {
        let gain = |trial, arm: &str| match arm == "low cut" {
            true if trial < 6 => -10.0,
            true => 0.2,
            false => 0.0,
        };
        let pulls = pulls(&mut some(UcbConfig::default()), 1500, |_| [0.5; EMBEDDING], gain);
        assert!(share(&pulls[1000..], "low cut") > 0.6, "{}", share(&pulls[1000..], "low cut"));
    }

    #[test]
    fn nonsense_is_survived() {
        for contextual in [false, true] {
            survives_nonsense(&mut Ucb::new(Strategy::built_in(), UcbConfig { contextual, ..UcbConfig::default() }));
        }
        survives_nonsense(&mut Ucb::new(Vec::new(), UcbConfig::default()));
    }
}
