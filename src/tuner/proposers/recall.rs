//! What worked before where it sounded alike.

use serde::{Deserialize, Serialize};

use super::{Outcome, Proposal, Proposer, Rng, Scene};
use crate::quality::EMBEDDING;
use crate::settings::{COUNT, Settings, TABLE};
use crate::tuner::Point;

/// Settings that proved best in a context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Winner {
    /// What the input was like; see [`crate::quality::Context::embedding`].
    pub context: [f32; EMBEDDING],
    /// What was best for it. Stored by name; what is missing gets its default, what is unknown is ignored.
    #[serde(with = "by_name")]
    pub settings: Settings,
    /// By how much they were better than the base, PESQ points.
    pub gain: f32,
}

mod by_name {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use crate::settings::{Id, Settings, TABLE};

    pub fn serialize<S: Serializer>(settings: &Settings, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(TABLE.iter().map(|spec| (spec.id, settings[spec.key])))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Settings, D::Error> {
        let values = BTreeMap::<String, f32>::deserialize(deserializer)?;
        let known = values.iter().filter_map(|(name, value)| Some((Id::from_name(name)?, *value)));
        Ok(known.fold(Settings::default(), |settings, (id, value)| settings.with(id, value)))
    }
}

/// How far [`Recall`] looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RecallConfig {
    /// Winners kept at most.
    pub capacity: usize,
    /// Distance of contexts at which similarity has fallen to 0.61: a standard deviation.
    pub width: f32,
    /// Distance from which a context counts as changed.
    pub change: f32,
    /// How many of the nearest are proposed, and averaged.
    pub nearest: usize,
}

impl Default for RecallConfig {
    fn default() -> Self {
        Self { capacity: 256, width: 0.25, change: 0.2, nearest: 5 }
    }
}

/// Winners as near as this in both are the same one.
const SAME_CONTEXT: f32 = 0.1;
const SAME_SETTINGS: f32 = 0.01;

/// Proposes the winners of the most similar contexts.
///
/// The distance of two contexts is the root mean square difference of their embeddings; similarity is
/// `exp(-(distance/width)² / 2)`. A winner is expected to gain what it gained, times the similarity.
/// The nearest few are proposed once each after every change of context, the most promising first, and after
/// the first of them their mean, weighted by similarity.
///
/// The memory is bounded. What is learned for one context never changes what is known of another:
/// only winners with the same context and the same settings are merged, and when the memory is full, one of the two that are
/// nearest to each other goes, whichever gained less. A rare context is thus the last to be forgotten.
#[derive(Clone, Debug)]
pub struct Recall {
    config: RecallConfig,
    winners: Vec<Winner>,
    /// The context for which the queue was drawn up.
    context: Option<[f32; EMBEDDING]>,
    /// Still to be proposed, the last one next.
    queue: Vec<Proposal>,
}

impl Recall {
    /// With what is known already.
    pub fn new(winners: impl IntoIterator<Item = Winner>, config: RecallConfig) -> Recall {
        let mut recall = Recall { config, winners: Vec::new(), context: None, queue: Vec::new() };
        winners.into_iter().for_each(|winner| recall.add(winner));
        recall
    }

    /// All that is remembered.
    pub fn winners(&self) -> &[Winner] {
        &self.winners
    }

    /// Remembers a winner. One that is known already takes the mean of both gains; one that isn't a
    /// number is ignored.
    pub fn add(&mut self, winner: Winner) {
        if !winner.gain.is_finite() || !winner.context.iter().all(|x| x.is_finite()) {
            return;
        }
        if !self.refresh(&winner) {
            self.winners.push(winner);
        }
        if self.winners.len() > self.config.capacity.max(1) {
            self.evict();
        }
    }

    /// Brings what is known of a winner up to date; whether it is known.
    fn refresh(&mut self, winner: &Winner) -> bool {
        let known = self.winners.iter_mut().find(|known| same(known, winner));
        known.map(|known| known.gain = (known.gain + winner.gain) / 2.0).is_some()
    }

    /// Forgets the lesser one of the two that are nearest to each other.
    fn evict(&mut self) {
        let all = 0..self.winners.len();
        let pairs = all.clone().flat_map(|i| (0..i).map(move |j| (i, j)));
        let near = |(i, j): &(usize, usize)| crowding(&self.winners[*i], &self.winners[*j]);
        if let Some((i, j)) = pairs.min_by(|a, b| near(a).total_cmp(&near(b))) {
            self.winners.remove(if self.winners[i].gain < self.winners[j].gain { i } else { j });
        }
    }

