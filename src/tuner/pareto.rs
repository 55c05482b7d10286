//! What is best when several things are wanted: the Pareto front, and scalars for it.

use super::objectives::{OBJECTIVES, Objective};

/// Utilities, 0 to 1, higher is better; see [`super::Objectives::utilities`].
pub type Utilities = [f32; OBJECTIVES];

/// Whether `a` is nowhere worse than `b`, and somewhere better.
pub fn dominates(a: &Utilities, b: &Utilities) -> bool {
    a.iter().zip(b).all(|(a, b)| a >= b) && a != b
}

/// The candidates that no other dominates, each with what belongs to it; bounded.
///
/// When there are too many, the one in the most crowded place goes (crowding distance as in NSGA-II,
/// Deb et al. 2002), so that the extremes stay. Utilities that aren't finite never enter.
#[derive(Clone, Debug, PartialEq)]
pub struct ParetoFront<T> {
    entries: Vec<(Utilities, T)>,
    most: usize,
}

impl<T> ParetoFront<T> {
    /// Empty; holds so many.
    pub fn new(most: usize) -> ParetoFront<T> {
        ParetoFront { entries: Vec::new(), most: most.max(1) }
    }

    /// Offers a candidate; whether it is on the front now. What it dominates goes; equals stay out.
    pub fn insert(&mut self, utilities: Utilities, item: T) -> bool {
        let worthless = |old: &Utilities| dominates(old, &utilities) || *old == utilities;
        if utilities.iter().any(|u| !u.is_finite()) || self.entries.iter().any(|(old, _)| worthless(old)) {
            return false;
        }
        self.entries.retain(|(old, _)| !dominates(&utilities, old));
        self.entries.push((utilities, item));
        if self.entries.len() <= self.most {
            return true;
        }
        let crowding = self.crowding();
        let place = |i: &usize| crowding[*i];
        let goes = (0..crowding.len()).min_by(|a, b| place(a).total_cmp(&place(b))).unwrap_or(0);
        self.entries.remove(goes);
        goes != self.entries.len()
    }

    /// All on the front.
    pub fn entries(&self) -> &[(Utilities, T)] {
        &self.entries
    }

    /// The best by a scalar.
    pub fn best(&self, scalar: &Scalarisation) -> Option<&(Utilities, T)> {
        self.entries.iter().max_by(|a, b| scalar.value(&a.0).total_cmp(&scalar.value(&b.0)))
    }

    /// For each entry the distance between its neighbours, summed over the objectives; infinite at the ends.
    fn crowding(&self) -> Vec<f32> {
        let mut crowding = vec![0.0; self.entries.len()];
        for objective in 0..OBJECTIVES {
            let value = |i: usize| self.entries[i].0[objective];
            let mut order: Vec<usize> = (0..self.entries.len()).collect();
            order.sort_by(|a, b| value(*a).total_cmp(&value(*b)));
            let (Some(&low), Some(&high)) = (order.first(), order.last()) else { continue };
            let range = value(high) - value(low);
            if range > 0.0 {
                (crowding[low], crowding[high]) = (f32::INFINITY, f32::INFINITY);
                order.windows(3).for_each(|w| crowding[w[1]] += (value(w[2]) - value(w[0])) / range);
            }
        }
        crowding
    }
}

/// One number for several utilities; higher is better.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scalarisation {
    /// The mean, with these weights. Trap: finds only the convex parts of the front.
    WeightedSum([f32; OBJECTIVES]),
    /// Minus the largest weighted distance from the ideal (1 everywhere), and a little of all of them
    /// (augmented Chebyshev, Steuer & Choo 1983): finds any part of the front.
    Chebyshev([f32; OBJECTIVES]),
    /// One objective, while the others keep to a least utility each; 0 asks for nothing. What breaks a
    /// bound is worse than all that keep them.
    EpsilonConstraint {
        /// What counts.
        objective: Objective,
        /// The least of each; that of the objective itself is ignored.
        least: [f32; OBJECTIVES],
    },
}

/// The little of all distances.
const AUGMENTATION: f32 = 0.05;

