//! The gradient, estimated from pairs of candidates that differ in all coordinates at once.

use rand::RngExt;

use super::pending::Pending;
use super::{Outcome, Proposal, Proposer, Rng, Scene};
use crate::tuner::Point;

/// How [`Spsa`] steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SpsaConfig {
    /// The first step over the gradient, where the gradient is in just noticeable differences (0.05
    /// PESQ points) for a whole range.
    pub learning_rate: f64,
    /// Half the distance of the first pair, share of a range.
    pub perturbation: f64,
    /// The most that a step moves any coordinate, share of a range.
    pub trust: f64,
    /// Pairs in a gradient at most; fewer while they stand out of the noise.
    pub pairs: usize,
}

impl Default for SpsaConfig {
    fn default() -> Self {
        Self { learning_rate: 0.01, perturbation: 0.08, trust: 0.1, pairs: 4 }
    }
}

/// PESQ points that can just be heard.
const NOTICEABLE: f64 = 0.05;
/// Spall's exponents and stability constant, for few iterations.
const STEP_EXPONENT: f64 = 0.602;
const PAIR_EXPONENT: f64 = 0.101;
const STABILITY: f64 = 10.0;
/// What is kept of the last gradient.
const MEMORY: f64 = 0.3;

/// Simultaneous perturbation stochastic approximation (Spall 1992; gains and exponents as in Spall 1998).
///
/// Around its centre it has `centre + c·d` and `centre - c·d` judged, with a random sign for each
/// coordinate, both in one round (else it starts the pair over). Pairs are averaged until they stand
/// out of the noise. Then it proposes the step along the gradient, clipped to the trust region. Its centre
/// moves there if that is no worse (Spall's blocking), and always with the incumbent. Choices stay as they are.
#[derive(Clone, Debug)]
pub struct Spsa {
    config: SpsaConfig,
    iteration: i32,
    centre: Point,
    /// The centre's gain over the incumbent.
    height: f64,
    incumbent: Point,
    round: u64,
    phase: Phase,
    sum: Sum,
    /// The gradient, smoothed, noticeable differences for a whole range.
    gradient: Vec<f64>,
    asked: Pending<Role>,
}

#[derive(Clone, Debug)]
enum Phase {
    /// About to draw a pair.
    Draw,
    /// The first of a pair is out, perhaps the second too; value and sigma of those that were heard of.
    Pair { points: [Point; 2], second: bool, heard: [Option<(f64, f64)>; 2] },
    /// About to propose the step.
    Step,
    /// Waits for the step's outcome.
    Stepping,
}

#[derive(Clone, Copy, Debug)]
enum Role {
    Side(usize),
    Step,
}

/// What the pairs of one gradient say together.
#[derive(Clone, Debug, Default)]
struct Sum {
    pairs: usize,
    gradient: Vec<f64>,
    /// Squares of the differences that were seen, and of their errors.
    signal: f64,
    noise: f64,
}

impl Spsa {
    /// Starts at the first incumbent that it is shown.
    pub fn new(config: SpsaConfig) -> Spsa {
        Spsa {
            config,
            iteration: 0,
            centre: Vec::new(),
            height: 0.0,
            incumbent: Vec::new(),
            round: 0,
            phase: Phase::Draw,
            sum: Sum::default(),
            gradient: Vec::new(),
            asked: Pending::default(),
        }
    }

    /// Half the distance of a pair.
    fn perturbation(&self) -> f64 {
        self.config.perturbation / f64::from(self.iteration + 1).powf(PAIR_EXPONENT)
    }

    /// Brings the state up to the scene.
    fn follow(&mut self, scene: &Scene) {
        if self.round != scene.round {
            self.round = scene.round;
            self.asked.clear();
            if !matches!(self.phase, Phase::Step) {
                self.phase = Phase::Draw;
            }
        }
        if self.incumbent != *scene.incumbent {
            let leap = self
                .centre
                .iter()
                .zip(scene.incumbent)
                .any(|(a, b)| (a - b).abs() > self.config.trust as f32 || a.is_nan() || b.is_nan());
            if leap || self.centre.len() != scene.incumbent.len() {
                self.sum = Sum::default();
                self.gradient = vec![0.0; scene.incumbent.len()];
                self.iteration = 0;
                self.phase = Phase::Draw;
                self.asked.clear();
            }
            self.incumbent = scene.incumbent.clone();
            self.centre = scene.incumbent.clone();
            self.height = 0.0;
        }
    }

