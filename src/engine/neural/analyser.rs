//! The model's gains for a stream of any rate.

use super::bands::{BANDS, EDGES};
use super::features::sane;
use super::{FRAME, Frame, RnNoise};
use crate::engine::Stream;
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType, WindowFunction};

/// The rate of the model.
const RATE: u32 = 48_000;

/// Listens to a stream, mono or stereo (mixed), and keeps the model's newest gains for it.
///
/// Only `new` allocates. What it hears does not depend on how the stream is cut into blocks.
pub struct Analyser {
    model: RnNoise,
    /// `None` at 48 kHz.
    resampler: Option<Async<f32>>,
    /// The stream since the last frame, mixed.
    mix: Vec<f32>,
    filled: usize,
    /// Delay from the input to the middle of a frame's window when that frame is complete.
    lag: f32,
    bins: Bins,
}

impl Analyser {
    /// For a stream; allocates everything.
    pub fn new(stream: &Stream) -> Analyser {
        let rate = stream.rate.round() as u32;
        let resampler = (rate != RATE).then(|| resampler(rate)).flatten();
        let longest = resampler.as_ref().map_or(FRAME, |r| r.input_frames_max());
        let ratio = stream.rate / RATE as f32;
        let half = resampler.as_ref().map_or(0.0, |_| taps(rate) as f32 / 2.0);
        Analyser {
            model: RnNoise::new(),
            resampler,
            mix: vec![0.0; longest],
            filled: 0,
            lag: FRAME as f32 * ratio + half,
            bins: Bins::new(stream),
        }
    }

    /// Back to the state after `new`.
    pub fn reset(&mut self) {
        self.model.reset();
        if let Some(resampler) = &mut self.resampler {
            resampler.reset();
        }
        self.filled = 0;
    }

    /// Listens to the next samples: one vector per channel, of any length. True if they completed a
    /// frame, that is every 10 ms.
    pub fn push(&mut self, block: &[Vec<f32>]) -> bool {
        let length = block.iter().map(Vec::len).min().unwrap_or(0);
        let (mut start, mut fresh) = (0, false);
        while start < length {
            let needed = self.resampler.as_ref().map_or(FRAME, |r| r.input_frames_next()).min(self.mix.len());
            let count = (length - start).min(needed.saturating_sub(self.filled));
            let mix = &mut self.mix[self.filled..self.filled + count];
            mix.fill(0.0);
            for channel in block {
                let scale = 1.0 / block.len() as f32;
                for (mix, x) in mix.iter_mut().zip(&channel[start..start + count]) {
                    *mix += scale * sane(*x);
                }
            }
            start += count;
            self.filled += count;
            if self.filled >= needed {
                self.analyse(needed);
                self.filled = 0;
                fresh = true;
            }
        }
        fresh
    }

    /// The newest frame.
    pub fn frame(&self) -> &Frame {
        self.model.frame()
    }

    /// Samples of the stream that came after the newest frame.
    pub fn age(&self) -> usize {
        self.filled
    }

    /// How far back the middle of the newest frame's window (20 ms long) lies, in samples of the
    /// stream: 10 ms, half of the resampler's filter (at most 1.5 ms) and the age; true to 0.2 ms.
    pub fn delay(&self) -> f32 {
        self.lag + self.age() as f32
    }

    /// The newest gains at the bins of the stream's spectral window, `window / 2 + 1` of them: on
    /// straight lines between the bands, and as in the last band above 20 kHz.
    pub fn bin_gains(&self, out: &mut [f32]) {
        self.bins.interpolate(&self.frame().gains, out);
    }

    fn analyse(&mut self, needed: usize) {
        let mut frame = [0.0; FRAME];
        match &mut self.resampler {
            None => frame.copy_from_slice(&self.mix[..FRAME]),
            Some(resampler) => {
                let input = InterleavedSlice::new(&self.mix[..needed], 1, needed);
                let output = InterleavedSlice::new_mut(&mut frame, 1, FRAME);
                if let (Ok(input), Ok(mut output)) = (input, output) {
                    // The sizes are those that it asked for.
                    let _ = resampler.process_into_buffer(&input, &mut output, None);
                }
            }
        }
        self.model.analyse(&frame);
    }
}

/// A windowed sinc, so short that it delays by at most 1.5 ms, that turns just enough input into one
/// frame. `None` never happens: the parameters are in range.
fn resampler(rate: u32) -> Option<Async<f32>> {
    let phases = RATE / gcd(rate, RATE);
    // A phase for each position that occurs, or lines between neighbours when there are many.
    let (phases, interpolation) = match phases {
        1..=640 => (phases as usize, SincInterpolationType::Nearest),
        _ => (256, SincInterpolationType::Linear),
    };
    let parameters = SincInterpolationParameters::new(taps(rate), WindowFunction::Hann2)
        .f_cutoff(0.95)
        .oversampling_factor(phases)
        .interpolation(interpolation);
    let ratio = f64::from(RATE) / f64::from(rate);
    Async::new_sinc(ratio, 1.0, &parameters, FRAME, 1, FixedAsync::Output).ok()
}

