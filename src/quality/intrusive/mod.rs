//! Measures against a clean reference.
//!
//! They need what a listener never has, the clean speech, so they serve evaluation and training. Each
//! is a function of two mono signals of one rate that begin together ([`delay()`] finds out by how much
//! they don't); what lies beyond the shorter one is not looked at. Where a measure has nothing to
//! measure (the reference is silent, or too short) it is `None`, and never anything that is not finite.

mod align;
mod bands;
mod fw_ssnr;
mod loudness;
mod lsd;
mod resample;
mod sdr;
mod spectra;
mod stoi;
#[cfg(test)]
mod tests;

pub use align::{LONGEST_DELAY, aligned, delay};
pub use fw_ssnr::fw_ssnr;
pub use loudness::{LevelError, level_error, loudness_error};
pub use lsd::lsd;
pub use resample::resample;
pub use sdr::{si_sdr, ssnr};
pub use stoi::{Intelligibility, stoi};

/// The rate at which SI-SDR and the segmental ratios are taken, Hz.
const WIDE_BAND: u32 = 16_000;

/// What a processed signal has in common with its clean reference.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measures {
    /// Short-time objective intelligibility, up to 1 ([`stoi()`]).
    pub stoi: Option<f64>,
    /// Extended STOI, up to 1 ([`stoi()`]).
    pub estoi: Option<f64>,
    /// Scale-invariant signal-to-distortion ratio, dB ([`si_sdr()`]).
    pub si_sdr: Option<f64>,
    /// Segmental signal-to-noise ratio, -10 to 35 dB ([`ssnr()`]).
    pub ssnr: Option<f64>,
    /// Frequency-weighted segmental signal-to-noise ratio, -10 to 35 dB ([`fw_ssnr()`]).
    pub fw_ssnr: Option<f64>,
    /// Log-spectral distance after level alignment, dB, from 0 ([`lsd()`]).
    pub lsd: Option<f64>,
    /// Loudness of the processed signal over that of the reference, LU ([`loudness_error()`]).
    pub loudness_error: Option<f64>,
}

/// All measures of two aligned mono signals of one rate.
pub fn measure(reference: &[f32], processed: &[f32], rate: u32) -> Measures {
    let intelligibility = stoi(reference, processed, rate);
    let [wide, wide_processed] = [reference, processed].map(|samples| resample(samples, rate, WIDE_BAND));
    Measures {
        stoi: intelligibility.map(|i| i.stoi),
        estoi: intelligibility.map(|i| i.estoi),
        si_sdr: si_sdr(&wide, &wide_processed),
        ssnr: ssnr(&wide, &wide_processed, WIDE_BAND),
        fw_ssnr: fw_ssnr(&wide, &wide_processed, WIDE_BAND),
        lsd: lsd(reference, processed, rate),
        loudness_error: loudness_error(reference, processed, rate),
    }
}

/// Both signals as far as both go.
fn common<'a>(reference: &'a [f32], processed: &'a [f32]) -> (&'a [f32], &'a [f32]) {
    let length = reference.len().min(processed.len());
    (&reference[..length], &processed[..length])
}

/// Whether there is nothing to compare with.
fn silent(samples: &[f32]) -> bool {
    samples.iter().all(|&s| s == 0.0)
}
