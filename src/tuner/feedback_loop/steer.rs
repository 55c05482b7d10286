//! What people and other programs tell the loop.

use super::FeedbackLoop;
use crate::quality::Estimate;
use crate::settings::{Id, Kind, Offsets, Settings};
use crate::tuner::event::{Event, ParameterUpdate, What};
use crate::tuner::feedback::Feedback;
use crate::tuner::proposers::Winner;
use crate::tuner::{Goals, Space, Style};

/// What a person praises gains as much for sure, PESQ points.
const PRAISE: f32 = 0.1;

impl FeedbackLoop {
    /// Deploys settings that come from somewhere else: a profile, another machine, an experiment. They are watched
    /// as any others, and taken back if they do harm. Returns what was changed.
    pub fn install(&mut self, settings: &Settings, reason: &str) -> Vec<ParameterUpdate> {
        let unknown = Estimate { mean: 0.0, sigma: 0.0 };
        self.deploy(self.space.point(settings), reason.to_owned(), unknown)
    }

    /// As [`FeedbackLoop::install`], but a person wants it: it is taken back only if it surely does harm, or if the
    /// base is better once the input is another one.
    pub fn choose(&mut self, settings: &Settings, reason: &str) -> Vec<ParameterUpdate> {
        let updates = self.install(settings, reason);
        if let Some(wanted) = self.guard.snapshots_mut().next_back() {
            wanted.evidence.mean = PRAISE;
        }
        updates
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
        let winner = Winner { context: self.context, settings, gain };
        self.team.remember(&winner);
        self.config.winners.push(winner);
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

    /// What is learned on top of the base. What is heard is base + amount x offset; the loop judges the whole offset.
    pub fn offsets(&self) -> Offsets {
        let incumbent = self.snapshots().next_back().map(|snapshot| snapshot.offsets);
        incumbent.unwrap_or_default().without(self.config.locked.iter().copied())
    }

    /// The user or the host moved the base. What was learned stays on top of it; but a choice that the base
    /// changed is the user's now.
    pub fn set_base(&mut self, base: &Settings) {
        let before = *self.space.base();
        let chosen = |id: &Id| matches!(id.spec().kind, Kind::Choice(_)) && before[*id] != base[*id];
        if let Some(incumbent) = self.guard.snapshots_mut().next_back() {
            incumbent.offsets = incumbent.offsets.without(Id::all().filter(chosen));
        }
        self.config.base = *base;
        self.move_space();
    }

    /// These settings are left alone from now on, where the base has them; all others may be moved. What was learned
    /// for a locked setting is heard again when it is unlocked.
    pub fn set_locked(&mut self, locked: &[Id]) {
        self.config.locked = locked.to_vec();
        self.move_space();
    }

    /// What it leaves alone.
    pub fn locked(&self) -> &[Id] {
        &self.config.locked
    }

    /// How bold it is from now on.
    pub fn set_style(&mut self, style: Style) {
        self.config.style = style;
        self.begin_anew();
    }

    /// What is wanted besides the score from now on.
    pub fn set_goals(&mut self, goals: Goals) {
        self.config.goals = goals;
        self.begin_anew();
    }

    /// Deploys what was deployed before, by its revision; nothing if it isn't kept any more. Unlike
    /// [`FeedbackLoop::rollback`], it says nothing against what is heard now. Returns what was changed.
    pub fn restore(&mut self, revision: u64) -> Vec<ParameterUpdate> {
        let Some(old) = self.snapshots().find(|snapshot| snapshot.revision == revision) else { return Vec::new() };
        let (settings, evidence) = (old.settings, old.evidence);
        self.begin_anew();
        self.search.go_to(self.space.point(&settings));
        self.deploy(self.space.point(&settings), format!("settings {revision} were asked for"), evidence)
    }

    /// What is heard with this amount (0 to 1) becomes the base, which is returned, and nothing is left on top of it.
    /// What was heard before can still be restored.
    pub fn commit(&mut self, amount: f32) -> Settings {
        let base = self.offsets().apply(self.space.base(), amount);
        for snapshot in self.guard.snapshots_mut() {
            snapshot.offsets = Offsets::between(&base, &snapshot.settings);
        }
        if let Some(incumbent) = self.guard.snapshots_mut().next_back() {
            incumbent.offsets = Offsets::default();
        }
        self.config.base = base;
        self.move_space();
        base
    }

    /// What is deployed is heard only from here on: where the audio thread takes it over later.
    pub fn applied(&mut self) {
        self.deployed.since = self.position;
    }

    /// As [`FeedbackLoop::advance`], but works on one window at most: one round of the search. Also whether
    /// there is more to do.
    pub fn step(&mut self) -> (Vec<Event>, bool) {
        let later = self.pending.split_off(self.pending.len().min(1));
        let events = self.advance();
        self.pending = later;
        (events, !self.pending.is_empty())
    }

    /// What happened since it was asked last.
    pub fn news(&mut self) -> Vec<Event> {
        let events = self.log[self.told..].to_vec();
        self.told = self.log.len();
        events
    }

    /// What comes next has nothing to do with what was heard so far.
    pub fn break_off(&mut self) {
        self.pending.clear();
        self.gap(0);
    }

    /// How many of the snapshots stood the test of time.
    pub fn good(&self) -> usize {
        self.guard.kept().filter(|(_, good)| *good).count()
    }

    /// The samples that it was told of, heard or not.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The base, or what may be moved, is another: what is deployed is another sound, too.
    pub(super) fn move_space(&mut self) {
        let (base, locked) = (self.config.base, &self.config.locked);
        self.space = Space::new(base, locked);
        for snapshot in self.guard.snapshots_mut() {
            snapshot.settings = snapshot.offsets.without(locked.iter().copied()).apply(&base, 1.0);
        }
        self.settings = self.offsets().apply(&base, 1.0);
        self.deployed.point = self.space.point(&self.settings);
        self.deployed.since = self.position;
        self.search.move_to(self.deployed.point.clone());
        self.begin_anew();
    }
}
