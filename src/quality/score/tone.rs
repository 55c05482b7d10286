use super::yardstick::{Heard, Yardstick};
use crate::quality::{HIGH_BANDS, LOW_BANDS};

/// What [`tone`] gives.
pub const TONE: [&str; 13] = [
    "tone error, dB",
    "tone error where there is speech, dB",
    "below 450 Hz, dB",
    "450 to 1700 Hz, dB",
    "1.7 to 4.2 kHz, dB",
    "4.2 to 8 kHz, dB",
    "8 to 11 kHz in speech, dB",
    "11 to 16 kHz in speech, dB",
    "16 to 23 kHz in speech, dB",
    "8 to 11 kHz in pauses, dB",
    "11 to 16 kHz in pauses, dB",
    "16 to 23 kHz in pauses, dB",
    "above 8 kHz to speech, dB",
];

/// How the long-term spectrum of the speech differs from that of the pseudo-reference, its level
/// aside; above 8 kHz, where there is no reference, how it lies to the power of the input.
pub fn tone(yardstick: &Yardstick, heard: &Heard) -> [f32; TONE.len()] {
    let reference = &yardstick.reference;
    let mut all = [0.0; LOW_BANDS];
    let mut audible = [0.0; LOW_BANDS];
    let mut counted = [1e-3; LOW_BANDS];
    let mut high = [[0.0; HIGH_BANDS]; 2];
    let mut high_power = 1e-12;
    for (t, (error, level)) in heard.error.iter().zip(&heard.level).enumerate() {
        let speech = reference.speech[t];
        for b in 0..LOW_BANDS {
            all[b] += speech * error[b];
            if reference.level[t][b] > yardstick.peak - 45.0 {
                audible[b] += speech * error[b];
                counted[b] += speech;
            }
        }
        for (i, &level) in level[LOW_BANDS..].iter().enumerate() {
            high[0][i] += speech * level;
            high[1][i] += (1.0 - speech) * level;
            high_power += crate::engine::math::exp2(level * (0.1 * std::f32::consts::LOG2_10));
        }
    }
    let speech = yardstick.speech;
    all.iter_mut().for_each(|x| *x /= speech);
    let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
    let magnitude = |part: &[f32]| part.iter().map(|x| x.abs()).sum::<f32>() / part.len() as f32;
    let audible: Vec<f32> = audible.iter().zip(&counted).map(|(x, n)| x / n).collect();
    let zero = heard.offset + yardstick.zero;
    let frames = heard.level.len().max(1) as f32;
    let [a, b, c] = high[0].map(|x| x / speech - zero);
    let [d, e, f] = high[1].map(|x| x / (yardstick.pauses + 0.1) - zero);
    [
        magnitude(&all),
        magnitude(&audible),
        mean(&all[..6]),
        mean(&all[6..16]),
        mean(&all[16..25]),
        mean(&all[25..]),
        a,
        b,
        c,
        d,
        e,
        f,
        10.0 * (high_power / frames).log10() - zero,
    ]
}
