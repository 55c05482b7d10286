//! Whether the search has come to its end, and if not, how far away that is.

use std::collections::VecDeque;

use nalgebra::{DMatrix, DVector};

/// What [`ConvergenceAnalyzer`] takes for the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConvergenceConfig {
    /// The step over the gradient, for [`Convergence::iteration_radius`]; coordinates squared per unit of value.
    pub learning_rate: f64,
    /// A gap to the optimum that does not matter, units of value.
    pub tolerance: f64,
    /// An improvement below this, over `patience` iterations, is none, units of value.
    pub noticeable: f64,
    /// Iterations without improvement after which it has converged; at least 2.
    pub patience: usize,
    /// A step that counts as small: root mean square over the coordinates.
    pub small_step: f64,
}

impl Default for ConvergenceConfig {
    fn default() -> Self {
        Self { learning_rate: 0.01, tolerance: 0.025, noticeable: 0.025, patience: 8, small_step: 0.02 }
    }
}

/// Evaluations and iterations that are kept.
const EVALUATIONS: usize = 256;
const ITERATIONS: usize = 64;
/// Iterations in each of the three blocks from which the rate is estimated, at most.
const BLOCK: usize = 8;
/// Passes of BFGS over the steps; and of the longest step, the share from which a step counts: the curvature along shorter
/// ones is mostly noise.
const PASSES: usize = 20;
const CLEAR: f64 = 0.1;
/// Ridge of the local fit, relative to its largest term: what does not vary gets no slope.
const RIDGE: f64 = 1e-9;

/// How far a search has come; see [`ConvergenceAnalyzer::analyze`]. What can't be told is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Convergence {
    /// Largest curvature of the value, in any direction: of the BFGS estimate of the Hessian.
    pub spectral_radius: Option<f64>,
    /// By what an error is multiplied in one step of gradient ascent at the learning rate, in the worst
    /// direction: the spectral radius of `I - a·H`. From 1 up the step is too long, or some direction is flat.
    pub iteration_radius: Option<f64>,
    /// By what the gap to the optimum is multiplied in one iteration, as seen; 1 and more: it does
    /// not close.
    pub rate: Option<f64>,
    /// Gap to the optimum, units of value.
    pub gap: Option<f64>,
    /// Iterations until the gap is within the tolerance.
    pub iterations_left: Option<u64>,
    /// Nothing that can be noticed was gained lately, and the steps were small.
    pub converged: bool,
}

/// Follows a search for a maximum, iteration by iteration.
///
/// The Hessian comes from steps and differences of gradients (BFGS; Nocedal & Wright 2006, section 6.1; steps
/// against which the value curves the wrong way are left out). Where no gradient is given, one comes from
/// a least-squares fit of a linear or quadratic model to the evaluations so far. The rate comes from the means
/// of three blocks of values (Aitken's method on means, so that noise matters less): it assumes that the gap closes geometrically.
///
/// Points of another length than before, and numbers that aren't finite, start it over or are ignored.
#[derive(Clone, Debug)]
pub struct ConvergenceAnalyzer {
    config: ConvergenceConfig,
    evaluations: VecDeque<(DVector<f64>, f64)>,
    iterates: VecDeque<(DVector<f64>, f64)>,
    /// Of the value, at the last iterate.
    gradient: Option<DVector<f64>>,
    /// Steps, and what they changed in the gradient of the negative value.
    pairs: VecDeque<(DVector<f64>, DVector<f64>)>,
}

impl ConvergenceAnalyzer {
    /// Of a search that has not begun.
    pub fn new(config: ConvergenceConfig) -> ConvergenceAnalyzer {
        ConvergenceAnalyzer {
            config,
            evaluations: VecDeque::new(),
            iterates: VecDeque::new(),
            gradient: None,
            pairs: VecDeque::new(),
        }
    }

    /// Forgets all: the optimum is elsewhere now.
    pub fn reset(&mut self) {
        *self = Self::new(self.config);
    }

