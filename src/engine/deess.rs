use super::smooth::{Glide, RAMP, Ramp, Segments, db_to_gain, gain_to_db, power_to_db};
use super::svf::{Shape, Svf};
use super::true_peak::greatest;
use super::{Effect, Stream};
use crate::settings::{Id, Settings};

/// Sibilance is a band that is louder than the rest of the voice less this, in dB.
const BALANCE: f32 = -6.0;
/// How far sibilance must stand out of the steady hiss in its band, in dB.
const PROMINENCE: f32 = 9.0;
/// Time constants, in seconds: level of the band and of the rest, the cut, the steady hiss.
const BAND: f32 = 0.001;
const REST: f32 = 0.005;
const ATTACK: f32 = 0.001;
const RELEASE: f32 = 0.06;
const HISS_FALL: f32 = 0.1;
const HISS_RISE: f32 = 2.0;
/// Hiss below this level, in dB, is silence.
const SILENCE: f32 = -100.0;
/// Cuts below this, in dB, are over.
const INAUDIBLE: f32 = 1e-4;

/// Turns sharp s sounds down: only the band above a frequency, only while it stands out.
///
/// What counts is the level of the band against that of the rest, so that quiet and loud voices
/// are treated alike; and against the steady hiss in the band, which is not sibilance.
pub struct Deess {
    rate: f32,
    /// The most that is cut, in dB; 0 is off.
    most: Ramp,
    /// log2 of where the band begins.
    octave: Ramp,
    filter: Svf<1>,
    band: Vec<Vec<f32>>,
    segments: Segments,
    detector: Detector,
    /// Gain of the band in this segment.
    gain: Glide,
    gain_db: f32,
}

impl Deess {
    /// Starts switched off.
    pub fn new(stream: &Stream) -> Self {
        let segment = 4 * (stream.rate / 6000.0).round() as usize;
        let ramp = stream.samples(RAMP);
        Self {
            rate: stream.rate,
            most: Ramp::new(0.0, ramp),
            octave: Ramp::new(Id::DeessFrequency.spec().default.log2(), ramp),
            filter: Svf::new([Shape::NEUTRAL]),
            band: stream.block(stream.hop),
            segments: Segments::new(segment),
            detector: Detector::new(stream, segment),
            gain: Glide::UNITY,
            gain_db: 0.0,
        }
    }

    /// The lowest gain of the band in the last block, in dB.
    pub fn gain_db(&self) -> f32 {
        self.gain_db
    }

    fn is_off(&self) -> bool {
        self.most.is_settled() && self.most.value() == 0.0 && self.gain.is_unity() && self.segments.at_start()
    }

    fn shape(&self) -> Shape {
        Shape::upper_band(self.rate, self.octave.value().exp2())
    }

    /// Forgets the past.
    fn start(&mut self) {
        self.filter = Svf::new([self.shape()]);
        self.detector.start();
    }
}

impl Effect for Deess {
    fn set(&mut self, settings: &Settings) {
        let frequency = settings[Id::DeessFrequency];
        self.octave.set(frequency.log2());
        if self.is_off() {
            self.octave.finish();
            self.start();
        }
        self.most.set(if Shape::fits(self.rate, frequency) { settings[Id::Deess] } else { 0.0 });
    }

    fn process(&mut self, block: &mut [Vec<f32>]) {
        let length = block.first().map_or(0, Vec::len);
        for (band, block) in self.band.iter_mut().zip(block.iter()) {
            band.clear();
            band.extend_from_slice(block);
        }
        let mut done = 0;
        let mut lowest = 1f32;
        while !self.is_off()
            && let Some(piece) = self.segments.next(done, length)
        {
            done = piece.range.end;
            if piece.offset == 0 {
                let moving = !self.octave.is_settled();
                self.octave.advance(self.segments.length());
                self.filter.begin(moving.then(|| [self.shape()]), self.segments.length());
            }
            self.filter.process(&mut self.band, piece.range.clone());
            lowest = lowest.min(self.gain.lowest());
            for (block, band) in block.iter_mut().zip(&self.band) {
                let range = piece.range.clone();
                let (Some(block), Some(band)) = (block.get_mut(range.clone()), band.get(range)) else { continue };
                self.detector.listen(block, band);
                if !self.gain.is_unity() {
                    for (i, (x, band)) in block.iter_mut().zip(band).enumerate() {
                        *x -= (1.0 - self.gain.at(piece.offset + i)) * band;
                    }
                }
            }
            if piece.ends {
                let most = self.most.advance(self.segments.length());
                self.gain = self.gain.then(db_to_gain(-self.detector.cut(most)), self.segments.length());
            }
        }
        self.gain_db = gain_to_db(lowest);
    }

