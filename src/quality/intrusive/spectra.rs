//! Spectra of windowed frames.

use realfft::num_complex::Complex64;
use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// A window and its transform, zero-padded where the transform is longer.
pub struct Spectra {
    fft: Arc<dyn RealToComplex<f64>>,
    window: Vec<f64>,
    frame: Vec<f64>,
    bins: Vec<Complex64>,
    scratch: Vec<Complex64>,
}

impl Spectra {
    /// Frames of `length` samples, transforms of `size`.
    pub fn new(length: usize, size: usize) -> Spectra {
        let fft = RealFftPlanner::new().plan_fft_forward(size.max(length));
        Spectra {
            window: hann(length),
            frame: fft.make_input_vec(),
            bins: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    /// The power of each bin of the windowed frame, which is as long as the window.
    pub fn power(&mut self, samples: impl IntoIterator<Item = f64>) -> impl Iterator<Item = f64> {
        let length = self.window.len();
        for ((x, w), s) in self.frame.iter_mut().zip(&self.window).zip(samples) {
            *x = w * s;
        }
        // The transform uses its input as scratch memory.
        self.frame[length..].fill(0.0);
        // The lengths are those that the plan made itself.
        let _ = self.fft.process_with_scratch(&mut self.frame, &mut self.bins, &mut self.scratch);
        self.bins.iter().map(|bin| bin.norm_sqr())
    }
}

/// Hann's window without its two zeros, as MATLAB's `hanning`.
pub fn hann(length: usize) -> Vec<f64> {
    let step = std::f64::consts::TAU / (length + 1) as f64;
    (1..=length).map(|i| 0.5 - 0.5 * (i as f64 * step).cos()).collect()
}
