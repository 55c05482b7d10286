//! Who proposes what to try next.

mod arms;
mod cma_es;
mod ensemble;
mod evolution;
mod pending;
mod recall;
mod spsa;
#[cfg(test)]
mod testing;
mod thompson;
mod ucb;

pub use cma_es::{CmaEs, CmaEsConfig};
pub use ensemble::{Ensemble, EnsembleConfig};
pub use evolution::Evolution;
pub use recall::{Recall, RecallConfig, Winner};
pub use spsa::{Spsa, SpsaConfig};
pub use thompson::{Posteriors, Thompson, ThompsonConfig, log_regret};
pub use ucb::{Ucb, UcbConfig};

use super::{Point, Space};
use crate::quality::{EMBEDDING, Estimate};

/// The random numbers of everything that learns: the same seed gives the same numbers on every machine.
pub type Rng = rand_pcg::Pcg64;

/// What a proposer is told when it is asked.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// What the input is like; see [`crate::quality::Context::embedding`].
    pub context: &'a [f32; EMBEDDING],
    /// Where it may look.
    pub space: &'a Space,
    /// What is heard at present.
    pub incumbent: &'a Point,
    /// Counts the stretches of audio that were judged: values of two outcomes are comparable within one.
    pub round: u64,
}

/// Something to try.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Where.
    pub point: Point,
    /// Why, in a few plain words: "less boom".
    pub reason: String,
}

/// What became of a proposal.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Where.
    pub point: Point,
    /// By how much it is better than the incumbent, PESQ points. With a veto about -10.
    pub gain: Estimate,
    /// The same over the base.
    pub value: Estimate,
    /// Whether a hard bound was broken.
    pub vetoed: bool,
}

impl Outcome {
    /// The gain as a reward: within ±1 and always a number, so that one veto doesn't outweigh all else.
    fn reward(&self) -> f64 {
        self.bounded(&self.gain)
    }

    /// The value over the base, within ±1 and always a number.
    fn merit(&self) -> f64 {
        self.bounded(&self.value)
    }

    /// The gain that is there in all likelihood: less one standard deviation (84 %); within ±1.
    fn sure_gain(&self) -> f64 {
        self.bounded(&Estimate { mean: self.gain.least(1.0), ..self.gain })
    }

    fn bounded(&self, estimate: &Estimate) -> f64 {
        match self.vetoed || estimate.mean.is_nan() {
            true => -1.0,
            false => f64::from(estimate.mean).clamp(-1.0, 1.0),
        }
    }
}

/// Proposes what to try next, and learns from what became of it.
///
/// The contract: proposals lie within the space (0 to 1 in each coordinate); `learn` is called once for
/// each proposal, in order, with the scene of that proposal; the same calls with the same random
/// numbers give the same proposals.
pub trait Proposer: Send {
    /// A short name: "ucb".
    fn name(&self) -> &'static str;

    /// The next candidate; `None` if there is nothing to try at present.
    fn propose(&mut self, scene: &Scene, rng: &mut Rng) -> Option<Proposal>;

    /// Hears what became of it.
    fn learn(&mut self, scene: &Scene, outcome: &Outcome);

    /// Hears what became of somebody else's proposal.
    fn observe(&mut self, _scene: &Scene, _outcome: &Outcome) {}

    /// Is told of settings that proved best in some context.
    fn remember(&mut self, _winner: &Winner) {}

    /// How many proposals it wants judged within one round, so that it can compare them.
    fn batch(&self) -> usize {
        1
    }
}
