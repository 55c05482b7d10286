//! The pitch search of CELT, which RNNoise's features are built on: open-loop at a quarter of the
//! rate, refined at half, then freed of octave errors.
//!
//! Every sum is in the order of the reference, only over several lags at once, so that near ties
//! fall the same way.

use crate::engine::math::boxed;

/// Longest period in samples (62.5 Hz).
pub(super) const MAX_PERIOD: usize = 768;
const MIN_PERIOD: usize = 60;
/// Samples at half the rate: two frames, and the longest period before them.
const HALF: usize = (MAX_PERIOD + 960) / 2;
const QUARTER: usize = HALF / 2;
/// Where the current two frames start, at half the rate.
const NOW: usize = MAX_PERIOD / 2;
/// Length of the current two frames at half the rate.
const LENGTH: usize = 480;
/// New samples at half the rate.
const NEW: usize = 240;
/// Lags searched, at half and at a quarter of the rate.
const LAGS: usize = (MAX_PERIOD - 3 * MIN_PERIOD) / 2;
const COARSE_LAGS: usize = LAGS / 2;
/// Lags that are correlated in one pass.
const TILE: usize = 24;

#[derive(Clone)]
pub(super) struct Pitch {
    period: usize,
    gain: f32,
    /// The history at half the rate.
    half: Box<[f32; HALF]>,
    /// The same, whitened.
    white: Box<[f32; HALF]>,
    /// Energy of `LENGTH` samples at each lag.
    energies: Box<[f32; NOW + 1]>,
}

impl Pitch {
    pub fn new() -> Pitch {
        Pitch { period: 0, gain: 0.0, half: boxed(0.0), white: boxed(0.0), energies: boxed(0.0) }
    }

    pub fn reset(&mut self) {
        self.period = 0;
        self.gain = 0.0;
        self.half.fill(0.0);
    }

    /// The period in samples at the end of `history`, which has moved by one frame since the last
    /// call.
    pub fn find(&mut self, history: &[f32; 2 * HALF]) -> usize {
        self.downsample(history);
        self.whiten();
        let lag = self.search();
        self.remove_doubling(MAX_PERIOD - lag);
        self.period
    }

    fn downsample(&mut self, history: &[f32; 2 * HALF]) {
        self.half.copy_within(NEW.., 0);
        self.half[0] = (history[1] / 2.0 + history[0]) / 2.0;
        let new = &history[2 * (HALF - NEW) - 1..];
        for (out, x) in self.half[HALF - NEW..].iter_mut().zip(new.windows(3).step_by(2)) {
            *out = ((x[0] + x[2]) / 2.0 + x[1]) / 2.0;
        }
    }

    /// Flattens the formants by a linear prediction of fourth order, so that the pitch stands out.
    fn whiten(&mut self) {
        let x = &self.half;
        let mut ac = [0.0; 5];
        for window in x.windows(5) {
            for lag in 0..5 {
                ac[lag] += window[0] * window[lag];
            }
        }
        for (lag, ac) in ac.iter_mut().enumerate() {
            let tail = HALF - 4 + lag..HALF;
            *ac += tail.map(|i| x[i] * x[i - lag]).sum::<f32>();
        }
        ac[0] *= 1.0001; // a noise floor of -40 dB
        for (lag, ac) in ac.iter_mut().enumerate().skip(1) {
            *ac -= *ac * (0.008 * lag as f32) * (0.008 * lag as f32);
        }
        let mut a = predict(&ac);
        let mut damping = 1.0;
        for a in &mut a {
            damping *= 0.9;
            *a *= damping;
        }
        let fir = [a[0] + 0.8, a[1] + 0.8 * a[0], a[2] + 0.8 * a[1], a[3] + 0.8 * a[2], 0.8 * a[3]];
        for i in 0..5 {
            self.white[i] = (1..=i).fold(x[i], |sum, k| sum + fir[k - 1] * x[i - k]);
        }
        for (out, x) in self.white[5..].iter_mut().zip(x.windows(6)) {
            *out = x[5] + fir[0] * x[4] + fir[1] * x[3] + fir[2] * x[2] + fir[3] * x[1] + fir[4] * x[0];
        }
    }

