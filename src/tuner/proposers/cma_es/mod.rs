//! CMA-ES: samples around the incumbent, and learns in which direction and how far to look.

mod search;

use std::collections::VecDeque;

use nalgebra::DVector;

use super::pending::Pending;
use super::{Outcome, Proposal, Proposer, Rng, Scene};
use crate::tuner::Point;
use search::Search;

/// How [`CmaEs`] looks around.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CmaEsConfig {
    /// Standard deviation of the first samples, share of a range.
    pub step: f64,
    /// Candidates in a generation; `None`: 4 + 3·ln of the number of coordinates, at most 10.
    pub population: Option<usize>,
    /// What it costs to be far from the base: PESQ points times the squared root mean square distance
    /// (0..1). With 0.5 a distance of 0.3 costs 0.045.
    pub prior: f64,
}

impl Default for CmaEsConfig {
    fn default() -> Self {
        Self { step: 0.12, population: None, prior: 0.5 }
    }
}

/// A generation that a new round cut short still counts from this size on.
const SMALLEST: usize = 4;
/// Below this spread nothing can be heard of its steps any more: it starts anew.
const CONVERGED: f64 = 0.01;
/// What it costs to lie outside of the box: PESQ points times the sum of squared excess.
const OUTSIDE: f64 = 1.0;

/// Covariance matrix adaptation (Hansen, arXiv 1604.00772) over all coordinates but the choices.
///
/// Candidates are ranked by their value less a quadratic prior towards the base (arXiv 2505.11315).
/// Samples outside of the box are brought in, and pay for it in the ranking.
///
/// Only outcomes of one round are ranked together. If the round changes before a generation is
/// complete, it counts as it is with four outcomes or more, and is dropped with fewer. What
/// it has asked and not heard of by then is dropped.
///
/// When the incumbent is moved by somebody else's find, it starts again from there, and keeps what it
/// knows of the directions; when it has converged, it starts afresh.
#[derive(Clone, Debug)]
pub struct CmaEs {
    config: CmaEsConfig,
    state: Option<State>,
}

#[derive(Clone, Debug)]
struct State {
    search: Search,
    /// The coordinates that it may move.
    moved: Vec<usize>,
    incumbent: Point,
    round: u64,
    asked: Pending<DVector<f64>>,
    /// Merit and sample.
    generation: Vec<(f64, DVector<f64>)>,
    /// Its own latest proposals: when one of them is the new incumbent, all goes well.
    own: VecDeque<Point>,
}

impl CmaEs {
    /// Starts at the first incumbent that it is shown.
    pub fn new(config: CmaEsConfig) -> CmaEs {
        CmaEs { config, state: None }
    }

    fn population(&self, coordinates: usize) -> usize {
        let usual = (4.0 + 3.0 * (coordinates.max(1) as f64).ln()).min(10.0) as usize;
        self.config.population.unwrap_or(usual).max(SMALLEST)
    }

    /// Brings the state up to the scene; `None` if nothing can be moved.
    fn follow(&mut self, scene: &Scene) -> Option<&mut State> {
        let all = scene.space.len().min(scene.incumbent.len());
        let moved: Vec<usize> = (0..all).filter(|i| !scene.space.is_choice(*i)).collect();
        if moved.is_empty() {
            return None;
        }
        let start = DVector::from_iterator(moved.len(), moved.iter().map(|i| f64::from(scene.incumbent[*i])));
        let state = self.state.take().filter(|state| state.moved == moved);
        let mut state = state.unwrap_or_else(|| State {
            search: Search::new(start.clone(), self.config.step),
            incumbent: scene.incumbent.clone(),
            round: scene.round,
            asked: Pending::default(),
            generation: Vec::new(),
            own: VecDeque::new(),
            moved,
        });
        if state.round != scene.round {
            state.round = scene.round;
            state.asked.clear();
            state.close();
        }
        if state.incumbent != *scene.incumbent {
            state.incumbent = scene.incumbent.clone();
            if !state.own.contains(scene.incumbent) {
                state.search.restart(start.clone(), self.config.step);
                state.asked.clear();
                state.generation.clear();
            }
        }
        if state.search.reach() < CONVERGED {
            state.search = Search::new(start, self.config.step);
            state.asked.clear();
            state.generation.clear();
        }
        Some(self.state.insert(state))
    }
}

impl State {
    /// Ends the generation.
    fn close(&mut self) {
        let mut generation = std::mem::take(&mut self.generation);
        if generation.len() >= SMALLEST {
            generation.sort_by(|a, b| b.0.total_cmp(&a.0));
            let ranked: Vec<_> = generation.into_iter().map(|(_, sample)| sample).collect();
            self.search.tell(&ranked);
        }
    }

    /// The value less the prior's price and the box's.
    fn merit(&self, scene: &Scene, outcome: &Outcome, sample: &DVector<f64>, prior: f64) -> f64 {
        let outside: f64 = sample.iter().map(|x| (x - x.clamp(0.0, 1.0)).powi(2)).sum();
        let far = f64::from(scene.space.distance(&outcome.point, scene.space.origin()));
        outcome.merit() - prior * far.powi(2) - OUTSIDE * outside
    }
}

