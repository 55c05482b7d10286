//! Removal of mains hum: 50 or 60 Hz and its harmonics, only where they are really found.

mod detector;
mod notch;
mod spectra;
#[cfg(test)]
mod tests;

pub(crate) use detector::Detector;
use notch::Notches;

use super::smooth::{Segments, gain_to_db};
use super::{Effect, Stream};
use crate::settings::{Id, Settings};

/// The mains frequencies, Hz.
pub(crate) const MAINS: [f32; 2] = [50.0, 60.0];
/// Harmonics that are looked at, at most.
const HARMONICS: usize = 32;

/// Finds mains hum in the stream and cancels its harmonics in notches 1.5 Hz wide.
///
/// A `Detector` looks for lines that are at multiples of one mains frequency, stand out of their
/// neighbourhood and last for some seconds; `Notches` then take them out, each as deep as the line
/// stands out, 40 dB at most. With no hum the stream passes to the bit. No latency.
pub struct Hum {
    segments: Segments,
    detector: Detector,
    notches: Notches,
    amount: f32,
    allowed: [bool; 2],
}

impl Hum {
    /// Off until hum has been heard for about 4 s.
    pub fn new(stream: &Stream) -> Self {
        let detector = Detector::new(stream);
        let segments = Segments::new(detector.step());
        let mut hum = Self {
            segments,
            detector,
            notches: Notches::new(stream.rate, segments.length()),
            amount: 0.0,
            allowed: [false; 2],
        };
        hum.set(&Settings::default());
        hum
    }

    /// Fundamental of the hum that is being removed, Hz; 0: none.
    pub fn frequency(&self) -> f32 {
        self.notches().next().map_or(0.0, |_| self.notches.fundamental())
    }

    /// The harmonics that are being removed: frequency (Hz) and gain (dB).
    pub fn notches(&self) -> impl Iterator<Item = (f32, f32)> {
        self.notches.active().map(|(frequency, depth)| (frequency, gain_to_db(1.0 - depth)))
    }

    /// What the detector found becomes the aim of the notches.
    fn retune(&mut self) {
        match self.detector.found().filter(|hum| self.allowed[hum.mains]) {
            // Notches of another mains frequency fade out first.
            Some(hum) if self.notches.follows(hum.frequency) => self.notches.aim(hum, self.amount),
            _ => self.notches.release(),
        }
    }
}

impl Effect for Hum {
    fn set(&mut self, settings: &Settings) {
        let amount = settings[Id::Hum] / 100.0;
        if amount == 0.0 && self.amount != 0.0 {
            self.detector.reset();
        }
        self.amount = amount;
        self.allowed = match settings[Id::HumFrequency] as usize {
            0 => [true, true],
            1 => [true, false],
            _ => [false, true],
        };
        self.retune();
    }

    fn process(&mut self, block: &mut [Vec<f32>]) {
        let length = block.first().map_or(0, Vec::len);
        let mut done = 0;
        while let Some(piece) = self.segments.next(done, length) {
            done = piece.range.end;
            if self.amount > 0.0 {
                self.detector.feed(block, piece.range.clone(), piece.offset);
            }
            self.notches.process(block, piece.range, piece.offset);
            if piece.ends {
                self.notches.step();
                if self.amount > 0.0 && self.detector.advance() {
                    self.retune();
                }
            }
        }
    }

    fn reset(&mut self) {
        self.segments.reset();
        self.detector.reset();
        self.notches.reset();
    }
}
