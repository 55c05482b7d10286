use super::{Latency, Stream};
use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::f32::consts::PI;
use std::sync::Arc;

/// Short-time Fourier transform and its inverse by overlap-add, one hop a frame.
///
/// *Studio*: square-root Hann windows with 75 % overlap. *Live*: asymmetric windows after Mauler &
/// Martin (EUSIPCO 2007): the analysis window is as long as in studio mode and resolves the pitch,
/// but the synthesis window covers only its last two hops, and only that is the delay.
pub struct Stft {
    hop: usize,
    latency: usize,
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    analysis: Vec<f32>,
    /// Only the part that isn't zero: the end of the frame.
    synthesis: Vec<f32>,
    /// Per channel: the last window of input, oldest first.
    history: Vec<Vec<f32>>,
    /// Per channel: output that still misses later frames.
    pending: Vec<Vec<f32>>,
    frame: Vec<f32>,
    scratch: Vec<Complex32>,
    /// Per channel: window / 2 + 1 bins; analysis windows have unit energy, so that white noise of
    /// variance s² has an expected power of s² in every bin at any rate and in both modes.
    pub spectra: Vec<Vec<Complex32>>,
}

impl Stft {
    /// Plans and windows for this stream.
    pub fn new(stream: &Stream) -> Stft {
        let (window, hop) = (stream.window, stream.hop);
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(window);
        let inverse = planner.plan_fft_inverse(window);
        let sine = |n: usize, half: usize| (PI * (n as f32 + 0.5) / (2 * half) as f32).sin();
        let (mut analysis, tail, overlap): (Vec<f32>, usize, f32) = match stream.latency {
            Latency::Studio => ((0..window).map(|n| sine(n, window / 2)).collect(), window, 2.0),
            Latency::Live => {
                let rise = window - hop;
                let slope = |n| if n < rise { sine(n, rise) } else { sine(n - rise + hop, hop) };
                ((0..window).map(slope).collect(), 2 * hop, 1.0)
            }
        };
        let start = window - tail;
        let energy = analysis.iter().map(|w| w * w).sum::<f32>();
        let mut synthesis: Vec<f32> =
            (0..tail).map(|n| sine(n, tail / 2).powi(2) / analysis[start + n] / overlap).collect();
        // The inverse transform multiplies by the window length.
        let unit = energy.sqrt();
        analysis.iter_mut().for_each(|w| *w /= unit);
        synthesis.iter_mut().for_each(|w| *w *= unit / window as f32);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        Stft {
            hop,
            latency: tail - hop,
            analysis,
            synthesis,
            history: stream.block(window),
            pending: stream.block(tail),
            frame: vec![0.0; window],
            scratch: vec![Complex32::default(); scratch],
            spectra: vec![vec![Complex32::default(); window / 2 + 1]; stream.channels],
            forward,
            inverse,
        }
    }

    /// Number of bins in a spectrum.
    pub fn bins(&self) -> usize {
        self.analysis.len() / 2 + 1
    }

    /// Delay from [`Stft::analyse`] to [`Stft::synthesise`], in samples.
    pub fn latency(&self) -> usize {
        self.latency
    }

    /// Takes one hop of input and fills [`Stft::spectra`].
    pub fn analyse(&mut self, block: &[Vec<f32>]) {
        for ((history, spectrum), input) in self.history.iter_mut().zip(&mut self.spectra).zip(block) {
            history.copy_within(self.hop.., 0);
            let keep = history.len() - self.hop;
            history[keep..].copy_from_slice(input);
            for ((f, h), w) in self.frame.iter_mut().zip(history.iter()).zip(&self.analysis) {
                *f = h * w;
            }
            // Only wrong lengths can fail, and they are fixed in `new`.
            let _ = self.forward.process_with_scratch(&mut self.frame, spectrum, &mut self.scratch);
        }
    }

    /// Turns [`Stft::spectra`] into one hop of output.
    pub fn synthesise(&mut self, block: &mut [Vec<f32>]) {
        for ((pending, spectrum), output) in self.pending.iter_mut().zip(&mut self.spectra).zip(block) {
            // The transform wants these two exactly real.
            if let Some(dc) = spectrum.first_mut() {
                dc.im = 0.0;
            }
            if let Some(nyquist) = spectrum.last_mut() {
                nyquist.im = 0.0;
            }
            let _ = self.inverse.process_with_scratch(spectrum, &mut self.frame, &mut self.scratch);
            let start = self.frame.len() - self.synthesis.len();
            for ((p, f), w) in pending.iter_mut().zip(&self.frame[start..]).zip(&self.synthesis) {
                *p += f * w;
            }
            output.copy_from_slice(&pending[..self.hop]);
            pending.copy_within(self.hop.., 0);
            let keep = pending.len() - self.hop;
            pending[keep..].fill(0.0);
        }
    }

    /// Forgets all past input.
    pub fn reset(&mut self) {
        for channel in self.history.iter_mut().chain(&mut self.pending) {
            channel.fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineConfig;

    #[test]
    fn reconstructs_perfectly_with_the_stated_latency() {
        for sample_rate in [8000, 22050, 44100, 48000, 192_000] {
            for latency in [Latency::Live, Latency::Studio] {
                let stream = Stream::new(EngineConfig { sample_rate, channels: 1, latency }).unwrap();
                let mut stft = Stft::new(&stream);
                let mut input: Vec<f32> = (0..stream.window * 4).map(|i| ((i * i) as f32 * 0.001).sin()).collect();
                let length = input.len() / stream.hop * stream.hop;
                input.truncate(length);
                let mut output = Vec::new();
                for hop in input.chunks(stream.hop) {
                    let mut block = vec![hop.to_vec()];
                    stft.analyse(&block);
                    stft.synthesise(&mut block);
                    output.extend_from_slice(&block[0]);
                }
                let l = stft.latency();
                for n in stream.window..length {
                    assert!((output[n] - input[n - l]).abs() < 2e-6, "{sample_rate} {latency:?} {n}");
                }
            }
        }
    }

    #[test]
    fn white_noise_has_its_variance_in_every_bin() {
        for latency in [Latency::Live, Latency::Studio] {
            let stream = Stream::new(EngineConfig { sample_rate: 48_000, channels: 1, latency }).unwrap();
            let mut stft = Stft::new(&stream);
            let mut seed = 1u32;
            let (mut sum, mut count) = (0.0f64, 0);
            for frame in 0..300 {
                let noise = |_| {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (seed >> 8) as f32 / (1 << 24) as f32 - 0.5
                };
                stft.analyse(&[(0..stream.hop).map(noise).collect()]);
                if frame > 20 {
                    sum += stft.spectra[0][10..700].iter().map(|c| f64::from(c.norm_sqr())).sum::<f64>();
                    count += 690;
                }
            }
            assert!((sum / f64::from(count) * 12.0 - 1.0).abs() < 0.05);
        }
    }
}