    /// What to try in a context, the best last.
    fn plan(&self, scene: &Scene) -> Vec<Proposal> {
        let mut near: Vec<(f32, &Winner)> = self
            .winners
            .iter()
            .filter(|winner| winner.gain > 0.0)
            .map(|winner| (self.similarity(&winner.context, scene.context), winner))
            .filter(|(similarity, _)| *similarity > 0.05)
            .collect();
        near.sort_by(|a, b| (b.0 * b.1.gain).total_cmp(&(a.0 * a.1.gain)));
        near.truncate(self.config.nearest);
        let propose = |settings: &Settings, reason: &str| Proposal {
            point: scene.space.point(settings),
            reason: reason.to_owned(),
        };
        let mut plan: Vec<Proposal> =
            near.iter().map(|(_, winner)| propose(&winner.settings, "it was best where it sounded alike")).collect();
        if near.len() > 1 {
            plan.insert(1, propose(&mean(&near), "the mean of what was best where it sounded alike"));
        }
        plan.reverse();
        plan
    }

    fn similarity(&self, a: &[f32; EMBEDDING], b: &[f32; EMBEDDING]) -> f32 {
        (-0.5 * (distance(a, b) / self.config.width.max(1e-3)).powi(2)).exp()
    }
}

impl Proposer for Recall {
    fn name(&self) -> &'static str {
        "recall"
    }

    fn propose(&mut self, scene: &Scene, _rng: &mut Rng) -> Option<Proposal> {
        if !scene.context.iter().all(|x| x.is_finite()) {
            return None;
        }
        if self.context.is_none_or(|before| distance(&before, scene.context) > self.config.change) {
            self.context = Some(*scene.context);
            self.queue = self.plan(scene);
        }
        loop {
            let proposal = self.queue.pop()?;
            let known = |point: &Point| point.len() == scene.incumbent.len() && point != scene.incumbent;
            if known(&proposal.point) {
                return Some(proposal);
            }
        }
    }

    fn learn(&mut self, scene: &Scene, outcome: &Outcome) {
        let settings = scene.space.settings(&outcome.point);
        self.refresh(&Winner { context: *scene.context, settings, gain: outcome.merit() as f32 });
    }

    fn remember(&mut self, winner: &Winner) {
        self.add(winner.clone());
    }
}

/// Root mean square difference of two embeddings.
fn distance(a: &[f32; EMBEDDING], b: &[f32; EMBEDDING]) -> f32 {
    rms(a.iter().zip(b).map(|(a, b)| a - b))
}

/// Root mean square distance of settings, shares of their ranges.
fn travel(a: &Settings, b: &Settings) -> f32 {
    rms(TABLE.iter().map(|spec| spec.normalise(a[spec.key]) - spec.normalise(b[spec.key])))
}

fn rms(differences: impl ExactSizeIterator<Item = f32>) -> f32 {
    let n = differences.len().max(1) as f32;
    (differences.map(|x| x * x).sum::<f32>() / n).sqrt()
}

fn same(a: &Winner, b: &Winner) -> bool {
    distance(&a.context, &b.context) <= SAME_CONTEXT && travel(&a.settings, &b.settings) <= SAME_SETTINGS
}

/// How near two winners are to each other: context first, settings as far as contexts are alike.
fn crowding(a: &Winner, b: &Winner) -> f32 {
    distance(&a.context, &b.context) + 0.1 * travel(&a.settings, &b.settings)
}

/// The mean of settings, weighted by similarity; of the choices, the one with the most weight.
fn mean(near: &[(f32, &Winner)]) -> Settings {
    let total: f32 = near.iter().map(|(weight, _)| weight).sum();
    let values: [f32; COUNT] = std::array::from_fn(|i| {
        let spec = &TABLE[i];
        let value = |winner: &Winner| winner.settings[spec.key];
        if matches!(spec.kind, crate::settings::Kind::Choice(_)) {
            let votes = |choice: f32| near.iter().filter(|n| value(n.1) == choice).map(|n| n.0).sum::<f32>();
            let best = near.iter().max_by(|a, b| votes(value(a.1)).total_cmp(&votes(value(b.1))));
            best.map_or(spec.default, |n| value(n.1))
        } else {
            spec.denormalise(near.iter().map(|(w, winner)| w * spec.normalise(value(winner))).sum::<f32>() / total)
        }
    });
    Settings::from_array(&values)
}
