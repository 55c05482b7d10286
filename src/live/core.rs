use super::intake::{CHUNK, Intake};
use super::rescue::Rescue;
use super::status::Status;
use crate::bridge::{Load, OffsetsReader, SettingsReader, TapSender};
use crate::editor::display::Probe;
use crate::settings::{Offsets, Settings};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

/// Fades at the start, at the end and when muted, s.
const FADE: f32 = 0.05;
/// The load is averaged over so long, s.
const AVERAGE: f32 = 0.5;

/// All that the output's callback does: takes the input over, enhances it, and tells of it. It knows no device and no
/// clock but what it is told.
pub struct Core {
    pub(super) intake: Intake,
    pub(super) rescue: Rescue,
    pub(super) base: SettingsReader,
    pub(super) offsets: OffsetsReader,
    /// For the loop, and for the recorder.
    pub(super) taps: Vec<TapSender>,
    pub(super) probe: Option<Probe>,
    pub(super) status: Arc<Status>,
    pub(super) load: Load,
    state: State,
}

struct State {
    rate: f32,
    channels: usize,
    settings: Settings,
    learned: Offsets,
    amount: f32,
    revision: u64,
    /// A chunk before and after the engine, one buffer a channel, and how much of it was played.
    input: Vec<Vec<f32>>,
    output: Vec<Vec<f32>>,
    played: usize,
    /// How loud the output is.
    gain: f32,
    mean: f32,
    /// Blocks in a row that were late.
    late: u32,
    latency: f64,
}

/// What a [`Core`] is made of.
pub struct Parts {
    /// Where the sound comes from.
    pub intake: Intake,
    /// The engine.
    pub rescue: Rescue,
    /// What the user set.
    pub base: SettingsReader,
    /// What was learned.
    pub offsets: OffsetsReader,
    /// Who hears what goes in and what comes out.
    pub taps: Vec<TapSender>,
    /// Shows it to an editor, if there is one.
    pub probe: Option<Probe>,
    /// What is told.
    pub status: Arc<Status>,
    /// For the loop.
    pub load: Load,
}

impl Core {
    /// Puts it together.
    pub fn new(parts: Parts) -> Core {
        let Parts { intake, mut rescue, base, offsets, taps, mut probe, status, load } = parts;
        let engine = rescue.engine();
        let (rate, channels) = (engine.stream().rate, engine.stream().channels);
        let latency = engine.latency();
        if let Some(probe) = &mut probe {
            probe.prepare(rate as u32, channels, latency);
        }
        let state = State {
            rate,
            channels,
            settings: Settings::default(),
            learned: Offsets::default(),
            amount: 1.0,
            revision: 0,
            input: vec![vec![0.0; CHUNK]; channels],
            output: vec![vec![0.0; CHUNK]; channels],
            played: CHUNK,
            gain: 0.0,
            mean: 0.0,
            late: 0,
            latency: latency as f64 / f64::from(rate),
        };
        Core { intake, rescue, base, offsets, taps, probe, status, load, state }
    }

    /// Fills interleaved frames of so many channels, asked for at a time (ns). The first two channels get the sound.
    /// Never allocates, locks or waits.
    pub fn process(&mut self, frames: &mut [f32], channels: usize, now: u64) {
        let channels = channels.max(1);
        self.take_over();
        let count = frames.len() / channels;
        self.intake.look(now, count as f64 / f64::from(self.state.rate));
        let silent = self.status.closing() || self.status.muted();
        let (target, step) = (if silent { 0.0 } else { 1.0 }, 1.0 / (FADE * self.state.rate));
        for frame in frames.chunks_exact_mut(channels) {
            if self.state.played == CHUNK {
                self.chunk();
            }
            let state = &mut self.state;
            state.gain =
                if state.gain < target { (state.gain + step).min(target) } else { (state.gain - step).max(target) };
            for (i, sample) in frame.iter_mut().enumerate() {
                // Mono is heard on both sides.
                let from = if i < 2 { state.output.get(i).or(state.output.first()) } else { None };
                *sample = from.map_or(0.0, |channel| state.gain * channel[state.played]);
            }
            state.played += 1;
        }
        self.status.closed.store(self.status.closing() && self.state.gain == 0.0, Relaxed);
        self.status.played.fetch_add(count as u64, Relaxed);
        let ahead = (CHUNK - self.state.played) as f64 / f64::from(self.state.rate);
        self.status.distance(self.intake.delay() + self.state.latency + ahead, self.intake.drift());
        let [underruns, skips, overruns] = self.intake.faults();
        for (count, value) in self.status.faults[1..4].iter().zip([underruns, skips, overruns]) {
            count.store(value, Relaxed);
        }
    }