/// Length of the filter: enough to keep what lies above 28 kHz out of the bands, but not above 3 ms.
fn taps(rate: u32) -> usize {
    let taps = (32 * rate / RATE).max(64).min(rate * 3 / 1000) as usize;
    taps / 8 * 8
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Where the bins of a stream lie between the bands.
struct Bins {
    /// First bin of each band.
    starts: [usize; BANDS],
    /// How far each bin is on its way to the next band, 0..1.
    fractions: Vec<f32>,
}

impl Bins {
    fn new(stream: &Stream) -> Bins {
        let bins = stream.window / 2 + 1;
        let position = |bin: usize| bin as f64 * f64::from(stream.rate) / (50.0 * stream.window as f64);
        let starts = EDGES.map(|edge| (0..bins).find(|&bin| position(bin) >= edge as f64).unwrap_or(bins));
        let mut fractions = vec![0.0; bins];
        for band in 0..BANDS - 1 {
            let (low, high) = (EDGES[band] as f64, EDGES[band + 1] as f64);
            for (bin, fraction) in fractions.iter_mut().enumerate().take(starts[band + 1]).skip(starts[band]) {
                *fraction = ((position(bin) - low) / (high - low)) as f32;
            }
        }
        Bins { starts, fractions }
    }

    fn interpolate(&self, gains: &[f32; BANDS], out: &mut [f32]) {
        let end = out.len().min(self.fractions.len());
        for band in 0..BANDS - 1 {
            let bins = self.starts[band].min(end)..self.starts[band + 1].min(end);
            let (low, step) = (gains[band], gains[band + 1] - gains[band]);
            for (out, fraction) in out[bins.clone()].iter_mut().zip(&self.fractions[bins]) {
                *out = low + fraction * step;
            }
        }
        let top = self.starts[BANDS - 1].min(end);
        out[top..].fill(gains[BANDS - 1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    /// Resamples a sine; its level (dB) and delay (s) by projection onto the same sine at 48 kHz,
    /// and the level of everything else.
    fn measure(rate: u32, frequency: f64) -> (f64, f64, f64) {
        let mut resampler = resampler(rate).unwrap();
        let (mut output, mut consumed) = (Vec::new(), 0);
        while output.len() < 48_000 {
            let needed = resampler.input_frames_next();
            let sine = |i: usize| (TAU * frequency * (consumed + i) as f64 / f64::from(rate)).sin() as f32;
            let input: Vec<f32> = (0..needed).map(sine).collect();
            consumed += needed;
            let mut frame = [0.0; FRAME];
            let input = InterleavedSlice::new(&input, 1, needed).unwrap();
            let mut out = InterleavedSlice::new_mut(&mut frame, 1, FRAME).unwrap();
            resampler.process_into_buffer(&input, &mut out, None).unwrap();
            output.extend(frame);
        }
        // Time from the newest input (one after the last sample) backwards.
        let end = consumed as f64 / f64::from(rate);
        let time = |i: usize| end - (output.len() - i) as f64 / f64::from(RATE);
        let (mut sin, mut cos, mut power) = (0.0, 0.0, 0.0);
        let tail = output.len() - 24_000;
        for (i, &x) in output.iter().enumerate().skip(tail) {
            let phase = TAU * frequency * time(i);
            sin += f64::from(x) * phase.sin() / 12_000.0;
            cos += f64::from(x) * phase.cos() / 12_000.0;
            power += f64::from(x).powi(2) / 24_000.0;
        }
        let level = sin.hypot(cos);
        let db = |x: f64| 20.0 * x.max(1e-9).log10();
        let rest = (power - level * level / 2.0).max(0.0).sqrt() * 2f64.sqrt();
        (db(level), (-cos).atan2(sin) / (TAU * frequency), db(rest))
    }

    #[test]
    fn the_resampler_is_transparent_and_as_late_as_it_says() {
        for rate in [8000, 11_025, 12_345, 16_000, 22_050, 32_000, 44_100, 88_200, 96_000, 176_400, 192_000] {
            let (level, delay, rest) = measure(rate, 300.0);
            let said = taps(rate) as f64 / 2.0 / f64::from(rate);
            assert!(level.abs() < 0.05 && rest < -80.0, "{rate}: {level} {rest}");
            assert!((delay - said).abs() < 0.0002, "{rate}: {delay} {said}");
            assert!(delay < 0.002, "{rate}: {delay}");
            let (level, _, _) = measure(rate, f64::from(rate.min(RATE)) * 0.35);
            assert!(level.abs() < 0.3, "{rate}: {level}");
        }
        // What lies above the model's band does not come back below 20 kHz.
        for rate in [96_000, 192_000] {
            let (_, _, rest) = measure(rate, 30_000.0);
            assert!(rest < -60.0, "{rate}: {rest}");
        }
    }
}
