use crate::engine::Monitor;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

/// What the audio threads tell, and what they are told: numbers that are read and written without waiting.
#[derive(Default)]
pub struct Status {
    /// Highest magnitudes since they were read last.
    input: Peak,
    output: Peak,
    /// The worst load since it was read last.
    worst: Peak,
    load: AtomicU32,
    reduction: AtomicU32,
    /// Delay from the microphone to the loudspeaker, s.
    latency: AtomicU32,
    /// Delays of the devices, beyond what they bring and take at a time, s.
    pub(super) before: AtomicU32,
    pub(super) after: AtomicU32,
    drift: AtomicU32,
    pub(super) faults: [AtomicU64; FAULTS],
    /// Counts what the output took, in frames: stands still when it is dead.
    pub(super) played: AtomicU64,
    /// The same of what the input brought.
    pub(super) heard: AtomicU64,
    pub(super) rescued: AtomicBool,
    pub(super) realtime: AtomicU8,
    monitor: AtomicU8,
    muted: AtomicBool,
    /// How much of what was learned is not heard: 0 at first.
    withheld: AtomicU32,
    closing: AtomicBool,
    pub(super) closed: AtomicBool,
}

/// How many sorts of faults are counted.
pub const FAULTS: usize = 5;

/// What went wrong since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// The device had nothing to play, or nowhere to write: told by the system.
    pub xruns: u64,
    /// The output asked, and the input had not brought enough.
    pub underruns: u64,
    /// Sound that was left out because too much of it waited.
    pub skips: u64,
    /// Sound of the input that found no room.
    pub overruns: u64,
    /// Blocks that took longer than they last.
    pub late: u64,
}

/// A look at it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Reading {
    /// Peak of the input since the last look, dBFS.
    pub input: f32,
    /// Peak of the output since the last look, dBFS.
    pub output: f32,
    /// Mean load of the audio thread, as a share of the time there is.
    pub load: f32,
    /// The worst load since the last look.
    pub worst: f32,
    /// Gain of the noise reduction, dB.
    pub reduction: f32,
    /// From the microphone to the loudspeaker, ms.
    pub latency: f32,
    /// How much faster the input's clock is than the output's, ppm.
    pub drift: f32,
    /// What went wrong.
    pub faults: Faults,
    /// Whether the untouched sound is heard because the engine was late.
    pub rescued: bool,
    /// Whether the system gave the audio thread real-time priority, as far as that is known.
    pub realtime: Option<bool>,
    /// What is heard.
    pub monitor: Monitor,
}

/// A maximum of numbers that aren't negative.
#[derive(Default)]
struct Peak(AtomicU32);

impl Peak {
    fn raise(&self, value: f32) {
        // The bits of positive floats are in their order.
        self.0.fetch_max(value.max(0.0).to_bits(), Relaxed);
    }

    fn take(&self) -> f32 {
        f32::from_bits(self.0.swap(0, Relaxed))
    }
}

fn get(number: &AtomicU32) -> f32 {
    f32::from_bits(number.load(Relaxed))
}

impl Status {
    /// A look; peaks begin anew.
    pub fn read(&self) -> Reading {
        let db = |peak: f32| 20.0 * peak.max(1e-6).log10();
        let [xruns, underruns, skips, overruns, late] = self.faults.each_ref().map(|count| count.load(Relaxed));
        Reading {
            input: db(self.input.take()),
            output: db(self.output.take()),
            load: get(&self.load),
            worst: self.worst.take(),
            reduction: get(&self.reduction),
            latency: 1000.0 * get(&self.latency),
            drift: get(&self.drift),
            faults: Faults { xruns, underruns, skips, overruns, late },
            rescued: self.rescued.load(Relaxed),
            realtime: [None, Some(true), Some(false)][usize::from(self.realtime.load(Relaxed).min(2))],
            monitor: self.monitor(),
        }
    }

    /// What is heard.
    pub fn monitor(&self) -> Monitor {
        MONITORS[usize::from(self.monitor.load(Relaxed)).min(2)]
    }

    /// Chooses what is heard.
    pub fn set_monitor(&self, monitor: Monitor) {
        self.monitor.store(MONITORS.iter().position(|m| *m == monitor).unwrap_or(0) as u8, Relaxed);
    }

    /// Whether nothing is played.
    pub fn muted(&self) -> bool {
        self.muted.load(Relaxed)
    }

    /// Plays nothing, or plays again.
    pub fn mute(&self, muted: bool) {
        self.muted.store(muted, Relaxed);
    }

    /// How much of what was learned is heard, 0 to 1.
    pub fn amount(&self) -> f32 {
        1.0 - get(&self.withheld)
    }

    /// Changes it.
    pub fn set_amount(&self, amount: f32) {
        self.withheld.store((1.0 - amount).to_bits(), Relaxed);
    }

    /// Fades out; [`Status::is_closed`] when that is done.
    pub fn close(&self) {
        self.closing.store(true, Relaxed);
    }

    /// Whether it is to fade out.
    pub(super) fn closing(&self) -> bool {
        self.closing.load(Relaxed)
    }

    /// Whether it has faded out.
    pub fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }

    pub(super) fn levels(&self, input: f32, output: f32, reduction: f32) {
        self.input.raise(input);
        self.output.raise(output);
        self.reduction.store(reduction.to_bits(), Relaxed);
    }

    pub(super) fn distance(&self, delay: f64, drift: f64) {
        let latency = delay as f32 + get(&self.before) + get(&self.after);
        self.latency.store(latency.to_bits(), Relaxed);
        self.drift.store(((drift * 1e6) as f32).to_bits(), Relaxed);
    }

    pub(super) fn work(&self, load: f32, now: f32) {
        self.load.store(load.to_bits(), Relaxed);
        self.worst.raise(now);
    }
}

const MONITORS: [Monitor; 3] = [Monitor::Enhanced, Monitor::Delta, Monitor::Bypass];
