use serde::{Deserialize, Serialize};

/// A confidence sequence for the mean of observations from 0 to 1, by betting (Waudby-Smith & Ramdas 2024).
///
/// For each mean that is possible a gambler bets that it is wrong, with what was seen before (the bets are
/// those of their aGRAPA). If it is right, his fortune is a martingale and ever reaches 1/alpha with
/// a chance of at most alpha (Ville 1939). What is not ruined yet is the interval: it covers the mean at all
/// times at once, so that one may look at it and stop whenever one likes. It needs no distribution and
/// no variance to be known: only that the observations have the same mean, whatever came before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfidenceSequence {
    /// Of each mean the logarithm of the fortune, and the largest that it ever was.
    fortunes: Vec<(f64, f64)>,
    count: u64,
    /// Of the observations so far, and of one that stands for what is to be expected.
    mean: f64,
    variance: f64,
}

/// Means that are bet on: multiples of 1/200 from 0 to 1, of which one is exactly 1/2.
const GRID: usize = 201;
/// The most that is staked, as a share of what could be lost.
const STAKE: f64 = 0.9;

impl ConfidenceSequence {
    /// Without any observation; `variance` is what is to be expected of theirs. It matters for the
    /// width of the interval at first, but not for its truth.
    pub fn new(variance: f64) -> ConfidenceSequence {
        ConfidenceSequence { fortunes: vec![(0.0, 0.0); GRID], count: 0, mean: 0.5, variance }
    }

    /// Takes in an observation; what lies outside 0 to 1 is brought in, NaN is ignored.
    pub fn push(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        let value = value.clamp(0.0, 1.0);
        for (i, (fortune, most)) in self.fortunes.iter_mut().enumerate() {
            let mean = possible(i);
            let edge = self.mean - mean;
            let bet = edge / (self.variance + edge * edge).max(1e-9);
            let bet = bet.clamp(-STAKE / (1.0 - mean).max(1e-9), STAKE / mean.max(1e-9));
            *fortune += (bet * (value - mean)).ln_1p();
            *most = most.max(*fortune);
        }
        self.count += 1;
        let share = 1.0 / (self.count + 1) as f64;
        let off = value - self.mean;
        self.mean += share * off;
        self.variance = (1.0 - share) * (self.variance + share * off * off);
    }

    /// How many observations there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The means that are still possible at this level (0.05: 95 %), from and to.
    pub fn interval(&self, alpha: f64) -> (f64, f64) {
        let ruin = -alpha.clamp(1e-12, 1.0).ln();
        let alive = |i: &usize| self.fortunes[*i].1 < ruin;
        let (low, high) = ((0..GRID).find(alive), (0..GRID).rev().find(alive));
        match (low, high) {
            // Half a step further, as far as what was not asked reaches.
            (Some(low), Some(high)) => ((possible(low) - HALF).max(0.0), (possible(high) + HALF).min(1.0)),
            _ => (self.mean, self.mean),
        }
    }

    /// Whether the mean is surely not 1/2: above (true) or below (false).
    pub fn decided(&self, alpha: f64) -> Option<bool> {
        let middle = self.fortunes.get(GRID / 2)?.1;
        let (low, high) = self.interval(alpha);
        (middle >= -alpha.clamp(1e-12, 1.0).ln()).then_some(low + high > 1.0)
    }
}

const HALF: f64 = 0.5 / (GRID - 1) as f64;

fn possible(i: usize) -> f64 {
    i as f64 / (GRID - 1) as f64
}
