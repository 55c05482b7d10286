//! From gains to sound: the comb filter at the pitch, the gains, and overlap-add.

use super::FRAME;
use super::bands::{BANDS, TOP, correlate, interpolate};
use super::features::{BINS, FULL_SCALE, Features, WINDOW, window};
use crate::engine::math::boxed;
use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner};
use std::sync::Arc;

#[derive(Clone)]
pub(super) struct Synthesis {
    fft: Arc<dyn ComplexToReal<f32>>,
    window: Box<[f32; WINDOW]>,
    spectrum: Box<[Complex32; BINS]>,
    time: Box<[f32; WINDOW]>,
    scratch: Vec<Complex32>,
    /// The second half of the last window.
    tail: Box<[f32; FRAME]>,
}

impl Synthesis {
    pub fn new() -> Synthesis {
        let fft = RealFftPlanner::new().plan_fft_inverse(WINDOW);
        let scratch = fft.make_scratch_vec();
        // The analysis divides by half of what the inverse transform multiplies by.
        let window = window(2.0 * FULL_SCALE);
        Synthesis { fft, window, spectrum: boxed(Complex32::ZERO), time: boxed(0.0), scratch, tail: boxed(0.0) }
    }

    pub fn reset(&mut self) {
        self.tail.fill(0.0);
    }

    /// Synthesises the frame, denoised by the gains before and after the release if there are any.
    pub fn run(&mut self, frame: &Features, gains: Option<([f32; BANDS], [f32; BANDS])>, output: &mut [f32; FRAME]) {
        self.spectrum.copy_from_slice(&*frame.x);
        if let Some((raw, gains)) = gains {
            self.filter(frame, &raw, &gains);
        }
        // All lengths are those of the plan.
        let _ = self.fft.process_with_scratch(&mut *self.spectrum, &mut *self.time, &mut self.scratch);
        for (time, w) in self.time.iter_mut().zip(&*self.window) {
            *time *= w;
        }
        let (first, second) = self.time.split_at(FRAME);
        for ((out, tail), x) in output.iter_mut().zip(&*self.tail).zip(first) {
            *out = tail + x;
        }
        self.tail.copy_from_slice(second);
    }

    fn filter(&mut self, frame: &Features, raw: &[f32; BANDS], gains: &[f32; BANDS]) {
        // Add the last period where the sound is more periodic than the model's gain asks for...
        let strength: [f32; BANDS] = std::array::from_fn(|band| {
            let (c, g) = (frame.coherence[band], raw[band]);
            let share = if c > g {
                1.0
            } else {
                let (c, g) = (c * c, g * g);
                (c * (1.0 - g) / (0.001 + g * (1.0 - c))).clamp(0.0, 1.0)
            };
            share.sqrt() * (frame.x_energy[band] / (1e-8 + frame.p_energy[band])).sqrt()
        });
        for ((y, p), s) in self.spectrum.iter_mut().zip(&*frame.p).zip(interpolate(&strength)) {
            *y += p * s;
        }
        // ... without a change of energy.
        let energy = correlate(&*self.spectrum, &*self.spectrum);
        let scale = std::array::from_fn(|band| (frame.x_energy[band] / (1e-8 + energy[band])).sqrt());
        let (scale, gains) = (interpolate(&scale), interpolate(gains));
        for ((y, scale), gain) in self.spectrum.iter_mut().zip(&scale).zip(&gains) {
            *y *= scale * gain;
        }
        self.spectrum[TOP..].fill(Complex32::ZERO);
    }
}
