//! Where not to go for a while.

use super::snapshots::Embedding;
use super::{GuardConfig, alike};
use crate::settings::Settings;
use crate::tuner::Space;
use std::collections::VecDeque;

/// What failed, in which context, and until when it is shunned.
#[derive(Clone, Debug)]
struct Failure {
    settings: Settings,
    context: Embedding,
    until: u64,
}

/// What failed lately; a bounded list (tabu search: Glover 1989).
#[derive(Clone, Debug, Default)]
pub(super) struct Tabu(VecDeque<Failure>);

/// More failures than can matter within the time for which they are remembered.
const MOST: usize = 64;

impl Tabu {
    pub fn add(&mut self, config: &GuardConfig, sample: u64, settings: Settings, context: Embedding) {
        self.0.retain(|failure| failure.until > sample);
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        let until = sample.saturating_add(config.samples(config.tabu));
        self.0.push_back(Failure { settings, context, until });
    }

    /// Whether anything like it failed in a context like this one.
    ///
    /// Another choice (another method) is another thing, and far away by [`Space::distance`] too.
    pub fn holds(&self, config: &GuardConfig, sample: u64, space: &Space, point: &[f32], context: &Embedding) -> bool {
        self.0.iter().any(|failure| {
            failure.until > sample
                && alike(config, &failure.context, context)
                && space.distance(&space.point(&failure.settings), point) <= config.tabu_radius
        })
    }

    /// Whether these very settings failed in a context like this one.
    pub fn holds_settings(&self, config: &GuardConfig, sample: u64, settings: &Settings, context: &Embedding) -> bool {
        let failed = |failure: &Failure| failure.until > sample && failure.settings == *settings;
        self.0.iter().any(|failure| failed(failure) && alike(config, &failure.context, context))
    }
}
