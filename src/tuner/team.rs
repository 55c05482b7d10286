use super::proposers::{Ensemble, Proposer, Winner};
use super::{LoopConfig, Strategy};
use std::fmt;
use std::str::FromStr;

/// Who looks for better settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tactic {
    /// Upper confidence bounds over strategies, by context.
    Ucb,
    /// Thompson sampling over strategies.
    Thompson,
    /// Steps along a gradient, by SPSA.
    Gradient,
    /// The covariance matrix adaptation evolution strategy.
    CmaEs,
    /// What proved best where the input was alike.
    Recall,
    /// Small random steps of a few settings.
    Evolution,
    /// All of them: the slots go to whoever earns them.
    #[default]
    Ensemble,
}

impl Tactic {
    /// All of them.
    pub const ALL: [Tactic; 7] = [
        Tactic::Ucb,
        Tactic::Thompson,
        Tactic::Gradient,
        Tactic::CmaEs,
        Tactic::Recall,
        Tactic::Evolution,
        Tactic::Ensemble,
    ];

    /// Whether it takes small steps, one after the other.
    pub fn is_local(self) -> bool {
        matches!(self, Tactic::Gradient | Tactic::CmaEs | Tactic::Evolution)
    }

    /// As typed, and as the proposer calls itself.
    pub fn name(self) -> &'static str {
        match self {
            Tactic::Ucb => "linucb",
            Tactic::Thompson => "thompson",
            Tactic::Gradient => "gradient",
            Tactic::CmaEs => "cma-es",
            Tactic::Recall => "recall",
            Tactic::Evolution => "evolution",
            Tactic::Ensemble => "ensemble",
        }
    }
}

impl fmt::Display for Tactic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Tactic {
    type Err = String;

    fn from_str(text: &str) -> Result<Tactic, String> {
        let found = Tactic::ALL.into_iter().find(|tactic| tactic.name() == text);
        found.ok_or_else(|| format!("\"{text}\" is no tactic; allowed: {}", Tactic::ALL.map(Tactic::name).join(", ")))
    }
}

/// All the proposers of a loop.
pub struct Team {
    ensemble: Ensemble,
    strategies: usize,
}

impl Team {
    /// One of each kind.
    pub fn new(config: &LoopConfig) -> Team {
        let strategies = Strategy::built_in();
        let ensemble = Ensemble::standard(&strategies, f64::from(config.learning_rate), &config.winners);
        Team { ensemble, strategies: strategies.len() }
    }

    /// Who looks for better settings in this way.
    pub fn get(&mut self, tactic: Tactic) -> &mut dyn Proposer {
        match tactic {
            Tactic::Ensemble => &mut self.ensemble,
            alone => self.ensemble.member(alone.name()).expect("there is one of each kind (tested)"),
        }
    }

    /// How many strategies there are.
    pub fn strategies(&self) -> usize {
        self.strategies
    }

    /// Tells all of settings that proved best.
    pub fn remember(&mut self, winner: &Winner) {
        self.ensemble.remember(winner);
    }

    /// Each proposer's share of the slots.
    pub fn shares(&self) -> Vec<(&'static str, f64)> {
        self.ensemble.shares()
    }
}
