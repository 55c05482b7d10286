//! A second-order filter that may be changed while it sounds.
//!
//! The topology-preserving (trapezoidal) state variable filter of Zavalishin, *The Art of VA Filter
//! Design*, with the responses of Simper, *Linear Trapezoidal Integrated SVF* (Cytomic, 2013). Its
//! states are those of an analogue filter, so it stays stable and quiet under any modulation.

use std::f32::consts::{FRAC_1_SQRT_2, PI};
use std::ops::Range;

use super::MAX_CHANNELS;
use super::smooth::db_to_gain;

/// A response: cutoff and damping of the filter, and how its outputs are mixed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// tan(π frequency / rate).
    g: f32,
    /// 1 / Q.
    k: f32,
    /// Input, band-pass and low-pass.
    mix: [f32; 3],
}

impl Shape {
    /// Passes everything, to the bit.
    pub const NEUTRAL: Shape = Shape { g: 0.1, k: 1.0, mix: [1.0, 0.0, 0.0] };

    /// Bell of so many dB at `frequency`.
    pub fn bell(rate: f32, frequency: f32, q: f32, db: f32) -> Shape {
        let a = db_to_gain(db / 2.0);
        let k = 1.0 / (q * a);
        Shape { g: warp(rate, frequency), k, mix: [1.0, k * (a * a - 1.0), 0.0] }
    }

    /// Shelf of so many dB below `frequency`, where it has half of them.
    pub fn low_shelf(rate: f32, frequency: f32, db: f32) -> Shape {
        let a = db_to_gain(db / 2.0);
        let k = 1.0 / FRAC_1_SQRT_2;
        Shape { g: warp(rate, frequency) / a.sqrt(), k, mix: [1.0, k * (a - 1.0), a * a - 1.0] }
    }

    /// Shelf of so many dB above `frequency`, where it has half of them.
    pub fn high_shelf(rate: f32, frequency: f32, db: f32) -> Shape {
        let a = db_to_gain(db / 2.0);
        let k = 1.0 / FRAC_1_SQRT_2;
        Shape { g: warp(rate, frequency) * a.sqrt(), k, mix: [a * a, k * (1.0 - a) * a, 1.0 - a * a] }
    }

    /// Butterworth high-pass of 12 dB per octave; an `amount` below 1 mixes it with the input.
    pub fn high_pass(rate: f32, frequency: f32, amount: f32) -> Shape {
        let k = 1.0 / FRAC_1_SQRT_2;
        Shape { g: warp(rate, frequency), k, mix: [1.0, -amount * k, -amount] }
    }

    /// The band above `frequency`, such that subtracting any part of it gives a shelf without a bump.
    pub fn upper_band(rate: f32, frequency: f32) -> Shape {
        let k = 1.0 / FRAC_1_SQRT_2;
        Shape { g: warp(rate, frequency), k, mix: [1.0, -0.5 * k, -1.0] }
    }

    /// Whether a band at this frequency exists at this rate.
    pub fn fits(rate: f32, frequency: f32) -> bool {
        frequency <= HIGHEST * rate
    }
}

/// Highest frequency of a filter as a part of the rate: near one half the tangent runs away.
const HIGHEST: f32 = 0.45;

fn warp(rate: f32, frequency: f32) -> f32 {
    (PI * (frequency / rate).min(HIGHEST)).tan()
}

/// Filters as linear maps of their input and two states, the shortest way from one sample to the
/// next: by row (both states, output), column (input, first, second state) and filter.
type Matrices<const N: usize> = [[[f32; N]; 3]; 3];

fn matrices<const N: usize>(shapes: [Shape; N]) -> Matrices<N> {
    let mut matrices = [[[0.0; N]; 3]; 3];
    for (i, Shape { g, k, mix: [m0, m1, m2] }) in shapes.into_iter().enumerate() {
        let a1 = 1.0 / (1.0 + g * (g + k));
        let a2 = g * a1;
        let a3 = g * a2;
        let matrix = [
            [2.0 * a2, 2.0 * a1 - 1.0, -2.0 * a2],
            [2.0 * a3, 2.0 * a2, 1.0 - 2.0 * a3],
            [m0 + m1 * a2 + m2 * a3, m1 * a1 + m2 * a2, m2 * (1.0 - a3) - m1 * a2],
        ];
        for (row, values) in matrices.iter_mut().zip(matrix) {
            row.iter_mut().zip(values).for_each(|(column, value)| column[i] = value);
        }
    }
    matrices
}

