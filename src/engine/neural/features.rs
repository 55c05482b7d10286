//! What RNNoise's network hears: cepstrum, its changes, pitch and periodicity of each frame.

use super::FRAME;
use super::bands::{BANDS, correlate};
use super::network::FEATURES;
use super::pitch::{MAX_PERIOD, Pitch};
use crate::engine::math::boxed;
use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};
use std::f64::consts::PI;
use std::sync::Arc;

/// Length of the analysis window: two frames.
pub(super) const WINDOW: usize = 2 * FRAME;
/// Bins of 50 Hz, both ends included.
pub(super) const BINS: usize = FRAME + 1;
/// The model works on the scale of 16-bit samples.
pub(super) const FULL_SCALE: f32 = 32768.0;
const HISTORY: usize = WINDOW + MAX_PERIOD;
const CEPSTRA: usize = 8;
const DELTAS: usize = 6;

/// The window of Vorbis, divided: its squares add up to one at half overlap.
pub(super) fn window(divisor: f32) -> Box<[f32; WINDOW]> {
    let mut window = boxed(0.0);
    for (i, w) in window.iter_mut().enumerate() {
        let sin = (PI * (i as f64 + 0.5) / WINDOW as f64).sin();
        *w = (0.5 * PI * sin * sin).sin() as f32 / divisor;
    }
    window
}

#[derive(Clone)]
pub(super) struct Features {
    highpass: HighPass,
    history: Box<[f32; HISTORY]>,
    analysis: Spectrum,
    pitch: Pitch,
    /// Spectrum of the last two frames, below 20 kHz and above.
    pub x: Box<[Complex32; BINS]>,
    /// The same, one pitch period earlier.
    pub p: Box<[Complex32; BINS]>,
    /// Energies of the bands of `x`.
    pub x_energy: [f32; BANDS],
    /// Energies of the bands of `p`.
    pub p_energy: [f32; BANDS],
    /// Correlation of `x` and `p` in the bands, -1..1.
    pub coherence: [f32; BANDS],
    /// A ring of the last cepstra, and the distances between all of them.
    cepstra: [[f32; BANDS]; CEPSTRA],
    distances: [[f32; CEPSTRA]; CEPSTRA],
    next: usize,
    dct: [[f32; BANDS]; BANDS],
}

impl Features {
    pub fn new() -> Features {
        let dct = |j: usize, i: usize| {
            let scale = if i == 0 { 0.5f64.sqrt() } else { 1.0 };
            let cos = ((j as f64 + 0.5) * i as f64 * PI / BANDS as f64).cos();
            (cos * scale * (2.0 / BANDS as f64).sqrt()) as f32
        };
        Features {
            highpass: HighPass::default(),
            history: boxed(0.0),
            analysis: Spectrum::new(),
            pitch: Pitch::new(),
            x: boxed(Complex32::ZERO),
            p: boxed(Complex32::ZERO),
            x_energy: [0.0; BANDS],
            p_energy: [0.0; BANDS],
            coherence: [0.0; BANDS],
            cepstra: [[0.0; BANDS]; CEPSTRA],
            distances: [[0.0; CEPSTRA]; CEPSTRA],
            next: 0,
            dct: std::array::from_fn(|j| std::array::from_fn(|i| dct(j, i))),
        }
    }

    pub fn reset(&mut self) {
        self.highpass = HighPass::default();
        self.history.fill(0.0);
        self.pitch.reset();
        self.cepstra = [[0.0; BANDS]; CEPSTRA];
        self.distances = [[0.0; CEPSTRA]; CEPSTRA];
        self.next = 0;
    }

    /// Features of the last two frames; `None` where they are silent.
    pub fn run(&mut self, frame: &[f32; FRAME]) -> Option<[f32; FEATURES]> {
        self.history.copy_within(FRAME.., 0);
        let new = HISTORY - FRAME;
        self.highpass.run(frame, &mut self.history[new..]);

        self.analysis.run(&self.history[MAX_PERIOD..], &mut self.x);
        let period = self.pitch.find(&self.history);
        self.analysis.run(&self.history[MAX_PERIOD - period.min(MAX_PERIOD)..], &mut self.p);

        self.x_energy = correlate(&*self.x, &*self.x);
        self.p_energy = correlate(&*self.p, &*self.p);
        self.coherence = correlate(&*self.x, &*self.p);
        for band in 0..BANDS {
            self.coherence[band] /= (0.001 + self.x_energy[band] * self.p_energy[band]).sqrt();
        }
        // Too quiet to learn from.
        if self.x_energy.iter().sum::<f32>() < 0.04 {
            return None;
        }

        let mut features = [0.0; FEATURES];
        let [now, last, before] = self.add_cepstrum();
        features[..BANDS].copy_from_slice(&now);
        for i in 0..DELTAS {
            features[i] = now[i] + last[i] + before[i];
            features[BANDS + i] = now[i] - before[i];
            features[BANDS + DELTAS + i] = now[i] - 2.0 * last[i] + before[i];
        }
        let rest = &mut features[BANDS + 2 * DELTAS..];
        rest[..DELTAS].copy_from_slice(&self.dct(&self.coherence)[..DELTAS]);
        rest[0] -= 1.3;
        rest[1] -= 0.9;
        rest[DELTAS] = 0.01 * (period as f32 - 300.0);
        rest[DELTAS + 1] = self.variability() - 2.1;
        Some(features)
    }

