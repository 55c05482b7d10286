//! Tells speech from everything else, 20 ms at a time.

use super::SEGMENT;
use crate::engine::smooth::power_to_db;

/// Voices are looked for from the lowest ...
const LOWEST: f32 = 70.0;
/// ... to the highest pitch, Hz.
const HIGHEST: f32 = 400.0;
/// Part of the power that repeats with the pitch.
const PERIODIC: f32 = 0.6;
/// ... after the correlation has fallen below this.
const DIP: f32 = 0.3;
/// Segments that a voice lasts at least: 60 ms.
const RUN: usize = 3;
/// Part of the weighted power that is in the low end, at least; birds have less.
const LOW: f32 = 0.15;
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
    /// Sum of the squares in this segment.
    low: f32,
    floor: f32,
    /// Rising, and the highest level since; or the lowest level since it fell.
    rising: bool,
    extreme: f32,
    /// Segments since the last two rises, and since a voice was heard.
    rises: [usize; 2],
    voiced: usize,
    /// Lag of the pitch in the last segment, and segments that it has gone on for.
    pitch: Option<usize>,
    run: usize,
}

impl SpeechDetector {
    /// For samples at this rate, about 4 kHz.
    pub fn new(rate: f32) -> Self {
        Self {
            rate,
            recent: [0.0; 3 * SEGMENT],
            position: 2 * SEGMENT,
            previous: 0.0,
            low: 0.0,
            floor: f32::INFINITY,
            rising: true,
            extreme: 0.0,
            rises: [RHYTHM; 2],
            voiced: HANG,
            pitch: None,
            run: 0,
        }
    }

    /// Takes one sample of the low end.
    pub fn feed(&mut self, sample: f32) {
        if let Some(to) = self.recent.get_mut(self.position) {
            // Rumble has no say in the pitch.
            *to = sample - 0.9 * self.previous;
        }
        self.previous = sample;
        self.low += sample * sample;
        self.position += 1;
    }

    /// Whether the segment now fed, of this weighted power, is speech.
    pub fn hears(&mut self, power: f32) -> bool {
        let level = (power_to_db(power) - 0.691).max(SILENCE);
        self.floor = (self.floor + RISE).min(level);
        self.watch(level);
        self.voiced = (self.voiced + 1).min(HANG);
        let low = std::mem::take(&mut self.low) / SEGMENT as f32 > LOW * power;
        let loud = low && level > SILENCE && level > self.floor + ABOVE;
        let pitch = if loud && self.rises[1] < RHYTHM { self.pitch() } else { None };
        // A voice glides; bubbles and knocks don't last.
        self.run = match (pitch, self.pitch) {
            (Some(now), Some(before)) if 5 * now.abs_diff(before) <= before => self.run + 1,
            (Some(_), _) => 1,
            (None, _) => 0,
        };
        self.pitch = pitch;
        if self.run >= RUN {
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

    /// The lag at which the last 40 ms repeat, if that is the pitch of a voice: the normalised
    /// cross-correlation has its greatest peak there.
    fn pitch(&self) -> Option<usize> {
        let shortest = (self.rate / HIGHEST) as usize;
        let longest = ((self.rate / LOWEST) as usize).min(SEGMENT);
        let now = &self.recent[SEGMENT..];
        let energy = dot(now, now);
        // Behind the slope from lag 0; what peaks before the shortest pitch is a whistle.
        let (mut dipped, mut whistle, mut best, mut pitch) = (false, 0.0f32, PERIODIC, None);
        let mut then_energy = energy;
        for lag in 1..=longest {
            let (first, end) = (SEGMENT - lag, 3 * SEGMENT - lag);
            then_energy += self.recent[first].powi(2) - self.recent[end].powi(2);
            let correlation = dot(now, &self.recent[first..end]) / (energy * then_energy).max(1e-30).sqrt();
            dipped |= correlation < DIP;
            if !dipped {
                continue;
            }
            if lag < shortest {
                whistle = whistle.max(correlation);
            } else if correlation > best {
                (best, pitch) = (correlation, Some(lag));
            }
        }
        pitch.filter(|_| best > whistle + 0.1)
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