    /// Hears of the value of any point.
    pub fn evaluated(&mut self, point: &[f32], value: f32) {
        if let Some(evaluation) = self.accept(point, value) {
            keep(&mut self.evaluations, evaluation, EVALUATIONS);
        }
    }

    /// Hears where the search is after an iteration, with the value and, if known, its gradient there.
    pub fn advance(&mut self, point: &[f32], value: f32, gradient: Option<&[f32]>) {
        let Some((point, value)) = self.accept(point, value) else { return };
        keep(&mut self.evaluations, (point.clone(), value), EVALUATIONS);
        let given = gradient.filter(|g| g.len() == point.len() && g.iter().all(|x| x.is_finite()));
        let given = given.map(|g| DVector::from_iterator(g.len(), g.iter().map(|x| f64::from(*x))));
        let gradient = given.or_else(|| self.fit(&point));
        if let (Some(last), Some(before), Some(now)) = (self.iterates.back(), &self.gradient, &gradient) {
            keep(&mut self.pairs, (&point - &last.0, before - now), ITERATIONS);
        }
        self.gradient = gradient.or(self.gradient.take());
        keep(&mut self.iterates, (point, value), ITERATIONS);
    }

    /// What can be told so far.
    pub fn analyze(&self) -> Convergence {
        let eigenvalues = self.hessian().map(|h| h.symmetric_eigenvalues());
        let largest = |of: &dyn Fn(f64) -> f64| {
            eigenvalues.as_ref().map(|e| e.iter().fold(0.0, |most: f64, v| most.max(of(*v).abs())))
        };
        let converged = self.converged();
        let (rate, gap) = self.decay().map_or((None, None), |(rate, gap)| (Some(rate), gap));
        let left = |rate: f64, gap: f64| match gap <= self.config.tolerance {
            true => 0.0,
            false => ((gap / self.config.tolerance).ln() / -rate.max(1e-9).ln()).ceil(),
        };
        let left = rate.zip(gap).map(|(rate, gap)| left(rate, gap) as u64);
        Convergence {
            spectral_radius: largest(&|v| v),
            iteration_radius: largest(&|v| 1.0 - self.config.learning_rate * v),
            rate,
            gap,
            iterations_left: if converged { Some(0) } else { left },
            converged,
        }
    }

    /// Whether it is time to stop looking.
    pub fn converged(&self) -> bool {
        let patience = self.config.patience.max(2);
        let Some(first) = self.iterates.len().checked_sub(patience + 1) else { return false };
        let recent: Vec<_> = self.iterates.iter().skip(first).collect();
        let still = recent
            .windows(2)
            .all(|w| (&w[1].0 - &w[0].0).norm() <= self.config.small_step * (w[0].0.len().max(1) as f64).sqrt());
        let (old, new) = recent.split_at(recent.len() / 2);
        still && mean(new) - mean(old) < self.config.noticeable
    }

    fn accept(&mut self, point: &[f32], value: f32) -> Option<(DVector<f64>, f64)> {
        if !value.is_finite() || !point.iter().all(|x| x.is_finite()) {
            return None;
        }
        if self.evaluations.back().is_some_and(|(before, _)| before.len() != point.len()) {
            self.reset();
        }
        Some((DVector::from_iterator(point.len(), point.iter().map(|x| f64::from(*x))), f64::from(value)))
    }

    /// The BFGS estimate of the Hessian of the negative value.
    ///
    /// The steps of a search by gradient are far from independent, so that one pass over them leaves
    /// the estimate well off (by half, on a quadratic); some passes settle it.
    pub fn hessian(&self) -> Option<DMatrix<f64>> {
        let longest = self.pairs.iter().map(|(step, _)| step.norm()).fold(0.0, f64::max);
        let clear = |(step, change): &&(DVector<f64>, DVector<f64>)| {
            step.norm() >= CLEAR * longest && step.dot(change) > 1e-8 * step.norm() * change.norm()
        };
        let pairs: Vec<_> = self.pairs.iter().filter(clear).collect();
        let (step, change) = pairs.first()?;
        let n = step.len();
        let mut hessian = DMatrix::identity(n, n) * (change.norm_squared() / step.dot(change));
        for (step, change) in (0..PASSES).flat_map(|_| pairs.iter().copied()) {
            let along = &hessian * step;
            hessian.ger(1.0 / step.dot(change), change, change, 1.0);
            hessian.ger(-1.0 / step.dot(&along), &along, &along, 1.0);
        }
        hessian.iter().all(|x| x.is_finite()).then_some(hessian)
    }

