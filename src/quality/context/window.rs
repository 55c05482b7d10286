//! A window with what several measures need of it.

use crate::engine::math::sum;
use crate::engine::smooth::power_to_db;
use crate::quality::Excerpt;
use std::borrow::Cow;

/// A stretch of input and its mean spectra.
pub struct Window<'a> {
    pub excerpt: &'a Excerpt,
    pub channels: &'a [&'a [f32]],
    /// Mean power of each bin.
    pub total: Vec<f32>,
    /// Mean power of the noise in each bin.
    pub noise: Vec<f32>,
    /// Mean power of each bin where there is speech.
    pub speech: Vec<f32>,
    /// Mean power of the noise there.
    pub under_speech: Vec<f32>,
    /// Frames with speech.
    pub talking: f32,
    /// The level of each frame, dB.
    pub levels: Vec<f32>,
    /// The mean of the channels.
    pub mono: Cow<'a, [f32]>,
}

impl<'a> Window<'a> {
    pub fn new(excerpt: &'a Excerpt, channels: &'a [&'a [f32]]) -> Window<'a> {
        let bins = excerpt.frames.bins;
        let mut sums: [Vec<f32>; 4] = std::array::from_fn(|_| vec![0.0; bins]);
        let rows = excerpt.frames.spectra().zip(excerpt.noise.chunks_exact(bins.max(1)));
        for ((power, noise), &voice) in rows.zip(&excerpt.speech) {
            let [total, under, speech, under_speech] = &mut sums;
            for bin in 0..bins {
                total[bin] += power[bin];
                under[bin] += noise[bin];
                speech[bin] += voice * power[bin];
                under_speech[bin] += voice * noise[bin];
            }
        }
        let levels = excerpt.frames.spectra().map(|power| power_to_db(sum(power)).max(-120.0)).collect();
        let talking: f32 = excerpt.speech.iter().sum();
        let frames = (excerpt.frames.len() as f32).max(1.0);
        for (sum, weight) in sums.iter_mut().zip([frames, frames, talking.max(1.0), talking.max(1.0)]) {
            sum.iter_mut().for_each(|s| *s /= weight);
        }
        let [total, noise, speech, under_speech] = sums;
        Window { excerpt, channels, total, noise, speech, under_speech, talking, levels, mono: mix(channels) }
    }

    /// Whether there is enough speech to say something about it: a quarter of a second.
    pub fn has_speech(&self) -> bool {
        self.talking * self.excerpt.frames.seconds() > 0.25
    }

    /// Mean power of the speech in each bin, without the noise.
    pub fn clean(&self) -> Vec<f32> {
        self.speech.iter().zip(&self.under_speech).map(|(s, n)| (s - n).max(0.0)).collect()
    }

    /// Sum of a mean spectrum from one frequency to another, the edges shared out.
    pub fn between(&self, spectrum: &[f32], from: f32, to: f32) -> f32 {
        let bin = |hertz: f32| (hertz / self.excerpt.frames.hertz() + 0.5).clamp(0.0, spectrum.len() as f32);
        let (from, to) = (bin(from), bin(to));
        let (first, last) = (from as usize, to as usize);
        let at = |bin: usize| spectrum.get(bin).copied().unwrap_or(0.0);
        let whole = sum(&spectrum[first..last.max(first)]);
        (whole - from.fract() * at(first) + to.fract() * at(last)).max(0.0)
    }
}

/// The mean of the channels.
pub fn mix<'a>(channels: &[&'a [f32]]) -> Cow<'a, [f32]> {
    match channels {
        [] => Cow::Borrowed(&[]),
        [mono] => Cow::Borrowed(mono),
        [left, right, ..] => Cow::Owned(left.iter().zip(*right).map(|(l, r)| 0.5 * (l + r)).collect()),
    }
}

/// The value below which a share of the values lie; 0 of none.
pub fn quantile(values: &mut [f32], share: f32) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let place = share * (values.len() - 1) as f32;
    let index = place as usize;
    let (_, &mut low, above) = values.select_nth_unstable_by(index, f32::total_cmp);
    let high = above.iter().copied().min_by(f32::total_cmp).unwrap_or(low);
    low + (place - index as f32) * (high - low)
}