    /// The cepstrum of the present frame and those of the last two.
    fn add_cepstrum(&mut self) -> [[f32; BANDS]; 3] {
        let mut logs = [0.0; BANDS];
        let (mut max, mut follow) = (-2.0f32, -2.0f32);
        for (log, energy) in logs.iter_mut().zip(&self.x_energy) {
            // No band may fall too far below its neighbour or the loudest.
            *log = (1e-2 + energy).log10().max(max - 7.0).max(follow - 1.5);
            max = max.max(*log);
            follow = (follow - 1.5).max(*log);
        }
        let mut cepstrum = self.dct(&logs);
        cepstrum[0] -= 12.0;
        cepstrum[1] -= 4.0;

        let now = self.next;
        self.next = (now + 1) % CEPSTRA;
        self.cepstra[now] = cepstrum;
        for other in 0..CEPSTRA {
            let pairs = self.cepstra[other].iter().zip(&cepstrum);
            let distance = pairs.map(|(a, b)| (a - b) * (a - b)).sum();
            self.distances[now][other] = distance;
            self.distances[other][now] = distance;
        }
        let ago = |frames: usize| self.cepstra[(now + CEPSTRA - frames) % CEPSTRA];
        [cepstrum, ago(1), ago(2)]
    }

    /// Mean distance of each of the last cepstra to its nearest one.
    fn variability(&self) -> f32 {
        let nearest = |i: usize| {
            let others = (0..CEPSTRA).filter(|&j| j != i);
            others.map(|j| self.distances[i][j]).fold(1e15, f32::min)
        };
        (0..CEPSTRA).map(nearest).sum::<f32>() / CEPSTRA as f32
    }

    fn dct(&self, values: &[f32; BANDS]) -> [f32; BANDS] {
        let mut out = [0.0; BANDS];
        for (value, row) in values.iter().zip(&self.dct) {
            for (out, cos) in out.iter_mut().zip(row) {
                *out += value * cos;
            }
        }
        out
    }
}

/// Removes what lies below speech, and turns full scale into 16-bit scale. -3 dB at 30 Hz.
///
/// The memory is rounded as in the reference: so near to its poles this is heard by the pitch
/// search, where ties fall one way or the other.
#[derive(Clone, Default)]
struct HighPass {
    memory: [f32; 2],
}

impl HighPass {
    fn run(&mut self, input: &[f32; FRAME], output: &mut [f32]) {
        const A: [f64; 2] = [-1.99599f32 as f64, 0.99600f32 as f64];
        let [mut m0, mut m1] = self.memory.map(f64::from);
        for (&x, y) in input.iter().zip(output) {
            let x = f64::from(sane(x) * FULL_SCALE);
            *y = (x + m0) as f32;
            // What depends on m0 comes last: each sample waits for it.
            let next = ((-2.0 - A[0]) * x + m1) - A[0] * m0;
            m1 = f64::from(((1.0 - A[1]) * x - A[1] * m0) as f32);
            m0 = f64::from(next as f32);
        }
        // Decays to nothing without denormals.
        self.memory = [m0, m1].map(|m| if m.abs() < 1e-9 { 0.0 } else { m as f32 });
    }
}

/// Finite, at most 12 dB above full scale, and nothing below -240 dB, for denormals are slow.
pub(super) fn sane(x: f32) -> f32 {
    if x.abs() >= 1e-12 && x.is_finite() { x.clamp(-4.0, 4.0) } else { 0.0 }
}

/// Windowed spectra, scaled as in RNNoise.
#[derive(Clone)]
struct Spectrum {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Box<[f32; WINDOW]>,
    time: Box<[f32; WINDOW]>,
    scratch: Vec<Complex32>,
}

impl Spectrum {
    fn new() -> Spectrum {
        let fft = RealFftPlanner::new().plan_fft_forward(WINDOW);
        let scratch = fft.make_scratch_vec();
        Spectrum { fft, window: window(FRAME as f32), time: boxed(0.0), scratch }
    }

    /// Of the first samples of `signal`.
    fn run(&mut self, signal: &[f32], spectrum: &mut [Complex32; BINS]) {
        for ((time, x), w) in self.time.iter_mut().zip(signal).zip(&*self.window) {
            *time = x * w;
        }
        // All lengths are those of the plan.
        let _ = self.fft.process_with_scratch(&mut *self.time, spectrum, &mut self.scratch);
    }
}
