//! The loop: it listens, proposes, judges in the shadow, deploys, watches and rolls back.

mod event;
mod hearing;
mod judge;
mod proposers;
mod search;
mod shadow;
mod side;
mod space;
mod strategy;

pub use event::{Event, ParameterUpdate, What};
pub use hearing::{Hearing, Window};
pub use judge::{Judge, Rules, Verdict};
pub use proposers::*;
pub use search::{Find, Round, Search};
pub use shadow::{PREROLL, Shadow, Stretch, Trial};
pub use side::{Command, Report, SideThread, Worker};
pub use space::{Point, Space, TUNED};
pub use strategy::{Strategy, untouched};

/// The mean of the channels.
fn mix<'a>(channels: impl ExactSizeIterator<Item = &'a [f32]>) -> Vec<f32> {
    let share = 1.0 / channels.len().max(1) as f32;
    let mut mix = Vec::new();
    for channel in channels {
        mix.resize(channel.len(), 0.0);
        mix.iter_mut().zip(channel).for_each(|(mix, sample)| *mix += share * sample);
    }
    mix
}
