use super::smooth::{Glide, Piece, RAMP, Ramp, Segments, db_to_gain, gain_to_db};
use super::true_peak::{TruePeak, greatest};
use super::{Effect, Latency, Stream};
use crate::settings::{Id, Settings};

/// How far the limiter looks ahead, in seconds.
const LOOK_AHEAD_LIVE: f32 = 0.0010;
const LOOK_AHEAD_STUDIO: f32 = 0.0015;
/// Time constant of the way back, in seconds.
const RELEASE: f32 = 0.08;
/// Reductions below this, in dB, are over.
const INAUDIBLE: f32 = 1e-4;

/// Keeps the true peak below the ceiling: a look-ahead limiter.
///
/// It works in segments of about a sixth of a millisecond. The true peak of each says by how many
/// dB it must be turned down. This is held over the look-ahead, then averaged over the look-ahead,
/// so that the gain glides down in time and arrives just when the peak does. Below the ceiling the
/// sound is not touched.
pub struct Limiter {
    ceiling: Ramp,
    detector: TruePeak,
    segments: Segments,
    latency: usize,
    /// The last `latency` samples, then the block.
    line: Vec<Vec<f32>>,
    /// What the last segments want, in dB, oldest first: reduction, and ceiling as a factor.
    wanted: Vec<(f32, f32)>,
    /// The reductions after hold and release, in dB, oldest first.
    held: Vec<f32>,
    /// Weights of the average over `held`.
    weights: Vec<f32>,
    release: f32,
    /// Gain of the segment that is going out.
    gain: Glide,
    gain_db: f32,
}

impl Limiter {
    /// Starts at the default ceiling.
    pub fn new(stream: &Stream) -> Self {
        let segment = 4 * (stream.rate / 24_000.0).round().max(1.0) as usize;
        let seconds = match stream.latency {
            Latency::Live => LOOK_AHEAD_LIVE,
            Latency::Studio => LOOK_AHEAD_STUDIO,
        };
        // One segment is gathered before it is measured, and the measurement reaches beyond it.
        let free = stream.rate * seconds - (segment + TruePeak::REACH) as f32;
        let ahead = (free / segment as f32).round().max(2.0) as usize;
        let latency = (ahead + 1) * segment + TruePeak::REACH;
        let hann: Vec<f32> =
            (1..=ahead).map(|i| (std::f32::consts::PI * i as f32 / (ahead + 1) as f32).sin().powi(2)).collect();
        let sum: f32 = hann.iter().sum();
        let ceiling = Id::Ceiling.spec().default;
        Self {
            ceiling: Ramp::new(ceiling, stream.samples(RAMP)),
            detector: TruePeak::new(stream.rate, segment),
            segments: Segments::new(segment),
            latency,
            line: stream.block(latency + stream.hop),
            wanted: vec![(0.0, db_to_gain(ceiling)); ahead + 1],
            held: vec![0.0; ahead],
            weights: hann.iter().map(|w| w / sum).collect(),
            release: stream.smoothing(RELEASE, segment),
            gain: Glide::UNITY,
            gain_db: 0.0,
        }
    }

    /// The lowest gain of the last block, in dB.
    pub fn gain_db(&self) -> f32 {
        self.gain_db
    }

    /// Takes in the segment that ends at `end` in the line, and moves on by one segment.
    fn measure(&mut self, end: usize) {
        let ceiling = db_to_gain(self.ceiling.advance(self.segments.length()));
        let start = end.saturating_sub(self.segments.length() + 2 * TruePeak::REACH);
        let mut peak = 0f32;
        for line in &self.line {
            let x = line.get(start..end).unwrap_or_default();
            let bound = greatest(x.iter().copied()) * self.detector.worst();
            // The filter is the dearest part; most of the time it isn't needed.
            if bound > ceiling && bound > peak {
                peak = peak.max(self.detector.measure(x));
            }
        }
        let reduction = gain_to_db(peak.min(1e20) / ceiling).max(0.0);
        push(&mut self.wanted, (reduction, ceiling));
        let released = self.held.last().map_or(0.0, |last| last * self.release);
        let released = if released < INAUDIBLE { 0.0 } else { released };
        push(&mut self.held, self.wanted.iter().fold(released, |held, wanted| held.max(wanted.0)));
        let smooth: f32 = self.held.iter().zip(&self.weights).map(|(held, weight)| held * weight).sum();
        self.gain = self.gain.then(db_to_gain(-smooth), self.segments.length());
    }