    /// The gradient at a point by the richest local model that there are enough evaluations for: full
    /// quadratic, quadratic without mixed terms, or linear.
    fn fit(&self, at: &DVector<f64>) -> Option<DVector<f64>> {
        let n = at.len();
        let full = (n + 1) * (n + 2) / 2;
        let terms = [full, 2 * n + 1, n + 1].into_iter().find(|terms| self.evaluations.len() >= terms + terms / 4)?;
        let row = |point: &DVector<f64>| {
            let d = point - at;
            let mut row: Vec<f64> = d.iter().copied().chain([1.0]).collect();
            if terms > n + 1 {
                row.extend(d.iter().map(|x| x * x));
            }
            if terms == full {
                row.extend((0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| d[i] * d[j]));
            }
            DVector::from_vec(row)
        };
        let mut left = DMatrix::zeros(terms, terms);
        let mut right = DVector::zeros(terms);
        for (point, value) in &self.evaluations {
            let row = row(point);
            left.ger(1.0, &row, &row, 1.0);
            right.axpy(*value, &row, 1.0);
        }
        let ridge = RIDGE * left.diagonal().max();
        left += DMatrix::identity(terms, terms) * ridge;
        Some(left.cholesky()?.solve(&right).rows(0, n).into_owned())
    }

    /// The rate, and the gap at the last iterate.
    fn decay(&self) -> Option<(f64, Option<f64>)> {
        let block = (self.iterates.len() / 3).min(BLOCK);
        if block < 2 {
            return None;
        }
        let values: Vec<_> = self.iterates.iter().skip(self.iterates.len() - 3 * block).collect();
        let [a, b, c] = [0, 1, 2].map(|i| mean(&values[i * block..(i + 1) * block]));
        let (early, late) = (b - a, c - b);
        if early <= 0.0 {
            return None;
        }
        let ratio = (late / early).max(0.0);
        let size = block as f64;
        let rate = ratio.powf(1.0 / size);
        // The gap of the last block's mean, and from there to the last of the block.
        let of_mean = late.max(0.0) * ratio / (1.0 - ratio);
        let to_last = size * (1.0 - rate) * rate.powf(size - 1.0) / (1.0 - ratio);
        Some((rate, (ratio < 1.0).then_some(of_mean * to_last)))
    }
}

fn keep<T>(list: &mut VecDeque<T>, item: T, most: usize) {
    if list.len() == most {
        list.pop_front();
    }
    list.push_back(item);
}