impl Proposer for CmaEs {
    fn name(&self) -> &'static str {
        "cma-es"
    }

    fn propose(&mut self, scene: &Scene, rng: &mut Rng) -> Option<Proposal> {
        let moved = self.follow(scene)?.moved.len();
        let most = self.population(moved);
        let state = self.state.as_mut()?;
        if state.asked.len() + state.generation.len() >= most {
            return None; // Until the others are heard of.
        }
        let sample = state.search.ask(rng);
        let mut point = scene.incumbent.clone();
        for (i, x) in state.moved.iter().zip(&sample) {
            point[*i] = x.clamp(0.0, 1.0) as f32;
        }
        state.asked.push(&point, sample);
        state.own.push_back(point.clone());
        if state.own.len() > 2 * most {
            state.own.pop_front();
        }
        Some(Proposal { point, reason: "a small step".to_owned() })
    }

    fn learn(&mut self, scene: &Scene, outcome: &Outcome) {
        let prior = self.config.prior;
        let most = self.state.as_ref().map_or(0, |state| self.population(state.moved.len()));
        let Some(state) = &mut self.state else { return };
        let Some(sample) = state.asked.take(&outcome.point) else { return };
        if scene.round == state.round {
            let merit = state.merit(scene, outcome, &sample, prior);
            state.generation.push((merit, sample));
            if state.generation.len() >= most {
                state.close();
            }
        }
    }

    fn batch(&self) -> usize {
        SMALLEST + 1
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Loop, bowl, survives_nonsense, top};
    use super::*;
    use crate::settings::Settings;
    use crate::tuner::Space;

    fn lane() -> (Loop<impl FnMut(&Space, &Point) -> f32>, f32) {
        let space = Space::new(Settings::default(), &[]);
        let top = top(&space, 3);
        let value = bowl(top, |i| if i % 3 == 0 { 1.5 } else { 0.3 });
        let before = value(&space, space.origin());
        (Loop::new(value, 1), before)
    }

    #[test]
    fn it_climbs_a_bowl_in_the_space_of_the_settings() {
        let (mut lane, before) = lane();
        let mut cma = CmaEs::new(CmaEsConfig { prior: 0.0, ..CmaEsConfig::default() });
        let mut at = [0.0; 2];
        for half in &mut at {
            (0..20).for_each(|_| drop(lane.round(&mut cma, 10)));
            *half = 1.0 - lane.height() / before;
        }
        assert!(at[0] > 0.6 && at[1] > 0.85, "{at:?}");
    }

    #[test]
    fn the_same_seed_gives_the_same_proposals() {
        let run = || {
            let (mut lane, _) = lane();
            let mut cma = CmaEs::new(CmaEsConfig::default());
            (0..12).flat_map(|_| lane.round(&mut cma, 7)).collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
    }

    /// What nobody can hear isn't changed for good.
    #[test]
    fn the_prior_keeps_it_near_the_base() {
        let distance = |prior| {
            let mut lane = Loop::new(|_: &Space, _: &Point| 0.0, 5);
            let mut cma = CmaEs::new(CmaEsConfig { prior, ..CmaEsConfig::default() });
            (0..60).for_each(|_| drop(lane.round(&mut cma, 10)));
            let mean = cma.state.unwrap().search.mean;
            let origin = lane.space.origin();
            let far = (1..origin.len()).map(|i| (mean[i - 1] - f64::from(origin[i])).powi(2)).sum::<f64>();
            (far / origin.len() as f64).sqrt()
        };
        let (with, without) = (distance(0.5), distance(0.0));
        assert!(with < 0.6 * without, "{with} {without}");
    }

    /// Rounds that differ by far more than candidates do must not confuse it.
    #[test]
    fn rounds_are_never_compared() {
        let space = Space::new(Settings::default(), &[]);
        let bowl = bowl(top(&space, 3), |_| 1.0);
        let before = bowl(&space, space.origin());
        let mut cma = CmaEs::new(CmaEsConfig { prior: 0.0, ..CmaEsConfig::default() });
        let mut lane = Loop::new(bowl, 1);
        for round in 0..60 {
            // Five of ten: every generation is cut short by the next round.
            assert!(!lane.round(&mut cma, 5).is_empty());
            let state = cma.state.as_ref().unwrap();
            assert_eq!((state.generation.len(), state.round), (5, round + 1));
        }
        let closed = 1.0 - lane.height() / before;
        assert!(closed > 0.8, "{closed}");
    }

    #[test]
    fn a_find_of_somebody_else_is_where_it_looks_next() {
        let (mut lane, _) = lane();
        let mut cma = CmaEs::new(CmaEsConfig::default());
        (0..5).for_each(|_| drop(lane.round(&mut cma, 10)));
        lane.incumbent = vec![0.9; lane.space.len()];
        let found = lane.incumbent.clone();
        for point in lane.round(&mut cma, 10) {
            assert_eq!(point[0], 0.9, "a choice");
            assert!(lane.space.distance(&point, &found) < 0.2);
        }
    }

    #[test]
    fn nonsense_is_survived() {
        survives_nonsense(&mut CmaEs::new(CmaEsConfig::default()));
    }
}
