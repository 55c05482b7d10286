//! Thompson sampling over strategies.

use rand_distr::{Beta, Distribution};

use super::arms::Arms;
use super::{Outcome, Proposal, Proposer, Rng, Scene};
use crate::tuner::Strategy;

/// How [`Thompson`] forgets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThompsonConfig {
    /// What is left of the evidence after each outcome; 1 never forgets.
    pub decay: f64,
}

impl Default for ThompsonConfig {
    fn default() -> Self {
        Self { decay: 0.99 }
    }
}

/// Tries each strategy as often as it is likely to be the best one.
///
/// A success is a gain over the incumbent that holds at one standard deviation below its mean, so
/// "better, with 84 % confidence". It counts wins, not their size: many small steps.
#[derive(Clone, Debug)]
pub struct Thompson {
    arms: Arms,
    posteriors: Posteriors,
}

impl Thompson {
    /// Over these arms.
    pub fn new(strategies: Vec<Strategy>, config: ThompsonConfig) -> Thompson {
        let arms = Arms::new(strategies);
        Thompson { posteriors: Posteriors::new(arms.len(), config.decay), arms }
    }

    /// What is believed of the arms.
    pub fn posteriors(&self) -> &Posteriors {
        &self.posteriors
    }
}

impl Proposer for Thompson {
    fn name(&self) -> &'static str {
        "thompson"
    }

    fn propose(&mut self, scene: &Scene, rng: &mut Rng) -> Option<Proposal> {
        self.arms.enter(scene);
        let draw = |lead: (usize, _)| (self.posteriors.draw(lead.0, rng), lead);
        let best = self.arms.open(scene).into_iter().map(draw).max_by(|a, b| a.0.total_cmp(&b.0));
        let (arm, point) = best?.1;
        Some(self.arms.pull(arm, point))
    }

    fn learn(&mut self, _scene: &Scene, outcome: &Outcome) {
        if let Some(arm) = self.arms.pulled(&outcome.point) {
            self.posteriors.learn(arm, outcome.sure_gain() > 0.0);
        }
    }

    fn observe(&mut self, scene: &Scene, outcome: &Outcome) {
        if let Some(arm) = self.arms.seen(scene, &outcome.point) {
            self.posteriors.learn(arm, outcome.sure_gain() > 0.0);
        }
    }
}

/// Beta posteriors of the chance of success of each arm, from uniform priors.
#[derive(Clone, Debug, PartialEq)]
pub struct Posteriors {
    decay: f64,
    /// Successes and failures, discounted.
    counts: Vec<(f64, f64)>,
}

impl Posteriors {
    /// Of arms of which nothing is known. The decay is brought into 0..1.
    pub fn new(arms: usize, decay: f64) -> Posteriors {
        Posteriors { decay: decay.clamp(0.0, 1.0), counts: vec![(0.0, 0.0); arms] }
    }

    /// The mean chance of success of an arm.
    pub fn mean(&self, arm: usize) -> f64 {
        let (won, lost) = self.counts[arm];
        (won + 1.0) / (won + lost + 2.0)
    }

    /// A chance of success that an arm may have.
    pub fn draw(&self, arm: usize, rng: &mut Rng) -> f64 {
        let (won, lost) = self.counts[arm];
        // Both are at least 1; not a number only if the decay was.
        Beta::new(won + 1.0, lost + 1.0).map_or(0.5, |beta| beta.sample(rng))
    }

    /// Hears of a trial.
    pub fn learn(&mut self, arm: usize, success: bool) {
        for (won, lost) in &mut self.counts {
            *won *= self.decay;
            *lost *= self.decay;
        }
        let (won, lost) = &mut self.counts[arm];
        *(if success { won } else { lost }) += 1.0;
    }

    /// What Thompson sampling loses over a number of trials at most, in successes, against always
    /// pulling the best arm: `sqrt(K·ln K·T / 2)` (Russo & Van Roy 2016, arXiv 1403.5341, proposition 3
    /// with the entropy of the best arm at its largest, `ln K`).
    ///
    /// It holds without forgetting, on average over chances of success that are spread as the prior
    /// says, and has no hidden constant. The bounds for one given set of chances (Kaufmann et al. 2012,
    /// Agrawal & Goyal 2013) grow with `ln T` only, see [`log_regret`], but with a constant beside it
    /// that nobody knows.
    pub fn regret_bound(&self, horizon: u64) -> f64 {
        let arms = self.counts.len().max(1) as f64;
        let horizon = horizon as f64;
        (arms * arms.ln() * horizon / 2.0).sqrt().min(horizon)
    }
}

/// The part of the regret that grows, for known chances of success:
/// `sum of gap · (ln T + ln ln T) / KL(chance, best chance)`.
///
/// Thompson sampling reaches it up to a factor as near to 1 as you like, plus a constant (Kaufmann,
/// Korda & Munos 2012, arXiv 1205.4217, theorem 1); without `ln ln T` no method can do better in the
/// long run (Lai & Robbins 1985).
pub fn log_regret(chances: &[f64], horizon: u64) -> f64 {
    let best = chances.iter().copied().fold(0.0, f64::max);
    let time = (horizon as f64).max(3.0).ln();
    let part = |p: &f64| if *p < best { (best - p) * (time + time.ln()) / divergence(*p, best) } else { 0.0 };
    chances.iter().map(part).sum()
}

/// Kullback-Leibler divergence of two Bernoulli chances, nats.
fn divergence(p: f64, q: f64) -> f64 {
    let term = |p: f64, q: f64| if p > 0.0 { p * (p / q).ln() } else { 0.0 };
    term(p, q) + term(1.0 - p, 1.0 - q)
}
