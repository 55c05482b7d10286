//! Whether it is as loud as it should be.

use super::{common, silent};
use ebur128::{EbuR128, Mode};

/// The absolute gate of BS.1770: what is softer counts as this loud, LUFS.
const GATE: f64 = -70.0;

/// Integrated loudness (ITU-R BS.1770, EBU R 128) of the processed signal over the reference's, LU.
///
/// A silent processed signal counts as -70 LUFS. `None` where the reference is silent or below that,
/// and for less than 0.4 s. Trap: where speech is rare and the noise loud, it is the noise's loudness.
pub fn loudness_error(reference: &[f32], processed: &[f32], rate: u32) -> Option<f64> {
    let (reference, processed) = common(reference, processed);
    let loudness = |samples| loudness(samples, rate).filter(|lufs| lufs.is_finite());
    let wanted = loudness(reference).filter(|_| !silent(reference))?;
    Some(loudness(processed).unwrap_or(GATE) - wanted)
}

/// How far the level of the speech is from that of the reference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LevelError {
    /// The usual (median) difference, LU: positive where the processed signal is too loud.
    pub offset: f64,
    /// Mean distance of the differences from that, LU: what jumps or pumps.
    pub spread: f64,
}

/// Compares the momentary loudness (ITU-R BS.1770, 0.4 s) every 0.1 s where the reference is within
/// 20 LU of its loudest.
///
/// No difference counts for more than 20 LU. `None` where the reference is silent, and for less than
/// 0.4 s. Trap: noise that is loud beside the speech counts as speech that is too loud.
pub fn level_error(reference: &[f32], processed: &[f32], rate: u32) -> Option<LevelError> {
    let (reference, processed) = common(reference, processed);
    let (wanted, found) = (momentary(reference, rate)?, momentary(processed, rate)?);
    let loudest = wanted.iter().fold(f64::NEG_INFINITY, |most, &lufs| most.max(lufs));
    let speech = wanted.iter().zip(&found).filter(|(wanted, _)| **wanted > GATE && **wanted > loudest - 20.0);
    let mut differences: Vec<f64> =
        speech.map(|(wanted, found)| (found.max(GATE) - wanted).clamp(-20.0, 20.0)).collect();
    differences.sort_by(f64::total_cmp);
    let offset = *differences.get(differences.len() / 2)?;
    let spread = differences.iter().map(|d| (d - offset).abs()).sum::<f64>() / differences.len() as f64;
    Some(LevelError { offset, spread })
}

fn momentary(samples: &[f32], rate: u32) -> Option<Vec<f64>> {
    let mut meter = EbuR128::new(1, rate, Mode::M).ok()?;
    let steps = samples.chunks_exact((rate as usize / 10).max(1)).map(|step| {
        meter.add_frames_f32(step).ok()?;
        meter.loudness_momentary().ok()
    });
    // The first three windows are partly silence.
    Some(steps.collect::<Option<Vec<f64>>>()?.into_iter().skip(3).collect())
}

fn loudness(samples: &[f32], rate: u32) -> Option<f64> {
    let mut meter = EbuR128::new(1, rate, Mode::I).ok()?;
    meter.add_frames_f32(samples).ok()?;
    meter.loudness_global().ok()
}
