//! What a person sees of it.

mod console;
mod plain;
mod terminal;
mod window;

pub use plain::Plain;
pub use terminal::Terminal;
pub use window::Window;

use super::{Controls, Reading};
use crate::editor::display::Probe;
use crate::engine::Monitor;
use crate::quality::Estimate;
use crate::settings::Offsets;
use crate::tuner::{Feedback, News};

/// What there is to be seen.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What is set.
    pub controls: Controls,
    /// What was learned on top of the base.
    pub offsets: Offsets,
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
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// To hear something else.
    Monitor(Monitor),
    /// To hear nothing, or to hear again.
    Mute,
    /// To have all this set.
    Set(Box<Controls>),
    /// To make what is heard the base.
    Commit,
    /// To hear other offsets, and to go on learning from there; why, in plain words.
    Install(Box<Offsets>, &'static str),
    /// To hear a snapshot, by its revision.
    Restore(u64),
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

    /// Hears what the loop tells.
    fn hear(&mut self, _news: &News) {}

    /// What shows it the sound, if it wants to see it: for a new stream.
    fn probe(&mut self) -> Option<Probe> {
        None
    }

    /// Says what happened.
    fn say(&mut self, line: &str);

    /// Shows how it was, at the end.
    fn end(&mut self, scene: &Scene);
}

impl Scene {
    /// Before anything happened.
    pub fn new(controls: Controls) -> Scene {
        Scene {
            controls,
            offsets: Offsets::default(),
            devices: String::new(),
            reading: Reading::default(),
            quality: None,
            explanation: String::new(),
            problem: None,
            side_load: 0.0,
            seconds: 0.0,
        }
    }
}

/// The counts, in words.
fn faults(scene: &Scene) -> String {
    let f = scene.reading.faults;
    let (xruns, underruns, skips) = (f.xruns, f.underruns, f.skips);
    format!("xruns {xruns}, underruns {underruns}, skips {skips}, overruns {}, late {}", f.overruns, f.late)
}
