//! How far the spectrum is from what it should be.

use super::bands::erb_bands;
use super::spectra::Spectra;
use super::{common, silent};

const LOWEST_HZ: f64 = 80.0;
const HIGHEST_HZ: f64 = 20_000.0;
/// Frames of the reference this far below its strongest hold no speech, dB.
const SPEECH_DB: f64 = 40.0;
/// What lies this far below the strongest band of all is not told apart, dB.
const FLOOR_DB: f64 = 60.0;

/// Log-spectral distance (Gray & Markel 1976), dB, 0 for what differs in level only: the root mean
/// square, over bands one ERB wide from 80 Hz to 20 kHz, of the difference in band level, averaged
/// over the frames with speech.
///
/// Frames of 32 ms under a Hann window, half overlapping; speech is where the reference lies within
/// 40 dB of its strongest frame. Level alignment: the mean difference of all bands and frames that
/// stand out of both floors is taken away. The floor, 60 dB below the strongest band of either signal,
/// keeps digital silence from outweighing all else.
///
/// `None` where the reference is silent or shorter than a frame. Trap: it can't tell noise added from
/// speech removed, and it doesn't hear the pauses.
pub fn lsd(reference: &[f32], processed: &[f32], rate: u32) -> Option<f64> {
    let (reference, processed) = common(reference, processed);
    if silent(reference) {
        return None;
    }
    let [x, y] = [reference, processed].map(|samples| band_levels(samples, rate));
    let energy: Vec<f64> = x.iter().map(|frame| frame.iter().sum()).collect();
    let least = energy.iter().fold(0.0, |most: f64, &e| most.max(e)) * 10f64.powf(-SPEECH_DB / 10.0);
    let speech = || (0..x.len()).filter(|&frame| energy[frame] > least);
    let [x, y] = [&x, &y].map(|frames| speech().map(|frame| decibels(&frames[frame])).collect::<Vec<_>>());
    let pairs = || x.iter().flatten().zip(y.iter().flatten()).map(|(&x, &y)| (x, y));
    let [floor_x, floor_y] =
        [&x, &y].map(|frames| frames.iter().flatten().fold(SILENCE_DB, |a, &b| a.max(b)) - FLOOR_DB);

    let (mut offset, mut heard) = (0.0, 0);
    for (x, y) in pairs().filter(|&(x, y)| x > floor_x && y > floor_y && y > SILENCE_DB) {
        offset += y - x;
        heard += 1;
    }
    let offset = offset / f64::from(heard.max(1));
    let distance = |x: &[f64], y: &[f64]| {
        let squares = x.iter().zip(y).map(|(x, y)| (x.max(floor_x) - (y - offset).max(floor_x)).powi(2));
        (squares.sum::<f64>() / x.len().max(1) as f64).sqrt()
    };
    let distances = x.iter().zip(&y).map(|(x, y)| distance(x, y));
    (!x.is_empty()).then(|| distances.sum::<f64>() / x.len() as f64)
}

/// Stands for no power at all, dB.
const SILENCE_DB: f64 = -200.0;

fn decibels(powers: &[f64]) -> Vec<f64> {
    powers.iter().map(|&power| 10.0 * power.max(1e-20).log10()).collect()
}

/// The power of each band in each frame.
fn band_levels(samples: &[f32], rate: u32) -> Vec<Vec<f64>> {
    let length = (rate as usize * 32 / 1000).next_multiple_of(2);
    let mut spectra = Spectra::new(length, length);
    let high = HIGHEST_HZ.min(f64::from(rate) / 2.0);
    let bands = erb_bands(LOWEST_HZ, high, f64::from(rate) / length as f64);
    let frames = samples.windows(length).step_by(length / 2);
    frames
        .map(|frame| {
            let power: Vec<f64> = spectra.power(frame.iter().map(|&s| f64::from(s))).collect();
            bands.iter().map(|bins| power[bins.clone()].iter().sum()).collect()
        })
        .collect()
}
