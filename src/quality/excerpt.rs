use super::Frames;
use crate::engine::neural::Analyser;
use crate::engine::noise::NoiseTracker;
use crate::engine::{Latency, Stream};

/// A stretch of input, analysed once for all the candidates that are judged on it.
#[derive(Clone, Debug)]
pub struct Excerpt {
    /// The input.
    pub frames: Frames,
    /// Frame by frame: probability of speech, 0..1 (RNNoise's voice activity, so noise of any
    /// sort scores low; its trap: distant voices and singing count as speech).
    pub speech: Vec<f32>,
    /// The noise under each bin of each frame, as [`Frames::power`].
    pub noise: Vec<f32>,
}

impl Excerpt {
    /// Analyses mono input, full scale ±1.
    pub fn new(rate: u32, input: &[f32]) -> Excerpt {
        let frames = Frames::new(rate, input);
        let noise = noise(&frames);
        let speech = speech(&frames, input);
        Excerpt { frames, speech, noise }
    }
}

/// Tracked twice: the first time to know the noise from the start.
fn noise(frames: &Frames) -> Vec<f32> {
    let mut tracker = NoiseTracker::new(&stream(frames), frames.bins);
    tracker.set_adaptation(0.3);
    frames.spectra().for_each(|power| tracker.update(power));
    let track = frames.spectra().flat_map(|power| {
        tracker.update(power);
        tracker.power().to_vec()
    });
    track.collect()
}

fn speech(frames: &Frames, input: &[f32]) -> Vec<f32> {
    let mut analyser = Analyser::new(&stream(frames));
    let mut block = vec![Vec::with_capacity(frames.hop)];
    let mut voice = Vec::with_capacity(frames.len());
    for hop in input.chunks(frames.hop) {
        block[0].clear();
        block[0].extend_from_slice(hop);
        analyser.push(&block);
        voice.push(analyser.frame().voice);
    }
    // The model is about 20 ms late: a frame of two hops is heard when the hop after it came in.
    (0..frames.len()).map(|frame| voice.get(frame + 2).or(voice.last()).copied().unwrap_or(0.0)).collect()
}

fn stream(frames: &Frames) -> Stream {
    let (rate, hop) = (frames.rate as f32, frames.hop);
    Stream { rate, channels: 1, hop, window: 2 * hop, latency: Latency::Studio }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_found_under_a_tone() {
        let mut seed = 1u32;
        let input: Vec<f32> = (0..96_000)
            .map(|n| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let tone = if n / 9600 % 5 == 2 { (n as f32 * 0.2).sin() * 0.3 } else { 0.0 };
                ((seed >> 8) as f32 / (1 << 24) as f32 - 0.5) * 0.02 + tone
            })
            .collect();
        let excerpt = Excerpt::new(48_000, &input);
        let (bins, count) = (excerpt.frames.bins, excerpt.frames.len());
        let total: f32 = excerpt.noise.chunks_exact(bins).map(|n| n.iter().sum::<f32>()).sum::<f32>() / count as f32;
        let truth = 0.02f32.powi(2) / 12.0;
        assert!((10.0 * (total / truth).log10()).abs() < 3.0, "{total} {truth}");
        assert!(excerpt.speech.len() == count && excerpt.speech.iter().all(|s| (0.0..=1.0).contains(s)));
    }
}