    /// Puts out a part of a block that lies within one segment.
    fn put_out(&self, block: &mut [Vec<f32>], piece: &Piece) {
        let ceiling = self.wanted.first().map_or(1.0, |wanted| wanted.1);
        for (out, line) in block.iter_mut().zip(&self.line) {
            let (Some(out), Some(line)) = (out.get_mut(piece.range.clone()), line.get(piece.range.clone())) else {
                continue;
            };
            if self.gain.is_unity() {
                out.copy_from_slice(line);
                continue;
            }
            for (i, (y, x)) in out.iter_mut().zip(line).enumerate() {
                // The clamp is for rounding, and for waves that no filter can foresee.
                *y = (x * self.gain.at(piece.offset + i)).clamp(-ceiling, ceiling);
            }
        }
    }
}

/// Drops the oldest and appends the newest.
fn push<T>(queue: &mut [T], newest: T) {
    queue.rotate_left(1);
    if let Some(last) = queue.last_mut() {
        *last = newest;
    }
}

impl Effect for Limiter {
    fn set(&mut self, settings: &Settings) {
        self.ceiling.set(settings[Id::Ceiling]);
    }

    fn process(&mut self, block: &mut [Vec<f32>]) {
        let length = block.first().map_or(0, Vec::len);
        for (line, block) in self.line.iter_mut().zip(block.iter()) {
            if let Some(new) = line.get_mut(self.latency..self.latency + length) {
                new.copy_from_slice(block);
            }
        }
        let mut done = 0;
        let mut lowest = 1f32;
        while let Some(piece) = self.segments.next(done, length) {
            done = piece.range.end;
            lowest = lowest.min(self.gain.lowest());
            self.put_out(block, &piece);
            if piece.ends {
                self.measure(self.latency + done);
            }
        }
        for line in &mut self.line {
            line.copy_within(length..length + self.latency, 0);
        }
        self.gain_db = gain_to_db(lowest);
    }

    fn reset(&mut self) {
        self.ceiling.finish();
        self.segments.reset();
        self.line.iter_mut().for_each(|line| line.fill(0.0));
        self.wanted.fill((0.0, db_to_gain(self.ceiling.value())));
        self.held.fill(0.0);
        self.gain = Glide::UNITY;
        self.gain_db = 0.0;
    }

