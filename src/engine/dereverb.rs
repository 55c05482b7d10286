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
    log_seconds: f32,
}

/// Runs shorter (s) or shallower (dB) than this tell nothing.
const RUN_SECONDS: f32 = 0.08;
const RUN_DECIBELS: f32 = 12.0;
const QUANTILE: f32 = 0.25;
const START: f32 = 0.4;
const RANGE: (f32, f32) = (0.15, 2.0);

impl DecayTime {
    fn new(stream: &Stream, bands: &Bands) -> DecayTime {
        DecayTime {
            bands: bands.range(400.0, 4000.0),
            hop_seconds: stream.hop as f32 / stream.rate,
            fast: stream.smoothing(0.012, stream.hop),
            level: -100.0,
            count: 0.0,
            sum_x: 0.0,
            sum_xx: 0.0,
            sum_y: 0.0,
            sum_xy: 0.0,
            top: -100.0,
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
        let previous = self.level;
        self.level += (1.0 - self.fast) * (decibels(power) - self.level);
        let audible = self.level > decibels(floor) + 5.0;
        if self.level < previous - 0.02 && audible {
            if self.count == 0.0 {
                self.top = previous;
            }
            let x = self.count * self.hop_seconds;
            self.count += 1.0;
            self.sum_x += x;
            self.sum_xx += x * x;
            self.sum_y += self.level;
            self.sum_xy += x * self.level;
        } else {
            self.finish_run(previous);
        }
    }

    fn finish_run(&mut self, bottom: f32) {
        let n = self.count;
        if n * self.hop_seconds >= RUN_SECONDS && self.top - bottom >= RUN_DECIBELS {
            let slope = (n * self.sum_xy - self.sum_x * self.sum_y) / (n * self.sum_xx - self.sum_x * self.sum_x);
            let seconds = (-60.0 / slope.min(-1.0)).clamp(RANGE.0, RANGE.1);
            // Stochastic approximation of the quantile: each run moves it a little.
            const STEP: f32 = 0.12;
            self.log_seconds +=
                if seconds.ln() < self.log_seconds { -STEP * (1.0 - QUANTILE) } else { STEP * QUANTILE };
            self.log_seconds = self.log_seconds.clamp(RANGE.0.ln(), RANGE.1.ln());
        }
        (self.count, self.sum_x, self.sum_xx, self.sum_y, self.sum_xy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    }

    fn reset(&mut self) {
        self.level = -100.0;
        self.top = -100.0;
        self.count = 0.0;
        (self.sum_x, self.sum_xx, self.sum_y, self.sum_xy) = (0.0, 0.0, 0.0, 0.0);
        self.log_seconds = START.ln();
    }
}
