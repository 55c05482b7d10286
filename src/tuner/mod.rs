//! The loop: it listens, proposes, judges in the shadow, deploys, watches and rolls back.

mod proposers;
mod space;
mod strategy;

pub use proposers::*;
pub use space::{Point, Space, TUNED};
pub use strategy::Strategy;
