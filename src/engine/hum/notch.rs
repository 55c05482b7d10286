//! The notches: an observer that follows each harmonic, subtracted from the stream.

use std::f32::consts::TAU;
use std::ops::Range;

use super::detector::Found;
use super::{HARMONICS, MAINS};
use crate::engine::MAX_CHANNELS;
use crate::engine::smooth::db_to_gain;

/// Width of each notch at -3 dB, Hz.
const WIDTH: f32 = 1.5;
/// The deepest notch, dB.
const DEEPEST: f32 = 40.0;
/// Seconds from nothing to full depth.
const FADE: f32 = 0.2;
/// A follower may be so much stronger than the hum measured in pauses, as an amplitude.
const HEADROOM: f32 = 1.6;

const LANES: usize = 4;
const ROWS: usize = HARMONICS / LANES;
/// One number for each harmonic, in rows that fit vector registers.
type Bank = [[f32; LANES]; ROWS];

/// One phasor for each harmonic, all driven by what they together leave over: the adaptive noise
/// canceller of Widrow et al. (Proc. IEEE 63, 1975) for sinusoids. Each phasor settles on its
/// harmonic exactly, whatever the others do, so that a part of it can be taken away: `depth`.
/// Retuning a phasor leaves no trace, and the limit to its size bounds what it can do to speech.
pub struct Notches {
    rate: f32,
    fundamental: f32,
    /// Rows in use.
    rows: usize,
    cos: Bank,
    sin: Bank,
    /// How fast a phasor learns; 0: idle.
    gain: Bank,
    depth: Bank,
    target: Bank,
    /// Limit of the phasor's power.
    limit: Bank,
    phasors: [[Bank; 2]; MAX_CHANNELS],
}

impl Notches {
    pub fn new(rate: f32) -> Self {
        let none = [[0.0; LANES]; ROWS];
        Self {
            rate,
            fundamental: 0.0,
            rows: 0,
            cos: none,
            sin: none,
            gain: none,
            depth: none,
            target: none,
            limit: none,
            phasors: [[none; 2]; MAX_CHANNELS],
        }
    }

    /// Frequency of the first harmonic, Hz.
    pub fn fundamental(&self) -> f32 {
        self.fundamental
    }

    /// Whether the notches are at this frequency already, or free to go there.
    pub fn follows(&self, frequency: f32) -> bool {
        self.rows == 0 || (frequency - self.fundamental).abs() < 0.1 * MAINS[0]
    }

    /// Frequency (Hz) and depth (0 to 1) of what is being removed.
    pub fn active(&self) -> impl Iterator<Item = (f32, f32)> {
        let depths = self.depth.as_flattened().iter().enumerate();
        depths.filter(|(_, d)| **d > 0.0).map(|(i, &d)| ((i + 1) as f32 * self.fundamental, d))
    }

    /// Heads for these harmonics; `amount` (0 to 1) scales the depths in dB.
    pub fn aim(&mut self, hum: &Found, amount: f32) {
        self.fundamental = hum.frequency;
        for (i, line) in hum.lines.iter().enumerate() {
            let (row, lane) = (i / LANES, i % LANES);
            let depth = 1.0 - db_to_gain(-amount * line.excess.clamp(0.0, DEEPEST));
            self.target[row][lane] = depth;
            if depth > 0.0 {
                let turn = TAU / self.rate;
                let (sin, cos) = (turn * hum.frequency * (i + 1) as f32).sin_cos();
                self.cos[row][lane] = cos;
                self.sin[row][lane] = sin;
                self.gain[row][lane] = turn * WIDTH;
                self.limit[row][lane] = (HEADROOM * line.amplitude).powi(2);
                self.rows = self.rows.max(row + 1);
            }
        }
    }

    /// Lets go of everything.
    pub fn release(&mut self) {
        self.target = [[0.0; LANES]; ROWS];
    }

    pub fn process(&mut self, block: &mut [Vec<f32>], range: Range<usize>) {
        let rows = self.rows;
        if rows == 0 {
            return;
        }
        let (cos, sin, gain, depth) = (&self.cos[..rows], &self.sin[..rows], &self.gain[..rows], &self.depth[..rows]);
        for (samples, [re, im]) in block.iter_mut().zip(&mut self.phasors) {
            let (re, im) = (&mut re[..rows], &mut im[..rows]);
            for x in samples.get_mut(range.clone()).unwrap_or_default() {
                let mut followed = [0.0; LANES];
                let mut removed = [0.0; LANES];
                for (re, depth) in re.iter().zip(depth) {
                    for lane in 0..LANES {
                        followed[lane] += re[lane];
                        removed[lane] += depth[lane] * re[lane];
                    }
                }
                let left = *x - sum(followed);
                *x -= sum(removed);
                for row in 0..rows {
                    for lane in 0..LANES {
                        let a = re[row][lane] + gain[row][lane] * left;
                        let b = im[row][lane];
                        re[row][lane] = a * cos[row][lane] - b * sin[row][lane];
                        im[row][lane] = a * sin[row][lane] + b * cos[row][lane];
                    }
                }
            }
        }
    }

    /// Fades and limits, a fraction of a millisecond at a time.
    pub fn step(&mut self, samples: usize) {
        let step = samples as f32 / (FADE * self.rate);
        let mut used = 0;
        for row in 0..self.rows {
            for lane in 0..LANES {
                let (depth, target) = (self.depth[row][lane], self.target[row][lane]);
                let depth = depth + (target - depth).clamp(-step, step);
                self.depth[row][lane] = depth;
                let limit = self.limit[row][lane];
                let idle = depth == 0.0 && target == 0.0;
                if idle {
                    self.gain[row][lane] = 0.0;
                } else {
                    used = row + 1;
                }
                for [re, im] in &mut self.phasors {
                    let (re, im) = (&mut re[row][lane], &mut im[row][lane]);
                    let power = *re * *re + *im * *im;
                    // An idle phasor is cleared; so is one whose power is not a number.
                    if idle || !power.is_finite() {
                        (*re, *im) = (0.0, 0.0);
                    } else if power > limit {
                        let scale = (limit / power).sqrt();
                        (*re, *im) = (*re * scale, *im * scale);
                    }
                }
            }
        }
        self.rows = used;
    }

    pub fn reset(&mut self) {
        *self = Self::new(self.rate);
    }
}

fn sum([a, b, c, d]: [f32; LANES]) -> f32 {
    (a + b) + (c + d)
}