    /// The centre with each coordinate but the choices moved.
    fn moved(&self, scene: &Scene, by: impl Fn(usize) -> f64) -> Point {
        let choice = |i: usize| i >= scene.space.len() || scene.space.is_choice(i);
        let moved = |(i, x): (usize, &f32)| if choice(i) { *x } else { (x + by(i) as f32).clamp(0.0, 1.0) };
        self.centre.iter().enumerate().map(moved).collect()
    }

    /// Takes a pair into the sum; whether that is enough.
    fn add(&mut self, points: &[Point; 2], heard: [(f64, f64); 2]) -> bool {
        let difference = heard[0].0 - heard[1].0;
        let sum = &mut self.sum;
        sum.gradient.resize(self.centre.len(), 0.0);
        for (slope, (a, b)) in sum.gradient.iter_mut().zip(points[0].iter().zip(&points[1])) {
            // At the box's wall the pair is closer than it was meant to be.
            let distance = f64::from(a - b);
            *slope += if distance.abs() > 1e-6 { difference / distance } else { 0.0 };
        }
        sum.pairs += 1;
        sum.signal += difference.powi(2);
        sum.noise += heard[0].1.powi(2) + heard[1].1.powi(2);
        sum.pairs >= self.config.pairs || sum.signal > 4.0 * sum.noise
    }

    /// The step along the gradient; `None` if it leads nowhere.
    fn step(&mut self, scene: &Scene) -> Option<Point> {
        let sum = std::mem::take(&mut self.sum);
        let scale = (1.0 - MEMORY) / (NOTICEABLE * sum.pairs.max(1) as f64);
        for (smooth, new) in self.gradient.iter_mut().zip(&sum.gradient) {
            *smooth = MEMORY * *smooth + scale * new;
        }
        let fading = (STABILITY + 1.0) / (STABILITY + 1.0 + f64::from(self.iteration));
        let rate = self.config.learning_rate * fading.powf(STEP_EXPONENT);
        let longest = rate * self.gradient.iter().fold(0.0, |most: f64, slope| most.max(slope.abs()));
        let rate = if longest > self.config.trust { rate * self.config.trust / longest } else { rate };
        let point = self.moved(scene, |i| rate * self.gradient[i]);
        (point != self.centre && point != *scene.incumbent).then_some(point)
    }

    fn ask(&mut self, point: Point, role: Role) -> Option<Proposal> {
        self.asked.push(&point, role);
        let reason = match role {
            Role::Side(_) => "a small step",
            Role::Step => "a step along the gradient",
        };
        Some(Proposal { point, reason: reason.to_owned() })
    }
}

