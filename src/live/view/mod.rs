//! What a person sees of it.

mod plain;
mod terminal;

pub use plain::Plain;
pub use terminal::Terminal;

use super::Reading;
use crate::engine::Monitor;
use crate::quality::Estimate;
use crate::tuner::Feedback;

/// What there is to be seen.
#[derive(Clone, Debug, Default)]
pub struct Scene {
    /// The devices and how they were opened.
    pub devices: String,
    /// What the audio thread tells.
    pub reading: Reading,
    /// By how much the output is better than the input, PESQ points, where there is speech.
    pub quality: Option<Estimate>,
    /// What the loop did last.
    pub explanation: String,
    /// What keeps it from running.
    pub problem: Option<String>,
    /// The load of the side thread, as a share of a core.
    pub side_load: f32,
    /// Since the start, s.
    pub seconds: f64,
}

/// What a person wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To hear something else.
    Monitor(Monitor),
    /// To hear nothing, or to hear again.
    Mute,
    /// To say how it sounds.
    Feedback(Feedback),
    /// To hear what was heard before.
    Undo,
    /// To take back what is heard, as something bad.
    RollBack,
    /// To end.
    Quit,
}

/// Somebody who shows it.
pub trait View {
    /// Shows how things are, several times a second; what is wanted since.
    fn show(&mut self, scene: &Scene) -> Vec<Action>;

    /// Says what happened.
    fn say(&mut self, line: &str);

    /// Shows how it was, at the end.
    fn end(&mut self, scene: &Scene);
}

/// The counts, in words.
fn faults(scene: &Scene) -> String {
    let f = scene.reading.faults;
    let (xruns, underruns, skips) = (f.xruns, f.underruns, f.skips);
    format!("xruns {xruns}, underruns {underruns}, skips {skips}, overruns {}, late {}", f.overruns, f.late)
}
