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

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::super::testing::{Loop, survives_nonsense};
    use super::*;
    use crate::settings::Id;
    use crate::tuner::{Point, Space};

    /// Regret after some trials; the chances may depend on the trial.
    fn regret(mut posteriors: Posteriors, trials: usize, chances: impl Fn(usize) -> Vec<f64>, rng: &mut Rng) -> f64 {
        let mut regret = 0.0;
        for trial in 0..trials {
            let chances = chances(trial);
            let draws: Vec<f64> = (0..chances.len()).map(|arm| posteriors.draw(arm, rng)).collect();
            let arm = (0..chances.len()).max_by(|a, b| draws[*a].total_cmp(&draws[*b])).unwrap();
            regret += chances.iter().copied().fold(0.0, f64::max) - chances[arm];
            let success = rng.random::<f64>() < chances[arm];
            posteriors.learn(arm, success);
        }
        regret
    }

    fn uniform(chances: &[f64], trials: usize) -> f64 {
        let best = chances.iter().copied().fold(0.0, f64::max);
        trials as f64 * chances.iter().map(|p| best - p).sum::<f64>() / chances.len() as f64
    }

    #[test]
    fn the_mean_regret_over_the_prior_is_within_the_bound() {
        let (arms, trials, worlds) = (8, 2000, 100);
        let mut rng = Rng::seed_from_u64(1);
        let (mut lost, mut blind) = (0.0, 0.0);
        for _ in 0..worlds {
            let chances: Vec<f64> = (0..arms).map(|_| rng.random()).collect();
            blind += uniform(&chances, trials) / f64::from(worlds);
            lost += regret(Posteriors::new(arms, 1.0), trials, |_| chances.clone(), &mut rng) / f64::from(worlds);
        }
        let bound = Posteriors::new(arms, 1.0).regret_bound(trials as u64);
        assert!(lost < bound && bound < blind, "{lost} {bound} {blind}");
        assert!(lost < blind / 10.0);
    }

    /// The median: now and then the best arm starts with nothing but bad luck, which costs a multiple
    /// (Fan & Glynn 2021, arXiv 2109.13595).
    #[test]
    fn the_regret_of_one_world_grows_with_the_logarithm() {
        let chances = [0.75, 0.6, 0.55, 0.5, 0.4, 0.3];
        let median = |trials| {
            let mut rng = Rng::seed_from_u64(2);
            let run = |_| regret(Posteriors::new(6, 1.0), trials, |_| chances.to_vec(), &mut rng);
            let mut runs: Vec<f64> = (0..21).map(run).collect();
            runs.sort_by(f64::total_cmp);
            runs[10]
        };
        let (short, long) = (median(1000), median(10_000));
        let growth = log_regret(&chances, 10_000) - log_regret(&chances, 1000);
        assert!(long - short > 0.2 * growth && long - short < 1.3 * growth, "{short} {long} {growth}");
        assert!(long < log_regret(&chances, 10_000) && long < 0.03 * uniform(&chances, 10_000), "{long}");
    }

    #[test]
    fn forgetting_pays_when_the_world_changes() {
        let world =
            |trial: usize| if (trial / 700).is_multiple_of(2) { vec![0.8, 0.4, 0.1] } else { vec![0.1, 0.4, 0.8] };
        let lost = |decay| regret(Posteriors::new(3, decay), 4200, world, &mut Rng::seed_from_u64(3));
        assert!(lost(0.99) < 0.5 * lost(1.0), "{} {}", lost(0.99), lost(1.0));
    }

    #[test]
    fn what_helps_is_tried_more_often() {
        let bass = |space: &Space, p: &Point| space.settings(p)[Id::EqLow];
        let mut lane = Loop::new(|space: &Space, p: &Point| bass(space, p) / 40.0, 1);
        let mut thompson = Thompson::new(Strategy::built_in(), ThompsonConfig::default());
        let mut helped = 0;
        for round in 0..60 {
            lane.incumbent = lane.space.origin().clone();
            let points = lane.round(&mut thompson, 4);
            helped += if round < 40 { 0 } else { points.iter().filter(|p| bass(&lane.space, p) > 0.0).count() };
        }
        let lead: Vec<_> = Strategy::built_in().iter().map(|s| s.apply(&lane.space, lane.space.origin())).collect();
        let good = lead.iter().filter(|p| bass(&lane.space, p) > 0.0).count();
        assert!(helped * lead.len() > 2 * 80 * good, "{helped} of 80, {good} of {}", lead.len());
    }

    #[test]
    fn nonsense_is_survived() {
        survives_nonsense(&mut Thompson::new(Strategy::built_in(), ThompsonConfig { decay: f64::NAN }));
        survives_nonsense(&mut Thompson::new(Strategy::built_in(), ThompsonConfig::default()));
    }
}
