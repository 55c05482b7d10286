//! The loop: it listens, proposes, judges in the shadow, deploys, watches and rolls back.

mod proposers;
mod side;
mod space;
mod strategy;

pub use proposers::{Outcome, Proposal, Proposer, Rng, Scene};
pub use side::{Command, Report, SideThread, Worker};
pub use space::{Point, Space, TUNED};
pub use strategy::Strategy;
