//! Ramps, pieces of blocks and decibels: what every effect needs to change without a click.

use std::ops::Range;

/// How long a changed setting takes to arrive, in seconds.
pub const RAMP: f32 = 0.03;

/// The factor of a level in dB.
#[inline]
pub fn db_to_gain(db: f32) -> f32 {
    // 10^(x / 20) = 2^(x log2(10) / 20)
    (db * (std::f32::consts::LOG2_10 / 20.0)).exp2()
}

/// The level in dB of a factor; never below -200 dB.
#[inline]
pub fn gain_to_db(gain: f32) -> f32 {
    gain.max(1e-10).log2() * (20.0 / std::f32::consts::LOG2_10)
}

/// The level in dB of a power; never below -200 dB.
#[inline]
pub fn power_to_db(power: f32) -> f32 {
    power.max(1e-20).log2() * (10.0 / std::f32::consts::LOG2_10)
}

/// A number that glides to its target in a straight line.
#[derive(Clone, Copy, Debug)]
pub struct Ramp {
    from: f32,
    target: f32,
    left: usize,
    length: usize,
    /// 1 / length.
    share: f32,
}

impl Ramp {
    /// Starts settled at `value`; each later change takes `length` samples.
    pub fn new(value: f32, length: usize) -> Self {
        let length = length.max(1);
        Self { from: value, target: value, left: 0, length, share: 1.0 / length as f32 }
    }

    /// Heads for a new target from wherever the ramp is; the same target again changes nothing.
    pub fn set(&mut self, target: f32) {
        if target != self.target {
            self.from = self.value();
            self.target = target;
            self.left = self.length;
        }
    }

    /// The value now; exactly the target once settled. Between numbers of one sign it never has the
    /// other, not even by rounding.
    #[inline]
    pub fn value(&self) -> f32 {
        self.target + (self.from - self.target) * (self.left as f32 * self.share)
    }

    /// One sample on; gives the value there.
    #[inline]
    pub fn next(&mut self) -> f32 {
        self.advance(1)
    }

    /// So many samples on; gives the value there.
    #[inline]
    pub fn advance(&mut self, samples: usize) -> f32 {
        self.left = self.left.saturating_sub(samples);
        self.value()
    }

    /// Whether it has arrived.
    #[inline]
    pub fn is_settled(&self) -> bool {
        self.left == 0
    }

    /// Jumps to the target.
    pub fn finish(&mut self) {
        self.left = 0;
    }
}

/// A gain that glides across a segment in a straight line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glide {
    from: f32,
    to: f32,
    step: f32,
}

impl Glide {
    /// No change of level.
    pub const UNITY: Glide = Glide { from: 1.0, to: 1.0, step: 0.0 };

    /// Goes on where this one ends, to another gain at the end of a segment of `length` samples.
    pub fn then(self, to: f32, length: usize) -> Glide {
        Glide { from: self.to, to, step: (to - self.to) / length as f32 }
    }

    /// The gain at one sample of the segment.
    #[inline(always)]
    pub fn at(&self, sample: usize) -> f32 {
        // By way of i32, which can be converted side by side.
        self.from + self.step * sample as i32 as f32
    }

    /// Whether nothing changes.
    #[inline]
    pub fn is_unity(&self) -> bool {
        *self == Glide::UNITY
    }

    /// The lowest gain on the way.
    #[inline]
    pub fn lowest(&self) -> f32 {
        self.from.min(self.to)
    }
}

/// Cuts blocks into segments that are counted on the stream, so that work done once a segment does
/// not depend on how the stream is cut into blocks.
#[derive(Clone, Copy, Debug)]
pub struct Segments {
    length: usize,
    phase: usize,
}

/// A part of a block that lies within one segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The samples of the block.
    pub range: Range<usize>,
    /// Position of the first sample in its segment; 0: a segment begins here.
    pub offset: usize,
    /// Whether the segment ends with this piece.
    pub ends: bool,
}

impl Segments {
    /// Segments of `length` samples, the first of which begins with the next sample.
    pub fn new(length: usize) -> Self {
        Self { length: length.max(1), phase: 0 }
    }

    /// Samples of a whole segment.
    #[inline]
    pub fn length(&self) -> usize {
        self.length
    }

    /// The next piece of a block of `length` samples, of which `done` are done; `None` at the end.
    #[inline]
    pub fn next(&mut self, done: usize, length: usize) -> Option<Piece> {
        if done >= length {
            return None;
        }
        let offset = self.phase;
        let samples = (self.length - offset).min(length - done);
        self.phase = (offset + samples) % self.length;
        Some(Piece { range: done..done + samples, offset, ends: self.phase == 0 })
    }

    /// Whether the next sample begins a segment.
    #[inline]
    pub fn at_start(&self) -> bool {
        self.phase == 0
    }

    /// The next sample begins a segment.
    pub fn reset(&mut self) {
        self.phase = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_straight_and_arrives_exactly() {
        let mut ramp = Ramp::new(0.1, 10);
        assert!(ramp.is_settled());
        ramp.set(1.3);
        for i in 1..=10 {
            assert!(!ramp.is_settled());
            assert!((ramp.next() - (0.1 + 0.12 * i as f32)).abs() < 1e-6);
        }
        assert!(ramp.is_settled());
        assert_eq!(ramp.value(), 1.3);
        assert_eq!(ramp.next(), 1.3);
    }

    #[test]
    fn a_ramp_turns_round_where_it_is() {
        let mut ramp = Ramp::new(0.0, 4);
        ramp.set(1.0);
        assert_eq!(ramp.advance(2), 0.5);
        ramp.set(1.0);
        assert_eq!(ramp.next(), 0.75);
        ramp.set(0.0);
        assert_eq!(ramp.value(), 0.75);
        ramp.finish();
        assert_eq!((ramp.value(), ramp.is_settled()), (0.0, true));
    }

    #[test]
    fn a_ramp_stays_between_its_ends() {
        let mut random = crate::engine::testing::noise(3000, 1).into_iter().map(|x| 18.0 * x.abs());
        while let (Some(from), Some(to), Some(last)) = (random.next(), random.next(), random.next()) {
            let mut ramp = Ramp::new(0.0, 1323);
            for (target, samples) in [(from, 0), (0.0, 7), (to, 1), (0.0, last as usize), (last, 1322)] {
                ramp.set(target);
                assert!((0.0..=18.0).contains(&ramp.value()));
                assert!((0.0..=18.0).contains(&ramp.advance(samples)));
            }
        }
    }

    #[test]
    fn decibels_round_trip() {
        for db in [-120.0, -6.0, 0.0, 20.0] {
            assert!((gain_to_db(db_to_gain(db)) - db).abs() < 1e-3);
            assert!((power_to_db(db_to_gain(db).powi(2)) - db).abs() < 1e-3);
        }
        assert_eq!(db_to_gain(0.0), 1.0);
        assert!(gain_to_db(0.0) >= -200.1 && power_to_db(0.0) >= -200.1);
    }

    #[test]
    fn segments_are_counted_on_the_stream() {
        let mut segments = Segments::new(4);
        let mut cut = Vec::new();
        for block in [3, 2, 7] {
            let mut done = 0;
            while let Some(piece) = segments.next(done, block) {
                done = piece.range.end;
                cut.push((piece.offset, piece.range.len(), piece.ends));
            }
            assert_eq!(done, block);
        }
        assert_eq!(cut, [(0, 3, false), (3, 1, true), (0, 1, false), (1, 3, true), (0, 4, true)]);
    }
}
