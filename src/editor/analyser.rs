//! From samples to what is drawn: spectra, loudness and falling meters. Runs where it is drawn.

use super::display::Frame;
use crate::engine::Meters;
use crate::quality::k_weight;
use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use std::f32::consts::TAU;
use std::sync::Arc;

/// Bands of a spectrum, evenly spread over the octaves.
pub const BANDS: usize = 192;
/// The lowest and the highest frequency that is drawn, Hz.
pub const RANGE: (f32, f32) = (40.0, 20_000.0);
/// As quiet as anything is drawn.
pub const FLOOR: f32 = -120.0;
/// Spectra rise and fall with these times, s; loudness follows with the third.
const TIMES: [f32; 3] = [0.03, 0.22, 0.4];
/// Fall of peaks and of gains, dB/s.
const FALL: f32 = 18.0;

/// What is drawn, as it moves.
pub struct Analyser {
    plan: Option<Plan>,
    /// Mean power in each band, in step: going in and coming out.
    powers: [[f32; BANDS]; 2],
    energy: [f32; 2],
    peaks: [f32; 2],
    meters: Meters,
    rate: u32,
}

impl Analyser {
    /// Of silence.
    pub fn new() -> Analyser {
        Analyser {
            plan: None,
            powers: [[0.0; BANDS]; 2],
            energy: [0.0; 2],
            peaks: [FLOOR; 2],
            meters: Meters::default(),
            rate: 0,
        }
    }

    /// Takes in a picture of the sound, `dt` seconds after the one before.
    pub fn hear(&mut self, frame: &Frame, dt: f32) {
        let (rate, length) = (frame.rate, frame.length);
        if self.plan.as_ref().is_none_or(|plan| (plan.rate, plan.length) != (rate, length)) {
            self.plan = Some(Plan::new(rate, length));
        }
        let Some(plan) = &mut self.plan else { return };
        self.rate = rate;
        let [rise, fall, loudness] = TIMES.map(|time| 1.0 - (-dt / time).exp());
        for (side, channels) in [&frame.input, &frame.output].into_iter().enumerate() {
            let mut powers = [0.0; BANDS];
            let energy = plan.analyse(&channels[..frame.channels], &mut powers);
            self.energy[side] += loudness * (energy - self.energy[side]);
            for (shown, power) in self.powers[side].iter_mut().zip(powers) {
                *shown += if power > *shown { rise } else { fall } * (power - *shown);
            }
            let peak = db(frame.peaks[side].powi(2));
            self.peaks[side] = peak.max(self.peaks[side] - FALL * dt).max(FLOOR);
        }
        let settle = |shown: f32, gain: f32| match gain.abs() > shown.abs() {
            true => gain,
            false => shown + (gain - shown).clamp(-FALL * dt, FALL * dt),
        };
        let (shown, meters) = (self.meters, frame.meters);
        self.meters = Meters {
            denoise: settle(shown.denoise, meters.denoise),
            deess: settle(shown.deess, meters.deess),
            level: settle(shown.level, meters.level),
            compressor: settle(shown.compressor, meters.compressor),
            limiter: settle(shown.limiter, meters.limiter),
            ..meters
        };
    }

    /// Level of a band going in or coming out, dB.
    pub fn level(&self, side: usize, band: usize) -> f32 {
        db(self.powers[side][band])
    }

    /// Momentary loudness going in and coming out, LUFS.
    pub fn loudness(&self) -> [f32; 2] {
        self.energy.map(|energy| db(energy) - 0.691)
    }

    /// Peaks going in and coming out, dBFS.
    pub fn peaks(&self) -> [f32; 2] {
        self.peaks
    }

    /// What each effect does.
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// The highest frequency that the stream can hold, Hz; 0: nothing was heard yet.
    pub fn nyquist(&self) -> f32 {
        self.rate as f32 / 2.0
    }
}

/// Centre of a band, Hz.
pub fn hertz(band: f32) -> f32 {
    RANGE.0 * (RANGE.1 / RANGE.0).powf((band + 0.5) / BANDS as f32)
}

fn db(power: f32) -> f32 {
    10.0 * power.max(1e-12).log10()
}

/// What a transform of this length needs.
struct Plan {
    rate: u32,
    length: usize,
    transform: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// Power gain of each bin for loudness.
    weights: Vec<f32>,
    buffer: Vec<f32>,
    spectrum: Vec<Complex32>,
    /// Running sums of the bins' power, from zero.
    sums: Vec<f32>,
}

impl Plan {
    fn new(rate: u32, length: usize) -> Plan {
        let transform = RealFftPlanner::new().plan_fft_forward(length);
        let window: Vec<f32> = (0..length).map(|i| 0.5 - 0.5 * (TAU * i as f32 / length as f32).cos()).collect();
        let bins = length / 2 + 1;
        let weights = (0..bins).map(|bin| k_weight(bin as f32 * rate as f32 / length as f32)).collect();
        Plan {
            rate,
            length,
            window,
            weights,
            buffer: vec![0.0; length],
            spectrum: transform.make_output_vec(),
            sums: vec![0.0; bins + 1],
            transform,
        }
    }

