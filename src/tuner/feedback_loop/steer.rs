//! What people and other programs tell the loop.

use super::FeedbackLoop;
use crate::quality::Estimate;
use crate::settings::Settings;
use crate::tuner::event::{ParameterUpdate, What};
use crate::tuner::feedback::Feedback;
use crate::tuner::proposers::Winner;

/// What a person praises gains as much for sure, PESQ points.
const PRAISE: f32 = 0.1;

impl FeedbackLoop {
    /// Deploys settings that come from somewhere else: a profile, another machine, an experiment. They are watched
    /// as any others, and taken back if they do harm. Returns what was changed.
    pub fn install(&mut self, settings: &Settings, reason: &str) -> Vec<ParameterUpdate> {
        let unknown = Estimate { mean: 0.0, sigma: 0.0 };
        self.deploy(self.space.point(settings), reason.to_owned(), unknown)
    }

    /// Takes a person's judgement into account. What is disliked is taken back at once and shunned for a while,
    /// and its reason moves what is looked for; what is praised or chosen is remembered for input like this.
    /// Returns what was changed.
    pub fn record(&mut self, feedback: Feedback) -> Vec<ParameterUpdate> {
        self.tell(What::Feedback { feedback: feedback.to_string() });
        let praise = match feedback {
            Feedback::Dislike(reason) => {
                self.taste.learn(reason);
                None
            }
            Feedback::Rating(..=2) => None,
            Feedback::Rating(3) => return Vec::new(),
            Feedback::Rating(_) => Some(self.deployed.revision),
            Feedback::Choice { better, .. } => Some(better),
        };
        self.begin_anew();
        let Some(revision) = praise else { return self.rollback() };
        let Some(liked) = self.snapshots().find(|snapshot| snapshot.revision == revision) else { return Vec::new() };
        let (settings, evidence) = (liked.settings, liked.evidence);
        let gain = evidence.mean.max(PRAISE);
        self.team.remember(&Winner { context: self.context, settings, gain });
        match settings == self.settings {
            true => Vec::new(),
            false => self.deploy(self.space.point(&settings), "it was chosen".into(), evidence),
        }
    }

    /// From now on it listens, but changes nothing by itself, until [`FeedbackLoop::resume`].
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// It watches, and looks for better settings, again.
    pub fn resume(&mut self) {
        self.paused = false;
    }
}
