//! A loop without sound: proposers against functions of a point.

use rand::SeedableRng;
use rand_distr::{Distribution, Normal};

use super::{Outcome, Proposer, Rng, Scene};
use crate::quality::{EMBEDDING, Estimate};
use crate::settings::Settings;
use crate::tuner::{Point, Space};

/// A loop around the factory settings.
pub struct Loop<F> {
    pub space: Space,
    pub context: [f32; EMBEDDING],
    pub incumbent: Point,
    pub value: F,
    /// Standard deviation of what is measured.
    pub noise: f32,
    pub round: u64,
    pub evaluations: usize,
    pub rng: Rng,
}

impl<F: FnMut(&Space, &Point) -> f32> Loop<F> {
    pub fn new(value: F, seed: u64) -> Loop<F> {
        let space = Space::new(Settings::default(), &[]);
        Loop {
            incumbent: space.origin().clone(),
            space,
            context: [0.5; EMBEDDING],
            value,
            noise: 0.0,
            round: 0,
            evaluations: 0,
            rng: Rng::seed_from_u64(seed),
        }
    }

    /// The value of the incumbent.
    pub fn height(&mut self) -> f32 {
        (self.value)(&self.space, &self.incumbent)
    }

    /// Has this many proposals judged; the best is the next incumbent if it is better. Returns the proposals.
    pub fn round(&mut self, proposer: &mut dyn Proposer, slots: usize) -> Vec<Point> {
        self.round += 1;
        let noise = Normal::new(0.0, self.noise).unwrap();
        let incumbent = self.incumbent.clone();
        let scene = Scene { context: &self.context, space: &self.space, incumbent: &incumbent, round: self.round };
        let points: Vec<Point> =
            (0..slots).map_while(|_| proposer.propose(&scene, &mut self.rng)).map(|p| p.point).collect();
        let base = (self.value)(&self.space, self.space.origin());
        let now = (self.value)(&self.space, &incumbent);
        let mut best = 0.0;
        for point in &points {
            assert!(point.iter().all(|x| (0.0..=1.0).contains(x)) && point.len() == self.space.len());
            self.evaluations += 1;
            let value = (self.value)(&self.space, point) + noise.sample(&mut self.rng);
            let estimate = |mean| Estimate { mean, sigma: self.noise };
            let outcome = Outcome {
                point: point.clone(),
                gain: estimate(value - now),
                value: estimate(value - base),
                vetoed: value < -5.0,
            };
            if outcome.gain.mean - self.noise > best {
                best = outcome.gain.mean - self.noise;
                self.incumbent = point.clone();
            }
            proposer.learn(&scene, &outcome);
        }
        points
    }
}

/// A bowl: its top is at `top`, and each coordinate's way across the range costs its weight.
pub fn bowl(top: Vec<f32>, weight: impl Fn(usize) -> f32) -> impl Fn(&Space, &Point) -> f32 {
    move |space, point| {
        let cost =
            |(i, (x, t)): (usize, (&f32, &f32))| if space.is_choice(i) { 0.0 } else { weight(i) * (x - t).powi(2) };
        -point.iter().zip(&top).enumerate().map(cost).sum::<f32>()
    }
}

/// A place within the box, away from the factory settings.
pub fn top(space: &Space, seed: u64) -> Point {
    use rand::RngExt;
    let mut rng = Rng::seed_from_u64(seed);
    space.origin().iter().map(|x| (x + rng.random_range(-0.35..0.35)).clamp(0.1, 0.9)).collect()
}

/// Broken input: nothing may panic, and what is proposed is still within the box.
pub fn survives_nonsense(proposer: &mut dyn Proposer) {
    use crate::settings::Id;
    let mut rng = Rng::seed_from_u64(0);
    let locked = [&[][..], &[Id::Method, Id::EqLow], &crate::tuner::TUNED[1..], &crate::tuner::TUNED];
    for (round, value) in [0.1, f32::NAN, f32::INFINITY, -f32::INFINITY, -10.0, 1e30].repeat(8).into_iter().enumerate()
    {
        let space = Space::new(Settings::default(), locked[round / 5 % 4]);
        let context = [if round % 3 == 0 { f32::NAN } else { 0.1 }; EMBEDDING];
        let incumbent = space.origin().clone();
        let scene = Scene { context: &context, space: &space, incumbent: &incumbent, round: round as u64 };
        let estimate = Estimate { mean: value, sigma: value };
        let outcome = |point| Outcome { point, gain: estimate, value: estimate, vetoed: value < -1.0 };
        proposer.learn(&scene, &outcome(vec![f32::NAN; 3]));
        proposer.observe(&scene, &outcome(incumbent.clone()));
        for _ in 0..9 {
            if let Some(proposal) = proposer.propose(&scene, &mut rng) {
                assert_eq!(proposal.point.len(), space.len());
                assert!(proposal.point.iter().all(|x| (0.0..=1.0).contains(x)), "{:?}", proposal.point);
                proposer.learn(&scene, &outcome(proposal.point));
            }
        }
    }
}
