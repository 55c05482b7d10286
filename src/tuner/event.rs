use crate::quality::Estimate;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A line of the explanation log: what the loop did, when, and why. One JSON object a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the stream, in samples.
    pub sample: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// New settings are heard from here on.
    Deployed {
        /// Counts the sets of settings that were heard.
        revision: u64,
        /// What was changed.
        updates: Vec<ParameterUpdate>,
        /// Why.
        reason: String,
        /// By how much it should be better than what was heard before.
        predicted: Estimate,
    },
    /// How a deployed set did on audio that came later, against what was heard before it.
    Measured {
        /// The set.
        revision: u64,
        /// What was promised.
        predicted: Estimate,
        /// What came of it.
        effect: Estimate,
    },
    /// Older settings are heard again.
    RolledBack {
        /// The set that failed.
        revision: u64,
        /// The set that is heard again, as a new revision.
        to: u64,
        /// What was changed.
        updates: Vec<ParameterUpdate>,
        /// Why.
        reason: String,
    },
    /// The input became another.
    InputChanged {
        /// In plain words.
        change: String,
    },
    /// There is nothing left to gain: no more candidates are tried until the input changes.
    Converged {
        /// Rounds since the search began anew.
        rounds: u64,
    },
    /// A person's judgement.
    Feedback {
        /// In plain words.
        feedback: String,
    },
}

/// One setting that was changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterUpdate {
    /// Its id, as in `--set`.
    pub id: String,
    /// Its value before.
    pub old: f32,
    /// Its value from now on.
    pub new: f32,
    /// Why.
    pub reason: String,
    /// What the whole set should gain over what was heard before, PESQ points; its parts aren't known singly.
    pub predicted: Estimate,
}

impl ParameterUpdate {
    fn text(&self) -> String {
        match crate::settings::Id::from_name(&self.id) {
            Some(id) => format!("{} {} to {}", self.id, id.spec().format(self.old), id.spec().format(self.new)),
            None => format!("{} {} to {}", self.id, self.old, self.new),
        }
    }
}

impl Event {
    /// The event as a line of JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list =
            |updates: &[ParameterUpdate]| updates.iter().map(ParameterUpdate::text).collect::<Vec<_>>().join(", ");
        match self {
            What::Deployed { updates, reason, predicted, .. } => {
                let Estimate { mean, sigma } = predicted;
                write!(f, "changed {}: {reason}; should be better by {mean:.2} ± {sigma:.2}", list(updates))
            }
            What::Measured { predicted, effect, .. } => {
                write!(f, "measured {:+.2} ± {:.2} ({:+.2} was promised)", effect.mean, effect.sigma, predicted.mean)
            }
            What::RolledBack { to, reason, .. } => write!(f, "back to settings {to}: {reason}"),
            What::InputChanged { change } => write!(f, "the input changed: {change}"),
            What::Converged { rounds } => write!(f, "nothing left to gain after {rounds} rounds"),
            What::Feedback { feedback } => write!(f, "heard from you: {feedback}"),
        }
    }
}
