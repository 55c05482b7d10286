use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use std::cell::RefCell;
use std::f32::consts::TAU;
use std::sync::Arc;

/// Bands of equal width on the mel scale, up to 8 kHz.
pub const LOW_BANDS: usize = 32;
/// Bands of about half an octave from 8 to 22.6 kHz.
pub const HIGH_BANDS: usize = 3;
/// All bands of a frame.
pub const BANDS: usize = LOW_BANDS + HIGH_BANDS;

/// Length of the window in seconds; the hop is half of it.
const WINDOW: f64 = 0.032;
/// Power that counts as silence: -120 dB of a full-scale square wave.
const SILENCE: f32 = 1e-12;

/// Lower edge, centre and upper edge of a band in Hz. The low ones are triangles that overlap by
/// half, the high ones are rectangles.
pub fn band_edges(band: usize) -> [f32; 3] {
    let hertz = |mel: f32| 700.0 * ((mel / 1127.0).exp() - 1.0);
    let mel = |hertz: f32| 1127.0 * (1.0 + hertz / 700.0).ln();
    let (bottom, top) = (mel(50.0), mel(8000.0));
    if band < LOW_BANDS {
        let step = (top - bottom) / (LOW_BANDS + 1) as f32;
        [0, 1, 2].map(|i| hertz(bottom + step * (band + i) as f32))
    } else {
        let octave = (band - LOW_BANDS) as f32;
        [octave, octave + 0.5, octave + 1.0].map(|o| 8000.0 * (o / 2.0).exp2())
    }
}

/// Short-time power spectra of a mono signal: Hann windows of 32 ms every 16 ms, at any rate.
///
/// Powers are one-sided and add up to the mean square of the signal, so a band has the same power
/// at every sample rate that holds it; bands above half the rate have none.
#[derive(Clone, Debug)]
pub struct Frames {
    /// Samples per second.
    pub rate: u32,
    /// Samples from one frame to the next.
    pub hop: usize,
    /// Bins per frame, from 0 Hz to half the rate.
    pub bins: usize,
    /// Frame by frame, `bins` powers each.
    pub power: Vec<f32>,
    /// Frame by frame: the power in each band.
    pub bands: Vec<[f32; BANDS]>,
}

impl Frames {
    /// Analyses a signal. Frames lie wholly within it: a signal shorter than a window has none.
    pub fn new(rate: u32, samples: &[f32]) -> Frames {
        Analyser::with(rate, |analyser| {
            let (window, bins) = (analyser.window.len(), analyser.window.len() / 2 + 1);
            let hop = window / 2;
            let count = (samples.len() + hop).saturating_sub(window) / hop;
            let mut frames =
                Frames { rate, hop, bins, power: vec![0.0; count * bins], bands: vec![[0.0; BANDS]; count] };
            let rows = frames.power.chunks_exact_mut(bins).zip(&mut frames.bands);
            for ((power, bands), samples) in rows.zip(samples.windows(window).step_by(hop)) {
                analyser.run(samples, power, bands);
            }
            frames
        })
    }

    /// Number of frames.
    pub fn len(&self) -> usize {
        self.bands.len()
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.bands.is_empty()
    }

    /// The powers of a frame's bins.
    pub fn spectrum(&self, frame: usize) -> &[f32] {
        &self.power[frame * self.bins..][..self.bins]
    }

    /// All powers of the bins, frame by frame.
    pub fn spectra(&self) -> impl Iterator<Item = &[f32]> {
        self.power.chunks_exact(self.bins)
    }

    /// Distance of two bins in Hz.
    pub fn hertz(&self) -> f32 {
        self.rate as f32 / (2 * self.hop) as f32
    }

    /// Seconds from one frame to the next.
    pub fn seconds(&self) -> f32 {
        self.hop as f32 / self.rate as f32
    }

    /// Frame by frame: the level of each band in dB, not below -120.
    pub fn levels(&self) -> Vec<[f32; BANDS]> {
        self.bands.iter().map(|bands| bands.map(decibels)).collect()
    }
}

/// The power in each band of spectra of one rate, one after the other, as [`Frames::power`].
pub fn band_powers(rate: u32, spectra: &[f32]) -> Vec<[f32; BANDS]> {
    Analyser::with(rate, |analyser| {
        let bins = analyser.window.len() / 2 + 1;
        spectra.chunks_exact(bins).map(|power| analyser.bands(power)).collect()
    })
}

/// Power in dB, not below -120.
pub fn decibels(power: f32) -> f32 {
    10.0 * power.max(SILENCE).log10()
}

