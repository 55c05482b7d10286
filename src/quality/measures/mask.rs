//! The gain that each place got, against the one that the noise under it asks for.
//!
//! The ideal is the Wiener gain for the excerpt's own noise estimate. Trap of all of them: where the
//! estimate is wrong (a crowd, a bang), so are they.

use super::pair::Pair;
use crate::engine::math::{exp2, log2};
use crate::quality::frames::BANDS;

/// Nothing asks for less gain than this, dB.
const FLOOR: f32 = -20.0;
/// Decibels in a doubling of power: 10 log10(2).
const DECIBELS: f32 = 3.010_3;

/// What [`against_the_ideal`] finds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mask {
    /// Mean of what is missing where speech asks for it, dB, places weighted by their Wiener gain.
    pub over_suppression: f32,
    /// Mean of what is left where noise is, above the ideal, dB, weighted by 1 - Wiener gain.
    pub under_suppression: f32,
    /// Estimated signal to noise and distortion ratio, dB: the mean over the bands of the frames that
    /// speak, each between -10 and 35 (the segmental SNR of Hansen & Pellom, ICSLP 1998, with estimates
    /// in place of the reference). Louder bands count more, as in the frequency-weighted form.
    pub estimated_snr: f32,
    /// Estimated power of the speech's distortion over that of the speech, 0..1, mean over the bands.
    pub speech_distortion: f32,
    /// Estimated log-spectral distance to clean speech, dB: root mean square over all places,
    /// not further down than 50 dB below the speech.
    pub log_distance: f32,
    /// Energy that has no source, dB: mean of what exceeds the gain of the speech and of the frame
    /// by more than 6 dB. Trap: strong equalising.
    pub added: f32,
}

/// Compares each place's gain with the ideal one.
pub fn against_the_ideal(pair: &Pair) -> Mask {
    let excerpt = pair.excerpt;
    let speaking: f32 = excerpt.speaking.iter().map(|&f| excerpt.frames.bands[f].iter().sum::<f32>()).sum();
    let floor = (speaking / excerpt.speaking.len().max(1) as f32 * 1e-5).max(1e-12) / BANDS as f32;
    let floor_level = DECIBELS * log2(floor);
    let mut over = Mean::default();
    let mut under = Mean::default();
    let mut snr = Mean::default();
    let mut distortion = Mean::default();
    let mut distance = Mean::default();
    let mut added = Mean::default();
    for f in pair.all() {
        let speech = excerpt.speech[f];
        let mut gains = pair.gain[f];
        let middle = *gains.select_nth_unstable_by(BANDS / 2, f32::total_cmp).1;
        let level = pair.levels[f];
        let usual = middle.max(level);
        for b in 0..BANDS {
            let heard = excerpt.heard[f][b];
            let ratio = excerpt.snr[f][b];
            let wiener = ratio / (1.0 + ratio);
            let ideal = (2.0 * DECIBELS * log2(wiener + 1e-6)).max(FLOOR);
            let gain = pair.gain[f][b] - level;
            over.add((ideal - gain).clamp(0.0, 30.0), heard * wiener * speech);
            under.add((gain - ideal).clamp(0.0, 30.0), heard * (1.0 - wiener));
            added.add((pair.gain[f][b] - usual - 6.0).clamp(0.0, 30.0), 1.0);

            let noise = excerpt.noise_bands[f][b].max(1e-14);
            let clean = ratio * noise;
            let power = exp2(gain / DECIBELS);
            let amplitude = exp2(0.5 * gain / DECIBELS);
            let lost = (1.0 - amplitude) * (1.0 - amplitude);
            let error = lost * clean + power * noise;
            // The fourth root of the power is about loudness.
            let loud = (clean + 1e-14).sqrt().sqrt() * heard * speech;
            snr.add((DECIBELS * log2((clean + 1e-14) / (error + 1e-14))).clamp(-10.0, 35.0), loud);
            distortion.add(lost.min(1.0), heard * wiener * speech);
            let heard_level = DECIBELS * log2(power * excerpt.frames.bands[f][b] + floor);
            let clean_level = (DECIBELS * log2(clean * wiener + floor)).max(floor_level);
            distance.add((heard_level - clean_level).clamp(-30.0, 30.0).powi(2), 1.0);
        }
    }
    Mask {
        over_suppression: over.value(),
        under_suppression: under.value(),
        estimated_snr: snr.value(),
        speech_distortion: distortion.value(),
        log_distance: distance.value().sqrt(),
        added: added.value(),
    }
}

/// A weighted mean.
#[derive(Default)]
struct Mean {
    sum: f32,
    weight: f32,
}

impl Mean {
    fn add(&mut self, value: f32, weight: f32) {
        self.sum += value * weight;
        self.weight += weight;
    }

    /// 0 of nothing.
    fn value(&self) -> f32 {
        if self.weight > 1e-12 { self.sum / self.weight } else { 0.0 }
    }
}
