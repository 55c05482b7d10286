use super::Stream;
use realfft::num_complex::Complex32;

/// The resolution at which gains are decided: every bin up to 8 kHz, four at a time up to 24 kHz,
/// sixteen above. The ear resolves no more up there, and it halves the work.
pub struct Bands {
    /// First bin of each group of bands, number of bands in it, bins in each of them.
    groups: Vec<(usize, usize, usize)>,
    bins: usize,
    count: usize,
    hertz: f32,
}

impl Bands {
    /// Bands for the spectra of this stream.
    pub fn new(stream: &Stream) -> Bands {
        let bins = stream.window / 2 + 1;
        let hertz = stream.rate / stream.window as f32;
        let mut bands = Bands { groups: Vec::new(), bins, count: 0, hertz };
        let mut first = 0;
        for (top, width) in [(8000.0, 1), (24_000.0, 4), (f32::INFINITY, 16)] {
            let end = ((top / hertz).min(bins as f32) as usize).max(first);
            let number = if end == bins { (end - first).div_ceil(width) } else { (end - first) / width };
            bands.groups.push((first, number, width));
            bands.count += number;
            first = (first + number * width).min(bins);
        }
        bands
    }

    /// Number of bands.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The bands that lie between two frequencies, which are at most 8 kHz.
    pub fn range(&self, low: f32, high: f32) -> std::ops::Range<usize> {
        let band = |hertz: f32| ((hertz / self.hertz) as usize).min(self.count);
        band(low)..band(high)
    }

    /// For each band, how many of its neighbours lie within this share of its frequency.
    pub fn neighbours(&self, share: f32) -> Vec<usize> {
        let of_group = |&(first, number, width): &(usize, usize, usize)| {
            (0..number).map(move |i| (share * (first + i * width) as f32 / width as f32) as usize)
        };
        self.groups.iter().flat_map(of_group).collect()
    }

    /// Mean power per band over all channels.
    pub fn power(&self, spectra: &[Vec<Complex32>], power: &mut [f32]) {
        power.fill(0.0);
        for spectrum in spectra {
            let mut band = 0;
            for &(first, number, width) in &self.groups {
                let bins = &spectrum[first..self.bins.min(first + number * width)];
                let bands = power[band..band + number].iter_mut();
                let scale = 1.0 / (spectra.len() * width) as f32;
                if width == 1 {
                    bands.zip(bins).for_each(|(power, bin)| *power += scale * bin.norm_sqr());
                } else {
                    for (power, bins) in bands.zip(bins.chunks(width)) {
                        *power += scale * bins.iter().map(Complex32::norm_sqr).sum::<f32>();
                    }
                }
                band += number;
            }
        }
    }

    /// Gives every bin the value of its band.
    pub fn spread(&self, bands: &[f32], bins: &mut [f32]) {
        let mut band = 0;
        for &(first, number, width) in &self.groups {
            let bins = &mut bins[first..self.bins.min(first + number * width)];
            let bands = &bands[band..band + number];
            if width == 1 {
                bins.copy_from_slice(bands);
            } else {
                bins.chunks_mut(width).zip(bands).for_each(|(bins, value)| bins.fill(*value));
            }
            band += number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{EngineConfig, Latency};

    #[test]
    fn every_bin_lies_in_one_band() {
        for sample_rate in [8000, 11025, 16_000, 44_100, 48_000, 96_000, 192_000] {
            let stream = Stream::new(EngineConfig { sample_rate, channels: 1, latency: Latency::Studio }).unwrap();
            let bands = Bands::new(&stream);
            let numbers: Vec<f32> = (1..=bands.count()).map(|i| i as f32).collect();
            let mut bins = vec![0.0; stream.window / 2 + 1];
            bands.spread(&numbers, &mut bins);
            assert!(
                bins.is_sorted() && bins[0] == 1.0 && bins[bins.len() - 1] == bands.count() as f32,
                "{sample_rate}"
            );
            let flat = vec![vec![Complex32::new(0.6, 0.8); bins.len()]];
            let mut power = vec![0.0; bands.count()];
            bands.power(&flat, &mut power);
            let whole = &power[..power.len() - 1];
            assert!(whole.iter().all(|p| (p - 1.0).abs() < 1e-5), "{sample_rate}");
            assert_eq!(bands.neighbours(0.03).len(), bands.count());
        }
    }
}
