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
        Some(Proposal { point, reason: "a sample around the best so far".to_owned() })
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
