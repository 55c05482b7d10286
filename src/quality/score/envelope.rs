use super::yardstick::Heard;
use crate::quality::{LOW_BANDS, PseudoReference};

/// Frames in a segment: 384 ms, as in STOI.
const SEGMENT: usize = 24;
/// Frames from one segment to the next.
const STEP: usize = 8;

type Rows = [[f32; LOW_BANDS]; SEGMENT];

/// Segments of the reference's amplitude envelopes, made ready for correlation.
pub struct Envelopes {
    /// Normalised over time in each band.
    over_time: Vec<Rows>,
    /// And then over the bands in each frame.
    over_both: Vec<Rows>,
    /// Share of speech in each segment.
    speech: Vec<f32>,
    peak: f32,
}

impl Envelopes {
    /// Of a pseudo-reference whose loudest levels are near `peak`, dB.
    pub fn new(reference: &PseudoReference, peak: f32) -> Envelopes {
        let mut envelopes = Envelopes { over_time: Vec::new(), over_both: Vec::new(), speech: Vec::new(), peak };
        let amplitudes: Vec<_> = reference.level.iter().map(|m| m.map(|m| amplitude(m - peak))).collect();
        for (rows, speech) in amplitudes.windows(SEGMENT).zip(reference.speech.windows(SEGMENT)).step_by(STEP) {
            let mut rows: Rows = std::array::from_fn(|t| rows[t]);
            normalise_over_time(&mut rows);
            envelopes.over_time.push(rows);
            normalise_over_bands(&mut rows);
            envelopes.over_both.push(rows);
            envelopes.speech.push(speech.iter().sum::<f32>() / SEGMENT as f32);
        }
        envelopes
    }

    /// Mean correlation of a candidate's envelopes with these where there is speech, as STOI (Taal et
    /// al. 2011, without its clipping) and as ESTOI (Jensen & Taal 2016) take it, -1..1.
    pub fn correlations(&self, heard: &Heard) -> [f32; 2] {
        let amplitudes: Vec<[f32; LOW_BANDS]> = heard
            .level
            .iter()
            .map(|levels| std::array::from_fn(|b| amplitude(levels[b] - heard.offset - self.peak)))
            .collect();
        let (mut stoi, mut estoi, mut total) = (0.0, 0.0, 1e-6);
        let references = self.over_time.iter().zip(&self.over_both).zip(&self.speech);
        for (rows, ((over_time, over_both), &speech)) in amplitudes.windows(SEGMENT).step_by(STEP).zip(references) {
            let mut rows: Rows = std::array::from_fn(|t| rows[t]);
            normalise_over_time(&mut rows);
            stoi += speech * product(&rows, over_time) / LOW_BANDS as f32;
            normalise_over_bands(&mut rows);
            estoi += speech * product(&rows, over_both) / SEGMENT as f32;
            total += speech;
        }
        [stoi / total, estoi / total]
    }
}

fn amplitude(decibels: f32) -> f32 {
    crate::engine::math::exp2(decibels * (0.05 * std::f32::consts::LOG2_10))
}

/// Zero mean and unit energy in each band.
fn normalise_over_time(rows: &mut Rows) {
    let mut mean = [0.0; LOW_BANDS];
    let mut energy = [1e-18; LOW_BANDS];
    for row in rows.iter() {
        mean.iter_mut().zip(row).for_each(|(m, x)| *m += x / SEGMENT as f32);
    }
    for row in rows.iter_mut() {
        for ((x, m), e) in row.iter_mut().zip(&mean).zip(&mut energy) {
            *x -= m;
            *e += *x * *x;
        }
    }
    let scale = energy.map(|e| 1.0 / e.sqrt());
    for row in rows.iter_mut() {
        row.iter_mut().zip(&scale).for_each(|(x, s)| *x *= s);
    }
}

/// Zero mean and unit energy in each frame.
fn normalise_over_bands(rows: &mut Rows) {
    for row in rows.iter_mut() {
        let mean = row.iter().sum::<f32>() / LOW_BANDS as f32;
        row.iter_mut().for_each(|x| *x -= mean);
        let scale = 1.0 / (row.iter().map(|x| x * x).sum::<f32>() + 1e-18).sqrt();
        row.iter_mut().for_each(|x| *x *= scale);
    }
}

fn product(a: &Rows, b: &Rows) -> f32 {
    a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| a * b).sum()
}
