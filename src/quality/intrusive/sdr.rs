//! Signal against what is left when the reference is taken away.

use super::spectra::hann;
use super::{common, silent};

/// No ratio lies beyond this, dB; a silent signal has its lowest.
const LIMIT_DB: f64 = 100.0;
/// Keeps the ratio of two very weak signals finite.
const TRACE: f64 = 1e-12;

/// Scale-invariant signal-to-distortion ratio (Le Roux et al. 2019), dB, within ±100: means removed,
/// 1e-12 added to both energies.
///
/// `None` where the reference is silent. Trap: any filter counts as distortion, a harmless all-pass or
/// a delay of a fraction of a sample too.
pub fn si_sdr(reference: &[f32], processed: &[f32]) -> Option<f64> {
    let (reference, processed) = common(reference, processed);
    let mean = |samples: &[f32]| samples.iter().map(|&s| f64::from(s)).sum::<f64>() / samples.len().max(1) as f64;
    let (mean_x, mean_y) = (mean(reference), mean(processed));
    let pairs = || reference.iter().zip(processed).map(|(&x, &y)| (f64::from(x) - mean_x, f64::from(y) - mean_y));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in pairs() {
        xx += x * x;
        xy += x * y;
        yy += y * y;
    }
    if silent(reference) || xx == 0.0 {
        return None;
    }
    if yy == 0.0 {
        return Some(-LIMIT_DB);
    }
    let scale = xy / (xx + TRACE);
    let error: f64 = pairs().map(|(x, y)| (scale * x - y).powi(2)).sum();
    let ratio = 10.0 * ((scale * scale * xx + TRACE) / (error + TRACE)).log10();
    Some(ratio.clamp(-LIMIT_DB, LIMIT_DB))
}

/// Segmental signal-to-noise ratio (Hansen & Pellom 1998), dB: frames of 30 ms every 7.5 ms under a
/// Hann window, each limited to -10..35 dB, the mean over all frames, also those without speech.
///
/// `None` where the reference is silent or shorter than a frame. Trap: it wants the reference's level,
/// and a file with long pauses scores low whatever is done.
pub fn ssnr(reference: &[f32], processed: &[f32], rate: u32) -> Option<f64> {
    let (reference, processed) = common(reference, processed);
    let length = (rate * 30 / 1000) as usize;
    let window: Vec<f64> = hann(length).into_iter().map(|w| w * w).collect();
    if silent(reference) || reference.len() < length || length < 4 {
        return None;
    }
    let frames = reference.windows(length).zip(processed.windows(length)).step_by(length / 4);
    let (mut sum, mut count) = (0.0, 0);
    for (x, y) in frames {
        let (mut signal, mut noise) = (0.0, 0.0);
        for ((&x, &y), w) in x.iter().zip(y).zip(&window) {
            let (x, y) = (f64::from(x), f64::from(y));
            signal += x * x * w;
            noise += (x - y) * (x - y) * w;
        }
        sum += (10.0 * (signal / (noise + 1e-10) + 1e-10).log10()).clamp(-10.0, 35.0);
        count += 1;
    }
    Some(sum / f64::from(count))
}
