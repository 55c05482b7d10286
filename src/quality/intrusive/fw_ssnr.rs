//! The segmental ratio as the ear weighs it.

use super::spectra::Spectra;
use super::{common, silent};

/// Centre and width of each critical band, Hz.
const BANDS: [(f64, f64); 25] = [
    (50.0, 70.0),
    (120.0, 70.0),
    (190.0, 70.0),
    (260.0, 70.0),
    (330.0, 70.0),
    (400.0, 70.0),
    (470.0, 70.0),
    (540.0, 77.3724),
    (617.372, 86.0056),
    (703.378, 95.3398),
    (798.717, 105.411),
    (904.128, 116.256),
    (1020.38, 127.914),
    (1148.30, 140.423),
    (1288.72, 153.823),
    (1442.54, 168.154),
    (1610.70, 183.457),
    (1794.16, 199.776),
    (1993.93, 217.153),
    (2211.08, 235.631),
    (2446.71, 255.255),
    (2701.97, 276.072),
    (2978.04, 298.126),
    (3276.17, 321.465),
    (3597.63, 346.136),
];
/// Exponent of the reference's magnitude in the weights.
const GAMMA: f64 = 0.2;

/// Frequency-weighted segmental signal-to-noise ratio, dB (Hu & Loizou 2008, in the variant of Loizou's
/// `comp_fwseg`): frames of 30 ms every 7.5 ms under a Hann window, magnitude spectra of area 1, 25
/// Gaussian critical bands up to 3.6 kHz, weights |X|^0.2, each frame limited to -10..35 dB, the mean
/// over the frames in which the reference isn't digitally silent.
///
/// `None` where the reference is silent or shorter than a frame. Trap: every frame is scaled to the
/// same area, so neither level nor gating of a whole frame is heard as such.
pub fn fw_ssnr(reference: &[f32], processed: &[f32], rate: u32) -> Option<f64> {
    let (reference, processed) = common(reference, processed);
    let length = (f64::from(rate) * 0.03).round() as usize;
    if silent(reference) || reference.len() < length || length < 4 {
        return None;
    }
    let size = (2 * length).next_power_of_two();
    let filters = filters(rate, size / 2);
    let mut spectra = Spectra::new(length, size);
    let mut bands = |frame: &[f32]| -> Option<Vec<f64>> {
        let magnitude: Vec<f64> =
            spectra.power(frame.iter().map(|&s| f64::from(s))).take(size / 2).map(f64::sqrt).collect();
        let area: f64 = magnitude.iter().sum();
        let level = |(first, weights): &(usize, Vec<f64>)| {
            weights.iter().zip(&magnitude[*first..]).map(|(w, m)| w * m).sum::<f64>() / area
        };
        (area > 0.0).then(|| filters.iter().map(level).collect())
    };
    let (mut sum, mut count) = (0.0, 0);
    for (x, y) in reference.windows(length).zip(processed.windows(length)).step_by(length / 4) {
        let Some(x) = bands(x) else { continue };
        let y = bands(y).unwrap_or_else(|| vec![0.0; x.len()]);
        let (mut ratios, mut weights) = (0.0, 0.0);
        for (x, y) in x.iter().zip(&y) {
            let error = (x - y).powi(2).max(f64::EPSILON);
            let weight = x.powf(GAMMA);
            ratios += weight * 10.0 * (x * x / error).max(f64::EPSILON).log10();
            weights += weight;
        }
        sum += (ratios / weights.max(f64::EPSILON)).clamp(-10.0, 35.0);
        count += 1;
    }
    (count > 0).then(|| sum / f64::from(count))
}

/// The filter of each band: its first bin, and the weights from there on.
fn filters(rate: u32, bins: usize) -> Vec<(usize, Vec<f64>)> {
    let per_hz = bins as f64 / (f64::from(rate) / 2.0);
    let least = (-30.0f64 / (2.0 * 2.303)).exp();
    let filter = |&(centre, width): &(f64, f64)| {
        let weight = |bin: usize| {
            let distance = (bin as f64 - (centre * per_hz).floor()) / (width * per_hz);
            (-11.0 * distance * distance).exp() * BANDS[0].1 / width
        };
        let first = (0..bins).find(|&bin| weight(bin) > least).unwrap_or(bins);
        (first, (first..bins).map(weight).take_while(|&w| w > least).collect())
    };
    BANDS.iter().map(filter).collect()
}
