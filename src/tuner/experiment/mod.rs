//! Which of two variants is better? A switchback experiment that may be looked at at any time.
//!
//! One listener can't hear both at once, so the variants take turns: blocks of some seconds, because
//! neighbouring windows are correlated; in pairs of random order, so that what drifts with time
//! hits both alike; and what is heard just after a switch isn't counted, as it still holds something of the
//! variant before. Each pair gives one difference.

mod sequence;
#[cfg(test)]
mod tests;

pub use sequence::ConfidenceSequence;

use super::Rng;
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use std::fmt;

/// One of the two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Variant {
    /// What was there before.
    A,
    /// What is new.
    B,
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Variant::A { "A" } else { "B" })
    }
}

/// What is observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Measure {
    /// Scores of what is heard, PESQ points. Differences of a pair beyond 0.5 count as that.
    Scores,
    /// People's choices.
    Choices,
}

/// How an [`Experiment`] is made. Times are seconds of audio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentConfig {
    /// Samples per second.
    pub rate: u32,
    /// Decides the order of the blocks.
    pub seed: u64,
    /// What is observed.
    pub measure: Measure,
    /// Length of a block, 10 to 30.
    pub block: f32,
    /// What isn't counted of it: the length of a window, and what the engine takes to settle.
    pub wash_out: f32,
    /// The chance of a false verdict that is accepted.
    pub alpha: f64,
    /// The same for stopping because B seems to do harm: less evidence suffices.
    pub harm: f64,
    /// Without a verdict it ends after so long.
    pub longest: f32,
}

impl ExperimentConfig {
    /// The usual one: blocks of 20 s of which 4 s don't count, 95 % sure, at most two hours.
    pub fn new(rate: u32, seed: u64, measure: Measure) -> ExperimentConfig {
        ExperimentConfig { rate, seed, measure, block: 20.0, wash_out: 4.0, alpha: 0.05, harm: 0.2, longest: 7200.0 }
    }
}

/// The largest difference of a pair of blocks that counts in full, PESQ points.
pub const LARGEST: f64 = 0.5;
/// Blocks of one variant were heard oftener than chance explains, if chance is as small as this: strict,
/// because one looks often.
const MISMATCH: f64 = 1e-4;

/// Scores of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Scores {
    sum: f64,
    count: u64,
}

/// A running experiment. All of it can be saved and loaded (serde).
///
/// The contract: play `variant`, tell what was heard in order of time, look at `decision` as often
/// as you like. The decision is false with a chance of at most `alpha`, however often one looks, if
/// the differences of pairs have the same mean, whatever came before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    config: ExperimentConfig,
    start: u64,
    /// The pair of blocks that is being heard, and its scores of A and B.
    pair: u64,
    scores: [Scores; 2],
    /// Blocks in which something was heard, of A and B.
    blocks: [u64; 2],
    evidence: ConfidenceSequence,
    last: u64,
}

impl Experiment {
    /// Begins at this sample.
    pub fn new(config: ExperimentConfig, start: u64) -> Experiment {
        // Deviations of 0.15 PESQ are usual; choices are all or nothing.
        let variance = if config.measure == Measure::Scores { 0.15f64.powi(2) } else { 0.25 };
        let evidence = ConfidenceSequence::new(variance);
        Experiment { config, start, pair: 0, scores: Default::default(), blocks: [0; 2], evidence, last: start }
    }

    fn samples(&self, seconds: f32) -> u64 {
        ((f64::from(seconds) * f64::from(self.config.rate)) as u64).max(1)
    }

    /// Number of the block at a sample, and samples since it began.
    fn block(&self, sample: u64) -> (u64, u64) {
        let (since, length) = (sample.saturating_sub(self.start), self.samples(self.config.block));
        (since / length, since % length)
    }

    /// What is to be heard at a sample.
    pub fn variant(&self, sample: u64) -> Variant {
        let (block, _) = self.block(sample);
        // Each pair has its own random numbers, so that any moment can be asked for.
        let swapped = Rng::new(self.config.seed.into(), (block / 2).into()).next_u64() >> 63 == 1;
        if (block % 2 == 1) == swapped { Variant::A } else { Variant::B }
    }

    /// Whether what is heard at a sample counts, or still holds something of the variant before.
    pub fn counts(&self, sample: u64) -> bool {
        self.block(sample).1 >= self.samples(self.config.wash_out)
    }

    /// Hears the score of what was played up to this sample, PESQ points. Ignored: what doesn't count,
    /// is not finite, or comes late, and all scores if choices are measured.
    pub fn score(&mut self, sample: u64, score: f32) {
        self.proceed(sample);
        let late = self.block(sample).0 / 2 < self.pair;
        if self.config.measure != Measure::Scores || !score.is_finite() || late || !self.counts(sample) {
            return;
        }
        let variant = self.variant(sample) as usize;
        let scores = &mut self.scores[variant];
        self.blocks[variant] += u64::from(scores.count == 0);
        *scores = Scores { sum: scores.sum + f64::from(score), count: scores.count + 1 };
    }

