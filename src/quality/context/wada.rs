//! SNR from the distribution of the samples: C. Kim, R. M. Stern, "Robust signal-to-noise ratio
//! estimation based on waveform amplitude distribution analysis", Interspeech 2008.

use super::window::Window;
use crate::engine::math::log2;

/// SNR of the first entry of the table and distance of two, dB.
const FIRST: f32 = -20.0;
const STEP: f32 = 4.0;
/// ln E|x| - E ln|x| where speech is gamma distributed with a shape of 0.4 and noise is Gaussian;
/// by numerical integration, from -20 to 60 dB.
const TABLE: [f32; 21] = [
    0.409_43, 0.409_64, 0.410_69, 0.414_97, 0.428_65, 0.461_84, 0.523_42, 0.613_88, 0.724_19, 0.841_67, 0.955_82,
    1.060_36, 1.152_65, 1.232_28, 1.300_04, 1.357_20, 1.405_17, 1.445_29, 1.478_78, 1.506_69, 1.529_94,
];

/// SNR in dB, -20..60.
pub fn snr(window: &Window) -> f32 {
    // As many samples as at 16 kHz are enough.
    let step = (window.excerpt.frames.rate / 16_000).max(1) as usize;
    let (mut sum, mut logs, mut count) = (0.0f64, 0.0f64, 0usize);
    for samples in window.channels.iter().flat_map(|channel| channel.chunks(4096)) {
        let mut lanes = [[0.0f32; 2]; 8];
        let mut used = [0u32; 8];
        for eight in samples.as_chunks::<8>().0.iter().step_by(step) {
            for ((lane, used), x) in lanes.iter_mut().zip(&mut used).zip(eight) {
                let x = x.abs();
                // Digital silence says nothing about the distribution.
                let real = x > 1e-9;
                *used += u32::from(real);
                lane[0] += x;
                lane[1] += if real { log2(x) } else { 0.0 };
            }
        }
        sum += f64::from(lanes.iter().map(|lane| lane[0]).sum::<f32>());
        logs += f64::from(lanes.iter().map(|lane| lane[1]).sum::<f32>());
        count += used.iter().sum::<u32>() as usize;
    }
    if count == 0 {
        return FIRST;
    }
    let mean = count as f64;
    let spread = ((sum / mean).ln() - logs / mean * std::f64::consts::LN_2) as f32;
    let above = TABLE.partition_point(|&g| g < spread);
    match above {
        0 => FIRST,
        _ if above == TABLE.len() => FIRST + STEP * (TABLE.len() - 1) as f32,
        _ => {
            let (low, high) = (TABLE[above - 1], TABLE[above]);
            FIRST + STEP * (above as f32 - 1.0 + (spread - low) / (high - low))
        }
    }
}
