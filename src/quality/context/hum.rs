//! Mains hum: lines at multiples of one frequency that last for seconds.

use super::Context;
use super::window::quantile;
use crate::engine::decimate::{Decimator, hann};
use crate::engine::smooth::{Segments, power_to_db};
use crate::engine::{Latency, Stream};
use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use std::ops::Range;
use std::sync::Arc;

/// The mains frequencies, and how far (Hz) hum may be from them.
const MAINS: [f32; 2] = [50.0, 60.0];
const DEVIATION: f32 = 0.3;
/// Steps (Hz) in which the fundamental is searched.
const STEP: f32 = 0.02;
/// Harmonics are looked for up to here, Hz.
const HIGHEST: f32 = 1260.0;
/// What is heard at most and at least, s.
const LONGEST: f32 = 7.0;
const SHORTEST: f32 = 2.5;
/// Length of the transform: more than [`LONGEST`] at any rate.
const LENGTH: usize = 1 << 15;
/// Samples that share a weight, about 32 ms.
const BLOCK: usize = 128;
/// Power that is digital silence.
const SILENCE: f32 = 1e-11;
/// The neighbourhood of a line is from the first to the second of these, Hz.
const BESIDE: Range<f32> = 1.5..9.0;
/// So far above the median of its neighbourhood is a line, dB; noise is once in 50000.
const LINE: f32 = 12.0;
/// No line counts for more, dB; the first two may be alone.
const ENOUGH: f32 = 20.0;
const ENOUGH_ALONE: f32 = 30.0;
/// What all lines together must have, dB: one very strong, one strong and one more, or three.
const EVIDENCE: f32 = 28.0;

/// Listens for mains hum in the last 7 s.
///
/// A hum that lasts is found below speech in two ways: over seconds its lines are far narrower than
/// any harmonic of a voice, and each moment is weighed by the inverse of its power, as is best for a
/// steady signal in unsteady noise, so that the pauses count most. (The engine's remover looks at
/// half seconds, lest it removes anything else; it misses hum where there are few pauses.)
pub struct Hum {
    segments: Segments,
    decimator: Decimator,
    block: Vec<Vec<f32>>,
    low: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
}

/// Hum that was found.
struct Found {
    frequency: f32,
    /// Power of all lines.
    power: f32,
    lines: usize,
    evidence: f32,
}

impl Hum {
    pub fn new(rate: u32) -> Hum {
        // The decimator goes by rate and channels alone.
        let stream = Stream { rate: rate as f32, channels: 1, hop: 1, window: 1, latency: Latency::Studio };
        let decimator = Decimator::new(&stream);
        Hum {
            segments: Segments::new(decimator.factor()),
            decimator,
            block: vec![Vec::new()],
            low: Vec::new(),
            fft: RealFftPlanner::new().plan_fft_forward(LENGTH),
        }
    }

    /// Takes in mono samples.
    pub fn feed(&mut self, samples: &[f32]) {
        self.block[0].clear();
        self.block[0].extend_from_slice(samples);
        let mut done = 0;
        while let Some(piece) = self.segments.next(done, samples.len()) {
            done = piece.range.end;
            self.decimator.feed(&self.block, piece.range, piece.offset);
            if piece.ends {
                self.low.extend(self.decimator.next());
            }
        }
        let most = (LONGEST * self.decimator.rate()) as usize;
        self.low.drain(..self.low.len().saturating_sub(most));
    }

    /// A gap in the stream.
    pub fn reset(&mut self) {
        self.segments.reset();
        self.decimator.reset();
        self.low.clear();
    }

    pub fn measure(&self, context: &mut Context) {
        context.hum_level = -120.0;
        if (self.low.len() as f32) < SHORTEST * self.decimator.rate() {
            return;
        }
        let powers = self.powers();
        let found = MAINS.into_iter().map(|mains| self.search(&powers, mains));
        let best = found.filter(|found| found.evidence >= EVIDENCE).max_by(|a, b| a.evidence.total_cmp(&b.evidence));
        if let Some(found) = best {
            context.hum_frequency = found.frequency;
            context.hum_level = power_to_db(found.power).max(-120.0);
            context.hum_harmonics = found.lines as f32;
        }
    }

