//! The low end of the stream at a low rate, for analysis.

use std::f32::consts::{PI, TAU};
use std::ops::Range;

use super::Stream;

/// The rate after decimation, roughly, Hz.
const RATE: f32 = 4000.0;
/// Taps of the filter for each sample of the output.
const PHASES: usize = 8;

/// The raised cosine from 0 up to 1 and back over `length`.
pub fn hann(i: f32, length: usize) -> f32 {
    0.5 - 0.5 * (TAU * i / length as f32).cos()
}

/// Brings each channel to a rate of about 4 kHz, flat up to 1.3 kHz.
///
/// Works in segments of [`Decimator::factor`] samples: each part is fed, and at its end
/// [`Decimator::next`] makes one sample per channel.
pub struct Decimator {
    factor: usize,
    rate: f32,
    filter: Vec<f32>,
    /// The last samples of each channel, as many as the filter has taps.
    recent: Vec<Vec<f32>>,
}

impl Decimator {
    pub fn new(stream: &Stream) -> Self {
        let factor = (stream.rate / RATE).round().max(1.0) as usize;
        let taps = PHASES * factor;
        let tap = |i: usize| {
            let t = PI * (i as f32 + 0.5 - taps as f32 / 2.0) / factor as f32;
            let sinc = if t == 0.0 { 1.0 } else { t.sin() / t };
            sinc * hann(i as f32 + 0.5, taps) / factor as f32
        };
        let filter = (0..taps).map(tap).collect();
        Self { factor, rate: stream.rate / factor as f32, filter, recent: stream.block(taps) }
    }

    /// Samples of the stream for each sample of the output.
    pub fn factor(&self) -> usize {
        self.factor
    }

    /// Samples per second of the output.
    pub fn rate(&self) -> f32 {
        self.rate
    }

    /// Takes a part of a block, `offset` samples after the begin of the segment.
    pub fn feed(&mut self, block: &[Vec<f32>], range: Range<usize>, offset: usize) {
        for (recent, samples) in self.recent.iter_mut().zip(block) {
            let start = recent.len() - self.factor + offset;
            let to = recent.get_mut(start..start + range.len()).unwrap_or_default();
            to.iter_mut().zip(&samples[range.clone()]).for_each(|(to, &from)| *to = from);
        }
    }

    /// The next sample of each channel.
    pub fn next(&mut self) -> impl Iterator<Item = f32> {
        let (factor, filter) = (self.factor, &self.filter);
        self.recent.iter_mut().map(move |recent| {
            let mut sums = [0.0; PHASES];
            for (x, h) in recent.chunks_exact(PHASES).zip(filter.chunks_exact(PHASES)) {
                for i in 0..PHASES {
                    sums[i] += x[i] * h[i];
                }
            }
            recent.copy_within(factor.., 0);
            sums.iter().sum()
        })
    }

    pub fn reset(&mut self) {
        self.recent.iter_mut().for_each(|recent| recent.fill(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::{magnitude, sine, streams};

    #[test]
    fn the_low_end_is_kept_and_the_rest_goes() {
        for stream in streams() {
            let level = |frequency: f32| {
                let mut decimator = Decimator::new(&stream);
                let x = sine(&stream, frequency, stream.samples(1.0));
                let y: Vec<f32> = x
                    .chunks_exact(decimator.factor())
                    .map(|x| {
                        decimator.feed(&vec![x.to_vec(); stream.channels], 0..x.len(), 0);
                        decimator.next().last().unwrap()
                    })
                    .collect();
                assert!((3300.0..4600.0).contains(&decimator.rate()));
                let folded = (frequency / decimator.rate()).fract() * decimator.rate();
                2.0 * magnitude(decimator.rate(), &y, folded) / y.len() as f32
            };
            assert!((0.9..1.1).contains(&level(100.0)));
            assert!((0.8..1.1).contains(&level(1200.0)), "{} {stream:?}", level(1200.0));
            if stream.rate > 8000.0 {
                assert!(level(3100.0) < 0.1, "{} {stream:?}", level(3100.0));
            }
        }
    }
}
