//! The loop: it listens, proposes, judges in the shadow, deploys, watches and rolls back.

mod convergence;
mod proposers;
mod space;
mod strategy;

pub use convergence::{Convergence, ConvergenceAnalyzer, ConvergenceConfig};
pub use proposers::*;
pub use space::{Point, Space, TUNED};
pub use strategy::Strategy;
