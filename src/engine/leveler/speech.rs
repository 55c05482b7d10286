//! Tells speech from everything else, 20 ms at a time.

use super::SEGMENT;
use crate::engine::smooth::power_to_db;

/// Voices are looked for from the lowest ...
const LOWEST: f32 = 70.0;
/// ... to the highest pitch, Hz.
const HIGHEST: f32 = 400.0;
/// Part of the power that repeats with the pitch.
const PERIODIC: f32 = 0.6;
/// Levels above the noise floor by less than this are not heard, in dB.
const ABOVE: f32 = 6.0;
/// The noise floor rises by so many dB in a segment.
const RISE: f32 = 0.08;
/// Speech rises by at least so many dB out of the dips between syllables ...
const SYLLABLE: f32 = 5.0;
/// ... twice within so many segments: 1.5 s.
const RHYTHM: usize = 75;
/// Segments after a voiced one that still belong to it: 0.2 s.
const HANG: usize = 10;
/// Nothing is heard below this level, dB (the absolute gate of BS.1770).
const SILENCE: f32 = -70.0;

/// Hears speech where there is a voice with a pitch, above the noise floor, that comes in
/// syllables. Noise and breaths have no pitch, hum and engines no syllables.
pub struct SpeechDetector {
    rate: f32,
    /// The last 60 ms, with emphasis, and where the next sample goes.
    recent: [f32; 3 * SEGMENT],
    position: usize,
    previous: f32,
    floor: f32,
    /// Rising, and the highest level since; or the lowest level since it fell.
    rising: bool,
    extreme: f32,
    /// Segments since the last two rises, and since a voice was heard.
    rises: [usize; 2],
    voiced: usize,
}

impl SpeechDetector {
    /// For samples at this rate, about 4 kHz.
    pub fn new(rate: f32) -> Self {
        Self {
            rate,
            recent: [0.0; 3 * SEGMENT],
            position: 2 * SEGMENT,
            previous: 0.0,
            floor: f32::INFINITY,
            rising: true,
            extreme: 0.0,
            rises: [RHYTHM; 2],
            voiced: HANG,
        }
    }

    /// Takes one sample of the low end.
    pub fn feed(&mut self, sample: f32) {
        if let Some(to) = self.recent.get_mut(self.position) {
            // Rumble has no say in the pitch.
            *to = sample - 0.9 * self.previous;
        }
        self.previous = sample;
        self.position += 1;
    }

    /// Whether the segment now fed, of this weighted power, is speech.
    pub fn hears(&mut self, power: f32) -> bool {
        let level = (power_to_db(power) - 0.691).max(SILENCE);
        self.floor = (self.floor + RISE).min(level);
        self.watch(level);
        self.voiced = (self.voiced + 1).min(HANG);
        let loud = level > SILENCE && level > self.floor + ABOVE;
        if loud && self.rises[1] < RHYTHM && self.is_periodic() {
            self.voiced = 0;
        }
        self.recent.copy_within(SEGMENT.., 0);
        self.position = 2 * SEGMENT;
        self.voiced < HANG
    }

    /// Notes when the level rises out of a dip.
    fn watch(&mut self, level: f32) {
        self.rises = self.rises.map(|ago| (ago + 1).min(RHYTHM));
        if self.rising {
            self.extreme = self.extreme.max(level);
            if level < self.extreme - SYLLABLE {
                (self.rising, self.extreme) = (false, level);
            }
        } else {
            self.extreme = self.extreme.min(level);
            if level > self.extreme + SYLLABLE {
                (self.rising, self.extreme) = (true, level);
                self.rises = [0, self.rises[0]];
            }
        }
    }

    /// Whether the last 40 ms repeat with a pitch: the normalised cross-correlation has a peak.
    fn is_periodic(&self) -> bool {
        let shortest = (self.rate / HIGHEST) as usize;
        let longest = ((self.rate / LOWEST) as usize).min(SEGMENT);
        let now = &self.recent[SEGMENT..];
        let energy = dot(now, now);
        let mut lowest = 1.0f32;
        // From short lags on: a peak is only what follows a dip.
        for lag in shortest / 2..=longest {
            let then = &self.recent[SEGMENT - lag..3 * SEGMENT - lag];
            let correlation = dot(now, then) / (energy * dot(then, then)).sqrt().max(1e-30);
            lowest = lowest.min(correlation);
            if lag >= shortest && correlation > PERIODIC && correlation > lowest + 0.5 * PERIODIC {
                return true;
            }
        }
        false
    }

    pub fn reset(&mut self) {
        *self = Self::new(self.rate);
    }
}

/// The sum of the products, in an order that can be computed side by side.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum()
}