impl Proposer for Spsa {
    fn name(&self) -> &'static str {
        "gradient"
    }

    fn propose(&mut self, scene: &Scene, rng: &mut Rng) -> Option<Proposal> {
        self.follow(scene);
        if matches!(self.phase, Phase::Step) {
            if let Some(point) = self.step(scene) {
                self.phase = Phase::Stepping;
                return self.ask(point, Role::Step);
            }
            self.iteration += 1;
            self.phase = Phase::Draw;
        }
        match &mut self.phase {
            Phase::Draw => {
                let signs: Vec<f64> = self.centre.iter().map(|_| if rng.random() { 1.0 } else { -1.0 }).collect();
                let width = self.perturbation();
                let points = [width, -width].map(|c| self.moved(scene, |i| c * signs[i]));
                if points[0] == points[1] {
                    return None; // Nothing can be moved.
                }
                let first = points[0].clone();
                self.phase = Phase::Pair { points, second: false, heard: [None; 2] };
                self.ask(first, Role::Side(0))
            }
            Phase::Pair { points, second, .. } if !*second => {
                *second = true;
                let point = points[1].clone();
                self.ask(point, Role::Side(1))
            }
            _ => None, // Until the outcomes are heard.
        }
    }

    fn learn(&mut self, scene: &Scene, outcome: &Outcome) {
        let role = self.asked.take(&outcome.point).filter(|_| scene.round == self.round);
        match (role, &mut self.phase) {
            (Some(Role::Side(side)), Phase::Pair { points, heard, .. }) => {
                heard[side] = Some((outcome.merit(), f64::from(outcome.value.sigma.max(0.0)).min(1.0)));
                if let [Some(a), Some(b)] = *heard {
                    let points = std::mem::take(points);
                    self.phase = if self.add(&points, [a, b]) { Phase::Step } else { Phase::Draw };
                }
            }
            (Some(Role::Step), Phase::Stepping) => {
                let gain = outcome.reward();
                if !outcome.vetoed && gain >= self.height {
                    self.centre = outcome.point.clone();
                    self.height = gain;
                }
                self.iteration += 1;
                self.phase = Phase::Draw;
            }
            _ => {}
        }
    }

    fn batch(&self) -> usize {
        2
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Loop, bowl, survives_nonsense, top};
    use super::*;
    use crate::settings::Settings;
    use crate::tuner::Space;

    fn closed(noise: f32, slots: usize, rounds: usize) -> f32 {
        let space = Space::new(Settings::default(), &[]);
        let value = bowl(top(&space, 3), |_| 0.6);
        let before = value(&space, space.origin());
        let mut lane = Loop::new(value, 1);
        lane.noise = noise;
        let mut spsa = Spsa::new(SpsaConfig::default());
        (0..rounds).for_each(|_| drop(lane.round(&mut spsa, slots)));
        1.0 - lane.height() / before
    }

    #[test]
    fn it_climbs_a_bowl() {
        assert!(closed(0.0, 3, 120) > 0.7);
        assert!(closed(0.02, 3, 200) > 0.5);
    }

    /// With a linear value, the mean of many estimates is the slope (Spall 1992, lemma 1), walls included.
    #[test]
    fn the_gradient_is_right_on_average() {
        let slope = |i: usize| 0.02 * (i as f32 - 9.0);
        let value = move |_: &Space, p: &Point| p.iter().enumerate().skip(1).map(|(i, x)| slope(i) * x).sum::<f32>();
        let mut lane = Loop::new(value, 2);
        let mut spsa = Spsa::new(SpsaConfig { pairs: usize::MAX, ..SpsaConfig::default() });
        lane.noise = 1e3; // Known to nothing: it keeps on averaging.
        lane.incumbent = vec![0.5; lane.space.len()];
        let incumbent = lane.incumbent.clone();
        let scene = Scene { context: &[0.0; 28], space: &lane.space, incumbent: &incumbent, round: 1 };
        for _ in 0..4000 {
            let point = spsa.propose(&scene, &mut lane.rng).unwrap().point;
            let estimate = crate::quality::Estimate { mean: value(&lane.space, &point), sigma: 1.0 };
            spsa.learn(&scene, &Outcome { point, gain: estimate, value: estimate, vetoed: false });
        }
        let n = spsa.sum.pairs as f64;
        assert_eq!(n, 2000.0);
        for (i, sum) in spsa.sum.gradient.iter().enumerate() {
            let expected = if i == 0 { 0.0 } else { f64::from(slope(i)) };
            assert!((sum / n - expected).abs() < 0.04, "{i}: {} {expected}", sum / n);
        }
    }

    #[test]
    fn no_step_is_longer_than_a_tenth_of_a_range_and_choices_stay() {
        let mut lane = Loop::new(|_: &Space, p: &Point| p.iter().sum::<f32>(), 1);
        let mut spsa = Spsa::new(SpsaConfig { learning_rate: 10.0, ..SpsaConfig::default() });
        let mut longest = 0.0_f32;
        for _ in 0..60 {
            let before = lane.incumbent.clone();
            for point in lane.round(&mut spsa, 3) {
                assert_eq!(point[0], before[0]);
                longest = point.iter().zip(&before).fold(longest, |most, (a, b)| most.max((a - b).abs()));
            }
        }
        assert!(longest > 0.09 && longest < 0.101, "{longest}");
    }

    #[test]
    fn both_of_a_pair_are_judged_in_one_round() {
        let mut lane = Loop::new(|_: &Space, _: &Point| 0.0, 1);
        let mut spsa = Spsa::new(SpsaConfig::default());
        for _ in 0..20 {
            lane.round(&mut spsa, 1);
            assert!(spsa.sum.pairs == 0);
        }
        let pair = lane.round(&mut spsa, 2);
        assert_eq!(spsa.sum.pairs, 1);
        for ((a, b), origin) in pair[0].iter().zip(&pair[1]).zip(lane.space.origin()) {
            assert!((a - origin).abs() < 0.081 && (b - origin).abs() < 0.081 && (a - origin) * (b - origin) <= 0.0);
        }
    }

    #[test]
    fn nonsense_is_survived() {
        survives_nonsense(&mut Spsa::new(SpsaConfig::default()));
    }
}
