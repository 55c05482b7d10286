//! What the loop did, for people: kept by who runs the loop, drawn by the editor.

use crate::quality::{Estimate, Finding};
use crate::tuner::{News, Remembered, What};

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
    /// Why it was heard.
    pub reason: String,
    /// By how much it was to be better.
    pub gain: f32,
}

impl Story {
    /// Takes in what the loop tells.
    pub fn hear(&mut self, news: &News) {
        match news {
            News::Window { seconds, record, .. } => {
                let judged = record.speech > 0.0 && record.score.mean.is_finite();
                self.points.push(Point { at: *seconds as f32, score: judged.then_some(record.score) });
                let spare = self.points.len().saturating_sub(KEPT);
                self.points.drain(..spare);
            }
            News::Event { seconds, event } => {
                let sort = match event.what {
                    What::Deployed { .. } => Sort::Change,
                    What::RolledBack { .. } => Sort::Rollback,
                    _ => Sort::Note,
                };
                self.marks.push(Mark { at: *seconds as f32, sort, words: sentence(&event.what.to_string()) });
                let spare = self.marks.len().saturating_sub(KEPT);
                self.marks.drain(..spare);
            }
            News::Memory(memory) => self.snapshots = memory.snapshots.iter().rev().map(Kept::from).collect(),
            _ => {}
        }
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

impl From<&Remembered> for Kept {
    fn from(snapshot: &Remembered) -> Kept {
        let Remembered { revision, reason, evidence, .. } = snapshot;
        Kept { revision: *revision, reason: sentence(reason), gain: evidence.mean }
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
    use crate::tuner::Event;

    #[test]
    fn a_story_is_told_in_sentences_and_does_not_grow_for_ever() {
        let mut story = Story::default();
        for second in 0..5000 {
            let what = What::InputChanged { change: "louder".into() };
            story.hear(&News::Event { seconds: f64::from(second), event: Event { sample: 0, what } });
        }
        assert_eq!((story.marks.len(), story.marks[0].at), (KEPT, 1400.0));
        let last = story.explanation().unwrap();
        assert_eq!((last.words.as_str(), last.sort), ("The input changed: louder", Sort::Note));
        assert_eq!(story.score(), None);
    }

    #[test]
    fn times_are_written_as_on_a_clock() {
        assert_eq!([0.0, 65.9, 3600.0, f32::NAN].map(clock), ["0:00", "1:05", "1:00:00", "0:00"]);
    }
}
