//! Mains hum, as the engine's remover finds it.

use super::Context;
use crate::engine::hum::Detector;
use crate::engine::smooth::{Segments, power_to_db};
use crate::engine::{Latency, Stream};

/// Listens for mains hum.
pub struct Hum {
    segments: Segments,
    detector: Detector,
    block: Vec<Vec<f32>>,
}

impl Hum {
    pub fn new(rate: u32, channels: usize) -> Hum {
        // The detector goes by rate and channels alone.
        let stream = Stream { rate: rate as f32, channels, hop: 1, window: 1, latency: Latency::Studio };
        let detector = Detector::new(&stream);
        Hum { segments: Segments::new(detector.step()), detector, block: vec![Vec::new(); channels] }
    }

    pub fn feed(&mut self, channels: &[&[f32]]) {
        for (block, samples) in self.block.iter_mut().zip(channels) {
            block.clear();
            block.extend_from_slice(samples);
        }
        let (mut done, length) = (0, self.block.first().map_or(0, Vec::len));
        while let Some(piece) = self.segments.next(done, length) {
            done = piece.range.end;
            self.detector.feed(&self.block, piece.range, piece.offset);
            if piece.ends {
                self.detector.advance();
            }
        }
    }

    pub fn reset(&mut self) {
        self.segments.reset();
        self.detector.reset();
    }

    pub fn measure(&self, context: &mut Context) {
        context.hum_level = -120.0;
        if let Some(found) = self.detector.found() {
            let lines = || found.lines.iter().filter(|line| line.excess > 0.0);
            let power: f32 = lines().map(|line| line.amplitude.powi(2)).sum();
            context.hum_frequency = found.frequency;
            context.hum_level = power_to_db(0.5 * power / self.block.len() as f32).max(-120.0);
            context.hum_harmonics = lines().count() as f32;
        }
    }
}