fn mean(of: &[&(DVector<f64>, f64)]) -> f64 {
    of.iter().map(|(_, value)| value).sum::<f64>() / of.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};

    use super::*;
    use crate::tuner::Rng;

    const CURVATURE: [f32; 3] = [4.0, 2.0, 1.0];
    const TOP: [f32; 3] = [0.6, 0.4, 0.7];

    fn value(p: &[f32]) -> f32 {
        let cost = |i: usize| 0.5 * CURVATURE[i] * (p[i] - TOP[i]).powi(2);
        0.3 - (0..3).map(cost).sum::<f32>()
    }

    fn gradient(p: &[f32]) -> [f32; 3] {
        std::array::from_fn(|i| CURVATURE[i] * (TOP[i] - p[i]))
    }

    /// Gradient ascent, some iterations of it.
    fn ascent(rate: f32, iterations: usize, mut tell: impl FnMut(&[f32; 3])) -> [f32; 3] {
        let mut at = [0.1, 0.9, 0.05];
        for _ in 0..iterations {
            tell(&at);
            let slope = gradient(&at);
            at = std::array::from_fn(|i| at[i] + rate * slope[i]);
        }
        at
    }

    #[test]
    fn the_hessian_the_rate_and_the_time_left_are_those_of_the_quadratic() {
        let rate = 0.2;
        let config = ConvergenceConfig { learning_rate: rate.into(), tolerance: 1e-4, ..ConvergenceConfig::default() };
        let mut analyzer = ConvergenceAnalyzer::new(config);
        let at = ascent(rate, 14, |p| analyzer.advance(p, value(p), Some(&gradient(p))));
        let found = analyzer.analyze();
        assert!((found.spectral_radius.unwrap() - 4.0).abs() < 0.2, "{found:?}");
        // The flattest direction: 1 - 0.2·1; and the gap falls with its square.
        assert!((found.iteration_radius.unwrap() - 0.8).abs() < 0.03, "{found:?}");
        assert!((found.rate.unwrap() - 0.64).abs() < 0.06, "{found:?}");
        let left = (0..200).find(|k| 0.3 - value(&at) < 1e-4 * 0.64_f32.powi(-*k)).unwrap();
        assert!(found.iterations_left.unwrap().abs_diff(left as u64) <= 2, "{found:?} {left}");
        assert!(!found.converged);
    }

    #[test]
    fn too_long_a_step_shows() {
        let config = ConvergenceConfig { learning_rate: 0.6, ..ConvergenceConfig::default() };
        let mut analyzer = ConvergenceAnalyzer::new(config);
        ascent(0.2, 14, |p| analyzer.advance(p, value(p), Some(&gradient(p))));
        assert!((analyzer.analyze().iteration_radius.unwrap() - 1.4).abs() < 0.15);
    }

    #[test]
    fn without_gradients_the_evaluations_will_do() {
        let mut rng = Rng::seed_from_u64(1);
        let mut analyzer = ConvergenceAnalyzer::new(ConvergenceConfig::default());
        ascent(0.2, 14, |p| {
            for _ in 0..6 {
                let near = p.map(|x| x + rng.random_range(-0.1..0.1));
                analyzer.evaluated(&near, value(&near) + rng.random_range(-0.001..0.001));
            }
            analyzer.advance(p, value(p), None);
        });
        let found = analyzer.analyze();
        assert!((found.spectral_radius.unwrap() - 4.0).abs() < 1.0, "{found:?}");
    }

    #[test]
    fn it_says_when_it_is_over_and_not_before() {
        let mut rng = Rng::seed_from_u64(2);
        let mut analyzer = ConvergenceAnalyzer::new(ConvergenceConfig::default());
        let mut over = Vec::new();
        ascent(0.2, 60, |p| {
            analyzer.advance(p, value(p) + rng.random_range(-0.01..0.01), None);
            over.push(analyzer.converged());
        });
        let first = over.iter().position(|over| *over).unwrap();
        let mut gaps = Vec::new();
        ascent(0.2, 60, |p| gaps.push(0.3 - value(p)));
        assert!(gaps[first] < 0.025 && first < 40, "{first} {}", gaps[first]);
        assert!(over[first + 8..].iter().all(|over| *over));
        assert_eq!(analyzer.analyze().iterations_left, Some(0));
        analyzer.reset();
        assert_eq!(analyzer.analyze(), Convergence::default());
    }

    #[test]
    fn nonsense_is_survived() {
        let mut analyzer = ConvergenceAnalyzer::new(ConvergenceConfig::default());
        for value in [f32::NAN, 1e38, -1e38, 0.0, 0.0, 0.0, f32::INFINITY].repeat(6) {
            for point in [&[][..], &[0.5; 19], &[f32::NAN; 19], &[1e38; 19], &[0.0], &[1.0], &[0.5], &[1e38]] {
                analyzer.advance(point, value, Some(&[value; 19]));
                analyzer.evaluated(point, value);
                analyzer.analyze();
            }
        }
    }
}
