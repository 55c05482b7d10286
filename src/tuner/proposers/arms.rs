use super::pending::Pending;
use super::{Proposal, Scene};
use crate::tuner::{Point, Strategy};

/// Strategies as the arms of a bandit: which of them lead somewhere new, and which was pulled.
#[derive(Clone, Debug)]
pub(super) struct Arms {
    strategies: Vec<Strategy>,
    incumbent: Option<Point>,
    round: u64,
    /// Judged or proposed in this round: on the same audio it would only be judged the same again.
    tried: Vec<Point>,
    pending: Pending<usize>,
}

impl Arms {
    pub fn new(strategies: Vec<Strategy>) -> Arms {
        Arms { strategies, incumbent: None, round: 0, tried: Vec::new(), pending: Pending::default() }
    }

    pub fn len(&self) -> usize {
        self.strategies.len()
    }

    /// Takes note of the scene; whether the incumbent changed.
    pub fn enter(&mut self, scene: &Scene) -> bool {
        if self.round != scene.round {
            self.round = scene.round;
            self.tried.clear();
        }
        let changed = self.incumbent.as_ref().is_some_and(|before| before != scene.incumbent);
        if changed || self.incumbent.is_none() {
            self.incumbent = Some(scene.incumbent.clone());
        }
        changed
    }

    /// The arms that lead to a place that was not tried in this round, each with that place.
    pub fn open(&self, scene: &Scene) -> Vec<(usize, Point)> {
        let lead = self.strategies.iter().map(|s| s.apply(scene.space, scene.incumbent)).enumerate();
        lead.filter(|(_, to)| to != scene.incumbent && !self.tried.contains(to)).collect()
    }

    /// Pulls an arm.
    pub fn pull(&mut self, arm: usize, point: Point) -> Proposal {
        self.tried.push(point.clone());
        self.pending.push(&point, arm);
        Proposal { point, reason: self.strategies[arm].name.clone() }
    }

    /// The arm that was pulled for a proposal.
    pub fn pulled(&mut self, point: &Point) -> Option<usize> {
        self.pending.take(point)
    }

    /// The arm that somebody else's proposal amounts to.
    pub fn seen(&mut self, scene: &Scene, point: &Point) -> Option<usize> {
        let arm = self.open(scene).into_iter().find(|(_, to)| to == point)?.0;
        if self.round == scene.round {
            self.tried.push(point.clone());
        }
        Some(arm)
    }
}
