use super::drift::Drift;
use ringbuf::{HeapCons, HeapProd, HeapRb, traits::*};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Adjustable, Async, FixedAsync, Resampler, SincInterpolationParameters, SincInterpolationType, WindowFunction,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Frames that are handed on at a time.
pub const CHUNK: usize = 32;
/// Discontinuities are joined over so long, s.
const JOIN: f64 = 0.01;
/// Off by so much for a while, the distance is set anew rather than corrected, s. Correcting it took minutes.
const LOST: f64 = 0.03;

/// What an [`Intake`] is made for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IntakeConfig {
    /// The input's rate, Hz.
    pub from: u32,
    /// The output's rate, Hz.
    pub to: u32,
    /// Channels, 1 or 2.
    pub channels: usize,
    /// What waits between input and output when the output asks, s: what one of them brings at a time and the other
    /// takes at a time, and a reserve for both being late.
    pub distance: f64,
}

/// What both ends know.
#[derive(Default)]
struct Shared {
    /// When the input last brought something, ns, and how long that was, ns.
    brought: AtomicU64,
    length: AtomicU64,
    overruns: AtomicU64,
}

/// The two ends of a bridge from the input's clock to the output's: a ring without locks, with a resampler that follows
/// the drift of the clocks.
pub fn intake(config: IntakeConfig) -> Option<(Inlet, Intake)> {
    let IntakeConfig { from, to, channels, distance } = config;
    let room = (f64::from(from) * (2.0 * distance + 0.5)) as usize * channels;
    let (mut ring, frames) = HeapRb::new(room).split();
    // Its pages are touched now, not by the audio thread.
    ring.push_iter(std::iter::repeat_n(0.0, room));
    let mut frames: HeapCons<f32> = frames;
    frames.clear();
    let parameters = SincInterpolationParameters {
        sinc_len: 128,
        f_cutoff: None,
        oversampling_factor: 128,
        interpolation: SincInterpolationType::Cubic,
        window: WindowFunction::BlackmanHarris2,
    };
    let ratio = f64::from(to) / f64::from(from);
    let resampler = Async::new_sinc(ratio, 1.01, &parameters, CHUNK, channels, FixedAsync::Output).ok()?;
    let shared = Arc::new(Shared::default());
    let inlet = Inlet { ring, channels, rate: from, shared: shared.clone() };
    let intake = Intake {
        input: vec![0.0; resampler.input_frames_max() * channels],
        output: vec![0.0; CHUNK * channels],
        last: vec![0.0; channels],
        ring: frames,
        resampler,
        shared,
        config,
        drift: Drift::default(),
        running: false,
        joining: 0,
        fill: 0.0,
        underruns: 0,
        skips: 0,
    };
    Some((inlet, intake))
}

/// The input's end.
pub struct Inlet {
    ring: HeapProd<f32>,
    channels: usize,
    rate: u32,
    shared: Arc<Shared>,
}

impl Inlet {
    /// Brings interleaved frames of so many channels at a time (ns). Of more channels than are wanted the first count;
    /// one is taken for all. What finds no room is dropped and counted. Never allocates or waits.
    pub fn push(&mut self, frames: &[f32], channels: usize, now: u64) {
        let count = frames.len() / channels.max(1);
        let wanted = self.channels;
        if self.ring.vacant_len() < count * wanted {
            self.shared.overruns.fetch_add(1, Relaxed);
        } else {
            let each = frames.chunks_exact(channels.max(1));
            self.ring.push_iter(each.flat_map(|frame| (0..wanted).map(|i| frame[i.min(frame.len() - 1)])));
        }
        self.shared.length.store(count as u64 * 1_000_000_000 / u64::from(self.rate), Relaxed);
        self.shared.brought.store(now, Relaxed);
    }
}

/// The output's end: sound without gaps, at the output's rate and by its clock.
pub struct Intake {
    ring: HeapCons<f32>,
    resampler: Async<f32>,
    shared: Arc<Shared>,
    config: IntakeConfig,
    drift: Drift,
    input: Vec<f32>,
    output: Vec<f32>,
    /// Whether the input is heard; otherwise silence, until enough waits.
    running: bool,
    /// Samples of a discontinuity that are still to be joined, from the last frame before it.
    joining: usize,
    last: Vec<f32>,
    fill: f64,
    underruns: u64,
    skips: u64,
}

