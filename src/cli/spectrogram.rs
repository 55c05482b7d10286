//! Spectrum over time, in bounded memory.

use super::columns::{COLUMNS, Columns, Merge, tick_length};
use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Rows from the lowest to the highest frequency, evenly spaced on the ERB-rate scale.
pub const ROWS: usize = 288;
/// The highest frequency that is shown, where the rate allows.
const HIGHEST_HZ: f32 = 20_000.0;
/// Where the ERB-rate scale (Glasberg & Moore 1990) bends from linear to logarithmic.
const BEND_HZ: f32 = 229.0;
const WINDOW_SECONDS: f32 = 0.04;

/// Gathers a spectrogram of the mean of all channels.
pub struct Spectrogram {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    bands: Vec<Band>,
    rate: u32,
    hop: usize,
    waiting: Vec<f32>,
    frame: Vec<f32>,
    bins: Vec<Complex32>,
    scratch: Vec<Complex32>,
    powers: Vec<f32>,
    frames_in: u64,
    ticks: u64,
    columns: Columns<Spectrum>,
}

/// Power in each row, summed over so many frames. A full-scale sine has power 1.
#[derive(Clone, Default)]
pub struct Spectrum {
    rows: Vec<f32>,
    count: u32,
}

impl Merge for Spectrum {
    fn merge(&mut self, next: &Spectrum) {
        if self.count == 0 {
            *self = next.clone();
        } else if next.count > 0 {
            self.rows.iter_mut().zip(&next.rows).for_each(|(sum, more)| *sum += more);
            self.count += next.count;
        }
    }
}

impl Spectrum {
    /// Mean level of each row in dB; 0 is a full-scale sine.
    pub fn decibels(&self) -> impl Iterator<Item = f32> {
        let scale = 1.0 / self.count.max(1) as f32;
        self.rows.iter().map(move |sum| 10.0 * (sum * scale).max(1e-20).log10())
    }
}

/// Which bins a row shows: from, and how many; a row narrower than a bin lies between two.
struct Band {
    first: usize,
    count: usize,
    /// Weight of the bin after, for narrow rows.
    lean: f32,
}

impl Spectrogram {
    /// For a stream of this rate.
    pub fn new(rate: u32) -> Spectrogram {
        let length = ((rate as f32 * WINDOW_SECONDS) as usize).next_multiple_of(2).max(16);
        let hop = tick_length(rate);
        let fft = RealFftPlanner::new().plan_fft_forward(length);
        let window: Vec<f32> =
            (0..length).map(|i| 0.5 - 0.5 * (i as f32 / length as f32 * std::f32::consts::TAU).cos()).collect();
        // Scaled so that a full-scale sine has power 1.
        let scale = 2.0 / window.iter().sum::<f32>();
        Spectrogram {
            window: window.iter().map(|w| w * scale).collect(),
            bands: bands(rate, length),
            rate,
            hop,
            // The first frame is centred on the first tick.
            waiting: vec![0.0; length.saturating_sub(hop) / 2],
            frame: fft.make_input_vec(),
            bins: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            powers: Vec::new(),
            fft,
            frames_in: 0,
            ticks: 0,
            columns: Columns::new(COLUMNS),
        }
    }

    /// Takes in the next samples, one slice per channel.
    pub fn add(&mut self, block: &[&[f32]]) {
        let frames = block.first().map_or(0, |samples| samples.len());
        self.frames_in += frames as u64;
        let scale = 1.0 / block.len().max(1) as f32;
        let from = self.waiting.len();
        self.waiting.resize(from + frames, 0.0);
        for samples in block {
            for (sum, s) in self.waiting[from..].iter_mut().zip(*samples) {
                *sum += s * scale;
            }
        }
        while self.waiting.len() >= self.window.len().max(self.hop) {
            self.tick();
        }
    }

    /// Takes in what is left at the end.
    pub fn finish(&mut self) {
        while self.ticks * (self.hop as u64) < self.frames_in {
            let length = self.waiting.len().max(self.window.len()).max(self.hop);
            self.waiting.resize(length, 0.0);
            self.tick();
        }
    }

    fn tick(&mut self) {
        // Long recordings: four frames make a column as well as four hundred do.
        let stride = (self.columns.width() / 4).max(1) as u64;
        let spectrum = if self.ticks.is_multiple_of(stride) { self.analyse() } else { Spectrum::default() };
        self.columns.push(spectrum);
        self.ticks += 1;
        self.waiting.drain(..self.hop);
    }

