//! Short-time spectra of the low end of the stream, a little work at a time.

use std::ops::Range;
use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use crate::engine::Stream;
use crate::engine::decimate::{Decimator, hann};

/// Samples of a spectrum: half a second, short enough for the pauses of speech.
const WINDOW: usize = 2048;
/// Samples from one spectrum to the next: 1/8 s.
pub const HOP: usize = 512;
/// Spectra over which a phase advance is taken: noise is hardly coherent over half a window.
const LAG: usize = 2;
/// Distance in bins from a line to where its neighbourhood begins and ends.
const BESIDE: Range<usize> = 4..10;

/// What a spectrum says about one frequency. Channels are added up as powers, so that their phases
/// do not matter.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Power there.
    pub power: f32,
    /// Mean power of the bins beside it.
    pub beside: f32,
    /// Direction of its phase advance over [`Spectra::lag`].
    pub advance: Complex32,
}

/// Decimates the stream to about 4 kHz and transforms half a second of it every eighth of a second.
pub struct Spectra {
    decimator: Decimator,
    window: Vec<f32>,
    fft: Arc<dyn RealToComplex<f32>>,
    input: Vec<f32>,
    scratch: Vec<Complex32>,
    channels: Vec<Channel>,
    /// Where the next decimated sample goes.
    position: usize,
    /// Which of a channel's spectra is the newest.
    newest: usize,
}

struct Channel {
    /// A ring of decimated samples.
    low: Vec<f32>,
    spectra: [Vec<Complex32>; LAG + 1],
}

impl Spectra {
    pub fn new(stream: &Stream) -> Self {
        let fft = RealFftPlanner::new().plan_fft_forward(WINDOW);
        let channel = || Channel { low: vec![0.0; WINDOW], spectra: std::array::from_fn(|_| fft.make_output_vec()) };
        Self {
            decimator: Decimator::new(stream),
            // Scaled so that the magnitude of a bin is the amplitude of a sinusoid in it.
            window: (0..WINDOW).map(|i| hann(i as f32, WINDOW) * 4.0 / WINDOW as f32).collect(),
            input: fft.make_input_vec(),
            scratch: fft.make_scratch_vec(),
            channels: (0..stream.channels).map(|_| channel()).collect(),
            fft,
            position: 0,
            newest: 0,
        }
    }

    /// Samples of the stream for each decimated sample.
    pub fn decimation(&self) -> usize {
        self.decimator.factor()
    }

    /// The time over which phase advances are measured, seconds.
    pub fn lag(&self) -> f32 {
        (LAG * HOP) as f32 / self.decimator.rate()
    }

    /// Takes a part of a block that begins `offset` samples after the last decimated sample.
    pub fn feed(&mut self, block: &[Vec<f32>], range: Range<usize>, offset: usize) {
        self.decimator.feed(block, range, offset);
    }

    /// Makes a decimated sample.
    pub fn decimate(&mut self) {
        for (channel, sample) in self.channels.iter_mut().zip(self.decimator.next()) {
            channel.low[self.position] = sample;
        }
        self.position = (self.position + 1) % WINDOW;
    }

    /// Makes the next spectrum of one channel, if there is such a channel; the first one first.
    pub fn transform(&mut self, channel: usize) {
        if channel == 0 {
            self.newest = (self.newest + 1) % (LAG + 1);
        }
        let Some(channel) = self.channels.get_mut(channel) else { return };
        let (newer, older) = channel.low.split_at(self.position);
        let mut done = 0;
        for part in [older, newer] {
            let end = done + part.len();
            for ((to, from), window) in self.input[done..end].iter_mut().zip(part).zip(&self.window[done..end]) {
                *to = from * window;
            }
            done = end;
        }
        let output = &mut channel.spectra[self.newest];
        if self.fft.process_with_scratch(&mut self.input, output, &mut self.scratch).is_err() {
            output.fill(Complex32::ZERO);
        }
    }

    /// Reads the newest spectrum at a frequency; `None` where it does not reach.
    pub fn read(&self, frequency: f32) -> Option<Reading> {
        let bin = (frequency * WINDOW as f32 / self.decimator.rate()).round() as usize;
        let mut reading = Reading { power: 0.0, beside: 0.0, advance: Complex32::ZERO };
        for channel in &self.channels {
            let new = &channel.spectra[self.newest];
            let old = &channel.spectra[(self.newest + 1) % (LAG + 1)];
            let below = new.get(bin.checked_sub(BESIDE.end - 1)?..=bin - BESIDE.start)?;
            let above = new.get(bin + BESIDE.start..bin + BESIDE.end)?;
            let sum: f32 = below.iter().chain(above).map(Complex32::norm_sqr).sum();
            reading.power += new[bin].norm_sqr();
            reading.beside += sum / (2 * BESIDE.len()) as f32;
            reading.advance += new[bin] * old[bin].conj();
        }
        let norm = reading.advance.norm();
        reading.advance = if norm > 0.0 { reading.advance / norm } else { Complex32::ZERO };
        Some(reading)
    }

    pub fn reset(&mut self) {
        self.decimator.reset();
        for channel in &mut self.channels {
            channel.low.fill(0.0);
            channel.spectra.iter_mut().for_each(|s| s.fill(Complex32::ZERO));
        }
        self.position = 0;
        self.newest = 0;
    }
}
