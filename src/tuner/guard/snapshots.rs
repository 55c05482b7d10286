//! What was heard before, and what it was worth.

use crate::quality::{EMBEDDING, Estimate};
use crate::settings::{Offsets, Settings};
use std::collections::VecDeque;
use std::sync::Arc;

/// What the input is like; see [`crate::quality::Context::embedding`].
pub(super) type Embedding = [f32; EMBEDDING];

/// One deployment: all that is needed to go back to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The revision under which the audio thread first got it.
    pub revision: u64,
    /// When it was deployed, samples of the stream.
    pub sample: u64,
    /// What is heard.
    pub settings: Settings,
    /// What it adds to the base, which may have moved since: what is heard follows from these.
    pub offsets: Offsets,
    /// The state of what learns, as its owner wrote it.
    pub learner: Option<Arc<[u8]>>,
    /// What the input was like.
    pub context: [f32; EMBEDDING],
    /// By how much it was better than what it replaced, PESQ points.
    pub evidence: Estimate,
    /// Why it was deployed, in plain words.
    pub reason: String,
}

/// A snapshot, and whether it stood the test of time.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub snapshot: Snapshot,
    pub good: bool,
}

/// The last snapshots, the incumbent at the end; never empty.
#[derive(Clone, Debug)]
pub(super) struct Ring {
    kept: VecDeque<Kept>,
    most: usize,
}

impl Ring {
    /// With the first one, which is good by definition: the user chose it.
    pub fn new(most: usize, first: Snapshot) -> Ring {
        Ring { kept: VecDeque::from([Kept { snapshot: first, good: true }]), most: most.max(2) }
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Kept> {
        self.kept.iter()
    }

    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Kept> {
        self.kept.iter_mut()
    }

    /// Others instead, the newest of them, in order; not if there are none.
    pub fn replace(&mut self, kept: Vec<Kept>) {
        if !kept.is_empty() {
            self.kept = kept.into();
            self.kept.drain(..self.kept.len().saturating_sub(self.most));
        }
    }

    /// What is heard now.
    pub fn incumbent(&self) -> &Kept {
        self.kept.back().expect("a ring is never empty")
    }

    pub fn incumbent_mut(&mut self) -> &mut Kept {
        self.kept.back_mut().expect("a ring is never empty")
    }

    /// All but what is heard now, the newest first.
    pub fn older(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter().rev().skip(1)
    }

    /// A new incumbent. If there are too many, what goes is the oldest that never proved good; else the
    /// oldest for whose context there is a newer one; else the oldest. So what was learned for
    /// one context isn't lost while the loop is busy with another.
    pub fn push(&mut self, kept: Kept, alike: impl Fn(&Embedding, &Embedding) -> bool) {
        if self.kept.len() >= self.most {
            let older = self.kept.len() - 1;
            let outdated = |i: &usize| {
                let context = &self.kept[*i].snapshot.context;
                self.kept.range(i + 1..).any(|newer| newer.good && alike(&newer.snapshot.context, context))
            };
            let goes = (0..older).find(|i| !self.kept[*i].good).or_else(|| (0..older).find(outdated));
            self.kept.remove(goes.unwrap_or(0));
        }
        self.kept.push_back(kept);
    }

    /// Makes an older snapshot the incumbent again; the present one stays in its place or goes for good.
    pub fn go_back(&mut self, revision: u64, forget: bool) -> Option<&Snapshot> {
        let at = self.kept.iter().rposition(|kept| kept.snapshot.revision == revision)?;
        if forget {
            self.kept.pop_back();
        }
        let kept = self.kept.remove(at)?;
        self.kept.push_back(kept);
        Some(&self.incumbent().snapshot)
    }
}
