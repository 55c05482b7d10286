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

fn loudness(samples: &[f32], rate: u32) -> Option<f64> {
    let mut meter = EbuR128::new(1, rate, Mode::I).ok()?;
    meter.add_frames_f32(samples).ok()?;
    meter.loudness_global().ok()
}