    fn latency(&self) -> usize {
        self.latency
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::*;

    const MAKE: Make = |stream| Box::new(Limiter::new(stream));

    fn at(ceiling: f32) -> Settings {
        Settings::default().with(Id::Ceiling, ceiling)
    }

    fn scaled(x: &[f32], gain: f32) -> Vec<f32> {
        x.iter().map(|x| x * gain).collect()
    }

    /// A sinc in a Hann window, this many samples to either side.
    const WIDTH: usize = 64;

    /// True peak by 8 times oversampling.
    fn true_peak(x: &[f32]) -> f32 {
        let mut peak = greatest(x.iter().copied());
        for p in 1..8 {
            let taps: Vec<f32> = (0..2 * WIDTH)
                .map(|k| {
                    let t = std::f64::consts::PI * (k as f64 + 1.0 - WIDTH as f64 - f64::from(p) / 8.0);
                    ((0.5 + 0.5 * (t / WIDTH as f64).cos()) * t.sin() / t) as f32
                })
                .collect();
            let between = x.windows(2 * WIDTH).map(|x| x.iter().zip(&taps).map(|(x, tap)| x * tap).sum());
            peak = peak.max(greatest(between));
        }
        peak
    }

    /// Cuts a signal off above this part of the rate, steeply.
    fn below(x: &[f32], part: f32) -> Vec<f32> {
        let taps: Vec<f32> = (0..255)
            .map(|k| {
                let t = std::f32::consts::PI * (k as f32 - 127.0);
                let window = 0.42 + 0.5 * (t / 128.0).cos() + 0.08 * (t / 64.0).cos();
                window * if k == 127 { 2.0 * part } else { (2.0 * part * t).sin() / t }
            })
            .collect();
        x.windows(255).map(|x| x.iter().zip(&taps).map(|(x, tap)| x * tap).sum()).collect()
    }

    fn assert_limited(stream: &Stream, ceiling: f32, x: Vec<f32>, name: &str) {
        let y = run(&mut *settled(MAKE, stream, &at(ceiling)), &[x], &[stream.hop]);
        let sample = gain_to_db(greatest(y[0].iter().copied()));
        let peak = gain_to_db(true_peak(&y[0]));
        assert!(sample <= ceiling + 1e-4, "{name}: sample peak {sample} {stream:?}");
        assert!(peak <= ceiling + 0.1, "{name}: true peak {peak} {stream:?}");
    }

    #[test]
    fn holds_what_every_effect_must() {
        check(MAKE, &[at(-1.0), at(-18.0)]);
        is_transparent(MAKE, &at(0.0));
        keeps_the_image(MAKE, &at(-12.0));
        changes_without_a_click(MAKE, &at(0.0), &at(-18.0));
        changes_without_a_click(MAKE, &at(-3.0), &at(-1.0));
    }

    #[test]
    fn no_true_peak_passes_the_ceiling() {
        for stream in streams().map(|stream| Stream { channels: 1, ..stream }) {
            // What a recording can hold: up to 20 kHz, and not quite half the rate.
            let heard = |x: &[f32]| below(x, 0.42f32.min(20_000.0 / stream.rate));
            let length = stream.samples(0.4);
            let white = noise(length, 11);
            let dull = heard(&white);
            let full = scaled(&dull, 1.0 / greatest(dull.iter().copied()));
            assert_limited(&stream, -1.0, scaled(&full, 1e4), "blast");
            assert_limited(&stream, -1.0, full, "noise");
            assert_limited(&stream, -3.0, scaled(&heard(&syllables(&stream, 0.4)[0]), 15.0), "speech");
            let clicks: Vec<f32> = white.iter().map(|x| if x.abs() > 0.99 { 4.0 * x.signum() } else { 0.0 }).collect();
            assert_limited(&stream, -1.0, heard(&clicks), "clicks");
            let square: Vec<f32> = sine(&stream, 441.0, length).iter().map(|x| x.signum()).collect();
            assert_limited(&stream, -1.0, heard(&square), "square");
            if stream.rate < 50_000.0 {
                // The samples of this sine miss its tops by 3 dB.
                let quarter = (0..length).map(|i| [1.0, 1.0, -1.0, -1.0][i % 4]).collect();
                assert_limited(&stream, -1.0, quarter, "quarter");
            }
        }
    }

    /// Raw noise and squares reach up to half the rate, where no short filter sees: here the common
    /// meter is the judge.
    #[test]
    fn the_common_meter_agrees_on_any_signal() {
        for stream in streams().map(|stream| Stream { channels: 1, ..stream }).filter(|stream| stream.rate < 50_000.0) {
            let length = stream.samples(0.4);
            let square = sine(&stream, 441.0, length).iter().map(|x| x.signum()).collect();
            for (name, x) in [("noise", noise(length, 11)), ("square", square)] {
                let y = run(&mut *settled(MAKE, &stream, &at(-1.0)), &[x], &[stream.hop]);
                let mut meter = ebur128::EbuR128::new(1, stream.rate as u32, ebur128::Mode::TRUE_PEAK).unwrap();
                meter.add_frames_f32(&y[0]).unwrap();
                let peak = gain_to_db(meter.true_peak(0).unwrap() as f32);
                assert!(peak <= -1.0, "{name}: {peak} {stream:?}");
            }
        }
    }

    #[test]
    fn looks_ahead_as_far_as_it_says() {
        for rate in RATES {
            for (latency, ms) in [(Latency::Live, 1.0), (Latency::Studio, 1.5)] {
                let stream = stream(rate, 1, latency);
                let delay = Limiter::new(&stream).latency() as f32 / stream.rate * 1000.0;
                // The filter alone takes a millisecond at 8 kHz.
                assert!((delay - ms).abs() < if rate < 20_000 { 1.6 } else { 0.1 }, "{delay} {stream:?}");
            }
        }
        let stream = stream(48_000, 1, Latency::Live);
        assert_eq!(Limiter::new(&stream).latency(), 48);
    }

    #[test]
    fn recovers_and_then_leaves_the_sound_alone() {
        let stream = stream(48_000, 1, Latency::Studio);
        let mut limiter = Limiter::new(&stream);
        let loud = scaled(&sine(&stream, 1000.0, stream.hop * 10), 4.0);
        run(&mut limiter, &[loud], &[stream.hop]);
        assert!((limiter.gain_db() + 13.04).abs() < 0.1, "{}", limiter.gain_db());
        let x = vec![scaled(&sine(&stream, 300.0, stream.samples(2.0)), 0.5)];
        let y = run(&mut limiter, &x, &[stream.hop]);
        assert_eq!(limiter.gain_db(), 0.0);
        let (start, latency) = (stream.samples(1.5), limiter.latency());
        assert!(y[0][start + latency..] == x[0][start..x[0].len() - latency]);
    }
}