impl Scalarisation {
    /// The number: 0..1 for the sum, at most 0 for Chebyshev, -5..1 with constraints. Weights below 0
    /// and those that aren't finite count as 0.
    pub fn value(&self, utilities: &Utilities) -> f32 {
        let weigh = |weights: &[f32; OBJECTIVES]| weights.map(|w| if w.is_finite() { w.max(0.0) } else { 0.0 });
        match self {
            Scalarisation::WeightedSum(weights) => {
                let weights = weigh(weights);
                let total: f32 = weights.iter().sum();
                weights.iter().zip(utilities).map(|(w, u)| w * u).sum::<f32>() / total.max(f32::MIN_POSITIVE)
            }
            Scalarisation::Chebyshev(weights) => {
                let weights = weigh(weights);
                let distances = || weights.iter().zip(utilities).map(|(w, u)| w * (1.0 - u));
                -distances().fold(0.0, f32::max) - AUGMENTATION * distances().sum::<f32>()
            }
            Scalarisation::EpsilonConstraint { objective, least } => {
                let bounds = utilities.iter().zip(least).zip(Objective::ALL).filter(|(_, o)| o != objective);
                let missing: f32 = bounds.map(|((u, least), _)| (least - u).max(0.0)).sum();
                match missing {
                    0.0 => utilities[*objective as usize],
                    _ => -missing,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tuner::Rng;
    use rand_distr::{Distribution, Uniform};

    fn random(rng: &mut Rng) -> Utilities {
        let uniform = Uniform::new(0.0, 1.0).unwrap();
        std::array::from_fn(|_| uniform.sample(rng))
    }

    #[test]
    fn the_front_is_what_nothing_dominates() {
        let mut rng = Rng::new(1, 1);
        let all: Vec<Utilities> = (0..300).map(|_| random(&mut rng)).collect();
        let mut front = ParetoFront::new(300);
        all.iter().enumerate().for_each(|(i, u)| {
            front.insert(*u, i);
        });
        let mut found: Vec<usize> = front.entries().iter().map(|(_, i)| *i).collect();
        found.sort();
        let wanted: Vec<usize> = (0..300).filter(|i| !all.iter().any(|other| dominates(other, &all[*i]))).collect();
        assert_eq!(found, wanted);
        assert!(!front.insert(all[wanted[0]], 0), "equals stay out");
        assert!(!front.insert([f32::NAN; OBJECTIVES], 0));
        assert!(front.insert([1.0; OBJECTIVES], 7) && front.entries().len() == 1);
    }

    #[test]
    fn a_bounded_front_keeps_its_ends_and_stays_spread() {
        let mut front = ParetoFront::new(11);
        let mut rng = Rng::new(2, 1);
        let at = |x: f32| [x, 1.0 - x, 0.5, 0.5, 0.5, 0.5];
        for x in [0.0, 1.0].into_iter().chain((0..2000).map(|_| random(&mut rng)[0])) {
            front.insert(at(x), ());
        }
        let mut xs: Vec<f32> = front.entries().iter().map(|(u, _)| u[0]).collect();
        xs.sort_by(f32::total_cmp);
        assert_eq!((xs.len(), xs[0], xs[10]), (11, 0.0, 1.0));
        assert!(xs.windows(2).all(|w| w[1] - w[0] < 0.3), "{xs:?}");
    }

    #[test]
    fn scalars_choose_what_they_should() {
        // A front that caves in: the sum finds only its ends.
        let mut front = ParetoFront::new(9);
        for (name, x, y) in [("left", 0.0, 1.0), ("middle", 0.45, 0.45), ("right", 1.0, 0.0)] {
            front.insert([x, y, 1.0, 1.0, 1.0, 1.0], name);
        }
        let weights = |x| [x, 1.0 - x, 0.0, 0.0, 0.0, 0.0];
        let best = |scalar| front.best(&scalar).unwrap().1;
        let by_sum: Vec<_> = [0.2, 0.45, 0.8].map(|x| best(Scalarisation::WeightedSum(weights(x)))).into();
        assert_eq!(by_sum, ["left", "left", "right"]);
        let by_distance: Vec<_> = [0.1, 0.5, 0.9].map(|x| best(Scalarisation::Chebyshev(weights(x)))).into();
        assert_eq!(by_distance, ["left", "middle", "right"]);
        let bound = |least| Scalarisation::EpsilonConstraint { objective: Objective::Noise, least };
        assert_eq!(best(bound([0.0; OBJECTIVES])), "right");
        assert_eq!(best(bound([0.0, 0.4, 0.0, 0.0, 0.0, 0.0])), "middle");
        assert_eq!(best(bound([0.0, 2.0, 0.0, 0.0, 0.0, 0.0])), "left", "the least that is missing");
        let odd = Scalarisation::WeightedSum([f32::NAN, -1.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(odd.value(&[1.0; OBJECTIVES]), 0.0);
        assert_eq!(Scalarisation::WeightedSum([2.0; OBJECTIVES]).value(&[0.5; OBJECTIVES]), 0.5);
    }
}
