//! The loop: it listens, proposes, judges in the shadow, deploys, watches and rolls back.

mod guard;
mod proposers;
mod space;
mod strategy;

pub use guard::{Cusum, Fault, Guard, GuardConfig, PageHinkley, Reason, Snapshot};
pub use proposers::{Outcome, Proposal, Proposer, Rng, Scene};
pub use space::{Point, Space, TUNED};
pub use strategy::Strategy;