impl Intake {
    /// The output asks for sound, at a time (ns), `elapsed` seconds of its own after it asked before: looks at the
    /// distance and corrects the speed. To be called before [`Intake::pull`], once for each time.
    pub fn look(&mut self, now: u64, elapsed: f64) {
        let waits = self.ring.occupied_len() / self.config.channels;
        // The input brings lumps; in between, what will be in the next lump is on its way.
        let since = now.saturating_sub(self.shared.brought.load(Relaxed));
        let coming = since.min(2 * self.shared.length.load(Relaxed)) as f64 * 1e-9;
        self.fill = waits as f64 / f64::from(self.config.from) + coming;
        let distance = self.config.distance;
        if !self.running {
            if self.fill < distance {
                return;
            }
            self.running = true;
            self.join();
            self.resampler.reset();
            self.drift.restart();
            self.skip();
        }
        let speed = self.drift.update(self.fill - distance, elapsed);
        if self.drift.error() > LOST {
            self.skips += 1;
            self.join();
            self.drift.restart();
            self.skip();
        }
        // Within the limits it can't fail.
        let _ = self.resampler.set_resample_ratio_relative(1.0 / speed, true);
    }

    /// Brings what waits down to what should.
    fn skip(&mut self) {
        let excess = ((self.fill - self.config.distance).max(0.0) * f64::from(self.config.from)) as usize;
        let frames = excess.min(self.ring.occupied_len() / self.config.channels);
        self.ring.skip(frames * self.config.channels);
        self.fill -= frames as f64 / f64::from(self.config.from);
    }

    /// The next [`CHUNK`] frames, interleaved.
    pub fn pull(&mut self) -> &[f32] {
        let channels = self.config.channels;
        let needed = self.resampler.input_frames_next();
        if self.running && self.ring.occupied_len() < needed * channels {
            self.underruns += 1;
            self.running = false;
            self.join();
        }
        if self.running {
            self.ring.pop_slice(&mut self.input[..needed * channels]);
        }
        if !self.running || self.resample(needed).is_none() {
            self.output.fill(0.0);
        }
        let length = (JOIN * f64::from(self.config.to)) as usize;
        for frame in self.output.chunks_exact_mut(channels) {
            if self.joining > 0 {
                let old = self.joining as f32 / length as f32;
                frame.iter_mut().zip(&self.last).for_each(|(new, last)| *new += old * (last - *new));
                self.joining -= 1;
            }
        }
        if self.joining == 0 {
            self.last.copy_from_slice(&self.output[(CHUNK - 1) * channels..]);
        }
        &self.output
    }

    fn resample(&mut self, needed: usize) -> Option<()> {
        let channels = self.config.channels;
        let input = InterleavedSlice::new(&self.input[..needed * channels], channels, needed).ok()?;
        let mut output = InterleavedSlice::new_mut(&mut self.output, channels, CHUNK).ok()?;
        self.resampler.process_into_buffer(&input, &mut output, None).ok()?;
        Some(())
    }

    /// What comes next has nothing to do with what was last.
    fn join(&mut self) {
        self.last.copy_from_slice(&self.output[(CHUNK - 1) * self.config.channels..]);
        self.joining = (JOIN * f64::from(self.config.to)) as usize;
    }

    /// The delay from the input to what is pulled, s: what waits, and the resampler's.
    pub fn delay(&self) -> f64 {
        self.fill + self.resampler.output_delay() as f64 / f64::from(self.config.to)
    }

    /// Whether the input is heard.
    pub fn is_running(&self) -> bool {
        self.running
    }

    /// How much faster than the output's the input's clock is: 1e-6 is 1 ppm.
    pub fn drift(&self) -> f64 {
        self.drift.rate()
    }

    /// How often nothing was there, how often there was too much of it, and how often the input found no room.
    pub fn faults(&self) -> [u64; 3] {
        [self.underruns, self.skips, self.shared.overruns.load(Relaxed)]
    }
}
