use super::smooth::{RAMP, Ramp, Segments};
use super::svf::{Shape, Svf};
use super::{Effect, Stream};
use crate::settings::{Id, Settings};

const SEGMENT: usize = 64;

/// The gains of the bands, in the order of the filters.
const BANDS: [Id; 4] = [Id::EqLow, Id::EqMid, Id::EqPresence, Id::EqAir];

/// Four bands of tone: low shelf at 150 Hz, mid bell, presence bell at 3.5 kHz, air shelf at 9 kHz.
pub struct Eq {
    rate: f32,
    filters: Svf<4>,
    /// In dB.
    gains: [Ramp; 4],
    /// log2 of the frequency of the mid bell.
    octave: Ramp,
    segments: Segments,
}

impl Eq {
    /// Starts flat.
    pub fn new(stream: &Stream) -> Self {
        let ramp = stream.samples(RAMP);
        Self {
            rate: stream.rate,
            filters: Svf::new([Shape::NEUTRAL; 4]),
            gains: [Ramp::new(0.0, ramp); 4],
            octave: Ramp::new(Id::EqMidFrequency.spec().default.log2(), ramp),
            segments: Segments::new(SEGMENT),
        }
    }

    fn is_off(&self) -> bool {
        self.gains.iter().all(|gain| gain.is_settled() && gain.value() == 0.0) && self.segments.at_start()
    }

    fn shapes(&self) -> [Shape; 4] {
        let [low, mid, presence, air] = self.gains.map(|gain| gain.value());
        let band = |frequency, gain, shape: Shape| {
            // A band above what the rate carries has nothing to do.
            if gain == 0.0 || !Shape::fits(self.rate, frequency) { Shape::NEUTRAL } else { shape }
        };
        let centre = self.octave.value().exp2();
        [
            band(150.0, low, Shape::low_shelf(self.rate, 150.0, low)),
            band(centre, mid, Shape::bell(self.rate, centre, 1.0, mid)),
            band(3500.0, presence, Shape::bell(self.rate, 3500.0, 0.8, presence)),
            band(9000.0, air, Shape::high_shelf(self.rate, 9000.0, air)),
        ]
    }
}

impl Effect for Eq {
    fn set(&mut self, settings: &Settings) {
        self.octave.set(settings[Id::EqMidFrequency].log2());
        if self.is_off() {
            self.octave.finish();
            self.filters = Svf::new(self.shapes());
        }
        for (gain, id) in self.gains.iter_mut().zip(BANDS) {
            gain.set(settings[id]);
        }
    }

    fn process(&mut self, block: &mut [Vec<f32>]) {
        let length = block.first().map_or(0, Vec::len);
        let mut done = 0;
        // Four filters in step cost hardly more than one, so it is all of them or none.
        while !self.is_off()
            && let Some(piece) = self.segments.next(done, length)
        {
            done = piece.range.end;
            if piece.offset == 0 {
                let moving = !(self.octave.is_settled() && self.gains.iter().all(Ramp::is_settled));
                self.gains.iter_mut().chain([&mut self.octave]).for_each(|ramp| {
                    ramp.advance(SEGMENT);
                });
                self.filters.begin(moving.then(|| self.shapes()), SEGMENT);
            }
            self.filters.process(block, piece.range);
        }
    }

    fn reset(&mut self) {
        self.gains.iter_mut().for_each(Ramp::finish);
        self.octave.finish();
        self.filters = Svf::new(self.shapes());
        self.segments.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::*;

    const MAKE: Make = |stream| Box::new(Eq::new(stream));

    fn bands(gains: [f32; 4]) -> Settings {
        BANDS.into_iter().zip(gains).fold(Settings::default(), |s, (id, gain)| s.with(id, gain))
    }

    #[test]
    fn holds_what_every_effect_must() {
        let busy = bands([-6.0, 9.0, 15.0, -15.0]).with(Id::EqMidFrequency, 2500.0);
        check(MAKE, &[busy, bands([15.0; 4])]);
        is_transparent(MAKE, &Settings::default().with(Id::EqMidFrequency, 1000.0));
        keeps_the_image(MAKE, &busy);
        changes_without_a_click(MAKE, &Settings::default(), &bands([-6.0, 9.0, 15.0, -15.0]));
        let mid = bands([0.0, 15.0, 0.0, 0.0]);
        changes_without_a_click(MAKE, &mid, &mid.with(Id::EqMidFrequency, 900.0));
    }

    #[test]
    fn each_band_does_what_it_says_and_nothing_elsewhere() {
        for stream in streams() {
            // Band, where it is full, where it is neutral.
            let cases = [(0, 20.0, 3000.0), (1, 400.0, 20.0), (2, 3500.0, 100.0), (3, 0.49 * stream.rate, 500.0)];
            for (band, full, neutral) in cases {
                for db in [-12.0, 6.0] {
                    let mut gains = [0.0; 4];
                    gains[band] = db;
                    let settings = bands(gains);
                    let fits = band < 3 || stream.rate >= 44_100.0;
                    let gain = tone_gain(MAKE, &stream, &settings, full);
                    assert!((gain - if fits { db } else { 0.0 }).abs() < 0.2, "{band} {gain} {db} {stream:?}");
                    let gain = tone_gain(MAKE, &stream, &settings, neutral);
                    assert!(gain.abs() < 0.2, "{band} {gain} {stream:?}");
                }
            }
        }
    }

    #[test]
    fn the_mid_bell_moves() {
        let stream = stream(48_000, 1, crate::engine::Latency::Studio);
        let settings = bands([0.0, -9.0, 0.0, 0.0]).with(Id::EqMidFrequency, 1500.0);
        assert!((tone_gain(MAKE, &stream, &settings, 1500.0) + 9.0).abs() < 0.1);
        assert!(tone_gain(MAKE, &stream, &settings, 50.0).abs() < 0.1);
    }
}
