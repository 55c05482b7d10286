use super::yardstick::{Heard, Yardstick, loudness};
use crate::quality::LOW_BANDS;

/// What [`distances`] gives.
pub const DISTANCES: [&str; 20] = [
    "expected error in speech, dB",
    "expected error where it counts, dB",
    "rms error where it counts, dB",
    "error in scales, speech",
    "error in scales, pauses",
    "over where it counts, dB",
    "over in speech, dB",
    "under in speech, dB",
    "over in pauses, dB",
    "under in pauses, dB",
    "loudness over in speech",
    "loudness under in speech",
    "loudness over in pauses",
    "loudness under in pauses",
    "rms loudness error",
    "symmetric disturbance",
    "asymmetric disturbance",
    "log-spectral distance, dB",
    "fluctuation of the error where it counts, dB",
    "fluctuation of the error in pauses, dB",
];

/// Levels so far below the peak tell the ratio of two powers apart no more, dB (P.862's 50 in its units).
const HUSH: f32 = -45.0;

/// How far a candidate lies from the pseudo-reference, over and under, in level and in loudness.
///
/// *Where it counts* weighs by the reference's loudness and sureness, *in scales* by its expected
/// error. The disturbances follow PESQ (ITU-T P.862): a dead zone where the louder masks the
/// difference, and for the asymmetric one more weight for what was added.
pub fn distances(yardstick: &Yardstick, heard: &Heard) -> [f32; DISTANCES.len()] {
    let reference = &yardstick.reference;
    let hush = 10f32.powf(0.1 * HUSH);
    let mut f = [0.0; DISTANCES.len()];
    let mut total_loudness = 1e-9;
    let (mut sum_loudness, mut frame_weights) = (1e-9, 1e-9);
    let mut before: Option<&[f32; LOW_BANDS]> = None;
    for (t, error) in heard.error.iter().enumerate() {
        let (scale, level, weight) = (&reference.scale[t], &reference.level[t], &yardstick.weight[t]);
        let (speech, pause) = (reference.speech[t], 1.0 - reference.speech[t]);
        let own = &yardstick.loudness[t];
        // Sums over the bands of this frame.
        let mut s = [0.0f32; 14];
        for b in 0..LOW_BANDS {
            let (d, m) = (error[b], level[b] - yardstick.peak);
            let magnitude = d.abs();
            let expected = magnitude + scale[b] * crate::engine::math::exp(-magnitude / scale[b]);
            let difference = loudness(m + d) - own[b];
            let masked = 0.25 * own[b].min(own[b] + difference);
            let disturbance = (difference.abs() - masked).max(0.0);
            let ratio = (power(m + d) + hush) / (power(m) + hush);
            let added = if ratio < 2.5 { 0.0 } else { pow_1_2(ratio).min(12.0) };
            s[0] += expected;
            s[1] += expected * weight[b];
            s[2] += d * d * weight[b];
            s[3] += magnitude / scale[b];
            s[4] += d.max(0.0) * weight[b];
            s[5] += d.clamp(0.0, 30.0);
            s[6] += (-d).clamp(0.0, 30.0);
            s[7] += d.clamp(0.0, 40.0);
            s[8] += (-d).clamp(0.0, 40.0);
            s[9] += difference.max(0.0);
            s[10] += (-difference).max(0.0);
            s[11] += difference * difference;
            s[12] += disturbance * disturbance;
            s[13] += disturbance * added;
        }
        let n = LOW_BANDS as f32;
        for (i, value) in [(0, s[0]), (3, s[3]), (6, s[5]), (7, s[6]), (10, s[9]), (11, s[10]), (14, s[11])] {
            f[i] += speech * value / n;
        }
        for (i, value) in [(4, s[3]), (8, s[7]), (9, s[8]), (12, s[9]), (13, s[10])] {
            f[i] += pause * value / n;
        }
        for (i, value) in [(1, s[1]), (2, s[2]), (5, s[4])] {
            f[i] += value;
        }
        let frame_weight = 0.3 + 0.7 * speech;
        f[15] += frame_weight * s[12] / n;
        f[16] += frame_weight * (s[13] / n).powi(2);
        frame_weights += frame_weight;
        let frame_loudness = own.iter().sum::<f32>() / n;
        total_loudness += speech * frame_loudness;
        sum_loudness += frame_loudness;

        let mean = error.iter().sum::<f32>() / n;
        let squares = error.iter().zip(scale).map(|(d, s)| (d - mean).powi(2).min(900.0) + 2.0 * s * s);
        f[17] += speech * (squares.sum::<f32>() / n).sqrt();
        if let Some(before) = before {
            let steps = || error.iter().zip(before).map(|(a, b)| (a - b).abs());
            f[18] += steps().zip(weight).map(|(step, w)| step * w).sum::<f32>();
            f[19] += pause * steps().sum::<f32>() / n;
        }
        before = Some(error);
    }
    let (speech, pauses) = (yardstick.speech, yardstick.pauses.max(1.0));
    for i in [0, 3, 6, 7, 17] {
        f[i] /= speech;
    }
    for i in [4, 8, 9, 19] {
        f[i] /= pauses;
    }
    // Loudness relative to that of the speech.
    let mean_loudness = total_loudness / speech;
    for i in [10, 11] {
        f[i] /= speech * mean_loudness;
    }
    for i in [12, 13] {
        f[i] /= pauses * mean_loudness;
    }
    f[14] = (f[14] / speech).sqrt() / mean_loudness;
    f[2] = f[2].sqrt();
    let overall = sum_loudness / heard.error.len().max(1) as f32;
    f[15] = (f[15] / frame_weights).sqrt() / overall;
    f[16] = (f[16] / frame_weights).sqrt() / overall;
    f
}

fn power(decibels: f32) -> f32 {
    crate::engine::math::exp2(decibels * (0.1 * std::f32::consts::LOG2_10))
}

fn pow_1_2(x: f32) -> f32 {
    crate::engine::math::exp2(1.2 * crate::engine::math::log2(x))
}
