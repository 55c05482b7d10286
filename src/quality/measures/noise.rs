//! What happened to the noise between the words.

use super::pair::Pair;
use crate::engine::math::log2;
use crate::quality::frames::BANDS;

/// Noise attenuation, dB: how much further the noise went down than the speech, as the mean over
/// the bands and the frames that hold noise alone (NA of Fingscheidt et al., "Environment-optimized
/// speech enhancement", IEEE TASLP 2008, with the level of speech made up for). Trap: a gate wins it.
pub fn attenuation(pair: &Pair) -> f32 {
    let heard = &pair.excerpt.heard;
    let gain = |f: usize, b: usize| (pair.relative(f, b), heard[f][b]);
    pair.mean(pair.excerpt.pauses.iter().copied(), gain).map_or(0.0, |gain| -gain)
}

/// Mean absolute change of a band's gain from frame to frame in noise alone, dB: flutter and
/// musical noise. Trap: it falls as well when nothing is done.
pub fn fluctuation(pair: &Pair) -> f32 {
    let frames = pair.excerpt.pauses.windows(2).filter(|two| two[1] == two[0] + 1).map(|two| two[1]);
    pair.mean(frames, |f, b| change(pair, f, b)).unwrap_or(0.0)
}

/// The change of a band's gain since the frame before, and its weight.
pub fn change(pair: &Pair, f: usize, b: usize) -> (f32, f32) {
    let heard = &pair.excerpt.heard;
    ((pair.gain[f][b] - pair.gain[f - 1][b]).abs().min(20.0), heard[f][b] * heard[f - 1][b])
}

/// Pumping, dB: standard deviation of the noise's gain over the pauses, each frame seen as a whole
/// and smoothed over 80 ms. Trap: slow trouble with a slow noise estimate looks the same.
pub fn pumping(pair: &Pair) -> f32 {
    let gain = |&f: &usize| pair.mean([f], |f, b| (pair.relative(f, b), pair.excerpt.heard[f][b]));
    let gains: Vec<f32> = pair.excerpt.pauses.iter().filter_map(gain).collect();
    let smooth: Vec<f32> = gains.windows(5).map(|near| near.iter().sum::<f32>() / 5.0).collect();
    let count = smooth.len().max(1) as f32;
    let mean = smooth.iter().sum::<f32>() / count;
    (smooth.iter().map(|gain| (gain - mean).powi(2)).sum::<f32>() / count).sqrt()
}

/// Share of the frames of noise that a gate made silent: 50 dB down, and below -90 dB.
pub fn muted(pair: &Pair) -> f32 {
    let power = |bands: &[f32; BANDS]| bands.iter().sum::<f32>();
    let muted = |f: &&usize| {
        let (input, output) = (power(&pair.excerpt.frames.bands[**f]), power(&pair.output.bands[**f]));
        output < 1e-9 && output < 1e-5 * input
    };
    pair.excerpt.pauses.iter().filter(muted).count() as f32 / pair.excerpt.pauses.len().max(1) as f32
}

/// Bins that make up one value of kurtosis.
const GROUP: usize = 32;

/// Log-kurtosis ratio of the noise, in natural logarithms: how much more the power spectrum of each
/// frame of noise is made of single peaks than it was (Uemura et al., IWAENC 2008). After
/// Torcoli, "An Improved Measure of Musical Noise Based on Spectral Kurtosis", WASPAA 2019, frame by
/// frame, as a difference of logarithms, and without what is too weak to be heard. The noise's own
/// spectrum is divided out, so tone does not count. Above 0: musical noise. Trap: it hears no
/// other fault, and PESQ does not hear this one: for vetoes.
pub fn log_kurtosis_ratio(pair: &Pair) -> f32 {
    let excerpt = pair.excerpt;
    let bins = excerpt.frames.bins;
    let last = ((8000.0 / excerpt.frames.hertz()) as usize).min(bins);
    let (mut sum, mut count) = (0.0f32, 0.0f32);
    for &frame in &excerpt.pauses {
        let (input, output) = (excerpt.frames.spectrum(frame), pair.output.spectrum(frame));
        let noise = &excerpt.noise[frame * bins..][..bins];
        for first in (2..last.saturating_sub(GROUP - 1)).step_by(GROUP) {
            let group = first..first + GROUP;
            let (input, output, noise) = (&input[group.clone()], &output[group.clone()], &noise[group]);
            if noise.iter().sum::<f32>() > 1e-9 {
                sum += log_kurtosis(output, noise) - log_kurtosis(input, noise);
                count += 1.0;
            }
        }
    }
    sum / count.max(1.0) * std::f32::consts::LN_2
}

/// Fourth moment over squared second moment of the whitened powers, log2. Exponential noise: log2 6.
fn log_kurtosis(power: &[f32], noise: &[f32]) -> f32 {
    let (mut second, mut fourth) = ([0.0f32; 8], [0.0f32; 8]);
    for (power, noise) in power.as_chunks::<8>().0.iter().zip(noise.as_chunks::<8>().0) {
        for i in 0..8 {
            // 40 dB below the input's noise nothing is heard.
            let ratio = (power[i] / noise[i] + 1e-4).min(1e4);
            let square = ratio * ratio;
            second[i] += square;
            fourth[i] += square * square;
        }
    }
    let (second, fourth): (f32, f32) = (second.iter().sum(), fourth.iter().sum());
    log2(fourth / (second * second) * power.len() as f32)
}
