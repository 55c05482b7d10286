use super::smooth::{RAMP, Ramp, Segments};
use super::svf::{Shape, Svf};
use super::{Effect, Stream};
use crate::settings::{Id, Settings};

const SEGMENT: usize = 32;

/// Removes rumble: a Butterworth high-pass of 12 dB per octave.
pub struct LowCut {
    rate: f32,
    filter: Svf<1>,
    /// How much of the filter is heard, 0 to 1: fades it in and out.
    amount: Ramp,
    /// log2 of the cutoff.
    octave: Ramp,
    segments: Segments,
}

impl LowCut {
    /// Starts switched off.
    pub fn new(stream: &Stream) -> Self {
        let ramp = stream.samples(RAMP);
        Self {
            rate: stream.rate,
            filter: Svf::new([Shape::NEUTRAL]),
            amount: Ramp::new(0.0, ramp),
            octave: Ramp::new(Id::LowCut.spec().min.log2(), ramp),
            segments: Segments::new(SEGMENT),
        }
    }

    fn is_off(&self) -> bool {
        self.amount.is_settled() && self.amount.value() == 0.0 && self.segments.at_start()
    }

    fn shape(&self) -> Shape {
        Shape::high_pass(self.rate, self.octave.value().exp2(), self.amount.value())
    }
}

impl Effect for LowCut {
    fn set(&mut self, settings: &Settings) {
        let cutoff = settings[Id::LowCut];
        let on = cutoff > Id::LowCut.spec().min;
        if on {
            self.octave.set(cutoff.log2());
            if self.is_off() {
                self.octave.finish();
                self.filter = Svf::new([self.shape()]);
            }
        }
        // On the way out the cutoff stays where it is.
        self.amount.set(if on { 1.0 } else { 0.0 });
    }

    fn process(&mut self, block: &mut [Vec<f32>]) {
        let length = block.first().map_or(0, Vec::len);
        let mut done = 0;
        while !self.is_off()
            && let Some(piece) = self.segments.next(done, length)
        {
            done = piece.range.end;
            if piece.offset == 0 {
                let moving = !(self.amount.is_settled() && self.octave.is_settled());
                self.amount.advance(SEGMENT);
                self.octave.advance(SEGMENT);
                self.filter.begin(moving.then(|| [self.shape()]), SEGMENT);
            }
            self.filter.process(block, piece.range);
        }
    }

    fn reset(&mut self) {
        self.amount.finish();
        self.octave.finish();
        self.filter = Svf::new([self.shape()]);
        self.segments.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::*;

    const MAKE: Make = |stream| Box::new(LowCut::new(stream));

    fn at(cutoff: f32) -> Settings {
        Settings::default().with(Id::LowCut, cutoff)
    }

    #[test]
    fn holds_what_every_effect_must() {
        check(MAKE, &[at(80.0), at(400.0)]);
        is_transparent(MAKE, &at(10.0));
        keeps_the_image(MAKE, &at(120.0));
        changes_without_a_click(MAKE, &at(10.0), &at(80.0));
        changes_without_a_click(MAKE, &at(20.0), &at(400.0));
    }

    #[test]
    fn cuts_12_db_per_octave_below_the_cutoff() {
        for stream in streams() {
            for (frequency, gain) in [(100.0, -12.3), (200.0, -3.0), (2000.0, 0.0)] {
                assert!((tone_gain(MAKE, &stream, &at(200.0), frequency) - gain).abs() < 0.2);
            }
        }
    }

    #[test]
    fn off_again_it_is_transparent_again() {
        let stream = stream(48_000, 1, crate::engine::Latency::Live);
        let x = syllables(&stream, 0.2);
        let mut effect = settled(MAKE, &stream, &at(100.0));
        run(&mut *effect, &x, &[stream.hop]);
        effect.set(&at(10.0));
        run(&mut *effect, &x, &[stream.hop]);
        assert!(run(&mut *effect, &x, &[stream.hop]) == x);
    }
}