    /// Spectrum of the weighed signal; the value of a bin is the power of a sinusoid there.
    fn powers(&self) -> Vec<f32> {
        let (mut input, mut output) = (self.fft.make_input_vec(), self.fft.make_output_vec());
        let length = self.low.len();
        let weights = weights(&self.low);
        let mut gain = 0.0;
        for (i, (to, x)) in input.iter_mut().zip(&self.low).enumerate() {
            // A line from block to block.
            let place = (i as f32 / BLOCK as f32 - 0.5).max(0.0);
            let (block, share) = (place as usize, place.fract());
            let (here, next) = (weights[block], weights[(block + 1).min(weights.len() - 1)]);
            let weight = (here + share * (next - here)) * hann(i as f32 + 0.5, length);
            *to = weight * x;
            gain += weight;
        }
        if self.fft.process(&mut input, &mut output).is_err() || gain <= 0.0 {
            return vec![0.0; output.len()];
        }
        let scale = 2.0 / (gain * gain);
        output.iter().map(|bin: &Complex32| bin.norm_sqr() * scale).collect()
    }

    /// The fundamental near a mains frequency that explains most.
    fn search(&self, powers: &[f32], mains: f32) -> Found {
        let hertz = self.decimator.rate() / LENGTH as f32;
        let bin = |frequency: f32| (frequency / hertz).round() as usize;
        let harmonics = (HIGHEST / mains) as usize;
        let beside: Vec<f32> = (1..=harmonics)
            .map(|k| {
                let line = mains * k as f32;
                let below = bin(line - BESIDE.end)..bin(line - BESIDE.start);
                let above = bin(line + BESIDE.start)..bin(line + BESIDE.end);
                // The lobes of a bin are wider than a bin: every second says it all.
                quantile(&mut below.chain(above).step_by(2).map(|bin| powers[bin]).collect::<Vec<_>>(), 0.5)
            })
            .collect();
        let lines = |frequency: f32| {
            let line = move |k: usize| powers[bin(frequency * (k + 1) as f32)];
            let prominence = move |(k, beside): (usize, &f32)| (k, power_to_db(line(k) / beside.max(1e-16)), line(k));
            beside.iter().enumerate().map(prominence).filter(|(_, excess, _)| *excess > LINE)
        };
        let enough = |k: usize| if k < 2 { ENOUGH_ALONE } else { ENOUGH };
        let evidence = |frequency: f32| lines(frequency).map(|(k, excess, _)| excess.min(enough(k))).sum::<f32>();
        let sharp = |frequency: f32| lines(frequency).map(|(_, excess, _)| excess).sum::<f32>();
        let steps = (DEVIATION / STEP) as i32;
        let grid = (-steps..=steps).map(|step| mains + step as f32 * STEP);
        let frequency = grid.max_by(|a, b| sharp(*a).total_cmp(&sharp(*b))).unwrap_or(mains);
        Found {
            frequency,
            power: lines(frequency).map(|(.., power)| power).sum(),
            lines: lines(frequency).count(),
            // Hum without its lowest harmonics is something else.
            evidence: if lines(frequency).any(|(k, ..)| k < 4) { evidence(frequency) } else { 0.0 },
        }
    }
}

/// One over the power around each block; 0 in digital silence.
fn weights(samples: &[f32]) -> Vec<f32> {
    let powers: Vec<f32> =
        samples.chunks(BLOCK).map(|block| block.iter().map(|x| x * x).sum::<f32>() / block.len() as f32).collect();
    let mut heard: Vec<f32> = powers.iter().copied().filter(|p| *p > SILENCE).collect();
    // The quietest moments shall not decide all alone.
    let floor = quantile(&mut heard, 0.1).max(SILENCE);
    let around =
        |i: usize| powers[i.saturating_sub(1)..powers.len().min(i + 2)].iter().fold(0f32, |max, p| max.max(*p));
    (0..powers.len()).map(|i| if powers[i] > SILENCE { 1.0 / around(i).max(floor) } else { 0.0 }).collect()
}
