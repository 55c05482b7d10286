use super::Stream;
use super::bands::Bands;
use super::math::{log2, sum};

/// Time (s) after which reflections count as late reverberation.
const EARLY: f32 = 0.05;

/// The power of late reverberation in every band, by the statistical room model: what was heard
/// [`EARLY`] seconds ago, decayed. Lebart, Boucher & Denbigh, Acta Acustica 87, 2001; Habets,
/// Gannot & Cohen, IEEE SPL 16(9), 2009.
pub struct LateReverb {
    hop_seconds: f32,
    smoothing: f32,
    smooth: Vec<f32>,
    /// Smoothed spectra of the last frames, a ring.
    past: Vec<Vec<f32>>,
    position: usize,
    power: Vec<f32>,
    decay: DecayTime,
    /// Set by the user, s; 0: estimated.
    fixed: f32,
}

impl LateReverb {
    /// For spectra in these bands.
    pub fn new(stream: &Stream, bands: &Bands) -> LateReverb {
        let count = bands.count();
        let frames = (stream.samples(EARLY) / stream.hop).max(1);
        LateReverb {
            hop_seconds: stream.hop as f32 / stream.rate,
            smoothing: stream.smoothing(0.02, stream.hop),
            smooth: vec![0.0; count],
            past: vec![vec![0.0; count]; frames],
            position: 0,
            power: vec![0.0; count],
            decay: DecayTime::new(stream, bands),
            fixed: 0.0,
        }
    }

    /// The room's decay time (RT60, s); 0: estimate it.
    pub fn set_decay(&mut self, seconds: f32) {
        self.fixed = seconds;
    }

    /// The decay time in use, s.
    pub fn decay(&self) -> f32 {
        if self.fixed > 0.0 { self.fixed } else { self.decay.seconds() }
    }

    /// Takes one frame: the power of the input and of the noise in it.
    pub fn update(&mut self, power: &[f32], noise: &[f32]) {
        self.decay.update(power, noise);
        // 60 dB in the decay time; the ring's oldest frame is as old as it is long.
        let age = self.past.len() as f32 * self.hop_seconds;
        let factor = 10f32.powf(-6.0 * age / self.decay());
        let Some(oldest) = self.past.get_mut(self.position) else { return };
        let rows = self.power.iter_mut().zip(oldest).zip(&mut self.smooth).zip(power).zip(noise);
        for ((((late, old), smooth), power), noise) in rows {
            *late = factor * *old;
            *smooth += (1.0 - self.smoothing) * ((power - noise).max(0.0) - *smooth);
            // Far below hearing: settle instead of going denormal.
            *smooth = if *smooth < 1e-20 { 0.0 } else { *smooth };
            *old = *smooth;
        }
        self.position = (self.position + 1) % self.past.len();
    }

    /// Power of the late reverberation in the last frame, per band.
    pub fn power(&self) -> &[f32] {
        &self.power
    }

    /// Forgets the sound and the room.
    pub fn reset(&mut self) {
        self.smooth.fill(0.0);
        self.past.iter_mut().for_each(|frame| frame.fill(0.0));
        self.power.fill(0.0);
        self.position = 0;
        self.decay.reset();
    }
}

/// Blind estimate of the decay time (RT60).
///
/// After each abrupt end of a sound, its level falls no faster than the room lets it. So the fall
/// is measured wherever the level falls steadily, and a low quantile of the times found is the
/// room's (after Ratnam et al., JASA 114(5), 2003).
struct DecayTime {
    bands: std::ops::Range<usize>,
    hop_seconds: f32,
    fast: f32,
    level: f32,
    /// The run of falling levels: count and sums for its regression line.
    count: f32,
    sum_x: f32,
    sum_xx: f32,
    sum_y: f32,
    sum_xy: f32,
    top: f32,
    bottom: f32,
    log_seconds: f32,
}

/// Runs shorter (s) or shallower (dB) than this tell nothing.
const RUN_SECONDS: f32 = 0.08;
const RUN_DECIBELS: f32 = 9.0;
/// A falling level may rise by this much (dB) in between.
const TOLERANCE: f32 = 3.0;
const QUANTILE: f32 = 0.25;
const START: f32 = 0.4;
const RANGE: (f32, f32) = (0.15, 2.0);

