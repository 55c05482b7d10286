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

/// Steps from one look at the phasors to the next: 4 ms.
const STEPS: usize = 16;

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
    /// Steps since the last look at the phasors.
    steps: usize,
    /// Rows in use.
    rows: usize,
    /// For each sample of a step, and the begin of the next: the turn of each phasor until there, as
    /// cosines and sines.
    turns: Vec<[Bank; 2]>,
    /// How fast a phasor learns; 0: idle.
    gain: Bank,
    depth: Bank,
    target: Bank,
    /// Limit of the phasor's power.
    limit: Bank,
    /// Real and imaginary parts at the begin of the step.
    phasors: [[Bank; 2]; MAX_CHANNELS],
    /// What the phasors will have learnt by its end.
    learnt: [[Bank; 2]; MAX_CHANNELS],
}

impl Notches {
    /// Notches that learn and fade in steps of so many samples.
    pub fn new(rate: f32, step: usize) -> Self {
        let none = [[0.0; LANES]; ROWS];
        Self {
            rate,
            fundamental: 0.0,
            steps: 0,
            rows: 0,
            turns: vec![[none; 2]; step + 1],
            gain: none,
            depth: none,
            target: none,
            limit: none,
            phasors: [[none; 2]; MAX_CHANNELS],
            learnt: [[none; 2]; MAX_CHANNELS],
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
                let (mut re, mut im) = (1.0, 0.0);
                for [cosines, sines] in &mut self.turns {
                    cosines[row][lane] = re;
                    sines[row][lane] = im;
                    (re, im) = (re * cos - im * sin, re * sin + im * cos);
                }
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

    /// Takes the hum out of a part of a block, `offset` samples after the begin of the step.
    pub fn process(&mut self, block: &mut [Vec<f32>], range: Range<usize>, offset: usize) {
        if self.rows == 0 {
            return;
        }
        let turns = self.turns.get(offset..).unwrap_or_default();
        for ((samples, [re, im]), learnt) in block.iter_mut().zip(&self.phasors).zip(&mut self.learnt) {
            let mut rows: [Row; ROWS] =
                std::array::from_fn(|i| [re[i], im[i], self.depth[i], learnt[0][i], learnt[1][i]]);
            let rows = &mut rows[..self.rows];
            for (x, [cosines, sines]) in samples.get_mut(range.clone()).unwrap_or_default().iter_mut().zip(turns) {
                let mut followed = [0.0; LANES];
                let mut removed = [0.0; LANES];
                for ((row, cos), sin) in rows.iter().zip(cosines).zip(sines) {
                    let [re, im, depth, ..] = row;
                    for lane in 0..LANES {
                        let now = re[lane] * cos[lane] - im[lane] * sin[lane];
                        followed[lane] += now;
                        removed[lane] += depth[lane] * now;
                    }
                }
                let left = *x - sum(followed);
                *x -= sum(removed);
                for ((row, cos), sin) in rows.iter_mut().zip(cosines).zip(sines) {
                    let [.., re, im] = row;
                    for lane in 0..LANES {
                        re[lane] += left * cos[lane];
                        im[lane] -= left * sin[lane];
                    }
                }
            }
            for (i, [.., re, im]) in rows.iter().enumerate() {
                learnt[0][i] = *re;
                learnt[1][i] = *im;
            }
        }
    }

    /// Ends a step: turns the phasors to where they are now, with what they have learnt, and moves the
    /// depths towards their targets.
    pub fn step(&mut self) {
        // Coarser than a step, the fade would be heard as stairs.
        let fade = (self.turns.len() - 1) as f32 / (FADE * self.rate);
        for (depth, target) in self.depth.iter_mut().zip(&self.target).take(self.rows) {
            for lane in 0..LANES {
                depth[lane] += (target[lane] - depth[lane]).clamp(-fade, fade);
            }
        }
        let Some([cosines, sines]) = self.turns.last() else { return };
        for ([re, im], [learnt_re, learnt_im]) in self.phasors.iter_mut().zip(&mut self.learnt) {
            for row in 0..self.rows {
                let (re, im) = (&mut re[row], &mut im[row]);
                let (learnt_re, learnt_im) = (&mut learnt_re[row], &mut learnt_im[row]);
                for lane in 0..LANES {
                    let a = re[lane] + self.gain[row][lane] * learnt_re[lane];
                    let b = im[lane] + self.gain[row][lane] * learnt_im[lane];
                    re[lane] = a * cosines[row][lane] - b * sines[row][lane];
                    im[lane] = a * sines[row][lane] + b * cosines[row][lane];
                }
                (*learnt_re, *learnt_im) = ([0.0; LANES], [0.0; LANES]);
            }
        }
        self.steps = (self.steps + 1) % STEPS;
        if self.steps == 0 {
            self.limit_phasors();
        }
    }

    /// Limits the phasors, and clears those that have nothing to do.
    fn limit_phasors(&mut self) {
        let mut used = 0;
        for row in 0..self.rows {
            for lane in 0..LANES {
                let idle = self.depth[row][lane] == 0.0 && self.target[row][lane] == 0.0;
                if !idle {
                    used = row + 1;
                }
                let limit = self.limit[row][lane];
                for [re, im] in &mut self.phasors {
                    let (re, im) = (&mut re[row][lane], &mut im[row][lane]);
                    let power = *re * *re + *im * *im;
                    if idle || !(1e-30..1e30).contains(&power) {
                        // Of no use, or overflowed, or as good as nothing.
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

    /// Forgets everything.
    pub fn reset(&mut self) {
        let none = [[0.0; LANES]; ROWS];
        self.steps = 0;
        self.rows = 0;
        self.depth = none;
        self.target = none;
        self.phasors = [[none; 2]; MAX_CHANNELS];
        self.learnt = [[none; 2]; MAX_CHANNELS];
    }
}

/// What one row of harmonics needs for each sample: real and imaginary part, depth, and what is
/// learnt.
type Row = [[f32; LANES]; 5];

fn sum([a, b, c, d]: [f32; LANES]) -> f32 {
    (a + b) + (c + d)
}
