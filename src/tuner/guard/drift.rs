//! Has the mean of a noisy stream risen?
//!
//! Both detectors take weighted observations: weight 1 is one independent observation; windows that
//! overlap, or that are in doubt, count for less. Not finite observations are ignored.

use serde::{Deserialize, Serialize};

/// One-sided CUSUM (Page 1954): the sum of what lies above a reference, never below 0.
///
/// Its mean run length without a change, in units of the standard deviation, with `d` = reference
/// minus mean and `b` = threshold + 1.166: (exp(2db) - 1 - 2db) / 2d^2 (Siegmund 1985).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cusum {
    /// Means below this are no change: halfway between what is usual and what should be noticed.
    pub reference: f64,
    /// Alarm when the sum is above it.
    pub threshold: f64,
    sum: f64,
}

impl Cusum {
    /// Starts at 0.
    pub fn new(reference: f64, threshold: f64) -> Cusum {
        Cusum { reference, threshold, sum: 0.0 }
    }

    /// Takes in an observation; whether the mean has risen.
    pub fn update(&mut self, value: f64, weight: f64) -> bool {
        let step = weight * (value - self.reference);
        if step.is_finite() {
            self.sum = (self.sum + step).max(0.0);
        }
        self.sum > self.threshold
    }

    /// Starts anew.
    pub fn reset(&mut self) {
        self.sum = 0.0;
    }
}

/// The Page-Hinkley test (Hinkley 1971): as [`Cusum`], but against the mean so far, so that it needs
/// no knowledge of what is usual.
///
/// Trap: it hears a rise from good to less good too; see [`PageHinkley::level`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageHinkley {
    /// Rises of less than this are tolerated (delta).
    pub tolerance: f64,
    /// Alarm when the sum is this far above its lowest (lambda).
    pub threshold: f64,
    /// Weight and mean so far.
    weight: f64,
    mean: f64,
    /// Sum above its lowest, and the weight and sum of values since then.
    sum: f64,
    since: (f64, f64),
}

impl PageHinkley {
    /// Without any observation yet.
    pub fn new(tolerance: f64, threshold: f64) -> PageHinkley {
        PageHinkley { tolerance, threshold, weight: 0.0, mean: 0.0, sum: 0.0, since: (0.0, 0.0) }
    }

    /// Takes in an observation; whether the mean has risen.
    pub fn update(&mut self, value: f64, weight: f64) -> bool {
        if (value * weight).is_finite() && weight > 0.0 {
            self.weight += weight;
            self.mean += weight / self.weight * (value - self.mean);
            self.sum += weight * (value - self.mean - self.tolerance);
            self.since = (self.since.0 + weight, self.since.1 + weight * value);
            if self.sum <= 0.0 {
                (self.sum, self.since) = (0.0, (0.0, 0.0));
            }
        }
        self.sum > self.threshold
    }

    /// The mean since the likeliest moment of the change; 0 if there was none.
    pub fn level(&self) -> f64 {
        if self.since.0 > 0.0 { self.since.1 / self.since.0 } else { 0.0 }
    }

    /// Starts anew.
    pub fn reset(&mut self) {
        *self = PageHinkley::new(self.tolerance, self.threshold);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tuner::Rng;
    use rand_distr::{Distribution, Normal};

    /// Mean number of observations until the alarm; `change` is how many come before the mean becomes `after`.
    fn run_length(mut update: impl FnMut(f64) -> bool, after: f64, change: usize, rng: &mut Rng) -> usize {
        let normal = Normal::new(0.0, 1.0).unwrap();
        (0..).position(|i| update(normal.sample(rng) + if i >= change { after } else { 0.0 })).unwrap()
    }

    #[test]
    fn run_lengths_are_as_in_theory() {
        let mut rng = Rng::new(1, 1);
        let mut mean = |after| {
            let runs = (0..2000).map(|_| {
                let mut cusum = Cusum::new(0.5, 4.0);
                1 + run_length(|x| cusum.update(x, 1.0), after, 0, &mut rng)
            });
            runs.sum::<usize>() as f64 / 2000.0
        };
        // Siegmund: 338; Lucas & Crosier 1982: 336, and 8.34 after a rise of 1.
        let (usual, risen) = (mean(0.0), mean(1.0));
        assert!((usual / 336.0 - 1.0).abs() < 0.1, "{usual}");
        assert!((risen / 8.34 - 1.0).abs() < 0.1, "{risen}");
    }

    #[test]
    fn page_hinkley_needs_not_know_what_is_usual() {
        let mut rng = Rng::new(2, 1);
        let mut late = 0;
        for offset in [-5.0, 0.0, 7.0] {
            for _ in 0..100 {
                let mut test = PageHinkley::new(0.5, 15.0);
                let at = run_length(|x| test.update(x + offset, 1.0), 1.5, 200, &mut rng);
                assert!(at >= 200, "false alarm at {at}");
                assert!(test.level() > offset + 0.7, "{}", test.level());
                late += at - 200;
            }
        }
        // 15 / (1.5 - 0.5), while the mean still follows.
        assert!((14..25).contains(&(late / 300)), "{}", late / 300);
    }

    #[test]
    fn what_is_not_finite_is_ignored() {
        let (mut cusum, mut test) = (Cusum::new(0.0, 1.0), PageHinkley::new(0.0, 1.0));
        let before = (cusum, test);
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(!cusum.update(x, 1.0) && !test.update(x, 1.0) && !cusum.update(0.0, x) && !test.update(0.0, x));
        }
        assert_eq!((cusum, test), before);
    }
}
