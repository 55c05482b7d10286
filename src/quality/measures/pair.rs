use crate::quality::frames::{BANDS, Frames, decibels};
use crate::quality::{Excerpt, band_edges};

/// Gains beyond this are as good as this, dB.
const SILENCED: f32 = -60.0;
const RAISED: f32 = 40.0;
/// The power ratio to the noise from which a place belongs to the speech: 6 dB.
pub const CLEAR: f32 = 4.0;

/// An excerpt and what a candidate made of it.
pub struct Pair<'a> {
    pub excerpt: &'a Excerpt,
    pub output: &'a Frames,
    /// What happened to each band of each frame, dB.
    pub gain: Vec<[f32; BANDS]>,
    /// What happened to each frame of [`Excerpt::speaking`] in its clear places, dB.
    pub speech_gain: Vec<f32>,
    /// What happened to the level of speech, dB: the median of the frames that speak; 0 without speech.
    pub level: f32,
    /// The same around each frame: what a leveler did there.
    pub levels: Vec<f32>,
}

impl<'a> Pair<'a> {
    pub fn new(excerpt: &'a Excerpt, output: &'a Frames) -> Pair<'a> {
        let gain =
            excerpt.levels.iter().zip(&output.bands).map(|(input, output)| {
                std::array::from_fn(|b| (decibels(output[b]) - input[b]).clamp(SILENCED, RAISED))
            });
        let speech_gain: Vec<f32> = excerpt.speaking.iter().map(|&f| frame_gain(excerpt, output, f)).collect();
        let level = median(speech_gain.clone());
        let levels = around(excerpt, &speech_gain, level);
        Pair { excerpt, output, gain: gain.collect(), speech_gain, level, levels }
    }

    /// The gain of a place against that of the speech around it, dB; from -40.
    pub fn relative(&self, frame: usize, band: usize) -> f32 {
        (self.gain[frame][band] - self.levels[frame]).max(-40.0)
    }

    /// Weighted mean over the bands of some frames; `None` where nothing has weight.
    pub fn mean<I>(&self, frames: I, value: impl Fn(usize, usize) -> (f32, f32)) -> Option<f32>
    where
        I: IntoIterator<Item = usize>,
    {
        let (mut sum, mut total) = (0.0f32, 0.0f32);
        for frame in frames {
            for band in 0..BANDS {
                let (value, weight) = value(frame, band);
                sum += value * weight;
                total += weight;
            }
        }
        (total > 1e-6).then(|| sum / total)
    }

    /// Frames from first to last.
    pub fn all(&self) -> std::ops::Range<usize> {
        0..self.gain.len()
    }
}

/// Change of a frame's power, in the places that belong to the speech if there are any.
fn frame_gain(excerpt: &Excerpt, output: &Frames, frame: usize) -> f32 {
    let Some(out) = output.bands.get(frame) else { return SILENCED };
    let input = &excerpt.frames.bands[frame];
    let sum = |power: &[f32; BANDS], least: f32| -> f32 {
        (0..BANDS).filter(|&b| excerpt.snr[frame][b] >= least).map(|b| power[b]).sum()
    };
    let least = if excerpt.snr[frame].iter().any(|&snr| snr >= CLEAR) { CLEAR } else { 0.0 };
    (decibels(sum(out, least)) - decibels(sum(input, least))).clamp(SILENCED, RAISED)
}

/// Frame by frame: the median gain of the speech within a second, or of all where there is too little.
/// It stays within 15 dB of that of all, so that no long hole in the speech passes for leveling.
fn around(excerpt: &Excerpt, gains: &[f32], level: f32) -> Vec<f32> {
    let reach = (1.0 / excerpt.frames.seconds()) as usize;
    // Every 8th frame is enough: it changes slowly.
    (0..excerpt.frames.len())
        .map(|frame| frame / 8 * 8)
        .scan((usize::MAX, level), |(last, value), frame| {
            if *last != frame {
                let first = excerpt.speaking.partition_point(|&f| f + reach < frame);
                let end = excerpt.speaking.partition_point(|&f| f <= frame + reach);
                let near = &gains[first..end];
                let found = if near.len() < 8 { level } else { median(near.to_vec()) };
                (*last, *value) = (frame, found.clamp(level - 15.0, level + 15.0));
            }
            Some(*value)
        })
        .collect()
}

/// The middle one; 0 of none.
pub fn median(mut values: Vec<f32>) -> f32 {
    let middle = values.len() / 2;
    if values.is_empty() { 0.0 } else { *values.select_nth_unstable_by(middle, f32::total_cmp).1 }
}

/// The bands whose centre lies between two frequencies.
pub fn bands_within(low: f32, high: f32) -> impl Iterator<Item = usize> {
    (0..BANDS).filter(move |&b| (low..high).contains(&band_edges(b)[1]))
}
