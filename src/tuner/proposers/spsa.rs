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
            let leap =
                self.centre.iter().zip(scene.incumbent).any(|(a, b)| !((a - b).abs() <= self.config.trust as f32));
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
            Role::Side(_) => "to learn which way is up",
            Role::Step => "a step uphill",
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
