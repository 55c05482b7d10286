//! The loop: it listens, proposes, judges in the shadow, deploys, watches and rolls back.

mod change;
mod experiment;
mod goals;
mod guard;
mod objectives;
mod pareto;
mod proposers;
mod space;
mod strategy;
mod style;

pub use change::{Change, ChangeDetector};
pub use experiment::{ConfidenceSequence, Decision, Experiment, ExperimentConfig, Measure, Standing, Variant};
pub use goals::{Goal, GoalError, Goals};
pub use guard::{Cusum, Fault, Guard, GuardConfig, PageHinkley, Reason, Snapshot};
pub use objectives::{OBJECTIVES, Objective, Objectives};
pub use pareto::{ParetoFront, Scalarisation, Utilities, dominates};
pub use proposers::{Outcome, Proposal, Proposer, Rng, Scene};
pub use space::{Point, Space, TUNED};
pub use strategy::Strategy;
pub use style::Style;
