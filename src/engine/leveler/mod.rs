//! Brings speech to a loudness, and leaves everything else where it is.

mod loudness;
mod speech;
#[cfg(test)]
mod tests;

use std::ops::Range;

use loudness::{KWeighting, Loudness};
use speech::SpeechDetector;

use super::decimate::Decimator;
use super::smooth::{Glide, Segments, db_to_gain};
use super::{Effect, Stream};
use crate::settings::{Id, Settings};

/// Decimated samples of a segment: 20 ms.
const SEGMENT: usize = 80;
/// The gain rests while it is as near as this to where it should be, in dB.
const DEAD_ZONE: f32 = 1.0;
/// Having left the zone, it goes on until it is as near as this.
const ARRIVED: f32 = 0.2;
/// The gain falls so many times faster than it rises: too loud is worse than too quiet.
const DOWN: f32 = 4.0;
/// Before there is a second of speech, the gain moves so many times faster.
const FIRST: f32 = 4.0;

/// A leveler for speech.
///
/// The loudness (ITU-R BS.1770) of speech alone, while a `SpeechDetector` hears it, is compared
/// with the target. The gain moves only while there is speech; in pauses it rests, so noise and
/// breaths are never lifted. No latency.
pub struct Leveler {
    target: f32,
    range: f32,
    /// dB in a segment.
    speed: f32,
    segments: Segments,
    decimator: Decimator,
    weighting: KWeighting,
    speech: SpeechDetector,
    loudness: Loudness,
    /// Decimated samples in this segment so far.
    count: usize,
    moving: bool,
    gain_db: f32,
    gain: Glide,
}

impl Leveler {
    /// Starts switched off.
    pub fn new(stream: &Stream) -> Self {
        let decimator = Decimator::new(stream);
        let segments = Segments::new(decimator.factor());
        let speech = SpeechDetector::new(decimator.rate());
        Self {
            target: 0.0,
            range: 0.0,
            speed: 0.0,
            segments,
            decimator,
            weighting: KWeighting::new(stream.rate),
            speech,
            loudness: Loudness::default(),
            count: 0,
            moving: false,
            gain_db: 0.0,
            gain: Glide::UNITY,
        }
    }

    /// The gain now, in dB.
    pub fn gain_db(&self) -> f32 {
        self.gain_db
    }

    /// Loudness of the speech heard lately, LUFS, before the gain; `None` before there was any.
    pub fn loudness(&self) -> Option<f32> {
        self.loudness.lufs()
    }

    fn segment(&self) -> usize {
        SEGMENT * self.segments.length()
    }

    fn is_off(&self) -> bool {
        self.range == 0.0 && self.gain.is_unity()
    }

    /// Listens to a part of a block, `offset` samples after the begin of the segment, and turns it up.
    fn level(&mut self, block: &mut [Vec<f32>], range: Range<usize>, offset: usize) {
        self.decimator.feed(block, range.clone(), offset % self.decimator.factor());
        self.weighting.feed(block, range.clone());
        for samples in block {
            for (i, x) in samples.get_mut(range.clone()).unwrap_or_default().iter_mut().enumerate() {
                *x *= self.gain.at(offset + i);
            }
        }
    }

    /// Ends a decimated sample; and every 20 ms a segment, which aims the gain at the end of the next.
    fn turn(&mut self, channels: usize) {
        let is_off = self.is_off();
        if !is_off {
            self.speech.feed(self.decimator.next().sum::<f32>() / channels as f32);
        }
        self.count = (self.count + 1) % SEGMENT;
        if self.count > 0 || is_off {
            return;
        }
        let power = self.weighting.take_power() / self.segment() as f32;
        if self.speech.hears(power) {
            self.loudness.add(power);
            self.steer();
        }
        self.gain_db = self.gain_db.clamp(-self.range, self.range);
        self.gain = self.gain.then(db_to_gain(self.gain_db), self.segment());
        if self.is_off() {
            self.forget();
        }
    }

    fn steer(&mut self) {
        let Some(loudness) = self.loudness.lufs() else { return };
        let way = (self.target - loudness).clamp(-self.range, self.range) - self.gain_db;
        self.moving = way.abs() > if self.moving { ARRIVED } else { DEAD_ZONE };
        if self.moving {
            let up = self.speed * if self.loudness.is_young() { FIRST } else { 1.0 };
            self.gain_db += way.clamp(-self.speed * DOWN, up);
        }
    }

    fn forget(&mut self) {
        self.decimator.reset();
        self.weighting.reset();
        self.speech.reset();
        self.loudness = Loudness::default();
        self.moving = false;
    }
}

impl Effect for Leveler {
    fn set(&mut self, settings: &Settings) {
        self.target = settings[Id::LevelTarget];
        self.range = settings[Id::LevelRange];
        self.speed =
            settings[Id::LevelSpeed] * self.segment() as f32 / (self.decimator.rate() * self.segments.length() as f32);
    }

    fn process(&mut self, block: &mut [Vec<f32>]) {
        let length = block.first().map_or(0, Vec::len);
        let mut done = 0;
        while let Some(piece) = self.segments.next(done, length) {
            done = piece.range.end;
            if !self.is_off() {
                self.level(block, piece.range, self.count * self.segments.length() + piece.offset);
            }
            if piece.ends {
                self.turn(block.len());
            }
        }
    }

    fn reset(&mut self) {
        self.segments.reset();
        self.count = 0;
        self.gain_db = 0.0;
        self.gain = Glide::UNITY;
        self.forget();
    }
}