#[inline(always)]
fn zip<const N: usize>(a: &Matrices<N>, b: &Matrices<N>, f: impl Fn(f32, f32) -> f32) -> Matrices<N> {
    std::array::from_fn(|r| std::array::from_fn(|c| std::array::from_fn(|i| f(a[r][c][i], b[r][c][i]))))
}

/// `N` filters in series, for all channels.
///
/// Works in segments: each begins with [`Svf::begin`]. While gliding, the matrices are interpolated:
/// each of them never lengthens the vector of states, so no mixture of them does, and the filter is
/// stable however it is moved.
#[derive(Clone, Debug)]
pub struct Svf<const N: usize> {
    now: Matrices<N>,
    target: Matrices<N>,
    /// What is added each sample on the way to the target.
    step: Option<Matrices<N>>,
    states: [[[f32; N]; 2]; MAX_CHANNELS],
}

impl<const N: usize> Svf<N> {
    /// Starts with these shapes.
    pub fn new(shapes: [Shape; N]) -> Self {
        let now = matrices(shapes);
        Self { now, target: now, step: None, states: [[[0.0; N]; 2]; MAX_CHANNELS] }
    }

    /// Begins a segment of so many samples, by the end of which the filters have the new shapes;
    /// `None` keeps them.
    pub fn begin(&mut self, shapes: Option<[Shape; N]>, samples: usize) {
        self.now = self.target;
        self.step = shapes.map(|shapes| {
            self.target = matrices(shapes);
            zip(&self.target, &self.now, |to, from| (to - from) / samples as f32)
        });
        // Decays are cut off before they become denormal; whatever is not a number heals.
        for state in self.states.as_flattened_mut().as_flattened_mut() {
            if !(1e-18..1e30).contains(&state.abs()) {
                *state = 0.0;
            }
        }
    }

    /// Filters a part of a block, within one segment.
    pub fn process(&mut self, block: &mut [Vec<f32>], range: Range<usize>) {
        let mut end = self.now;
        for (samples, states) in block.iter_mut().zip(&mut self.states) {
            let Some(samples) = samples.get_mut(range.clone()) else { continue };
            let mut wave = Wave { now: self.now, step: self.step.as_ref(), states: *states, out: [0.0; N] };
            wave.run(samples);
            (end, *states) = (wave.now, wave.states);
        }
        self.now = end;
    }
}

/// One channel on its way through all filters.
///
/// The filters work side by side, each on the sample that the one before has just left, and so one
/// sample behind it. At both ends of a part some of them have nothing to do.
struct Wave<'a, const N: usize> {
    now: Matrices<N>,
    step: Option<&'a Matrices<N>>,
    states: [[f32; N]; 2],
    out: [f32; N],
}

impl<const N: usize> Wave<'_, N> {
    fn run(&mut self, samples: &mut [f32]) {
        let length = samples.len();
        let full = N - 1..length.max(N - 1);
        for n in 0..full.start {
            self.edge(samples, n);
        }
        match self.step {
            None => self.middle(samples, |_| {}),
            Some(step) => self.middle(samples, |now| *now = zip(now, step, |now, step| now + step)),
        }
        for n in full.end..length + N - 1 {
            self.edge(samples, n);
        }
    }

    /// All filters at once.
    #[inline(always)]
    fn middle(&mut self, samples: &mut [f32], step: impl Fn(&mut Matrices<N>)) {
        let (mut m, [mut s1, mut s2], mut out) = (self.now, self.states, self.out);
        for n in N - 1..samples.len() {
            let mut x = [samples[n]; N];
            x[1..].copy_from_slice(&out[..N - 1]);
            step(&mut m);
            let row = |m: &[[f32; N]; 3]| -> [f32; N] { std::array::from_fn(|i| sum(m, i, x[i], s1[i], s2[i])) };
            (s1, s2, out) = (row(&m[0]), row(&m[1]), row(&m[2]));
            samples[n - (N - 1)] = out[N - 1];
        }
        (self.now, self.states, self.out) = (m, [s1, s2], out);
    }

    /// Those filters that are within the part, one by one.
    fn edge(&mut self, samples: &mut [f32], n: usize) {
        for i in (0..N).rev() {
            let Some(x) = n.checked_sub(i).and_then(|n| samples.get_mut(n)) else { continue };
            if let Some(step) = self.step {
                let steps = step.as_flattened().iter();
                self.now.as_flattened_mut().iter_mut().zip(steps).for_each(|(now, step)| now[i] += step[i]);
            }
            let input = if i == 0 { *x } else { self.out[i - 1] };
            let (s1, s2) = (self.states[0][i], self.states[1][i]);
            let [r1, r2, out] = [0, 1, 2].map(|r| sum(&self.now[r], i, input, s1, s2));
            (self.states[0][i], self.states[1][i], self.out[i]) = (r1, r2, out);
            if i == N - 1 {
                *x = out;
            }
        }
    }
}

