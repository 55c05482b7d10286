//! Loudness of speech after ITU-R BS.1770.

use std::f64::consts::PI;
use std::ops::Range;

use crate::engine::MAX_CHANNELS;
use crate::engine::smooth::power_to_db;

/// The two filters of BS.1770-5, annex 1, for any rate (from their analogue prototypes), and the
/// power of what they let through, added up over the channels.
pub struct KWeighting {
    filters: [Biquad; 2],
    states: [[[f64; 2]; 2]; MAX_CHANNELS],
    sum: f64,
}

/// In the transposed direct form II: doubles, since the high-pass is far below the rate.
#[derive(Clone, Copy)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

impl Biquad {
    fn new(rate: f32, frequency: f64, q: f64, numerator: impl Fn(f64) -> [f64; 3]) -> Biquad {
        let k = (PI * frequency / f64::from(rate)).tan();
        let a0 = 1.0 + k / q + k * k;
        Biquad { b: numerator(k).map(|b| b / a0), a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0] }
    }

    #[inline(always)]
    fn tick(&self, s: &mut [f64; 2], x: f64) -> f64 {
        let y = self.b[0] * x + s[0];
        s[0] = (self.b[1] * x + s[1]) - self.a[0] * y;
        s[1] = self.b[2] * x - self.a[1] * y;
        y
    }
}

impl KWeighting {
    pub fn new(rate: f32) -> Self {
        let (q, high) = (0.707_175_236_955_419_6, 10f64.powf(3.999_843_853_973_347 / 20.0));
        let band = high.powf(0.499_666_774_154_541_6);
        let shelf = Biquad::new(rate, 1_681.974_450_955_533, q, |k| {
            [high + band * k / q + k * k, 2.0 * (k * k - high), high - band * k / q + k * k]
        });
        let mut high_pass = Biquad::new(rate, 38.135_470_876_024_44, 0.500_327_037_323_877_3, |_| [0.0; 3]);
        // The numerator of the standard is not normalised.
        high_pass.b = [1.0, -2.0, 1.0];
        Self { filters: [shelf, high_pass], states: Default::default(), sum: 0.0 }
    }

    pub fn feed(&mut self, block: &[Vec<f32>], range: Range<usize>) {
        let [shelf, high_pass] = &self.filters;
        for (samples, states) in block.iter().zip(&mut self.states) {
            let [mut s, mut t] = *states;
            let mut sum = 0.0;
            for &x in samples.get(range.clone()).unwrap_or_default() {
                let y = high_pass.tick(&mut t, shelf.tick(&mut s, f64::from(x)));
                sum += y * y;
            }
            *states = [s, t];
            self.sum += sum;
        }
    }

    /// The sum of the squares since the last call.
    pub fn take_power(&mut self) -> f32 {
        // Decays end before they become denormal.
        for state in self.states.as_flattened_mut().as_flattened_mut() {
            if state.abs() < 1e-18 {
                *state = 0.0;
            }
        }
        std::mem::take(&mut self.sum) as f32
    }

    pub fn reset(&mut self) {
        self.states = Default::default();
        self.sum = 0.0;
    }
}

/// Segments of 20 ms in a block of 400 ms.
const BLOCK: usize = 20;
/// Segments from one block to the next.
const STEP: usize = 5;
/// Blocks over which the loudness is averaged: about 2 s of speech.
const BLOCKS: usize = 20;
/// A block so much louder than the average, as a power, counts at once.
const JUMP: f32 = 2.5;
/// A block so much below the average, as a power, is left out ...
const GATE: f32 = 0.063;
/// ... unless there is nothing else in so many blocks: 1 s.
const PATIENCE: usize = 10;
/// Segments that are the beginning: 1 s.
const BEGINNING: usize = 50;

/// Mean loudness of the speech heard lately, gated as in BS.1770. Rises faster than it falls.
#[derive(Clone, Default)]
pub struct Loudness {
    /// Powers of the last segments, a ring.
    segments: [f32; BLOCK],
    heard: usize,
    /// Powers of the last blocks that count, a ring.
    blocks: [f32; BLOCKS],
    counted: usize,
    /// Blocks below the gate in a row.
    quiet: usize,
    power: f32,
}

impl Loudness {
    /// Hears 20 ms of speech.
    pub fn add(&mut self, power: f32) {
        self.segments[self.heard % BLOCK] = power;
        self.heard += 1;
        if self.heard < BLOCK || !self.heard.is_multiple_of(STEP) {
            return;
        }
        let block = mean(&self.segments);
        let known = self.counted.min(BLOCKS);
        if known > 0 && block < GATE * mean(&self.blocks[..known]) {
            self.quiet += 1;
            if self.quiet < PATIENCE {
                return;
            }
            self.counted = 0;
        }
        self.quiet = 0;
        self.blocks[self.counted % BLOCKS] = block;
        self.counted += 1;
        self.power = mean(&self.blocks[..self.counted.min(BLOCKS)]).max(block / JUMP);
    }

    /// LUFS; `None` before there was enough.
    pub fn lufs(&self) -> Option<f32> {
        (self.power > 0.0).then(|| power_to_db(self.power) - 0.691)
    }

    /// Whether this is still the first second of speech.
    pub fn is_young(&self) -> bool {
        self.heard < BEGINNING
    }
}

fn mean(powers: &[f32]) -> f32 {
    powers.iter().sum::<f32>() / powers.len() as f32
}