    fn reset(&mut self) {
        self.most.finish();
        self.octave.finish();
        self.segments.reset();
        self.start();
        self.gain = Glide::UNITY;
        self.gain_db = 0.0;
    }
}

/// Finds sibilance and says how much of it is to be cut.
struct Detector {
    /// Peaks of the band and of the rest in this segment.
    peaks: [f32; 2],
    /// Powers of the band and of the rest, smoothed.
    band: f32,
    rest: f32,
    /// Level of the steady hiss in the band, in dB.
    hiss: f32,
    /// The cut, in dB.
    cut: f32,
    keep: Keep,
}

/// How much of each smoothed value is kept from one segment to the next.
struct Keep {
    band: f32,
    rest: f32,
    attack: f32,
    release: f32,
    hiss_fall: f32,
    hiss_rise: f32,
}

impl Detector {
    fn new(stream: &Stream, segment: usize) -> Detector {
        let keep = |seconds| stream.smoothing(seconds, segment);
        Detector {
            peaks: [0.0; 2],
            band: 0.0,
            rest: 0.0,
            hiss: 0.0,
            cut: 0.0,
            keep: Keep {
                band: keep(BAND),
                rest: keep(REST),
                attack: keep(ATTACK),
                release: keep(RELEASE),
                hiss_fall: keep(HISS_FALL),
                hiss_rise: keep(HISS_RISE),
            },
        }
    }

    fn start(&mut self) {
        self.peaks = [0.0; 2];
        (self.band, self.rest, self.cut) = (0.0, 0.0, 0.0);
        // From above the true level is found soon; from below it would take a while.
        self.hiss = 0.0;
    }

    /// Takes in a part of a segment of one channel.
    fn listen(&mut self, block: &[f32], band: &[f32]) {
        let rest = block.iter().zip(band).map(|(x, band)| x - band);
        self.peaks[0] = self.peaks[0].max(greatest(band.iter().copied()));
        self.peaks[1] = self.peaks[1].max(greatest(rest));
    }

