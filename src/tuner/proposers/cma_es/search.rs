use nalgebra::{DMatrix, DVector, SymmetricEigen};
use rand_distr::{Distribution, StandardNormal};

use super::super::Rng;

/// A normal distribution that moves towards what was good.
///
/// The algorithm and all constants are those of Hansen's tutorial (arXiv 1604.00772, figure 6 and
/// table 1, with negative weights). The box is the caller's business.
#[derive(Clone, Debug)]
pub(super) struct Search {
    pub mean: DVector<f64>,
    step: f64,
    covariance: DMatrix<f64>,
    /// Its principal axes, and the standard deviation along each.
    axes: DMatrix<f64>,
    spread: DVector<f64>,
    path_step: DVector<f64>,
    path_covariance: DVector<f64>,
    generations: i32,
}

impl Search {
    pub fn new(mean: DVector<f64>, step: f64) -> Search {
        let n = mean.len();
        Search {
            step,
            covariance: DMatrix::identity(n, n),
            axes: DMatrix::identity(n, n),
            spread: DVector::repeat(n, 1.0),
            path_step: DVector::zeros(n),
            path_covariance: DVector::zeros(n),
            generations: 0,
            mean,
        }
    }

    /// Somewhere else, with the same idea of which directions matter.
    pub fn restart(&mut self, mean: DVector<f64>, step: f64) {
        let n = mean.len();
        self.mean = mean;
        self.step = step;
        self.path_step = DVector::zeros(n);
        self.path_covariance = DVector::zeros(n);
        self.generations = 0;
    }

    /// The largest standard deviation along any axis.
    pub fn reach(&self) -> f64 {
        self.step * self.spread.max()
    }

    pub fn ask(&self, rng: &mut Rng) -> DVector<f64> {
        let normal = DVector::from_fn(self.mean.len(), |_, _| StandardNormal.sample(rng));
        &self.mean + &self.axes * self.spread.component_mul(&normal) * self.step
    }

    /// Learns from a generation, best first.
    pub fn tell(&mut self, ranked: &[DVector<f64>]) {
        let n = self.mean.len() as f64;
        let Weights { weights, parents, effective, one, many } = Weights::new(ranked.len(), n);
        let steps: Vec<_> = ranked.iter().map(|x| (x - &self.mean) / self.step).collect();
        let whitened: Vec<_> = steps.iter().map(|y| self.whiten(y)).collect();
        let sum = |of: &[DVector<f64>]| {
            let zero = DVector::zeros(of.first().map_or(0, DVector::len));
            of.iter().zip(&weights).take(parents).fold(zero, |sum, (y, w)| sum + y * *w)
        };
        let step = sum(&steps);
        self.mean += &step * self.step;

        let c_step = (effective + 2.0) / (n + effective + 5.0);
        let damping = 1.0 + 2.0 * (((effective - 1.0) / (n + 1.0)).max(0.0).sqrt() - 1.0).max(0.0) + c_step;
        self.path_step =
            &self.path_step * (1.0 - c_step) + sum(&whitened) * (c_step * (2.0 - c_step) * effective).sqrt();
        self.generations += 1;
        let usual = n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n));
        let length = self.path_step.norm();
        let settled = (1.0 - (1.0 - c_step).powi(2 * self.generations)).sqrt();
        let calm = length / settled < (1.4 + 2.0 / (n + 1.0)) * usual;
        self.step *= (c_step / damping * (length / usual - 1.0)).exp();

        let c_path = (4.0 + effective / n) / (n + 4.0 + 2.0 * effective / n);
        let fresh = if calm { (c_path * (2.0 - c_path) * effective).sqrt() } else { 0.0 };
        self.path_covariance = &self.path_covariance * (1.0 - c_path) + step * fresh;
        let stalled = if calm { 0.0 } else { one * c_path * (2.0 - c_path) };
        self.covariance *= 1.0 + stalled - one - many * weights.iter().sum::<f64>();
        self.covariance.ger(one, &self.path_covariance, &self.path_covariance, 1.0);
        for ((y, white), weight) in steps.iter().zip(&whitened).zip(&weights) {
            let weight = if *weight < 0.0 { weight * n / white.norm_squared().max(1e-12) } else { *weight };
            self.covariance.ger(many * weight, y, y, 1.0);
        }
        self.decompose();
    }

    fn whiten(&self, y: &DVector<f64>) -> DVector<f64> {
        &self.axes * self.axes.tr_mul(y).component_div(&self.spread)
    }

    fn decompose(&mut self) {
        self.covariance = (&self.covariance + self.covariance.transpose()) * 0.5;
        let SymmetricEigen { eigenvalues, eigenvectors } = SymmetricEigen::new(self.covariance.clone());
        self.spread = eigenvalues.map(|v| v.max(1e-8).sqrt());
        self.axes = eigenvectors;
    }
}

