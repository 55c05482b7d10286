//! Short-time spectra of the low end of the stream, a little work at a time.

use std::f32::consts::{PI, TAU};
use std::ops::Range;
use std::sync::Arc;

use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

use crate::engine::Stream;

/// The rate after decimation, roughly, Hz.
const RATE: f32 = 4000.0;
/// Taps of the decimation filter for each sample of the output.
const PHASES: usize = 8;
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
    decimation: usize,
    rate: f32,
    filter: Vec<f32>,
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
    /// The last samples of the stream, as many as the filter has taps.
    recent: Vec<f32>,
    /// A ring of decimated samples.
    low: Vec<f32>,
    spectra: [Vec<Complex32>; LAG + 1],
}

impl Spectra {
    pub fn new(stream: &Stream) -> Self {
        let decimation = (stream.rate / RATE).round().max(1.0) as usize;
        let taps = PHASES * decimation;
        let hann = |i: f32, length: usize| 0.5 - 0.5 * (TAU * i / length as f32).cos();
        let tap = |i: usize| {
            let t = PI * (i as f32 + 0.5 - taps as f32 / 2.0) / decimation as f32;
            let sinc = if t == 0.0 { 1.0 } else { t.sin() / t };
            sinc * hann(i as f32 + 0.5, taps) / decimation as f32
        };
        let fft = RealFftPlanner::new().plan_fft_forward(WINDOW);
        let channel = || Channel {
            recent: vec![0.0; taps],
            low: vec![0.0; WINDOW],
            spectra: std::array::from_fn(|_| fft.make_output_vec()),
        };
        Self {
            decimation,
            rate: stream.rate / decimation as f32,
            filter: (0..taps).map(tap).collect(),
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
        self.decimation
    }

    /// The time over which phase advances are measured, seconds.
    pub fn lag(&self) -> f32 {
        (LAG * HOP) as f32 / self.rate
    }

    /// Takes a part of a block that begins `offset` samples after the last decimated sample.
    pub fn feed(&mut self, block: &[Vec<f32>], range: Range<usize>, offset: usize) {
        for (channel, samples) in self.channels.iter_mut().zip(block) {
            let start = channel.recent.len() - self.decimation + offset;
            let to = channel.recent.get_mut(start..start + range.len()).unwrap_or_default();
            to.iter_mut().zip(&samples[range.clone()]).for_each(|(to, &from)| *to = from);
        }
    }

    /// Makes a decimated sample.
    pub fn decimate(&mut self) {
        for channel in &mut self.channels {
            let mut sums = [0.0; PHASES];
            for (x, h) in channel.recent.chunks_exact(PHASES).zip(self.filter.chunks_exact(PHASES)) {
                for i in 0..PHASES {
                    sums[i] += x[i] * h[i];
                }
            }
            channel.low[self.position] = sums.iter().sum();
            channel.recent.copy_within(self.decimation.., 0);
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
        let samples = older.iter().chain(newer);
        for ((to, from), window) in self.input.iter_mut().zip(samples).zip(&self.window) {
            *to = from * window;
        }
        let output = &mut channel.spectra[self.newest];
        if self.fft.process_with_scratch(&mut self.input, output, &mut self.scratch).is_err() {
            output.fill(Complex32::ZERO);
        }
    }

    /// Reads the newest spectrum at a frequency; `None` where it does not reach.
    pub fn read(&self, frequency: f32) -> Option<Reading> {
        let bin = (frequency * WINDOW as f32 / self.rate).round() as usize;
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
        for channel in &mut self.channels {
            channel.recent.fill(0.0);
            channel.low.fill(0.0);
            channel.spectra.iter_mut().for_each(|s| s.fill(Complex32::ZERO));
        }
        self.position = 0;
        self.newest = 0;
    }
}