    /// Ends a segment: gives the cut in dB, at most `most`.
    fn cut(&mut self, most: f32) -> f32 {
        let [band, rest] = self.peaks.map(|peak| peak.min(1e15).powi(2));
        self.peaks = [0.0; 2];
        self.band = band + (self.band - band) * self.keep.band;
        self.rest = rest.max(rest + (self.rest - rest) * self.keep.rest);
        let level = power_to_db(self.band);
        let keep = if level < self.hiss { self.keep.hiss_fall } else { self.keep.hiss_rise };
        self.hiss = (level + (self.hiss - level) * keep).max(SILENCE);
        let excess = (level - power_to_db(self.rest) - BALANCE).min(level - self.hiss - PROMINENCE);
        let wanted = excess.min(most).max(0.0);
        let keep = if wanted > self.cut { self.keep.attack } else { self.keep.release };
        self.cut = wanted + (self.cut - wanted) * keep;
        if self.cut < INAUDIBLE {
            self.cut = 0.0;
        }
        self.cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Latency;
    use crate::engine::testing::*;

    const MAKE: Make = |stream| Box::new(Deess::new(stream));

    fn at(most: f32, frequency: f32) -> Settings {
        Settings::default().with(Id::Deess, most).with(Id::DeessFrequency, frequency)
    }

    /// Half a second of a vowel, then 120 ms of a sharp s, over and over; and where the s sounds.
    fn speech(stream: &Stream, seconds: f32) -> (Vec<f32>, Vec<bool>) {
        let length = stream.samples(seconds);
        let hiss = noise(length, 3);
        let mut vowel = vec![0.0; length];
        for k in 1..=20 {
            let tone = sine(stream, 150.0 * k as f32, length);
            vowel.iter_mut().zip(tone).for_each(|(x, tone)| *x += 0.3 * tone / (k * k) as f32);
        }
        let mut sharp = vec![hiss];
        let mut filter = Svf::new([Shape::high_pass(stream.rate, 6000.0, 1.0); 2]);
        filter.process(&mut sharp, 0..length);
        let period = stream.samples(0.62);
        let is_s: Vec<bool> = (0..length).map(|i| i % period >= stream.samples(0.5)).collect();
        let x = (0..length).map(|i| if is_s[i] { 0.2 * sharp[0][i] } else { vowel[i] } + 1e-4 * sharp[0][i]);
        (x.collect(), is_s)
    }

    /// The change of the energy above 5 kHz in dB, where `chosen`.
    fn change(stream: &Stream, x: &[f32], y: &[f32], chosen: impl Fn(usize) -> bool) -> f32 {
        let energy = |x: &[f32]| {
            let mut high = vec![x.to_vec()];
            Svf::new([Shape::high_pass(stream.rate, 6000.0, 1.0); 2]).process(&mut high, 0..x.len());
            high[0].iter().enumerate().filter(|(i, _)| chosen(*i)).map(|(_, x)| x * x).sum::<f32>()
        };
        power_to_db(energy(y) / energy(x))
    }

    #[test]
    fn holds_what_every_effect_must() {
        check(MAKE, &[at(12.0, 5500.0), at(18.0, 3000.0)]);
        is_transparent(MAKE, &at(0.0, 4000.0));
        keeps_the_image(MAKE, &at(12.0, 4000.0));
        changes_without_a_click(MAKE, &at(0.0, 5500.0), &at(18.0, 3000.0));
        changes_without_a_click(MAKE, &at(18.0, 10_000.0), &at(6.0, 3000.0));
    }

    #[test]
    fn cuts_sibilance_at_any_level_and_leaves_vowels() {
        for rate in [16_000, 44_100, 48_000, 192_000] {
            let stream = stream(rate, 1, Latency::Live);
            let (x, is_s) = speech(&stream, 3.0);
            for level in [0.01, 0.1, 1.0] {
                let x: Vec<f32> = x.iter().map(|x| level * x).collect();
                let y =
                    &run(&mut *settled(MAKE, &stream, &at(9.0, 5000.0)), std::slice::from_ref(&x), &[stream.hop])[0];
                let late = |i: usize| i > stream.samples(1.0);
                let cut = change(&stream, &x, y, |i| late(i) && is_s[i]);
                assert!((-9.0..-5.0).contains(&cut), "{cut} at {level} {stream:?}");
                let settled_vowel = |i: usize| late(i) && !is_s[i - stream.samples(0.2)] && !is_s[i];
                let taken: f32 = (0..x.len()).filter(|&i| settled_vowel(i)).map(|i| (x[i] - y[i]).powi(2)).sum();
                let vowel: f32 = (0..x.len()).filter(|&i| settled_vowel(i)).map(|i| x[i].powi(2)).sum();
                assert!(power_to_db(taken / vowel) < -40.0, "{stream:?}");
            }
        }
    }

    #[test]
    fn steady_hiss_is_no_sibilance() {
        let stream = stream(48_000, 1, Latency::Studio);
        let x = vec![noise(stream.samples(3.0), 9).iter().map(|x| 0.05 * x).collect::<Vec<_>>()];
        let y = run(&mut *settled(MAKE, &stream, &at(12.0, 5500.0)), &x, &[stream.hop]);
        let cut = change(&stream, &x[0], &y[0], |i| i > stream.samples(0.5));
        assert!(cut > -0.2, "{cut}");
    }

    #[test]
    fn never_cuts_more_than_it_may() {
        let stream = stream(48_000, 1, Latency::Studio);
        let (x, _) = speech(&stream, 2.0);
        let mut deess = Deess::new(&stream);
        deess.set(&at(4.0, 5000.0));
        deess.reset();
        let mut lowest = 0f32;
        for x in x.chunks(stream.hop) {
            deess.process(&mut [x.to_vec()]);
            lowest = lowest.min(deess.gain_db());
        }
        assert!((lowest + 4.0).abs() < 0.1, "{lowest}");
    }
}