    fn analyse(&mut self) -> Spectrum {
        for ((x, w), s) in self.frame.iter_mut().zip(&self.window).zip(&self.waiting) {
            *x = w * s;
        }
        // The lengths are those that the plan made itself.
        let _ = self.fft.process_with_scratch(&mut self.frame, &mut self.bins, &mut self.scratch);
        self.powers.clear();
        self.powers.extend(self.bins.iter().map(|bin| bin.norm_sqr().min(1e12)));
        let power = |bin: usize| self.powers.get(bin).copied().unwrap_or_default();
        let rows = self.bands.iter().map(|band| match band.count {
            0 => power(band.first) * (1.0 - band.lean) + power(band.first + 1) * band.lean,
            count => (band.first..band.first + count).map(power).sum::<f32>() / count as f32,
        });
        Spectrum { rows: rows.collect(), count: 1 }
    }

    /// The columns, each of [`ROWS`] rows from low to high.
    pub fn columns(&self) -> &[Spectrum] {
        self.columns.as_slice()
    }

    /// Samples per second of the stream.
    pub fn rate(&self) -> u32 {
        self.rate
    }
}

fn bands(rate: u32, length: usize) -> Vec<Band> {
    let bin_hz = rate as f32 / length as f32;
    let bin = |row: f32| hz_at(rate, row / ROWS as f32) / bin_hz;
    let band = |row: usize| {
        let (from, to) = (bin(row as f32), bin(row as f32 + 1.0));
        let (first, last) = (from.ceil() as usize, to.floor() as usize);
        if to - from < 2.0 {
            let centre = (from + to) / 2.0;
            Band { first: centre as usize, count: 0, lean: centre.fract() }
        } else {
            Band { first, count: last + 1 - first, lean: 0.0 }
        }
    };
    (0..ROWS).map(band).collect()
}

fn top_hz(rate: u32) -> f32 {
    HIGHEST_HZ.min(rate as f32 / 2.0)
}

/// Where a frequency stands on the axis, 0 at the bottom and 1 at the top (ERB-rate).
pub fn height_of(rate: u32, hz: f32) -> f32 {
    (1.0 + hz / BEND_HZ).ln() / (1.0 + top_hz(rate) / BEND_HZ).ln()
}

fn hz_at(rate: u32, height: f32) -> f32 {
    BEND_HZ * ((1.0 + top_hz(rate) / BEND_HZ).powf(height) - 1.0)
}

/// The marks of the frequency axis: where, and what is written there.
pub fn frequency_marks(rate: u32) -> impl Iterator<Item = (f32, &'static str)> {
    let marks = [
        (100.0, "100"),
        (250.0, "250"),
        (500.0, "500"),
        (1000.0, "1k"),
        (2000.0, "2k"),
        (4000.0, "4k"),
        (8000.0, "8k"),
        (16_000.0, "16k"),
    ];
    marks
        .into_iter()
        .filter(move |(hz, _)| *hz < 0.98 * top_hz(rate))
        .map(move |(hz, text)| (height_of(rate, hz), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gather(rate: u32, hz: f32, seconds: f32, block: usize) -> Spectrogram {
        let n = (rate as f32 * seconds) as usize;
        let samples: Vec<f32> = (0..n).map(|i| (i as f32 * hz / rate as f32 * std::f32::consts::TAU).sin()).collect();
        let mut spectrogram = Spectrogram::new(rate);
        samples.chunks(block).for_each(|b| spectrogram.add(&[b]));
        spectrogram.finish();
        spectrogram
    }

    #[test]
    fn a_tone_stands_at_its_height_with_its_level() {
        for (rate, hz) in [(8000, 1000.0), (44_100, 440.0), (48_000, 9000.0), (192_000, 3000.0)] {
            let spectrogram = gather(rate, hz, 0.8, 333);
            assert_eq!(spectrogram.columns().len(), (rate as usize * 8 / 10).div_ceil(tick_length(rate)));
            let column: Vec<f32> = spectrogram.columns()[50].decibels().collect();
            let top = (0..ROWS).max_by(|&a, &b| column[a].total_cmp(&column[b])).unwrap();
            let expected = height_of(rate, hz) * ROWS as f32;
            assert!((top as f32 + 0.5 - expected).abs() < 3.0, "{rate} {hz}: {top} {expected}");
            assert!((-9.0..0.5).contains(&column[top]), "{rate} {hz}: {}", column[top]);
        }
    }

    #[test]
    fn long_recordings_have_few_columns() {
        let spectrogram = gather(8000, 500.0, 60.0, 8000);
        assert!(spectrogram.columns().len() <= COLUMNS && spectrogram.columns().len() > COLUMNS / 2);
        assert!(spectrogram.columns().iter().all(|column| column.count > 0));
    }
}