    /// The lag (into the past from `MAX_PERIOD`) of the best correlation.
    fn search(&self) -> usize {
        let mut quarter = [0.0; QUARTER];
        for (out, x) in quarter.iter_mut().zip(self.white.chunks_exact(2)) {
            *out = x[0];
        }
        let mut coarse = [0.0; COARSE_LAGS.next_multiple_of(TILE)];
        let now = &quarter[NOW / 2..];
        for (tile, out) in coarse.chunks_exact_mut(TILE).enumerate() {
            let mut sums = [0.0; TILE];
            for (x, y) in now.iter().zip(quarter[tile * TILE..].windows(TILE)) {
                for lag in 0..TILE {
                    sums[lag] += x * y[lag];
                }
            }
            out.copy_from_slice(&sums);
        }
        let (best, second) = best_lags(&coarse[..COARSE_LAGS], &quarter, LENGTH / 2);

        // Only near the two best at half the rate.
        let mut lags = [0; 10];
        let near = |lag: usize| (2 * lag).saturating_sub(2)..(2 * lag + 3).min(LAGS);
        let mut count = 0;
        for lag in near(best).chain(near(second)) {
            lags[count] = lag;
            count += 1;
        }
        let mut sums = [0.0; 12];
        self.correlate(&lags[..count], &mut sums);
        let mut fine = [0.0; LAGS];
        for (&lag, &sum) in lags[..count].iter().zip(&sums) {
            fine[lag] = sum.max(-1.0);
        }
        let (best, _) = best_lags(&fine, &*self.white, LENGTH);
        if best == 0 || best + 1 >= LAGS {
            return 2 * best;
        }
        match peak_side(fine[best - 1], fine[best], fine[best + 1]) {
            Side::Left => 2 * best + 1,
            Side::Middle => 2 * best,
            Side::Right => 2 * best - 1,
        }
    }

    /// Takes a shorter period when it explains the signal almost as well.
    fn remove_doubling(&mut self, period: usize) {
        const MIN: usize = MIN_PERIOD / 2;
        // Multiple of the k-th fraction that is checked along with it.
        const SECOND: [usize; 16] = [0, 0, 3, 2, 3, 2, 5, 2, 3, 2, 3, 2, 5, 2, 3, 2];
        let t0 = (period / 2).min(NOW - 1);
        let previous = self.period / 2;

        let mut starts = [NOW; 30];
        starts[1] = NOW - t0;
        let mut periods = [(0, 0); 16];
        let mut last = 1;
        for k in 2..16 {
            let t = (2 * t0 + k) / (2 * k);
            if t < MIN {
                break;
            }
            let second = match k {
                2 if t + t0 > NOW => t0,
                2 => t0 + t,
                _ => (2 * SECOND[k] * t0 + k) / (2 * k),
            };
            periods[k] = (t, second);
            (starts[2 * k - 2], starts[2 * k - 1]) = (NOW - t, NOW - second);
            last = k;
        }
        let mut sums = [0.0; 32];
        self.correlate(&starts[..2 * last], &mut sums);

        let xx = sums[0];
        let mut yy = xx;
        self.energies[0] = xx;
        let (before, after) = (&self.white[..NOW], &self.white[LENGTH..LENGTH + NOW]);
        for (energy, (x, y)) in self.energies[1..].iter_mut().zip(before.iter().zip(after).rev()) {
            yy += x * x - y * y;
            *energy = yy.max(0.0);
        }

        let gain = |xy: f32, yy: f32| xy / (1.0 + xx * yy).sqrt();
        let (mut t, mut best_xy, mut best_yy) = (t0, sums[1], self.energies[t0]);
        let first = gain(best_xy, best_yy);
        let mut best = first;
        for k in 2..=last {
            let (t1, t2) = periods[k];
            let xy = (sums[2 * k - 2] + sums[2 * k - 1]) / 2.0;
            let yy = (self.energies[t1] + self.energies[t2]) / 2.0;
            let continuity = match t1.abs_diff(previous) {
                0 | 1 => self.gain,
                2 if 5 * k * k < t0 => self.gain / 2.0,
                _ => 0.0,
            };
            // Very short periods must be more convincing: they correlate anyway.
            let threshold =
                if t1 < 3 * MIN { (0.85 * first - continuity).max(0.4) } else { (0.7 * first - continuity).max(0.3) };
            let gain = gain(xy, yy);
            if gain > threshold {
                (t, best_xy, best_yy, best) = (t1, xy, yy, gain);
            }
        }

        let best_xy = best_xy.max(0.0);
        let share = if best_yy <= best_xy { 1.0 } else { best_xy / (best_yy + 1.0) };
        let mut sums = [0.0; 4];
        self.correlate(&[NOW - (t - 1), NOW - t, NOW - (t + 1)], &mut sums);
        let period = match peak_side(sums[0], sums[1], sums[2]) {
            Side::Left => 2 * t - 1,
            Side::Middle => 2 * t,
            Side::Right => 2 * t + 1,
        };
        self.period = period.max(MIN_PERIOD);
        self.gain = share.min(best);
    }