    /// Adds up the bands' powers, as a mean over channels, and returns the loudness as a power: a sum over them.
    fn analyse(&mut self, channels: &[Vec<f32>], powers: &mut [f32; BANDS]) -> f32 {
        // A sine of full scale has half the power of full scale: the window's energy makes it so.
        let scale = 2.0 / (self.length as f32 * self.window.iter().map(|w| w * w).sum::<f32>());
        let bins = self.sums.len() - 1;
        let width = self.rate as f32 / self.length as f32;
        let edge = |band: usize| (hertz(band as f32 - 0.5) / width + 0.5).clamp(0.0, bins as f32);
        let mut loudness = 0.0;
        for channel in channels {
            for ((to, from), w) in self.buffer.iter_mut().zip(channel).zip(&self.window) {
                *to = if from.is_finite() { from * w } else { 0.0 };
            }
            // Lengths fit, as they were made for each other.
            let _ = self.transform.process(&mut self.buffer, &mut self.spectrum);
            let mut sum = 0.0;
            for (bin, (value, weight)) in self.spectrum.iter().zip(&self.weights).enumerate() {
                let power = value.norm_sqr() * scale;
                loudness += power * weight;
                sum += power;
                self.sums[bin + 1] = sum;
            }
            let until = |at: f32| {
                let bin = (at as usize).min(bins - 1);
                self.sums[bin] + (at - bin as f32) * (self.sums[bin + 1] - self.sums[bin])
            };
            for (band, power) in powers.iter_mut().enumerate() {
                *power += (until(edge(band + 1)) - until(edge(band))).max(0.0) / channels.len() as f32;
            }
        }
        loudness
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(rate: u32, hertz: f32, amplitude: f32) -> Frame {
        let sine: Vec<f32> = (0..8192).map(|i| amplitude * (TAU * hertz * i as f32 / rate as f32).sin()).collect();
        let silence = vec![0.0; 8192];
        Frame {
            rate,
            end: 0,
            input: [sine, silence.clone()],
            output: [silence.clone(), silence],
            channels: 1,
            length: 4096,
            peaks: [amplitude, 0.0],
            meters: Meters { denoise: -12.0, ..Meters::default() },
        }
    }

    fn settled(frame: &Frame) -> Analyser {
        let mut analyser = Analyser::new();
        (0..100).for_each(|_| analyser.hear(frame, 0.1));
        analyser
    }

    #[test]
    fn a_sine_is_where_it_belongs_and_as_loud() {
        for (rate, at) in [(48_000, 1000.0), (44_100, 5000.0), (96_000, 300.0), (16_000, 2000.0)] {
            let analyser = settled(&frame(rate, at, 0.1));
            let loudest = (0..BANDS).max_by(|a, b| analyser.level(0, *a).total_cmp(&analyser.level(0, *b))).unwrap();
            assert!((hertz(loudest as f32) / at).log2().abs() < 0.1, "{rate} {at}: {}", hertz(loudest as f32));
            let total: f32 = (0..BANDS).map(|band| 10f32.powf(analyser.level(0, band) / 10.0)).sum();
            assert!((db(total) + 23.01).abs() < 0.2, "{rate} {at}: {}", db(total));
            assert_eq!((analyser.level(1, loudest), analyser.nyquist()), (FLOOR, rate as f32 / 2.0));
        }
    }

    /// EBU Tech 3341: 1 kHz at -23 dBFS in both channels is -23 LUFS; here one channel, so 3 dB less.
    #[test]
    fn loudness_agrees_with_the_library() {
        for (hertz, amplitude) in [(997.0, 0.1), (60.0, 0.3), (4000.0, 0.05), (10_000.0, 0.1)] {
            let analyser = settled(&frame(48_000, hertz, amplitude));
            let mut meter = ebur128::EbuR128::new(1, 48_000, ebur128::Mode::M).unwrap();
            let sine: Vec<f32> = (0..48_000).map(|i| amplitude * (TAU * hertz * i as f32 / 48_000.0).sin()).collect();
            meter.add_frames_f32(&sine).unwrap();
            let expected = meter.loudness_momentary().unwrap() as f32;
            assert!((analyser.loudness()[0] - expected).abs() < 0.3, "{hertz}: {} {expected}", analyser.loudness()[0]);
        }
    }

    #[test]
    fn nothing_that_is_no_number_gets_out() {
        let mut bad = frame(48_000, 1000.0, 0.1);
        bad.input[0][7] = f32::NAN;
        bad.input[0][8] = f32::INFINITY;
        bad.meters.denoise = -24.0;
        let analyser = settled(&bad);
        assert!((0..BANDS).all(|band| analyser.level(0, band).is_finite()));
        assert!(analyser.loudness()[0].is_finite());
        assert_eq!(analyser.meters().denoise, -24.0);
    }

    #[test]
    fn meters_jump_and_fall_back_slowly() {
        let (mut analyser, mut frame) = (Analyser::new(), frame(48_000, 1000.0, 1.0));
        analyser.hear(&frame, 0.02);
        assert_eq!((analyser.meters().denoise, analyser.peaks()[0]), (-12.0, 0.0));
        (frame.meters.denoise, frame.peaks[0]) = (0.0, 0.0);
        analyser.hear(&frame, 0.1);
        assert!((analyser.meters().denoise + 10.2).abs() < 1e-3 && (analyser.peaks()[0] + 1.8).abs() < 1e-3);
    }
}