/// Plans and weights for one rate.
struct Analyser {
    rate: u32,
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// For each band its first bin and the weights from there on.
    weights: Vec<(usize, Vec<f32>)>,
    frame: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Analyser {
    /// Makes one, or takes that of the last call on this thread: planning costs more than using it.
    fn with<T>(rate: u32, work: impl FnOnce(&mut Analyser) -> T) -> T {
        thread_local! {
            static LAST: RefCell<Option<Analyser>> = const { RefCell::new(None) };
        }
        LAST.with_borrow_mut(|last| {
            if last.as_ref().is_none_or(|analyser| analyser.rate != rate) {
                *last = None;
            }
            work(last.get_or_insert_with(|| Analyser::new(rate)))
        })
    }

    fn new(rate: u32) -> Analyser {
        // A multiple of 16 is fast enough, and keeps the length true to a percent from 8 kHz on.
        let length = ((f64::from(rate) * WINDOW / 16.0).round() as usize).max(1) * 16;
        let fft = RealFftPlanner::new().plan_fft_forward(length);
        let window: Vec<f32> =
            (0..length).map(|n| 0.5 - 0.5 * (TAU * (n as f32 + 0.5) / length as f32).cos()).collect();
        // One-sided, and of unit gain for power: the sum over the bins is the mean square.
        let energy: f32 = window.iter().map(|w| w * w).sum();
        let scale = (2.0 / (energy * length as f32)).sqrt();
        let hertz = rate as f32 / length as f32;
        let bins = length / 2 + 1;
        let weights = (0..BANDS)
            .map(|band| {
                let [low, centre, high] = band_edges(band);
                let weight = |bin: usize| {
                    let f = bin as f32 * hertz;
                    match band < LOW_BANDS {
                        true => ((f - low) / (centre - low)).min((high - f) / (high - centre)).max(0.0),
                        false => f32::from(u8::from((low..high).contains(&f))),
                    }
                };
                let first = ((low / hertz) as usize).min(bins);
                let end = ((high / hertz) as usize + 1).min(bins);
                (first, (first..end).map(weight).collect())
            })
            .collect();
        Analyser {
            rate,
            window: window.iter().map(|w| w * scale).collect(),
            weights,
            frame: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            fft,
        }
    }

    fn run(&mut self, samples: &[f32], power: &mut [f32], bands: &mut [f32; BANDS]) {
        for ((f, s), w) in self.frame.iter_mut().zip(samples).zip(&self.window) {
            *f = s * w;
        }
        // Only wrong lengths can fail, and they are fixed in `new`.
        let _ = self.fft.process_with_scratch(&mut self.frame, &mut self.spectrum, &mut self.scratch);
        for (power, bin) in power.iter_mut().zip(&self.spectrum) {
            *power = bin.norm_sqr();
        }
        *bands = self.bands(power);
    }

    fn bands(&self, power: &[f32]) -> [f32; BANDS] {
        let mut bands = [0.0; BANDS];
        for (band, (first, weights)) in bands.iter_mut().zip(&self.weights) {
            *band = power[*first..].iter().zip(weights).map(|(p, w)| p * w).sum();
        }
        bands
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate: u32, hertz: f32, seconds: f32) -> Vec<f32> {
        (0..(rate as f32 * seconds) as usize).map(|n| (TAU * hertz * n as f32 / rate as f32).sin()).collect()
    }

    #[test]
    fn powers_add_up_to_the_mean_square_at_every_rate() {
        for rate in [8000, 11_025, 16_000, 44_100, 48_000, 192_000] {
            let frames = Frames::new(rate, &sine(rate, 1000.0, 1.0));
            assert!((frames.seconds() - 0.016).abs() < 0.0003, "{rate}");
            for frame in 0..frames.len() {
                let total: f32 = frames.spectrum(frame).iter().sum();
                assert!((total - 0.5).abs() < 0.005, "{rate} {total}");
            }
        }
    }

    #[test]
    fn a_tone_is_in_the_bands_around_it_at_every_rate() {
        for rate in [8000, 16_000, 44_100, 48_000] {
            let frames = Frames::new(rate, &sine(rate, 1000.0, 0.5));
            let bands = frames.bands[5];
            let near: f32 = (0..LOW_BANDS)
                .filter(|&b| band_edges(b)[0] < 1000.0 && band_edges(b)[2] > 1000.0)
                .map(|b| bands[b])
                .sum();
            assert!((near - 0.5).abs() < 0.05, "{rate} {near}");
            assert!(bands[20..].iter().all(|&p| p < 1e-4));
        }
        let high = Frames::new(48_000, &sine(48_000, 12_000.0, 0.5)).bands[3];
        assert!((high[LOW_BANDS + 1] - 0.5).abs() < 0.01 && high[LOW_BANDS] < 1e-4);
    }

    #[test]
    fn crumbs_have_no_frames() {
        assert!(Frames::new(48_000, &[]).is_empty());
        assert!(Frames::new(48_000, &[1.0; 1535]).is_empty());
        assert_eq!(Frames::new(48_000, &[1.0; 1536]).len(), 1);
        assert_eq!(Frames::new(48_000, &[0.0; 48_000]).levels()[0], [-120.0; BANDS]);
    }
}
