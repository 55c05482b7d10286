//! The audio thread's side of the plugin.

use super::learning::{Learner, Within};
use super::{Params, Shared};
use crate::bridge::{Load, OffsetsReader};
use crate::editor::display::Probe;
use crate::engine::{Engine, EngineConfig, MAX_CHANNELS, Monitor};
use crate::settings::{Offsets, Settings};
use nice_plug::util::permit_alloc;
use std::time::{Duration, Instant};

/// What was learned changes only at multiples of so many samples: an offline render does not depend on the
/// host's blocks.
const GRID: usize = 1024;
/// How far the tail of a sound reaches beyond the latency, s.
const TAIL: f32 = 0.5;
/// The time over which the load is averaged, s.
const BUSY: f32 = 0.2;

/// The engine with all that it listens to. Made for one activation.
pub(super) struct Processor {
    engine: Engine,
    config: EngineConfig,
    learner: Learner,
    /// What is learned on top of the base, and which set of the loop's it is.
    offsets: Offsets,
    revision: u64,
    settings: Settings,
    monitor: Monitor,
    dry: [Vec<f32>; MAX_CHANNELS],
    position: usize,
    busy: Busy,
}

impl Processor {
    /// With what was learned so far. All memory is allocated here.
    pub fn new(engine: Engine, config: EngineConfig, learner: Learner, offsets: Offsets) -> Processor {
        Processor {
            engine,
            config,
            learner,
            offsets,
            revision: 0,
            settings: Settings::default(),
            monitor: Monitor::default(),
            dry: std::array::from_fn(|_| vec![0.0; GRID]),
            position: 0,
            busy: Busy::default(),
        }
    }

    /// Delay in samples.
    pub fn latency(&self) -> u32 {
        self.engine.latency() as u32
    }

    /// What it was made for.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// How long something is heard after the input has ended, samples.
    pub fn tail(&self) -> u32 {
        self.latency() + (TAIL * self.config.sample_rate as f32) as u32
    }

    /// What follows has nothing to do with what was before: as if it were just made.
    pub fn reset(&mut self, params: &Params, shared: &Shared, recalled: &mut OffsetsReader) {
        if let Learner::Within(within) = &mut self.learner
            && self.position > 0
        {
            // Each render begins with the same. The loop can't fail to be made a second time.
            permit_alloc(|| {
                self.offsets = shared.offsets();
                if let Ok(anew) = Within::new(self.config, params, shared) {
                    **within = anew;
                }
            });
        }
        self.position = 0;
        self.listen(recalled);
        self.set(params, shared);
        self.engine.reset();
        shared.break_off();
    }

    /// Processes a block in place, one slice a channel.
    pub fn process(
        &mut self,
        channels: &mut [&mut [f32]],
        params: &Params,
        shared: &Shared,
        recalled: &mut OffsetsReader,
        probe: &mut Probe,
    ) {
        let samples = channels.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let began = matches!(self.learner, Learner::Beside { .. }).then(Instant::now);
        let mut done = 0;
        while done < samples {
            let end = samples.min(done + GRID - self.position % GRID);
            self.listen(recalled);
            self.set(params, shared);
            match channels {
                [mono] => self.part([&mut mono[done..end]], probe),
                [left, right, ..] => self.part([&mut left[done..end], &mut right[done..end]], probe),
                [] => {}
            }
            self.position += end - done;
            done = end;
            if let Learner::Within(within) = &mut self.learner
                && self.position.is_multiple_of(GRID)
            {
                within.work(params);
            }
        }
        if let (Some(began), Learner::Beside { load, .. }) = (began, &self.learner) {
            self.busy.note(began.elapsed(), samples as f32 / self.config.sample_rate as f32, load);
        }
    }

    fn part<const N: usize>(&mut self, mut channels: [&mut [f32]; N], probe: &mut Probe) {
        let samples = channels[0].len();
        for (dry, channel) in self.dry.iter_mut().zip(&channels) {
            dry[..samples].copy_from_slice(channel);
        }
        probe.before(&channels);
        self.engine.process(&mut channels);
        probe.after(&channels, &self.engine.meters());
        // What only sounds untouched, or is what was removed, is nothing to judge.
        if self.monitor == Monitor::Enhanced {
            let input: [&[f32]; N] = std::array::from_fn(|i| &self.dry[i][..samples]);
            let output = channels.each_ref().map(|channel| &**channel);
            match &mut self.learner {
                Learner::Beside { tap, .. } => tap.send(&input, &output, self.revision),
                Learner::Within(within) => within.hear(&input, &output, self.revision),
                Learner::Frozen => {}
            }
        }
    }

    /// Takes over offsets that are new.
    fn listen(&mut self, recalled: &mut OffsetsReader) {
        if let Some((offsets, _)) = recalled.poll() {
            self.offsets = offsets;
        }
        let learned = match &mut self.learner {
            Learner::Beside { offsets, .. } => offsets.poll(),
            // Not in the middle of its grid, where it depends on the host's blocks.
            Learner::Within(within) if self.position.is_multiple_of(GRID) => within.offsets.poll(),
            _ => None,
        };
        if let Some(learned) = learned {
            (self.offsets, self.revision) = learned;
        }
    }

    /// Lets the engine have what is wanted, if that is new.
    fn set(&mut self, params: &Params, shared: &Shared) {
        let amount = if params.adapt.value() { params.amount.value() } else { 0.0 };
        let settings = self.offsets.without(shared.locked()).apply(&params.base(), amount);
        if settings != self.settings {
            self.settings = settings;
            self.engine.set(&settings);
        }
        let monitor = match (params.bypass.value(), params.delta.value()) {
            (true, _) => Monitor::Bypass,
            (false, true) => Monitor::Delta,
            (false, false) => Monitor::Enhanced,
        };
        if monitor != self.monitor {
            self.monitor = monitor;
            self.engine.set_monitor(monitor);
            shared.break_off();
            if let Learner::Within(within) = &mut self.learner {
                within.break_off();
            }
        }
    }
}

/// How busy the audio thread is.
#[derive(Default)]
struct Busy {
    taken: Duration,
    seconds: f32,
}

impl Busy {
    fn note(&mut self, taken: Duration, seconds: f32, load: &Load) {
        self.taken += taken;
        self.seconds += seconds;
        if self.seconds >= BUSY {
            load.set(self.taken.as_secs_f32() / self.seconds);
            *self = Busy::default();
        }
    }
}
