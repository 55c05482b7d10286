use super::smooth::{Glide, RAMP, Ramp, Segments, db_to_gain, gain_to_db};
use super::true_peak::greatest;
use super::{Effect, Stream};
use crate::settings::{Id, Settings};

/// Width of the soft knee, in dB.
const KNEE: f32 = 6.0;
/// Time constants, in seconds.
const ATTACK: f32 = 0.005;
const RELEASE: f32 = 0.12;
/// Reductions below this, in dB, are over.
const INAUDIBLE: f32 = 1e-4;

/// A compressor with a soft knee; no make-up gain.
///
/// Log domain, with the smooth decoupled detector of Giannoulis, Massberg and Reiss, *Digital
/// Dynamic Range Compressor Design* (JAES 2012): the wanted reduction of each segment of about a
/// third of a millisecond is held with the release, then smoothed with the attack.
pub struct Compressor {
    threshold: Ramp,
    /// 1 - 1 / ratio: dB of reduction per dB above the threshold; 0 is off.
    slope: Ramp,
    attack: f32,
    release: f32,
    segments: Segments,
    /// Greatest sample of the segment so far.
    peak: f32,
    /// The reduction after the release and after the attack, in dB.
    released: f32,
    reduction: f32,
    /// Gain of this segment.
    gain: Glide,
    gain_db: f32,
}

impl Compressor {
    /// Starts switched off.
    pub fn new(stream: &Stream) -> Self {
        let segment = 4 * (stream.rate / 12_000.0).round() as usize;
        let ramp = stream.samples(RAMP);
        Self {
            threshold: Ramp::new(0.0, ramp),
            slope: Ramp::new(0.0, ramp),
            attack: stream.smoothing(ATTACK, segment),
            release: stream.smoothing(RELEASE, segment),
            segments: Segments::new(segment),
            peak: 0.0,
            released: 0.0,
            reduction: 0.0,
            gain: Glide::UNITY,
            gain_db: 0.0,
        }
    }

    /// The lowest gain of the last block, in dB.
    pub fn gain_db(&self) -> f32 {
        self.gain_db
    }

    fn is_off(&self) -> bool {
        self.slope.is_settled()
            && self.slope.value() == 0.0
            && self.released == 0.0
            && self.gain.is_unity()
            && self.segments.at_start()
    }

    /// Moves on by one segment, whose peak is known.
    fn turn(&mut self) {
        self.threshold.advance(self.segments.length());
        let slope = self.slope.advance(self.segments.length());
        let over = gain_to_db(self.peak.min(1e20)) - self.threshold.value();
        self.peak = 0.0;
        let wanted = slope * soft_knee(over);
        self.released = wanted.max(settle(self.released * self.release));
        self.reduction = settle(self.released + (self.reduction - self.released) * self.attack);
        self.gain = self.gain.then(db_to_gain(-self.reduction), self.segments.length());
    }
}

/// How far a level is above the threshold, given its distance to it, all in dB.
fn soft_knee(over: f32) -> f32 {
    let inside = (over + KNEE / 2.0).clamp(0.0, KNEE);
    inside * inside / (2.0 * KNEE) + (over - KNEE / 2.0).max(0.0)
}

fn settle(db: f32) -> f32 {
    if db < INAUDIBLE { 0.0 } else { db }
}

impl Effect for Compressor {
    fn set(&mut self, settings: &Settings) {
        let threshold = settings[Id::CompThreshold];
        let on = threshold < Id::CompThreshold.spec().max;
        self.slope.set(if on { 1.0 - 1.0 / settings[Id::CompRatio] } else { 0.0 });
        if on {
            // On the way out the threshold stays where it is.
            self.threshold.set(threshold);
            if self.is_off() {
                self.threshold.finish();
            }
        }
    }

