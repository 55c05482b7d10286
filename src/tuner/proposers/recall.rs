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
        Self { capacity: 1024, width: 0.25, change: 0.2, nearest: 5 }
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

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::super::testing::survives_nonsense;
    use super::*;
    use crate::settings::Id;
    use crate::tuner::Space;

    fn winner(at: f32, bass: f32, gain: f32) -> Winner {
        Winner { context: [at; EMBEDDING], settings: Settings::default().with(Id::EqLow, bass), gain }
    }

    fn propose(recall: &mut Recall, at: f32) -> Vec<f32> {
        let space = Space::new(Settings::default(), &[]);
        let scene = Scene { context: &[at; EMBEDDING], space: &space, incumbent: space.origin(), round: 1 };
        let mut rng = Rng::seed_from_u64(1);
        let next = || recall.propose(&scene, &mut rng).map(|p| space.settings(&p.point)[Id::EqLow]);
        std::iter::from_fn(next).take(20).map(|bass| (bass * 10.0).round() / 10.0).collect()
    }

    #[test]
    fn the_most_promising_comes_first_and_each_comes_once_in_a_context() {
        let all = [winner(0.0, -4.0, 0.2), winner(0.05, -2.0, 0.5), winner(0.4, 6.0, 0.6), winner(1.5, 5.0, 0.9)];
        let mut recall = Recall::new(all, RecallConfig::default());
        let first = propose(&mut recall, 0.0);
        assert_eq!((first[0], &first[2..]), (-2.0, &[-4.0, 6.0][..]), "{first:?}");
        assert!(first[1] < -0.5 && first[1] > -3.5, "the mean of the near ones: {first:?}");
        assert!(propose(&mut recall, 0.1).is_empty(), "the same context");
        assert_eq!(propose(&mut recall, 1.5), [5.0]);
        assert_eq!(propose(&mut recall, 0.0), first, "again after a change");
    }

    #[test]
    fn what_was_learned_for_a_rare_context_is_kept() {
        let mut recall =
            Recall::new([winner(-1.0, 3.0, 0.1)], RecallConfig { capacity: 12, ..RecallConfig::default() });
        for i in 0..400 {
            recall.add(winner(0.3 + 0.002 * (i % 90) as f32, (i % 13) as f32 - 6.0, 0.2 + 0.01 * (i % 17) as f32));
        }
        assert_eq!(recall.winners().len(), 12);
        assert_eq!(propose(&mut recall, -1.0), [3.0]);
    }

    #[test]
    fn only_the_same_settings_in_the_same_context_are_merged() {
        let mut recall = Recall::new([winner(0.0, 3.0, 0.2)], RecallConfig::default());
        recall.add(winner(0.01, 3.0, 0.4));
        assert_eq!(recall.winners().len(), 1);
        assert!((recall.winners()[0].gain - 0.3).abs() < 1e-6);
        recall.add(winner(0.0, -3.0, 0.2));
        recall.add(winner(0.5, 3.0, -0.2));
        assert_eq!(recall.winners().len(), 3);
        assert!((recall.winners()[0].gain - 0.3).abs() < 1e-6);
    }

    #[test]
    fn what_works_no_more_loses_its_credit_in_that_context_only() {
        let mut recall = Recall::new([winner(0.0, 3.0, 0.2), winner(0.8, 3.0, 0.2)], RecallConfig::default());
        let space = Space::new(Settings::default(), &[]);
        let scene = Scene { context: &[0.0; EMBEDDING], space: &space, incumbent: space.origin(), round: 1 };
        let bad = crate::quality::Estimate { mean: -0.4, sigma: 0.05 };
        let point = space.point(&recall.winners()[0].settings);
        recall.learn(&scene, &Outcome { point, gain: bad, value: bad, vetoed: false });
        let gains: Vec<f32> = recall.winners().iter().map(|w| w.gain).collect();
        assert!((gains[0] + 0.1).abs() < 1e-6 && gains[1] == 0.2, "{gains:?}");
    }

    #[test]
    fn winners_survive_storage_and_a_table_that_changed() {
        let before = winner(0.1, -2.5, 0.4);
        let text = serde_json::to_string(&before).unwrap();
        assert_eq!(serde_json::from_str::<Winner>(&text).unwrap(), before);
        let other = text.replace("\"reduction\"", "\"what is gone\"");
        assert_eq!(serde_json::from_str::<Winner>(&other).unwrap(), before);
    }

    #[test]
    fn nonsense_is_survived() {
        let mut recall =
            Recall::new((0..9).map(|i| winner(0.1 * i as f32, i as f32, f32::NAN)), RecallConfig::default());
        assert!(recall.winners().is_empty());
        (0..9).for_each(|i| recall.add(winner(0.1 * i as f32, i as f32, 1e30)));
        survives_nonsense(&mut recall);
    }
}