    /// The last call took so long, s, for so many frames.
    pub fn took(&mut self, seconds: f32, frames: usize) {
        let state = &mut self.state;
        let length = frames.max(1) as f32 / state.rate;
        let load = seconds / length;
        state.mean += (length / AVERAGE).min(1.0) * (load - state.mean);
        self.status.work(state.mean, load);
        self.load.set(state.mean);
        // Once may be the system's fault, and the device has something left to play.
        state.late = if load > 1.0 { state.late + 1 } else { 0 };
        if load > 1.0 {
            self.status.faults[4].fetch_add(1, Relaxed);
        }
        if state.late >= 2 {
            state.late = 0;
            self.rescue.late();
        }
        self.status.rescued.store(!self.rescue.is_well(), Relaxed);
    }

    /// New settings, if there are any.
    fn take_over(&mut self) {
        let base = self.base.poll();
        let learned = self.offsets.poll();
        if let Some((settings, _)) = base {
            self.state.settings = settings;
        }
        if let Some((offsets, revision)) = learned {
            (self.state.learned, self.state.revision) = (offsets, revision);
        }
        let amount = self.status.amount();
        if base.is_some() || learned.is_some() || amount != self.state.amount {
            self.state.amount = amount;
            let heard = self.state.learned.apply(&self.state.settings, amount);
            self.rescue.engine().set(&heard);
        }
        self.rescue.engine().set_monitor(self.status.monitor());
    }

    fn chunk(&mut self) {
        let state = &mut self.state;
        state.played = 0;
        let sound = self.intake.pull();
        for (i, (input, output)) in state.input.iter_mut().zip(&mut state.output).enumerate() {
            for (x, frame) in input.iter_mut().zip(sound.chunks_exact(state.channels)) {
                *x = frame[i];
            }
            output.copy_from_slice(input);
        }
        match state.output.as_mut_slice() {
            [left, right] => enhance(&mut self.rescue, &mut self.probe, &mut [left, right]),
            [mono] => enhance(&mut self.rescue, &mut self.probe, &mut [mono]),
            _ => {}
        }
        let peak = |channels: &[Vec<f32>]| channels.iter().flatten().fold(0.0f32, |peak, x| peak.max(x.abs()));
        let reduction = self.rescue.engine().meters().denoise;
        self.status.levels(peak(&state.input), peak(&state.output), reduction);
        // Only what the engine made of the input says something about the settings.
        let as_learned = state.amount > 0.0 || state.learned.is_zero();
        let enhanced = self.rescue.is_well() && self.status.monitor() == Default::default();
        let judged = as_learned && enhanced && self.intake.is_running();
        for (i, tap) in self.taps.iter_mut().enumerate() {
            if judged || i > 0 {
                tap.send(&state.input, &state.output, state.revision);
            } else {
                tap.skip(CHUNK);
            }
        }
    }
}

/// In place, one slice a channel; whoever looks sees it.
fn enhance(rescue: &mut Rescue, probe: &mut Option<Probe>, channels: &mut [&mut [f32]]) {
    if let Some(probe) = probe {
        probe.before(channels);
    }
    match channels {
        [left, right] => rescue.process(left, Some(right)),
        [mono] => rescue.process(mono, None),
        _ => {}
    }
    if let Some(probe) = probe {
        probe.after(channels, &rescue.engine().meters());
    }
}
