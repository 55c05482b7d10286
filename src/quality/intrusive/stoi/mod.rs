//! Intelligibility: how far the envelopes of speech bands keep their shape.

mod octave;

use super::spectra::{Spectra, hann};
use super::{common, silent};

const RATE: u32 = 10_000;
const FRAME: usize = 256;
const HOP: usize = FRAME / 2;
const FFT: usize = 512;
const BANDS: usize = 15;
const LOWEST_HZ: f64 = 150.0;
/// Frames of the reference weaker than the strongest by this factor (40 dB) hold no speech.
const SILENCE: f64 = 0.01;
/// Frames in a segment: 384 ms.
const SEGMENT: usize = 30;
/// Highest share of the reference's envelope: 1 + 10^(15/20).
const CLIP: f64 = 1.0 + 5.623_413_251_903_491;

/// Both forms of the measure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Intelligibility {
    /// STOI: the correlation of band envelopes over 384 ms.
    pub stoi: f64,
    /// ESTOI: the correlation of whole spectra as well, for noise that itself comes and goes.
    pub estoi: f64,
}

/// Short-time objective intelligibility: STOI (Taal et al. 2011) and ESTOI (Jensen & Taal 2016), about
/// 0 to 1, as `pystoi` 0.4.1 computes them (within 0.001), but without the noise that it adds.
///
/// `None` without speech of about 0.4 s in the reference. Trap: it hears neither level nor tone, and
/// nothing above 4.3 kHz.
pub fn stoi(reference: &[f32], processed: &[f32], rate: u32) -> Option<Intelligibility> {
    let (reference, processed) = common(reference, processed);
    if silent(reference) {
        return None;
    }
    let [x, y] = [reference, processed].map(|samples| octave::resample(samples, rate, RATE));
    let [x, y] = without_silence(&x, &y);
    let [x, y] = [envelopes(&x), envelopes(&y)];
    let frames = x[0].len();
    if frames < SEGMENT {
        return None;
    }
    let (mut stoi, mut estoi) = (0.0, 0.0);
    for start in 0..=frames - SEGMENT {
        let segment = |all: &Bands| -> Segment {
            std::array::from_fn(|band| std::array::from_fn(|frame| all[band][start + frame]))
        };
        let (mut x, mut y) = (segment(&x), segment(&y));
        stoi += x.iter().zip(&y).map(|(x, y)| envelope_correlation(*x, *y)).sum::<f64>();
        spectral_form(&mut x);
        spectral_form(&mut y);
        estoi += x.as_flattened().iter().zip(y.as_flattened()).map(|(x, y)| x * y).sum::<f64>();
    }
    let segments = (frames - SEGMENT + 1) as f64;
    Some(Intelligibility { stoi: stoi / (segments * BANDS as f64), estoi: estoi / (segments * SEGMENT as f64) })
}

type Bands = [Vec<f64>; BANDS];
type Row = [f64; SEGMENT];
type Segment = [Row; BANDS];

/// Both signals without the frames in which the reference is silent.
fn without_silence(x: &[f64], y: &[f64]) -> [Vec<f64>; 2] {
    let window = hann(FRAME);
    let windowed = |samples: &[f64], start: usize| -> Vec<f64> {
        samples[start..start + FRAME].iter().zip(&window).map(|(s, w)| s * w).collect()
    };
    let starts = || (0..x.len().saturating_sub(FRAME)).step_by(HOP);
    let norms: Vec<f64> =
        starts().map(|start| windowed(x, start).iter().map(|s| s * s).sum::<f64>().sqrt() + f64::EPSILON).collect();
    let least = SILENCE * norms.iter().fold(0.0, |most: f64, &norm| most.max(norm));
    let kept: Vec<usize> = starts().zip(&norms).filter(|(_, norm)| **norm > least).map(|(start, _)| start).collect();
    [x, y].map(|samples| {
        let mut joined = vec![0.0; (kept.len() + 1) * HOP];
        for (to, &from) in kept.iter().enumerate() {
            for (sum, s) in joined[to * HOP..].iter_mut().zip(windowed(samples, from)) {
                *sum += s;
            }
        }
        joined
    })
}

/// Magnitude of each third-octave band in each frame.
fn envelopes(samples: &[f64]) -> Bands {
    let mut spectra = Spectra::new(FRAME, FFT);
    let nearest = |hz: f64| (hz * FFT as f64 / f64::from(RATE)).round() as usize;
    let edge = |sixths: usize| nearest(LOWEST_HZ * 2f64.powf((sixths as f64 - 1.0) / 6.0));
    let edges: [_; BANDS] = std::array::from_fn(|band| (edge(2 * band), edge(2 * band + 2)));
    let mut bands: Bands = std::array::from_fn(|_| Vec::new());
    for start in (0..samples.len().saturating_sub(FRAME)).step_by(HOP) {
        let power: Vec<f64> = spectra.power(samples[start..start + FRAME].iter().copied()).collect();
        for (band, (from, to)) in bands.iter_mut().zip(edges) {
            band.push(power[from..to].iter().sum::<f64>().sqrt());
        }
    }
    bands
}

/// STOI's correlation of one band: the processed one scaled to the reference, and limited.
fn envelope_correlation(mut x: Row, mut y: Row) -> f64 {
    let scale = norm(&x) / (norm(&y) + f64::EPSILON);
    y.iter_mut().zip(&x).for_each(|(y, x)| *y = (*y * scale).min(x * CLIP));
    centre(&mut x);
    centre(&mut y);
    let product: f64 = x.iter().zip(&y).map(|(x, y)| x * y).sum();
    product / ((norm(&x) + f64::EPSILON) * (norm(&y) + f64::EPSILON))
}

/// ESTOI's form of a segment: each band, then each spectrum, with mean 0 and norm 1.
fn spectral_form(segment: &mut Segment) {
    for row in segment.iter_mut() {
        centre(row);
        let scale = inverse(norm(row));
        row.iter_mut().for_each(|value| *value *= scale);
    }
    let (mut mean, mut scale) = ([0.0; SEGMENT], [0.0; SEGMENT]);
    for row in segment.iter() {
        mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += value / BANDS as f64);
    }
    for row in segment.iter_mut() {
        row.iter_mut().zip(&mean).for_each(|(value, mean)| *value -= mean);
        scale.iter_mut().zip(&*row).for_each(|(sum, value)| *sum += value * value);
    }
    scale.iter_mut().for_each(|sum| *sum = inverse(sum.sqrt()));
    for row in segment.iter_mut() {
        row.iter_mut().zip(&scale).for_each(|(value, scale)| *value *= scale);
    }
}

/// What doesn't vary has no shape to compare: it counts as uncorrelated.
fn inverse(norm: f64) -> f64 {
    if norm > f64::EPSILON { 1.0 / norm } else { 0.0 }
}

fn norm(row: &Row) -> f64 {
    row.iter().map(|value| value * value).sum::<f64>().sqrt()
}

fn centre(row: &mut Row) {
    let mean = row.iter().sum::<f64>() / SEGMENT as f64;
    row.iter_mut().for_each(|value| *value -= mean);
}
