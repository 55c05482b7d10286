//! The long-term spectrum of the speech: what the equaliser, the low cut and the denoiser made of it.

use super::pair::{CLEAR, Pair, bands_within, median};
use crate::quality::band_edges;
use crate::quality::context::tone::usual as average_speech;
use crate::quality::frames::{BANDS, LOW_BANDS, decibels};

/// Gain of each band over the clear places of speech, the median over the bands of 200 Hz to
/// 4 kHz subtracted, dB; `None` where the band holds no clear speech.
pub struct Tone {
    gain: [Option<f32>; BANDS],
    /// Level of each band in the output, as `gain`.
    level: [Option<f32>; BANDS],
}

impl Tone {
    pub fn new(pair: &Pair) -> Tone {
        let excerpt = pair.excerpt;
        let (mut input, mut output, mut count) = ([0.0f32; BANDS], [0.0f32; BANDS], [0usize; BANDS]);
        for &f in &excerpt.speaking {
            for b in 0..BANDS {
                if excerpt.snr[f][b] >= CLEAR && excerpt.heard[f][b] > 0.0 {
                    input[b] += excerpt.frames.bands[f][b];
                    output[b] += pair.output.bands[f][b];
                    count[b] += 1;
                }
            }
        }
        let clear = |b: usize| count[b] >= 3;
        let relative = |value: [f32; BANDS]| {
            let middle = median(bands_within(200.0, 4000.0).filter(|&b| clear(b)).map(|b| value[b]).collect());
            std::array::from_fn(|b| clear(b).then(|| (value[b] - middle).clamp(-40.0, 40.0)))
        };
        let spoken = excerpt.speaking.len().max(1) as f32;
        Tone {
            gain: relative(std::array::from_fn(|b| decibels(output[b]) - decibels(input[b]))),
            level: relative(std::array::from_fn(|b| decibels(output[b] / spoken))),
        }
    }

    /// Tone distance, dB: mean absolute change of the speech's long-term spectrum, level removed.
    /// Trap: an equaliser that mends a dull microphone has one as well.
    pub fn distance(&self) -> f32 {
        let (sum, count) = self.gain.iter().flatten().fold((0.0, 0.0f32), |(sum, n), gain| (sum + gain.abs(), n + 1.0));
        sum / count.max(1.0)
    }

    /// What the speech lost between two frequencies, dB; negative: what it gained; 0 where there is none.
    pub fn loss(&self, low: f32, high: f32) -> f32 {
        let (sum, count) =
            bands_within(low, high).filter_map(|b| self.gain[b]).fold((0.0, 0.0f32), |(sum, n), g| (sum + g, n + 1.0));
        -sum / count.max(1.0)
    }

    /// Mean absolute distance of the output's speech spectrum, level removed, from the long-term
    /// average speech spectrum of Byrne et al. (JASA 96(4), 1994), 150 Hz to 8 kHz, dB. Trap: a
    /// voice is not the average of all voices: 3 dB are none too many.
    pub fn off_average(&self) -> f32 {
        let bands: Vec<usize> = bands_within(150.0, 8000.0).filter(|&b| self.level[b].is_some()).collect();
        let off = |&b: &usize| self.level[b].unwrap_or(0.0) - usual(b);
        let middle = median(bands.iter().map(off).collect());
        bands.iter().map(|b| (off(b) - middle).abs()).sum::<f32>() / bands.len().max(1) as f32
    }
}

/// How far the gain above 4 kHz stays below that of 300 Hz to 2 kHz in nine of ten frames, dB. A
/// low-pass is always there, while a denoiser that takes the treble from a word takes as much of
/// everything from a pause. Trap: so may an excerpt without pauses look.
pub fn treble_cut(pair: &Pair) -> f32 {
    let heard = &pair.excerpt.heard;
    let gain = |f: usize, low: f32, high: f32| {
        let heard = bands_within(low, high).filter(|&b| heard[f][b] > 0.0);
        let (sum, count) = heard.fold((0.0, 0.0f32), |(sum, n), b| (sum + pair.relative(f, b), n + 1.0));
        (count > 2.0).then(|| sum / count)
    };
    let cut = |f: usize| Some(gain(f, 300.0, 2000.0)? - gain(f, 4000.0, 24_000.0)?);
    let mut cuts: Vec<f32> = pair.all().filter_map(cut).collect();
    let place = cuts.len() / 10;
    if cuts.len() < 10 { 0.0 } else { *cuts.select_nth_unstable_by(place, f32::total_cmp).1 }
}

/// Level of usual speech in a band, dB.
fn usual(band: usize) -> f32 {
    let [low, centre, high] = band_edges(band);
    // As wide as the triangle is in power.
    let half = if band < LOW_BANDS { 0.5 } else { 1.0 };
    10.0 * average_speech(centre - half * (centre - low), centre + half * (high - centre)).log10()
}
