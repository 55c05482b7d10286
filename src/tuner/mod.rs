//! The loop: it listens, proposes, judges in the shadow, deploys, watches and rolls back.
//!
//! ```text
//! input and output ▸ Hearing ▸ FeedbackLoop ▸ Settings for the engine
//!                                 │ Search: Proposers ▸ Judge (Shadow)
//!                                 │ Guard, ChangeDetector
//! ```
//!
//! [`FeedbackLoop`] is the whole. Each part can be used alone.

mod analysis;
mod change;
mod companion;
mod config;
mod convergence;
mod event;
mod experiment;
mod feedback;
mod feedback_loop;
mod followers;
mod goals;
mod guard;
mod hearing;
mod judge;
mod objectives;
mod opening;
mod pareto;
mod proposers;
mod recent;
mod search;
mod shadow;
mod side;
mod space;
mod strategy;
mod style;
mod team;

pub use analysis::{Analysis, Best, Pattern, Record};
pub use change::{Change, ChangeDetector, Unsuited};
pub use companion::{Companion, News, Order};
pub use config::LoopConfig;
pub use convergence::{Convergence, ConvergenceAnalyzer, ConvergenceConfig};
pub use event::{Event, ParameterUpdate, What};
pub use experiment::{ConfidenceSequence, Decision, Experiment, ExperimentConfig, Measure, Standing, Variant};
pub use feedback::{Dislike, Feedback, Taste};
pub use feedback_loop::{FeedbackLoop, Memory, MemoryError, Metrics, Remembered};
pub use goals::{Goal, GoalError, Goals};
pub use guard::{Cusum, Fault, Guard, GuardConfig, PageHinkley, Reason, Snapshot};
pub use hearing::{Hearing, Window};
pub use judge::{Judge, Rules, Verdict};
pub use objectives::{OBJECTIVES, Objective, Objectives};
pub use opening::{Opening, openings};
pub use pareto::{ParetoFront, Scalarisation, Utilities, dominates};
pub use proposers::*;
pub use recent::Recent;
pub use search::{Round, Search};
pub use shadow::{PREROLL, Shadow, Stretch, Trial};
pub use side::{Command, Report, SideThread, Worker};
pub use space::{Point, Space, TUNED};
pub use strategy::{Strategy, untouched};
pub use style::Style;
pub use team::{Tactic, Team};
