//! What a recording measures: loudness, true peak, noise floor, level over time, spectrogram.

use super::columns::{COLUMNS, Columns, Merge, tick_length};
use super::spectrogram::Spectrogram;
use crate::quality::TruePeak;
use ebur128::{Channel, EbuR128, Mode};

/// Numbers of one recording. What can't be measured (silence, too short) is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Levels {
    /// Integrated loudness, LUFS (ITU-R BS.1770, EBU R 128).
    pub loudness: Option<f64>,
    /// True peak, dBTP (ITU-R BS.1770).
    pub true_peak: Option<f64>,
    /// Level of the quietest tenth of all 50 ms frames, dBFS: what is heard between the words.
    pub noise_floor: Option<f64>,
}

/// Measures a recording block by block, in constant memory.
pub struct Analysis {
    loudness: EbuR128,
    peak: TruePeak,
    floor: NoiseFloor,
    tick: Tick,
    /// Level over time.
    pub power: Columns<Power>,
    /// Spectrum over time, where a picture is wanted.
    pub spectrogram: Option<Spectrogram>,
}

/// Sums over a stretch of time.
#[derive(Clone, Copy, Debug, Default)]
pub struct Power {
    sum: f64,
    count: u64,
    /// Highest absolute sample.
    pub peak: f32,
}

impl Power {
    /// Root mean square.
    pub fn rms(&self) -> f64 {
        (self.sum / self.count.max(1) as f64).sqrt()
    }
}

impl Merge for Power {
    fn merge(&mut self, next: &Power) {
        self.sum += next.sum;
        self.count += next.count;
        self.peak = self.peak.max(next.peak);
    }
}

/// Cuts the stream into ticks of 8 ms.
struct Tick {
    length: usize,
    power: Power,
    filled: usize,
}

impl Analysis {
    /// For a stream of this rate and channel count; `picture` also gathers a spectrogram.
    pub fn new(rate: u32, channels: usize, picture: bool) -> Result<Analysis, String> {
        let meter = |e: ebur128::Error| format!("can't be measured ({e})");
        let mut loudness = EbuR128::new(channels as u32, rate, Mode::I | Mode::HISTOGRAM).map_err(meter)?;
        // Independent microphones have no surround weights, and none of them is a subwoofer.
        for channel in (0..channels as u32).filter(|_| channels > 2) {
            loudness.set_channel(channel, Channel::Center).map_err(meter)?;
        }
        Ok(Analysis {
            loudness,
            peak: TruePeak::new(channels),
            floor: NoiseFloor::new((rate / 20).max(1) as usize),
            tick: Tick { length: tick_length(rate), power: Power::default(), filled: 0 },
            power: Columns::new(COLUMNS),
            spectrogram: picture.then(|| Spectrogram::new(rate)),
        })
    }

    /// Takes in the next samples, one slice per channel.
    pub fn add(&mut self, block: &[&[f32]]) {
        // The only error is a wrong number of channels, which the caller can't pass.
        let _ = self.loudness.add_frames_planar_f32(block);
        self.peak.add(block);
        if let Some(spectrogram) = &mut self.spectrogram {
            spectrogram.add(block);
        }
        let frames = block.first().map_or(0, |samples| samples.len());
        let mut from = 0;
        while from < frames {
            let to = frames.min(from + self.tick.length - self.tick.filled);
            let mut power = Power { sum: 0.0, count: (to - from) as u64 * block.len() as u64, peak: 0.0 };
            for samples in block {
                let samples = &samples[from..to];
                power.sum += sum_of_squares(samples);
                power.peak = samples.iter().fold(power.peak, |peak, s| peak.max(s.abs()));
            }
            self.floor.add(power, to - from);
            self.tick.power.merge(&power);
            self.tick.filled += to - from;
            if self.tick.filled == self.tick.length {
                self.power.push(std::mem::take(&mut self.tick.power));
                self.tick.filled = 0;
            }
            from = to;
        }
    }

    /// Takes in what is left at the end, and tells the numbers.
    pub fn finish(&mut self) -> Levels {
        if self.tick.filled > 0 {
            self.power.push(std::mem::take(&mut self.tick.power));
            self.tick.filled = 0;
        }
        if let Some(spectrogram) = &mut self.spectrogram {
            spectrogram.finish();
        }
        let finite = |x: f64| x.is_finite().then_some(x);
        Levels {
            loudness: self.loudness.loudness_global().ok().and_then(finite),
            true_peak: finite(20.0 * f64::from(self.peak.max()).log10()),
            noise_floor: self.floor.level(),
        }
    }
}