impl DecayTime {
    fn new(stream: &Stream, bands: &Bands) -> DecayTime {
        DecayTime {
            bands: bands.range(400.0, 4000.0),
            hop_seconds: stream.hop as f32 / stream.rate,
            fast: stream.smoothing(0.02, stream.hop),
            level: -100.0,
            count: 0.0,
            sum_x: 0.0,
            sum_xx: 0.0,
            sum_y: 0.0,
            sum_xy: 0.0,
            top: -100.0,
            bottom: -100.0,
            log_seconds: START.ln(),
        }
    }

    fn seconds(&self) -> f32 {
        self.log_seconds.exp()
    }

    fn update(&mut self, power: &[f32], noise: &[f32]) {
        let range = self.bands.clone();
        let power = sum(&power[range.clone()]);
        let floor = sum(&noise[range]);
        let decibels = |power: f32| 3.0103 * log2(power.max(1e-12));
        self.level += (1.0 - self.fast) * (decibels(power) - self.level);
        let audible = self.level > decibels(floor) + 5.0;
        if self.level < self.bottom + TOLERANCE && audible {
            let x = self.count * self.hop_seconds;
            self.count += 1.0;
            self.sum_x += x;
            self.sum_xx += x * x;
            self.sum_y += self.level;
            self.sum_xy += x * self.level;
            self.bottom = self.bottom.min(self.level);
        } else {
            self.finish_run();
            self.top = self.level;
            self.bottom = self.level;
        }
    }

    fn finish_run(&mut self) {
        let n = self.count;
        if n * self.hop_seconds >= RUN_SECONDS && self.top - self.bottom >= RUN_DECIBELS {
            let slope = (n * self.sum_xy - self.sum_x * self.sum_y) / (n * self.sum_xx - self.sum_x * self.sum_x);
            let seconds = (-60.0 / slope.min(-1.0)).clamp(RANGE.0, RANGE.1);
            // Stochastic approximation of the quantile: each run moves it a little.
            const STEP: f32 = 0.25;
            self.log_seconds +=
                if seconds.ln() < self.log_seconds { -STEP * (1.0 - QUANTILE) } else { STEP * QUANTILE };
            self.log_seconds = self.log_seconds.clamp(RANGE.0.ln(), RANGE.1.ln());
        }
        (self.count, self.sum_x, self.sum_xx, self.sum_y, self.sum_xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    }

    fn reset(&mut self) {
        self.level = -100.0;
        self.top = -100.0;
        self.bottom = -100.0;
        self.count = 0.0;
        (self.sum_x, self.sum_xx, self.sum_y, self.sum_xy) = (0.0, 0.0, 0.0, 0.0);
        self.log_seconds = START.ln();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Latency;
    use crate::engine::testing::stream;

    /// The model after 20 s of bursts of 0.2 s every 1.2 s in a room of this decay time, and the
    /// shares of the power that it took for late reverberation: in the bursts and 0.2 s later.
    fn in_a_room(seconds: f32, fixed: f32) -> (f32, f32, f32) {
        let stream = stream(48_000, 1, Latency::Studio);
        let bands = Bands::new(&stream);
        let mut reverb = LateReverb::new(&stream, &bands);
        reverb.set_decay(fixed);
        let step = stream.hop as f32 / stream.rate;
        let noise = vec![1e-9; bands.count()];
        let (mut burst, mut tail) = (0.0, 0.0);
        for frame in 0..(20.0 / step) as usize {
            let time = (frame as f32 * step) % 1.2;
            let power = if time < 0.2 { 1.0 } else { 0.5 * 10f32.powf(-6.0 * (time - 0.2) / seconds) };
            reverb.update(&vec![power + 1e-9; bands.count()], &noise);
            let share = (reverb.power()[100] / power).min(1.0);
            if (0.0..0.04).contains(&time) {
                burst = share;
            } else if (0.4..0.4 + step).contains(&time) {
                tail = share;
            }
        }
        (reverb.decay(), burst, tail)
    }

    #[test]
    fn the_decay_time_is_found() {
        for seconds in [0.25, 0.5, 1.0] {
            let (found, ..) = in_a_room(seconds, 0.0);
            assert!((found / seconds).ln().abs() < 0.35, "{seconds} {found}");
        }
    }

    #[test]
    fn a_decay_time_that_is_set_is_used() {
        assert_eq!(in_a_room(1.0, 0.3).0, 0.3);
    }

    #[test]
    fn tails_are_late_reverberation_and_onsets_are_not() {
        let (_, burst, tail) = in_a_room(0.6, 0.6);
        assert!(burst < 0.05 && tail > 0.5, "{burst} {tail}");
    }
}