    /// Hears which of the two a person prefers, having heard both; ignored if scores are measured.
    pub fn choice(&mut self, sample: u64, better: Variant) {
        self.proceed(sample);
        if self.config.measure == Measure::Choices {
            self.evidence.push(if better == Variant::B { 1.0 } else { 0.0 });
        }
    }

    /// Closes the pairs that are over by now. Of a pair, both blocks must have been heard.
    fn proceed(&mut self, sample: u64) {
        self.last = self.last.max(sample);
        let pair = self.block(self.last).0 / 2;
        if pair > self.pair {
            let [a, b] = std::mem::take(&mut self.scores);
            self.pair = pair;
            if a.count > 0 && b.count > 0 {
                let difference = b.sum / b.count as f64 - a.sum / a.count as f64;
                self.evidence.push(0.5 + 0.5 * (difference / LARGEST));
            }
        }
    }

    /// The interval in which the difference lies (B minus A), with a certainty of 1 - alpha: PESQ points,
    /// or of choices the share of B minus that of A.
    pub fn interval(&self) -> (f64, f64) {
        let unit = if self.config.measure == Measure::Scores { LARGEST } else { 1.0 };
        let (low, high) = self.evidence.interval(self.config.alpha);
        (unit * (2.0 * low - 1.0), unit * (2.0 * high - 1.0))
    }

    /// How things stand at a sample.
    pub fn decision(&mut self, sample: u64) -> Decision {
        self.proceed(sample);
        let (low, high) = self.interval();
        let seconds = self.last.saturating_sub(self.start) as f64 / f64::from(self.config.rate.max(1));
        let standing = match self.evidence.decided(self.config.alpha) {
            _ if chance(self.blocks) < MISMATCH => Standing::Mismatch { blocks: self.blocks },
            Some(true) => Standing::Better(Variant::B),
            Some(false) => Standing::Better(Variant::A),
            None if self.evidence.decided(self.config.harm) == Some(false) => Standing::Harm,
            None if seconds >= f64::from(self.config.longest) => Standing::Undecided,
            None => Standing::Open,
        };
        let certainty = 1.0 - self.config.alpha;
        Decision { standing, interval: (low, high), certainty, seconds, measure: self.config.measure }
    }
}

/// What an experiment says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Go on.
    Open,
    /// This one is better.
    Better(Variant),
    /// Stop: B is probably worse, though not yet for certain.
    Harm,
    /// It took too long: the two hardly differ.
    Undecided,
    /// Stop: one was heard oftener than planned, so that something is wrong with the experiment.
    Mismatch {
        /// Blocks of A and B.
        blocks: [u64; 2],
    },
}

/// The standing and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What to do.
    pub standing: Standing,
    /// Where the difference lies; see [`Experiment::interval`].
    pub interval: (f64, f64),
    /// With which certainty, 0..1.
    pub certainty: f64,
    /// Seconds of audio so far.
    pub seconds: f64,
    /// What was observed.
    pub measure: Measure,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.interval;
        let (middle, half) = ((low + high) / 2.0, (high - low) / 2.0);
        let by = match self.measure {
            Measure::Scores => format!("{:.2} ± {half:.2} ({:.0} %)", middle.abs(), 100.0 * self.certainty),
            Measure::Choices => {
                format!(
                    "{:.0} ± {:.0} points of a hundred choices ({:.0} %)",
                    100.0 * middle.abs(),
                    100.0 * half,
                    100.0 * self.certainty
                )
            }
        };
        let after = match self.seconds {
            s if s < 120.0 => format!("after {s:.0} s"),
            s => format!("after {:.0} min", s / 60.0),
        };
        match self.standing {
            Standing::Better(variant) => write!(f, "{variant} is better by {by}, {after}"),
            Standing::Harm => write!(f, "stopped {after}: B is probably worse"),
            Standing::Open => write!(f, "not decided yet, {after}: B minus A lies between {low:+.2} and {high:+.2}"),
            Standing::Undecided => {
                write!(f, "no difference was found {after}: B minus A lies between {low:+.2} and {high:+.2}")
            }
            Standing::Mismatch { blocks: [a, b] } => {
                write!(f, "not valid: A was heard in {a} blocks, B in {b}, where as many were planned")
            }
        }
    }
}

/// The chance that shares at least as unequal come about where both are equally likely (exact
/// binomial test).
fn chance([a, b]: [u64; 2]) -> f64 {
    let (few, all) = (a.min(b), a + b);
    // The logarithms of the binomial coefficients over 2^all, one from the other.
    let mut log = -(all as f64) * std::f64::consts::LN_2;
    let mut tail = 0.0;
    for k in 0..=few {
        tail += log.exp();
        log += ((all - k) as f64 / (k + 1) as f64).ln();
    }
    (2.0 * tail).min(1.0)
}