#[inline(always)]
fn sum<const N: usize>(row: &[[f32; N]; 3], i: usize, x: f32, s1: f32, s2: f32) -> f32 {
    row[1][i] * s1 + (row[2][i] * s2 + row[0][i] * x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::smooth::gain_to_db;
    use crate::engine::testing::{RATES, magnitude, noise};

    /// Gain in dB at a frequency, from the impulse response.
    fn response(rate: f32, shape: Shape, frequency: f32) -> f32 {
        let mut svf = Svf::new([shape]);
        let mut block = vec![vec![0.0; (rate * 0.5) as usize]];
        block[0][0] = 1.0;
        let length = block[0].len();
        svf.process(&mut block, 0..length);
        gain_to_db(magnitude(rate, &block[0], frequency))
    }

    fn assert_near(a: f32, b: f32, within: f32) {
        assert!((a - b).abs() <= within, "{a} is not {b}");
    }

    #[test]
    fn responses_are_those_asked_for_at_every_rate() {
        for rate in RATES.map(|rate| rate as f32) {
            for db in [-15.0, -3.0, 6.0, 15.0] {
                let bell = Shape::bell(rate, 1000.0, 1.0, db);
                assert_near(response(rate, bell, 1000.0), db, 0.05);
                assert_near(response(rate, bell, 20.0), 0.0, 0.1);
                let low = Shape::low_shelf(rate, 150.0, db);
                assert_near(response(rate, low, 5.0), db, 0.1);
                assert_near(response(rate, low, 150.0), db / 2.0, 0.05);
                assert_near(response(rate, low, 3000.0), 0.0, 0.1);
                let high = Shape::high_shelf(rate, 1000.0, db);
                assert_near(response(rate, high, 0.495 * rate), db, 0.1);
                assert_near(response(rate, high, 1000.0), db / 2.0, 0.05);
                assert_near(response(rate, high, 20.0), 0.0, 0.1);
            }
            let cut = Shape::high_pass(rate, 100.0, 1.0);
            assert_near(response(rate, cut, 100.0), -3.01, 0.05);
            assert_near(response(rate, cut, 12.5), -36.1, 0.2);
            assert_near(response(rate, cut, 2000.0), 0.0, 0.05);
        }
    }

    #[test]
    fn what_is_left_below_the_upper_band_has_no_bump() {
        let band = Shape::upper_band(48_000.0, 5500.0);
        for kept in [0.0, 0.25, 0.5] {
            let [m0, m1, m2] = band.mix.map(|m| -(1.0 - kept) * m);
            let rest = Shape { mix: [1.0 + m0, m1, m2], ..band };
            assert!((50..240).all(|f| response(48_000.0, rest, 100.0 * f as f32) < 0.15));
            assert_near(
                response(48_000.0, rest, 23_900.0),
                gain_to_db(kept.max(1e-3)),
                if kept == 0.0 { 100.0 } else { 0.5 },
            );
        }
    }

    #[test]
    fn stable_under_any_modulation() {
        for rate in [8000.0, 192_000.0] {
            let wild = noise(60_000, 3);
            let mut svf = Svf::new([Shape::NEUTRAL]);
            for w in wild.chunks_exact(6) {
                let frequency = 20.0 * 400f32.powf(w[0].abs());
                svf.begin(Some([Shape::bell(rate, frequency, 4.0, 15.0 * w[1])]), 4);
                let mut block = vec![w[2..].to_vec()];
                svf.process(&mut block, 0..4);
                assert!(block[0].iter().all(|y| y.abs() < 100.0), "{block:?}");
            }
        }
    }

    #[test]
    fn neutral_is_exact_and_decays_end() {
        let x = vec![noise(1000, 5)];
        let mut y = x.clone();
        Svf::new([Shape::NEUTRAL; 3]).process(&mut y, 0..1000);
        assert!(x == y);
        let mut svf = Svf::new([Shape::bell(48_000.0, 100.0, 1.0, 6.0)]);
        svf.process(&mut y, 0..1000);
        for _ in 0..2000 {
            svf.begin(None, 32);
            y[0].fill(0.0);
            svf.process(&mut y, 0..32);
        }
        assert_eq!(svf.states[0], [[0.0]; 2]);
    }
}
