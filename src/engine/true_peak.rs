//! The peak of the wave between the samples, after ITU-R BS.1770-4, Annex 2: oversampling to at
//! least 176.4 kHz by a polyphase FIR filter.

use std::f32::consts::PI;

/// Taps of each phase: flat to within 0.05 dB up to 0.42 of the rate (20 kHz at 48 kHz).
const TAPS: usize = 16;
/// Outputs computed side by side.
const LANES: usize = 4;

/// Measures true peaks.
#[derive(Clone, Debug)]
pub struct TruePeak {
    /// One filter for each point between two samples.
    phases: Vec<[f32; TAPS]>,
    /// The oversampled wave, with one point more at either end.
    grid: Vec<f32>,
    worst: f32,
}

impl TruePeak {
    /// How many samples before and after the measured ones take part.
    pub const REACH: usize = TAPS / 2;

    /// Measures up to `longest` samples at a time, a multiple of 4.
    pub fn new(rate: f32, longest: usize) -> Self {
        let factor = (176_400.0 / rate).ceil().clamp(1.0, 4.0) as usize;
        // Three times the rate does not divide evenly into two doublings.
        let factor = factor.next_power_of_two();
        let phases: Vec<_> = (1..factor).map(|p| interpolator(p as f32 / factor as f32)).collect();
        let sum = |taps: &[f32; TAPS]| taps.iter().map(|tap| tap.abs()).sum::<f32>();
        // The oversampled wave, and the addition to it for its slope: see `measure`.
        let worst = phases.iter().map(sum).fold(1.0, f32::max) * 1.25;
        Self { phases, grid: vec![0.0; factor * longest + 2], worst }
    }

    /// No true peak is more than this times the greatest sample.
    pub fn worst(&self) -> f32 {
        self.worst
    }

    /// The true peak of a multiple of 4 samples, given with [`TruePeak::REACH`] more at either end.
    pub fn measure(&mut self, x: &[f32]) -> f32 {
        let Some(length) = x.len().checked_sub(2 * Self::REACH) else { return 0.0 };
        let factor = self.phases.len() + 1;
        let Some(grid) = self.grid.get_mut(..factor * length + 2) else { return 0.0 };
        let [first, inner @ .., last] = grid else { return 0.0 };
        *last = x[x.len() - Self::REACH];
        *first = match self.phases.last() {
            Some(taps) => taps.iter().zip(x).map(|(tap, x)| tap * x).sum(),
            None => x[Self::REACH - 1],
        };
        for (p, out) in x[Self::REACH..].iter().zip(inner.chunks_exact_mut(factor)) {
            out[0] = *p;
        }
        let windows = x[1..].windows(TAPS + LANES - 1).step_by(LANES);
        for (window, out) in windows.zip(inner.chunks_exact_mut(LANES * factor)) {
            let Ok(window) = <&[f32; TAPS + LANES - 1]>::try_from(window) else { continue };
            for (p, taps) in self.phases.iter().enumerate() {
                let mut sums = [0.0; LANES];
                for (k, tap) in taps.iter().enumerate() {
                    sums = std::array::from_fn(|i| sums[i] + tap * window[k + i]);
                }
                for (out, sum) in out.chunks_exact_mut(factor).zip(sums) {
                    out[p + 1] = sum;
                }
            }
        }
        // Between three points runs a parabola. Where the middle one is the greatest, the top is
        // above it by at most an eighth of the difference of the others.
        let inner = grid.iter().skip(1);
        let points =
            inner.zip(&grid[2..]).zip(grid.iter()).map(|((v, next), last)| v.abs() + 0.125 * (next - last).abs());
        greatest(points)
    }
}

/// The greatest magnitude of some numbers; 0 if there are none.
pub fn greatest(numbers: impl Iterator<Item = f32>) -> f32 {
    // Without the sign, numbers stand in the order of their bits; unlike that of floats, the
    // greatest of integers can be sought side by side.
    f32::from_bits(numbers.map(|x| (x.to_bits() & 0x7FFF_FFFF) as i32).fold(0, i32::max) as u32)
}

/// Interpolates between two samples: a sinc in a Kaiser window.
fn interpolator(fraction: f32) -> [f32; TAPS] {
    let half = (TAPS / 2) as f32;
    let taps: [f32; TAPS] = std::array::from_fn(|k| {
        let t = k as f32 + 1.0 - half - fraction;
        let window = bessel(4.5 * (1.0 - (t / half).powi(2)).max(0.0).sqrt());
        window * (PI * t).sin() / (PI * t)
    });
    let sum: f32 = taps.iter().sum();
    taps.map(|tap| tap / sum)
}

/// Modified Bessel function of the first kind, order 0.
fn bessel(x: f32) -> f32 {
    let terms = (1..20).scan(1.0, |term, k| {
        *term *= (x / (2.0 * k as f32)).powi(2);
        Some(*term)
    });
    1.0 + terms.sum::<f32>()
}
