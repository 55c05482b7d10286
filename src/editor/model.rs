//! What the editor shows and changes: a plugin in a host, the live app, or a test.

use super::display::Frame;
use super::story::Story;
use crate::settings::{Id, Offsets, Settings};
use crate::tuner::Dislike;

/// Something that the host can automate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Param {
    /// A row of the table; its value is the base.
    Setting(Id),
    /// Whether it learns, 0 or 1.
    Adapt,
    /// How much of what was learned is heard, 0 to 100 %.
    Amount,
    /// How bold it learns, an index into [`Style::ALL`](crate::tuner::Style::ALL).
    Style,
    /// Whether what was learned stays as it is, 0 or 1.
    Hold,
    /// 0 live, 1 studio.
    Latency,
    /// Whether only what is removed is heard, 0 or 1.
    Delta,
    /// Whether the untouched sound is heard, 0 or 1.
    Bypass,
}

/// What a person can ask for beside turning a knob.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Learning leaves a setting alone, or may move it again.
    Lock(Id, bool),
    /// What is learned becomes the base.
    Commit,
    /// All as it was once, as one gesture: undo, redo, A and B, presets.
    Recall(Take),
    /// It sounds good.
    Like,
    /// It doesn't, and why.
    Dislike(Dislike),
    /// It was fine without: what was learned is dropped.
    AlreadyFine,
    /// Hear an older set again, by its revision.
    Restore(u64),
}

/// All that determines the sound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Take {
    /// What the user or the host set.
    pub base: Settings,
    /// What was learned on top of it.
    pub offsets: Offsets,
}

/// The other side of the editor. All of it is called on the thread of the window.
pub trait Model {
    /// The value of a parameter, in its own unit.
    fn value(&self, param: Param) -> f32;
    /// The user takes hold of a parameter.
    fn begin(&mut self, param: Param);
    /// The user moves it.
    fn set(&mut self, param: Param, value: f32);
    /// The user lets go.
    fn end(&mut self, param: Param);
    /// What was set and what was learned.
    fn take(&self) -> Take;
    /// What is heard: the base and as much of what was learned as is wanted.
    fn heard(&self) -> Settings;
    /// Whether learning leaves a setting alone.
    fn is_locked(&self, id: Id) -> bool;
    /// Does what was asked for.
    fn act(&mut self, action: Action);
    /// The newest picture of the sound, if there is one since the last call.
    fn look(&mut self) -> Option<&Frame>;
    /// What the loop did so far.
    fn story(&self) -> &Story;
    /// What the user has to be told, once.
    fn message(&mut self) -> Option<String>;
}

/// A whole gesture at once.
pub fn put(model: &mut dyn Model, param: Param, value: f32) {
    model.begin(param);
    model.set(param, value);
    model.end(param);
}

/// Whether a parameter that is 0 or 1 is on.
pub fn is_on(model: &dyn Model, param: Param) -> bool {
    model.value(param) >= 0.5
}
