mod noise;
mod speech;

use super::frames::{BANDS, band_powers, decibels};
use super::{Frames, Levels, all_sane};

/// Frames more likely than this to hold speech clearly do.
const SPEECH: f32 = 0.7;
/// Frames less likely than this to hold speech clearly hold none.
const PAUSE: f32 = 0.2;
/// Where less than this share of the frames is clear, the clearest ones up to it count as well.
const LEAST: f32 = 0.05;
/// What lies this far below the speech, or below -90 dB, is not heard, dB.
const UNHEARD: f32 = 60.0;

/// A stretch of input, analysed once for all the candidates that are judged on it.
///
/// It is seen as a whole, so what comes later helps to understand what came before: 3 to 10 s are
/// right, and one second is enough.
#[derive(Clone, Debug)]
pub struct Excerpt {
    /// The input.
    pub frames: Frames,
    /// Frame by frame: probability of speech, 0..1.
    pub speech: Vec<f32>,
    /// The frames that clearly hold speech. None where even the likeliest are in doubt.
    pub speaking: Vec<usize>,
    /// The frames that clearly hold noise alone. None where there is no pause.
    pub pauses: Vec<usize>,
    /// The noise under each bin of each frame, as [`Frames::power`].
    pub noise: Vec<f32>,
    /// The noise in each band of each frame, as [`Frames::bands`].
    pub noise_bands: Vec<[f32; BANDS]>,
    /// The power ratio of speech to noise in each band of each frame, from 0.
    pub snr: Vec<[f32; BANDS]>,
    /// 1 where a band of a frame can be heard, else 0.
    pub heard: Vec<[f32; BANDS]>,
    /// Loudness and peaks of the input.
    pub sound: Levels,
    /// The level of the input in each band of each frame, dB.
    pub levels: Vec<[f32; BANDS]>,
}

impl Excerpt {
    /// Analyses mono input, full scale ±1. Samples that are not finite count as 0.
    pub fn new(rate: u32, input: &[f32]) -> Excerpt {
        let input = &*all_sane(input);
        let frames = Frames::new(rate, input);
        let voice = speech::voice(&frames, input);
        let noise = noise::noise(&frames, &voice);
        let noise_bands = band_powers(rate, &noise);
        let speech = speech::probability(&frames, &noise_bands, &voice);
        let speaking = clearest(&speech, |p| p, SPEECH);
        let pauses = clearest(&speech, |p| 1.0 - p, 1.0 - PAUSE);
        let snr = snr(&frames, &noise_bands);
        let levels = frames.levels();
        let heard = heard(&frames, &speaking, &levels);
        let sound = Levels::of(&frames, input);
        Excerpt { frames, sound, speech, speaking, pauses, noise, noise_bands, snr, heard, levels }
    }
}

/// The frames that are clear, in order.
fn clearest(speech: &[f32], clarity: impl Fn(f32) -> f32, clear: f32) -> Vec<usize> {
    let least = (speech.len() as f32 * LEAST).ceil() as usize;
    let mut frames: Vec<usize> = (0..speech.len()).filter(|&f| clarity(speech[f]) > clear).collect();
    if frames.len() < least {
        frames = (0..speech.len()).filter(|&f| clarity(speech[f]) > 0.5).collect();
        frames.sort_by(|&a, &b| clarity(speech[b]).total_cmp(&clarity(speech[a])));
        frames.truncate(least);
        frames.sort_unstable();
    }
    frames
}

/// Spectral subtraction, then smoothed over three frames.
fn snr(frames: &Frames, noise: &[[f32; BANDS]]) -> Vec<[f32; BANDS]> {
    let last = frames.len().saturating_sub(1);
    (0..frames.len())
        .map(|f| {
            let (before, after) = (f.saturating_sub(1), (f + 1).min(last));
            std::array::from_fn(|b| {
                let ratio = |f: usize| frames.bands[f][b] / noise[f][b].max(1e-14);
                (0.25 * (ratio(before) + ratio(after)) + 0.5 * ratio(f) - 1.0).clamp(0.0, 1e6)
            })
        })
        .collect()
}

fn heard(frames: &Frames, speaking: &[usize], levels: &[[f32; BANDS]]) -> Vec<[f32; BANDS]> {
    let power: f32 = speaking.iter().map(|&f| frames.bands[f].iter().sum::<f32>()).sum();
    let floor = (decibels(power / speaking.len().max(1) as f32) - UNHEARD).max(-90.0);
    levels.iter().map(|bands| bands.map(|level| f32::from(u8::from(level > floor)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uniform noise of this amplitude.
    fn noise(length: usize, amplitude: f32) -> Vec<f32> {
        let mut seed = 1u32;
        (0..length)
            .map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((seed >> 8) as f32 / (1 << 23) as f32 - 1.0) * amplitude
            })
            .collect()
    }

    #[test]
    fn noise_is_right_from_the_first_frame_and_under_a_tone() {
        let mut input = noise(96_000, 0.01);
        for (n, sample) in input.iter_mut().enumerate().filter(|(n, _)| n / 9600 % 5 == 2) {
            *sample += (n as f32 * 0.2).sin() * 0.3;
        }
        let excerpt = Excerpt::new(48_000, &input);
        let truth = 0.01f32.powi(2) / 3.0;
        for (frame, noise) in excerpt.noise.chunks_exact(excerpt.frames.bins).enumerate() {
            let error = 10.0 * (noise.iter().sum::<f32>() / truth).log10();
            assert!(error.abs() < 2.0, "frame {frame}: {error}");
        }
    }

    #[test]
    fn noise_alone_is_a_pause_and_anything_is_finite() {
        let excerpt = Excerpt::new(16_000, &noise(32_000, 0.05));
        assert!(excerpt.speaking.is_empty(), "{:?}", excerpt.speaking);
        assert!(excerpt.pauses.len() > excerpt.frames.len() / 2);
        for input in [vec![], vec![1.0], vec![0.0; 20_000], vec![0.5; 20_000], vec![f32::NAN; 20_000]] {
            let excerpt = Excerpt::new(48_000, &input);
            assert!(excerpt.speech.iter().chain(&excerpt.noise).all(|value| value.is_finite()));
            assert!(excerpt.snr.iter().flatten().all(|value| value.is_finite()));
        }
    }
}
