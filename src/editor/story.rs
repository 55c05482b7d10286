//! What the loop did, for people: kept by who runs the loop, drawn by the editor.

use crate::quality::{Estimate, Finding};
use crate::settings::Id;
use crate::tuner::{News, ParameterUpdate, Remembered, What};

/// Points and marks that are kept: an hour of points.
const KEPT: usize = 3600;

/// What the loop heard and did so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Story {
    /// Quality over time, one point a second of sound, the oldest first.
    pub points: Vec<Point>,
    /// What happened meanwhile.
    pub marks: Vec<Mark>,
    /// What is wrong with the input now, the worst first.
    pub findings: Vec<Finding>,
    /// What was heard before and can be heard again, the newest first.
    pub snapshots: Vec<Kept>,
}

/// Quality at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Seconds of sound.
    pub at: f32,
    /// By how much the output is better than the input, PESQ points; `None`: no speech to judge by.
    pub score: Option<Estimate>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Seconds of sound.
    pub at: f32,
    /// Which sort.
    pub sort: Sort,
    /// In plain words.
    pub words: String,
}

/// Sorts of marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Other settings are heard.
    Change,
    /// Older settings are heard again.
    Rollback,
    /// The input became another, a promise was measured, nothing is left to gain, a person said something.
    Note,
}

/// A set of settings that was heard.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its number.
    pub revision: u64,
    /// Seconds of sound.
    pub at: f32,
    /// Why it was heard.
    pub reason: String,
    /// By how much it was to be better.
    pub gain: f32,
}

impl Story {
    /// Notes what the loop tells.
    pub fn hear(&mut self, news: &News) {
        match news {
            News::Window { seconds, record, findings, .. } => {
                self.findings.clone_from(findings);
                let score = (record.speech > 0.0).then_some(record.score);
                push(&mut self.points, Point { at: *seconds as f32, score });
            }
            News::Event { seconds, event } => {
                let sort = match event.what {
                    What::Deployed { .. } => Sort::Change,
                    What::RolledBack { .. } => Sort::Rollback,
                    _ => Sort::Note,
                };
                self.mark(*seconds as f32, sort, &words(&event.what));
            }
            News::Memory(memory) => {
                // A new one came just now; what was saved with the project came before the story began.
                let now = self.points.last().map_or(0.0, |point| point.at);
                let at =
                    |revision| self.snapshots.iter().find(|kept| kept.revision == revision).map_or(now, |kept| kept.at);
                let kept = |kept: &Remembered| Kept {
                    revision: kept.revision,
                    at: at(kept.revision),
                    reason: sentence(&kept.reason),
                    gain: kept.evidence.mean,
                };
                self.snapshots = memory.snapshots.iter().rev().map(kept).collect();
            }
            News::Refused(words) => {
                let now = self.points.last().map_or(0.0, |point| point.at);
                self.mark(now, Sort::Note, words);
            }
            News::Offsets(_) | News::Committed(_) => {}
        }
    }

    fn mark(&mut self, at: f32, sort: Sort, words: &str) {
        push(&mut self.marks, Mark { at, sort, words: sentence(words) });
    }

    /// The newest score that there is.
    pub fn score(&self) -> Option<Estimate> {
        self.points.last().and_then(|point| point.score)
    }

    /// What was done last and why.
    pub fn explanation(&self) -> Option<&Mark> {
        self.marks.last()
    }
}

/// Keeps the newest.
fn push<T>(list: &mut Vec<T>, new: T) {
    list.push(new);
    let spare = list.len().saturating_sub(KEPT);
    list.drain(..spare);
}

/// What happened, with the names that stand on the knobs.
fn words(what: &What) -> String {
    let list = |updates: &[ParameterUpdate]| updates.iter().map(change).collect::<Vec<_>>().join(", ");
    match what {
        What::Deployed { updates, reason, predicted, .. } => {
            format!("{}: {reason}. {:+.2} ± {:.2} expected.", list(updates), predicted.mean, predicted.sigma)
        }
        What::RolledBack { updates, reason, .. } => format!("Back to {}: {reason}.", list(updates)),
        other => format!("{other}."),
    }
}

fn change(update: &ParameterUpdate) -> String {
    match Id::from_name(&update.id).map(Id::spec) {
        Some(spec) => format!("{} {} → {}", spec.name, spec.format(update.old), spec.format(update.new)),
        None => update.id.clone(),
    }
}

/// With a capital.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A time as people write it: `1:05`.
pub fn clock(seconds: f32) -> String {
    let seconds = seconds.max(0.0) as u64;
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::{EMBEDDING, Quality};
    use crate::settings::Settings;
    use crate::tuner::{Event, Record};

    /// A window without speech.
    fn record() -> Record {
        Record {
            sample: 0,
            revision: 1,
            settings: Settings::default(),
            context: [0.0; EMBEDDING],
            speech: 0.0,
            quality: Quality::default(),
            score: Estimate { mean: 0.0, sigma: 0.0 },
            veto: None,
        }
    }

    #[test]
    fn a_story_is_told_in_sentences_and_does_not_grow_for_ever() {
        let mut story = Story::default();
        let event = Event { sample: 0, what: What::InputChanged { change: "louder".into() } };
        let record = Box::new(record());
        for second in 0..5000 {
            let seconds = f64::from(second);
            story.hear(&News::Window { seconds, record: record.clone(), findings: Vec::new(), load: 0.0 });
            story.hear(&News::Event { seconds, event: event.clone() });
        }
        assert_eq!((story.points.len(), story.marks.len()), (KEPT, KEPT));
        assert_eq!(story.points[0].at, 1400.0);
        let last = story.explanation().unwrap();
        assert_eq!((last.words.as_str(), last.sort), ("The input changed: louder.", Sort::Note));
        assert_eq!(story.score(), None);
    }

    #[test]
    fn times_are_written_as_on_a_clock() {
        assert_eq!([0.0, 65.9, 3600.0, f32::NAN].map(clock), ["0:00", "1:05", "1:00:00", "0:00"]);
    }
}
