//! One processed recording, beside its input.

use super::super::workers::STOP;
use super::recording::Recording;
use crate::quality::intrusive::{self, LONGEST_DELAY};
use crate::quality::{Comparison, Ears, Passage};
use std::sync::atomic::Ordering;

/// Where lengths differ by more than this, a person should know, s.
pub const TOLERANCE: f64 = 0.1;

/// What was done to a recording.
#[derive(Clone, Debug)]
pub struct Change {
    /// By how much the output is later than the input, s.
    pub delay: f64,
    /// The rate of the passages' samples.
    pub rate: u32,
    /// Passage by passage, and as a whole.
    pub comparison: Comparison,
    /// Where the first passage begins in the input, s.
    pub start: f64,
}

impl Change {
    /// Where a passage begins and ends in the input, s.
    pub fn times(&self, passage: &Passage) -> (f64, f64) {
        let time = |sample: usize| self.start + sample as f64 / f64::from(self.rate);
        (time(passage.samples.start), time(passage.samples.end))
    }
}

/// Compares, and gives the samples of both free; `progress` hears what share is done. `None` when
/// interrupted.
pub fn compare(input: &mut Recording, output: &mut Recording, progress: impl Fn(f64)) -> Option<Change> {
    let (rate, before) = (input.facts.rate, std::mem::take(&mut input.mono));
    let after = std::mem::take(&mut output.mono);
    let after = if output.facts.rate == rate {
        after
    } else {
        intrusive::resample(&after, output.facts.rate, rate).into_owned()
    };
    let delay = intrusive::delay(&before, &after, rate);
    let (before, after) = intrusive::aligned(&before, &after, delay);
    let ears = Ears::built_in();
    let cuts = Passage::cut(rate, before.len());
    let mut passages = Vec::with_capacity(cuts.len());
    for samples in cuts {
        if STOP.load(Ordering::Relaxed) {
            return None;
        }
        let end = samples.end;
        passages.push(Passage::hear(ears, rate, samples, before, after));
        progress(end as f64 / before.len().max(1) as f64);
    }
    let seconds = |samples: isize| samples as f64 / f64::from(rate);
    let comparison = Comparison::of(passages);
    Some(Change { delay: seconds(delay), rate, comparison, start: seconds((-delay).max(0)) })
}

/// What a person should know of a recording and what it is measured against, called `what`.
pub fn remarks(wanted: &Recording, what: &str, recording: &Recording, delay: f64) -> Vec<String> {
    let mut remarks = Vec::new();
    let (original, facts) = (&wanted.facts, &recording.facts);
    if facts.rate != original.rate {
        remarks.push(format!("has {} Hz and was resampled to the {what}'s {} Hz", facts.rate, original.rate));
    }
    if delay.abs() > 0.99 * LONGEST_DELAY {
        remarks.push("may be delayed by more than can be found (100 ms); align the files first".to_owned());
    }
    let missing = original.seconds() - (facts.seconds() - delay);
    if missing.abs() > TOLERANCE {
        let (much, side) = (missing.abs(), if missing > 0.0 { "before" } else { "after" });
        remarks.push(format!("ends {much:.1} s {side} the {what}; only what both have is measured"));
    }
    remarks
}