    /// Correlates the current two frames with as many samples from each start.
    fn correlate(&self, starts: &[usize], sums: &mut [f32]) {
        let now = &self.white[NOW..];
        for (starts, sums) in starts.chunks(4).zip(sums.chunks_exact_mut(4)) {
            let at = |i: usize| {
                let start = starts.get(i).copied().unwrap_or(0).min(NOW);
                self.white[start..start + LENGTH].chunks_exact(4)
            };
            let mut lanes = [[0.0; 4]; 4];
            for ((((x, a), b), c), d) in now.chunks_exact(4).zip(at(0)).zip(at(1)).zip(at(2)).zip(at(3)) {
                for i in 0..4 {
                    lanes[0][i] += x[i] * a[i];
                    lanes[1][i] += x[i] * b[i];
                    lanes[2][i] += x[i] * c[i];
                    lanes[3][i] += x[i] * d[i];
                }
            }
            for (sum, lane) in sums.iter_mut().zip(&lanes) {
                *sum = total(lane);
            }
        }
    }
}

/// Out of line, or else the compiler would interleave the lags instead of the lanes.
#[inline(never)]
fn total(lanes: &[f32; 4]) -> f32 {
    lanes[0] + lanes[1] + lanes[2] + lanes[3]
}

enum Side {
    Left,
    Middle,
    Right,
}

/// On which side of the middle one the peak of three correlations lies.
fn peak_side(left: f32, middle: f32, right: f32) -> Side {
    if right - left > 0.7 * (middle - left) {
        Side::Right
    } else if left - right > 0.7 * (middle - right) {
        Side::Left
    } else {
        Side::Middle
    }
}

/// The two lags of the largest normalised correlation, where `sums` are those of `y` over `length`
/// samples.
fn best_lags(sums: &[f32], y: &[f32], length: usize) -> (usize, usize) {
    let mut energy = 1.0;
    for y in &y[..length] {
        energy += y * y;
    }
    let (mut best, mut best_lag) = ((-1.0, 0.0), 0);
    let (mut second, mut second_lag) = ((-1.0, 0.0), 1);
    for (lag, ((sum, leaving), entering)) in sums.iter().zip(y).zip(&y[length..]).enumerate() {
        if *sum > 0.0 {
            let score = (sum * sum, energy);
            let beats = |other: (f32, f32)| score.0 * other.1 > other.0 * score.1;
            if beats(best) {
                (second, second_lag) = (best, best_lag);
                (best, best_lag) = (score, lag);
            } else if beats(second) {
                (second, second_lag) = (score, lag);
            }
        }
        energy += entering * entering - leaving * leaving;
        energy = energy.max(1.0);
    }
    (best_lag, second_lag)
}

/// Levinson-Durbin, up to a prediction gain of 30 dB.
fn predict(ac: &[f32; 5]) -> [f32; 4] {
    let mut a = [0.0; 4];
    let mut error = ac[0];
    if error == 0.0 {
        return a;
    }
    for i in 0..4 {
        let mut sum = 0.0;
        for j in 0..i {
            sum += a[j] * ac[i - j];
        }
        sum += ac[i + 1];
        let reflection = -sum / error;
        a[i] = reflection;
        for j in 0..i.div_ceil(2) {
            let (low, high) = (a[j], a[i - 1 - j]);
            a[j] = low + reflection * high;
            a[i - 1 - j] = high + reflection * low;
        }
        error -= reflection * reflection * error;
        if error < 0.001 * ac[0] {
            break;
        }
    }
    a
}