/// Recombination weights and learning rates for a size of generation.
struct Weights {
    weights: Vec<f64>,
    parents: usize,
    effective: f64,
    one: f64,
    many: f64,
}

impl Weights {
    fn new(size: usize, n: f64) -> Weights {
        let raw: Vec<f64> = (1..=size).map(|i| ((size as f64 + 1.0) / 2.0).ln() - (i as f64).ln()).collect();
        let parents = (size / 2).max(1);
        let (good, bad) = raw.split_at(parents.min(size));
        let total = |w: &[f64]| w.iter().sum::<f64>();
        let effective = |w: &[f64]| total(w).powi(2) / w.iter().map(|w| w * w).sum::<f64>().max(1e-12);
        let (mu, mu_bad) = (effective(good).max(1.0), effective(bad));
        let one = 2.0 / ((n + 1.3).powi(2) + mu);
        let many = (1.0 - one).min(2.0 * (0.25 + mu + 1.0 / mu - 2.0) / ((n + 2.0).powi(2) + mu));
        let most = (1.0 + one / many).min(1.0 + 2.0 * mu_bad / (mu + 2.0)).min((1.0 - one - many) / (n * many));
        let lost = raw.iter().filter(|w| **w < 0.0).map(|w| -w).sum::<f64>().max(1e-12);
        let (won, most) = (total(good).max(1e-12), most.max(0.0));
        let weights = raw.iter().map(|w| if *w < 0.0 { w * most / lost } else { w / won }).collect();
        Weights { weights, parents, effective: mu, one, many }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    /// Evaluations until a function is below a target.
    fn evaluations(f: impl Fn(&DVector<f64>) -> f64, n: usize, size: usize, target: f64) -> usize {
        let mut rng = Rng::seed_from_u64(1);
        let mut search = Search::new(DVector::repeat(n, 0.1), 0.2);
        for done in (0..40_000).step_by(size) {
            let mut generation: Vec<_> = (0..size).map(|_| search.ask(&mut rng)).collect();
            generation.sort_by(|a, b| f(a).total_cmp(&f(b)));
            if f(&generation[0]) < target {
                return done + size;
            }
            search.tell(&generation);
        }
        usize::MAX
    }

    /// In thousands, as reference implementations need; a search that learned no directions would need millions for the
    /// second one (condition 1e6).
    #[test]
    fn it_learns_the_directions_of_an_ellipsoid_and_of_a_curved_valley() {
        let n = 10;
        let sphere = |x: &DVector<f64>| x.iter().map(|x| (x - 0.6).powi(2)).sum();
        let scale = |i: usize| 1e6_f64.powf(i as f64 / (n - 1) as f64);
        let ellipsoid = |x: &DVector<f64>| x.iter().enumerate().map(|(i, x)| scale(i) * (x - 0.6).powi(2)).sum();
        let valley = |x: &DVector<f64>| {
            let pair = |i: usize| 100.0 * (x[i + 1] - x[i].powi(2)).powi(2) + (1.0 - x[i]).powi(2);
            (0..n - 1).map(pair).sum()
        };
        let needed =
            [evaluations(sphere, n, 10, 1e-9), evaluations(ellipsoid, n, 10, 1e-9), evaluations(valley, n, 10, 1e-9)];
        assert!(needed[0] < 1800 && needed[1] < 8000 && needed[2] < 9000, "{needed:?}");
    }
}