/// In parts, so that the compiler can add several at once.
fn sum_of_squares(samples: &[f32]) -> f64 {
    let (parts, rest) = samples.as_chunks::<8>();
    let mut sums = [0f64; 8];
    for part in parts {
        for (sum, &s) in sums.iter_mut().zip(part) {
            *sum += f64::from(s) * f64::from(s);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&s| f64::from(s) * f64::from(s)).sum::<f64>()
}

/// The level below which a tenth of all 50 ms frames lie, from a histogram in steps of 0.1 dB.
struct NoiseFloor {
    frame: usize,
    power: Power,
    filled: usize,
    counts: Vec<u64>,
}

const QUIETEST_DB: f64 = -140.0;
const STEPS_PER_DB: f64 = 10.0;

impl NoiseFloor {
    fn new(frame: usize) -> NoiseFloor {
        NoiseFloor { frame, power: Power::default(), filled: 0, counts: vec![0; 2000] }
    }

    /// Ticks need not divide a frame: one that is full or over counts.
    fn add(&mut self, power: Power, frames: usize) {
        self.power.merge(&power);
        self.filled += frames;
        if self.filled >= self.frame {
            self.count();
        }
    }

    fn count(&mut self) {
        let db = 20.0 * self.power.rms().log10();
        let step = ((db - QUIETEST_DB) * STEPS_PER_DB).clamp(0.0, 1999.0) as usize;
        self.counts[step] += 1;
        self.power = Power::default();
        self.filled = 0;
    }

    fn level(&mut self) -> Option<f64> {
        if self.counts.iter().all(|&n| n == 0) && self.filled > 0 {
            self.count();
        }
        let total: u64 = self.counts.iter().sum();
        let mut seen = 0;
        let step = self.counts.iter().position(|&n| {
            seen += n;
            n > 0 && seen * 10 >= total
        })?;
        // The lowest step is digital silence: no level at all.
        (step > 0).then(|| QUIETEST_DB + (step as f64 + 0.5) / STEPS_PER_DB)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(rate: u32, hz: f64, amplitude: f64, phase: f64, seconds: f64) -> Vec<f32> {
        let n = (f64::from(rate) * seconds) as usize;
        (0..n)
            .map(|i| (amplitude * (phase + i as f64 * hz / f64::from(rate) * std::f64::consts::TAU).sin()) as f32)
            .collect()
    }

    fn measure(rate: u32, samples: &[f32], block: usize) -> Levels {
        let mut analysis = Analysis::new(rate, 1, false).unwrap();
        samples.chunks(block).for_each(|b| analysis.add(&[b]));
        analysis.finish()
    }

    #[test]
    fn a_sine_at_a_known_level() {
        // EBU Tech 3341: 1 kHz at -23 dBFS in one channel is 3.01 dB below the same in two.
        let samples = sine(48_000, 1000.0, 10f64.powf(-23.0 / 20.0), 0.0, 5.0);
        for block in [1, 384, 4801] {
            let levels = measure(48_000, &samples, block);
            assert!((levels.loudness.unwrap() + 26.0).abs() < 0.1, "{levels:?}");
            assert!((levels.noise_floor.unwrap() + 26.0).abs() < 0.1, "{levels:?}");
        }
    }

    #[test]
    fn true_peak_lies_between_the_samples() {
        // At a quarter of the rate and 45 degrees every sample is 3 dB below the crest (BS.1770-4: within -0.6 dB).
        let samples = sine(48_000, 12_000.0, 1.0, std::f64::consts::FRAC_PI_4, 0.2);
        let peak = measure(48_000, &samples, 100).true_peak.unwrap();
        assert!((-0.6..0.4).contains(&peak), "{peak}");
    }

    #[test]
    fn the_floor_is_that_of_the_pauses() {
        let mut samples = sine(16_000, 300.0, 0.5, 0.0, 3.0);
        samples.extend(sine(16_000, 300.0, 0.001, 0.0, 1.0));
        let floor = measure(16_000, &samples, 128).noise_floor.unwrap();
        assert!((floor + 63.0).abs() < 0.2, "{floor}");
    }

    #[test]
    fn silence_and_crumbs_have_no_numbers_but_do_no_harm() {
        assert_eq!(measure(48_000, &[0.0; 48_000], 384), Levels::default());
        assert_eq!(measure(48_000, &[], 384), Levels::default());
        let one = measure(8000, &[0.5], 1);
        assert!((one.true_peak.unwrap() + 6.0).abs() < 0.1 && one.loudness.is_none(), "{one:?}");
    }
}
