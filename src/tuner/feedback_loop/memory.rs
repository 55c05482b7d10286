//! What outlives a session.

use super::{Deployed, FeedbackLoop};
use crate::quality::{EMBEDDING, EMBEDDING_VERSION, Estimate};
use crate::settings::Offsets;
use crate::tuner::feedback::Taste;
use crate::tuner::guard::Snapshot;
use crate::tuner::proposers::{Recall, RecallConfig, Winner};
use serde::{Deserialize, Serialize};

/// The version of [`Memory`] that is written.
const VERSION: u32 = 1;

/// All that a loop learned: to be stored with a project or a profile. It holds numbers and words, no audio.
///
/// Made by [`FeedbackLoop::memory`], taken over by [`FeedbackLoop::remember`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Of this form.
    version: u32,
    /// Of what contexts mean.
    contexts: u32,
    /// What was deployed, the oldest first, what is heard last.
    pub snapshots: Vec<Remembered>,
    /// What proved best, and for what input.
    pub winners: Vec<Winner>,
    /// What a person has made known to like.
    pub taste: Taste,
    /// Counts the sets of settings.
    pub revision: u64,
    /// Counts the windows that were heard, one a second.
    pub windows: u64,
}

/// A set of settings that was deployed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    /// Which one; see [`FeedbackLoop::restore`].
    pub revision: u64,
    /// What it adds to the base.
    pub offsets: Offsets,
    /// What the input was like.
    pub context: [f32; EMBEDDING],
    /// By how much it was better than what it replaced, PESQ points.
    pub evidence: Estimate,
    /// Why it was deployed, in plain words.
    pub reason: String,
    /// Whether it stood the test of time.
    pub good: bool,
}

/// Why a [`Memory`] is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// From a later program.
    #[error(
        "what was learned was stored by a newer Attune (version {0} of its memory, {VERSION} is known here); please update Attune"
    )]
    Newer(u32),
    /// It can't be read.
    #[error("what was learned is damaged ({0}) and can't be read; learning begins anew")]
    Damaged(String),
}

impl Memory {
    /// As one line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads what [`Memory::to_json`] wrote.
    ///
    /// # Errors
    /// When it is damaged, or of a newer program.
    pub fn from_json(text: &str) -> Result<Memory, MemoryError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let damaged = |error: serde_json::Error| MemoryError::Damaged(error.to_string());
        // A newer one may have another form.
        let Version { version } = serde_json::from_str(text).map_err(damaged)?;
        if version > VERSION {
            return Err(MemoryError::Newer(version));
        }
        let memory: Memory = serde_json::from_str(text).map_err(damaged)?;
        memory.check()?;
        Ok(memory)
    }

    fn check(&self) -> Result<(), MemoryError> {
        let damaged = |what: &str| Err(MemoryError::Damaged(what.into()));
        let known = |snapshot: &Remembered| {
            let Estimate { mean, sigma } = snapshot.evidence;
            snapshot.context.iter().chain([&mean, &sigma]).all(|x| x.is_finite())
        };
        match self {
            _ if self.version > VERSION => Err(MemoryError::Newer(self.version)),
            _ if !self.snapshots.iter().all(known) => damaged("a snapshot has no numbers"),
            _ if self.snapshots.iter().any(|snapshot| snapshot.revision > self.revision) => {
                damaged("a snapshot is newer than the last one")
            }
            _ => Ok(()),
        }
    }
}

impl FeedbackLoop {
    /// All that was learned.
    pub fn memory(&self) -> Memory {
        // Others than finite numbers would not survive being stored.
        let finite = |x: f32| if x.is_finite() { x } else { 0.0 };
        let remembered = |(snapshot, good): (&Snapshot, bool)| Remembered {
            revision: snapshot.revision,
            offsets: snapshot.offsets,
            context: snapshot.context.map(finite),
            evidence: Estimate { mean: finite(snapshot.evidence.mean), sigma: finite(snapshot.evidence.sigma) },
            reason: snapshot.reason.clone(),
            good,
        };
        let mut known = Recall::new(self.config.winners.iter().cloned(), RecallConfig::default());
        for (snapshot, good) in self.guard.kept() {
            if good && snapshot.evidence.mean > 0.0 {
                let Snapshot { context, settings, evidence, .. } = snapshot;
                known.add(Winner { context: *context, settings: *settings, gain: evidence.mean });
            }
        }
        Memory {
            version: VERSION,
            contexts: EMBEDDING_VERSION,
            snapshots: self.guard.kept().map(remembered).collect(),
            winners: known.winners().to_vec(),
            taste: self.taste,
            revision: self.deployed.revision,
            windows: self.windows,
        }
    }

    /// Goes on where the loop of this memory was: the same is heard on the same base, and nothing that it learned is
    /// lost. What this loop deployed so far is forgotten.
    ///
    /// # Errors
    /// When it is damaged, or of a newer program. Nothing is changed then.
    pub fn remember(&mut self, memory: Memory) -> Result<(), MemoryError> {
        memory.check()?;
        let Memory { contexts, snapshots, mut winners, taste, revision, windows, .. } = memory;
        if contexts != EMBEDDING_VERSION {
            winners.clear();
        }
        let snapshot = |remembered: Remembered| {
            let Remembered { revision, offsets, context, evidence, reason, good } = remembered;
            let settings = *self.space.base();
            (
                Snapshot {
                    revision,
                    sample: self.position,
                    settings,
                    offsets,
                    learner: None,
                    context,
                    evidence,
                    reason,
                },
                good,
            )
        };
        self.guard.remember(self.position, snapshots.into_iter().map(snapshot).collect::<Vec<_>>());
        winners.iter().for_each(|winner| self.team.remember(winner));
        self.config.winners = winners;
        self.taste = taste;
        self.windows = windows;
        self.deployed = Deployed { point: Vec::new(), revision, since: self.position, predicted: None };
        // Says what all of it sounds like on this base.
        self.move_space();
        Ok(())
    }
}