    fn process(&mut self, block: &mut [Vec<f32>]) {
        let length = block.first().map_or(0, Vec::len);
        let mut done = 0;
        let mut lowest = 1f32;
        while !self.is_off()
            && let Some(piece) = self.segments.next(done, length)
        {
            done = piece.range.end;
            lowest = lowest.min(self.gain.lowest());
            for samples in block.iter_mut().filter_map(|samples| samples.get_mut(piece.range.clone())) {
                self.peak = self.peak.max(greatest(samples.iter().copied()));
                if !self.gain.is_unity() {
                    for (i, x) in samples.iter_mut().enumerate() {
                        *x *= self.gain.at(piece.offset + i);
                    }
                }
            }
            if piece.ends {
                self.turn();
            }
        }
        self.gain_db = gain_to_db(lowest);
    }

    fn reset(&mut self) {
        self.threshold.finish();
        self.slope.finish();
        self.segments.reset();
        (self.peak, self.released, self.reduction) = (0.0, 0.0, 0.0);
        self.gain = Glide::UNITY;
        self.gain_db = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Latency;
    use crate::engine::testing::*;

    const MAKE: Make = |stream| Box::new(Compressor::new(stream));

    fn at(threshold: f32, ratio: f32) -> Settings {
        Settings::default().with(Id::CompThreshold, threshold).with(Id::CompRatio, ratio)
    }

    #[test]
    fn holds_what_every_effect_must() {
        check(MAKE, &[at(-30.0, 4.0), at(-60.0, 20.0)]);
        is_transparent(MAKE, &at(0.0, 4.0));
        is_transparent(MAKE, &at(-40.0, 1.0));
        keeps_the_image(MAKE, &at(-40.0, 4.0));
        changes_without_a_click(MAKE, &at(0.0, 2.0), &at(-40.0, 20.0));
        changes_without_a_click(MAKE, &at(-40.0, 1.0), &at(-20.0, 20.0));
    }

    #[test]
    fn follows_its_curve_at_every_rate() {
        for stream in streams() {
            for (threshold, ratio, gain) in
                [(-20.0, 2.0, -10.0), (-40.0, 4.0, -30.0), (-3.0, 4.0, -2.25), (-0.01, 20.0, -0.72)]
            {
                let y = tone_gain(MAKE, &stream, &at(threshold, ratio), 997.0);
                assert!((y - gain).abs() < 0.3, "{threshold} {ratio}: {y} is not {gain} {stream:?}");
            }
        }
    }

    #[test]
    fn below_the_knee_nothing_happens() {
        let stream = stream(48_000, 2, Latency::Live);
        let x = vec![sine(&stream, 300.0, 48_000).iter().map(|x| 0.1 * x).collect(); 2];
        assert!(run(&mut *settled(MAKE, &stream, &at(-16.9, 4.0)), &x, &[stream.hop]) == x);
    }

    #[test]
    fn attack_and_release_take_their_time() {
        let stream = stream(48_000, 1, Latency::Studio);
        let mut compressor = Compressor::new(&stream);
        compressor.set(&at(-20.0, 2.0));
        compressor.reset();
        let mut x = vec![sine(&stream, 2000.0, stream.samples(1.0))];
        let length = x[0].len();
        x[0][length / 2..].iter_mut().for_each(|x| *x *= 1e-3);
        let y = run(&mut compressor, &x, &[stream.hop]);
        let gain = |seconds: f32| {
            let at = stream.samples(seconds)..stream.samples(seconds + 0.001);
            gain_to_db(greatest(y[0][at.clone()].iter().copied()) / greatest(x[0][at].iter().copied()))
        };
        assert!((gain(0.005) + 6.3).abs() < 1.0, "{}", gain(0.005));
        assert!((gain(0.4) + 10.0).abs() < 0.2, "{}", gain(0.4));
        assert!((gain(0.62) + 3.7).abs() < 0.5, "{}", gain(0.62));
        assert!(compressor.gain_db() > -0.5);
    }
}
