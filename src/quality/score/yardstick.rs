use super::envelope::Envelopes;
use crate::quality::{BANDS, Frames, LOW_BANDS, PseudoReference};

/// Loudness grows with level as 10^(0.023 dB): Zwicker's exponent of 0.23 for intensity.
const LOUDNESS: f32 = 0.023;

/// What every candidate on an excerpt is held against: the pseudo-reference, with what of it can be
/// computed beforehand.
pub struct Yardstick {
    /// The pseudo-reference.
    pub reference: PseudoReference,
    /// Levels of the input, dB, not below a floor.
    pub input: Vec<[f32; BANDS]>,
    /// Power of the input below 8 kHz, dB.
    pub zero: f32,
    /// Level near the loudest of the reference, dB.
    pub peak: f32,
    /// Sum of the speech probabilities, and of what they lack to 1.
    pub speech: f32,
    /// See `speech`.
    pub pauses: f32,
    /// How much each band of each frame tells of the speech's level: loud and sure. Sums to 1.
    pub weight: Vec<[f32; LOW_BANDS]>,
    /// Loudness of the reference, 1 at the peak.
    pub loudness: Vec<[f32; LOW_BANDS]>,
    /// Envelopes of the reference.
    pub envelopes: Envelopes,
}

/// A candidate's output.
pub struct Heard {
    /// Levels, dB, not below the floor.
    pub level: Vec<[f32; BANDS]>,
    /// How far the speech lies above the reference, dB.
    pub offset: f32,
    /// Below 8 kHz: level over the reference once that is taken away, dB.
    pub error: Vec<[f32; LOW_BANDS]>,
}

/// Far below the recording everything is silence, dB.
const RANGE: f32 = 70.0;

impl Yardstick {
    /// For the input and its pseudo-reference.
    pub fn new(reference: PseudoReference, frames: &Frames) -> Yardstick {
        let total: f32 = frames.bands.iter().flat_map(|bands| &bands[..LOW_BANDS]).sum();
        let zero = crate::quality::frames::decibels(total / frames.len().max(1) as f32);
        let mut sorted: Vec<f32> = reference.level.iter().flatten().copied().collect();
        sorted.sort_by(f32::total_cmp);
        let peak = sorted.get(sorted.len() * 49 / 50).copied().unwrap_or(zero);
        let speech: f32 = reference.speech.iter().sum();
        let mut weight: Vec<[f32; LOW_BANDS]> = Vec::with_capacity(reference.level.len());
        for ((level, scale), &speech) in reference.level.iter().zip(&reference.scale).zip(&reference.speech) {
            weight.push(std::array::from_fn(|b| speech * loudness(1.3 * (level[b] - peak)) / (1.0 + scale[b])));
        }
        let sum: f32 = weight.iter().flatten().sum::<f32>().max(1e-9);
        weight.iter_mut().flatten().for_each(|w| *w /= sum);
        let relative = reference.level.iter().map(|bands| bands.map(|level| loudness(level - peak))).collect();
        let mut yardstick = Yardstick {
            pauses: reference.speech.len() as f32 - speech,
            speech: speech.max(1e-3),
            envelopes: Envelopes::new(&reference, peak),
            loudness: relative,
            input: Vec::new(),
            reference,
            zero,
            peak,
            weight,
        };
        yardstick.input = yardstick.floored(frames);
        yardstick
    }

    /// Levels not below the floor.
    fn floored(&self, frames: &Frames) -> Vec<[f32; BANDS]> {
        let floor = self.zero - RANGE;
        frames.levels().iter().map(|bands| bands.map(|level| level.max(floor))).collect()
    }

    /// Takes in a candidate's output: the frames of the same stretch of time.
    pub fn hear(&self, frames: &Frames) -> Heard {
        let mut level = self.floored(frames);
        level.resize(self.input.len(), [self.zero - RANGE; BANDS]);
        let rows = || level.iter().zip(&self.reference.level);
        let offset =
            rows().zip(&self.weight).map(|((y, m), w)| (0..LOW_BANDS).map(|b| w[b] * (y[b] - m[b])).sum::<f32>()).sum();
        let error = rows().map(|(y, m)| std::array::from_fn(|b| y[b] - offset - m[b])).collect();
        Heard { level, offset, error }
    }
}

/// Relative loudness of a relative level in dB.
pub fn loudness(decibels: f32) -> f32 {
    crate::engine::math::exp2(decibels * (LOUDNESS * std::f32::consts::LOG2_10))
}
