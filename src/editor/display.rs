//! What the audio thread shows: the newest samples before and after the engine, with its meters.
//!
//! The audio thread only copies; spectra and loudness are worked out where they are drawn. While nobody
//! looks, it does nothing at all.

use crate::engine::Meters;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

/// Most channels that are shown.
const CHANNELS: usize = 2;
/// The longest window, samples.
const LONGEST: usize = 8192;
/// Samples that are kept: the longest window after the longest delay of an engine.
const KEPT: usize = 32_768;
/// Length of a window, s, brought to a power of two.
const WINDOW: f32 = 0.085;
/// Pictures a second.
const PICTURES: u32 = 40;

/// One picture of the sound.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Sample rate in Hz; 0: nothing was heard yet.
    pub rate: u32,
    /// Position in the stream of its end, in samples.
    pub end: u64,
    /// What went in, one window a channel, in step with what came out.
    pub input: [Vec<f32>; CHANNELS],
    /// What came out.
    pub output: [Vec<f32>; CHANNELS],
    /// Channels and samples that count.
    pub channels: usize,
    /// Samples of a window that count.
    pub length: usize,
    /// Highest sample since the last picture, going in and coming out.
    pub peaks: [f32; 2],
    /// What the engine does: of each gain the lowest since the last picture.
    pub meters: Meters,
}

/// The two ends of a new display, for the audio thread and for who looks.
pub fn open() -> (Probe, Display) {
    let window = || std::array::from_fn(|_| vec![0.0; LONGEST]);
    let frame = Frame {
        rate: 0,
        end: 0,
        input: window(),
        output: window(),
        channels: 0,
        length: 0,
        peaks: [0.0; 2],
        meters: Meters::default(),
    };
    let (sender, receiver) = triple_buffer::triple_buffer(&frame);
    let watched = Arc::new(AtomicBool::new(false));
    let probe = Probe {
        sender,
        watched: watched.clone(),
        input: Past::new(),
        output: Past::new(),
        stream: Shape { rate: 0, channels: 0, latency: 0, length: 0 },
        position: 0,
        since: 0,
        peaks: [0.0; 2],
        meters: None,
    };
    (probe, Display { receiver, watched })
}

/// The end of who looks.
pub struct Display {
    receiver: triple_buffer::Output<Frame>,
    watched: Arc<AtomicBool>,
}

impl Display {
    /// Says whether anybody looks. Otherwise the audio thread doesn't even copy.
    pub fn watch(&self, watched: bool) {
        self.watched.store(watched, Relaxed);
    }

    /// The newest picture, if there is one that was not seen yet.
    pub fn look(&mut self) -> Option<&Frame> {
        self.receiver.update().then(|| self.receiver.output_buffer())
    }
}

/// The end of the audio thread: [`Probe::before`] the engine, then [`Probe::after`] it. Neither
/// allocates, locks nor waits.
pub struct Probe {
    sender: triple_buffer::Input<Frame>,
    watched: Arc<AtomicBool>,
    input: Past,
    output: Past,
    stream: Shape,
    /// Samples since somebody looks, and since the last picture.
    position: u64,
    since: usize,
    peaks: [f32; 2],
    meters: Option<Meters>,
}

#[derive(Clone, Copy)]
struct Shape {
    rate: u32,
    channels: usize,
    latency: usize,
    length: usize,
}

impl Probe {
    /// For a stream through an engine of this delay in samples. Not for the audio thread's rush hour, but it
    /// does not allocate either.
    pub fn prepare(&mut self, rate: u32, channels: usize, latency: usize) {
        let length = ((rate as f32 * WINDOW) as usize).next_power_of_two().clamp(1024, LONGEST);
        let latency = latency.min(KEPT - LONGEST);
        self.stream = Shape { rate, channels: channels.min(CHANNELS), latency, length };
        self.restart();
    }

    /// What goes into the engine, one slice a channel.
    #[inline]
    pub fn before(&mut self, channels: &[&mut [f32]]) {
        if self.is_watched() {
            self.peaks[0] = self.input.push(channels, self.stream.channels, self.peaks[0]);
        }
    }

    /// What came out of it at the same moment, and what the engine says of it.
    #[inline]
    pub fn after(&mut self, channels: &[&mut [f32]], meters: &Meters) {
        if !self.is_watched() {
            return self.restart();
        }
        self.peaks[1] = self.output.push(channels, self.stream.channels, self.peaks[1]);
        self.meters = Some(self.meters.map_or(*meters, |before| deepest(before, meters)));
        let samples = channels.first().map_or(0, |channel| channel.len());
        self.position += samples as u64;
        self.since += samples;
        if self.since >= (self.stream.rate / PICTURES) as usize {
            self.publish();
        }
    }

    fn is_watched(&self) -> bool {
        self.watched.load(Relaxed) && self.stream.channels > 0
    }

    /// What was heard before nobody looked is stale.
    fn restart(&mut self) {
        (self.position, self.since, self.peaks, self.meters) = (0, 0, [0.0; 2], None);
    }

    fn publish(&mut self) {
        let Shape { rate, channels, latency, length } = self.stream;
        self.since = 0;
        // The first windows after somebody began to look would have old sound in them.
        if self.position >= (length + latency) as u64 {
            let frame = self.sender.input_buffer_mut();
            (frame.rate, frame.end, frame.channels, frame.length) = (rate, self.position, channels, length);
            (frame.peaks, frame.meters) = (self.peaks, self.meters.unwrap_or_default());
            self.input.copy(latency, length, &mut frame.input[..channels]);
            self.output.copy(0, length, &mut frame.output[..channels]);
            self.sender.publish();
        }
        (self.peaks, self.meters) = ([0.0; 2], None);
    }
}

/// The lowest gain of each effect.
fn deepest(a: Meters, b: &Meters) -> Meters {
    let further = |a: f32, b: f32| if b.abs() > a.abs() { b } else { a };
    Meters {
        denoise: a.denoise.min(b.denoise),
        deess: a.deess.min(b.deess),
        // The only one that also turns up.
        level: further(a.level, b.level),
        compressor: a.compressor.min(b.compressor),
        limiter: a.limiter.min(b.limiter),
        ..*b
    }
}

/// The newest samples of a stream, in a ring.
struct Past {
    channels: [Vec<f32>; CHANNELS],
    next: usize,
}

impl Past {
    fn new() -> Past {
        Past { channels: std::array::from_fn(|_| vec![0.0; KEPT]), next: 0 }
    }

    /// Keeps a block, of which no more counts than the ring holds. The highest sample, from `peak` up.
    fn push(&mut self, block: &[&mut [f32]], channels: usize, mut peak: f32) -> f32 {
        let length = block.first().map_or(0, |channel| channel.len());
        for (ring, channel) in self.channels.iter_mut().take(channels).zip(block) {
            let newest = &channel[channel.len().saturating_sub(KEPT)..];
            let start = (self.next + channel.len() - newest.len()) % KEPT;
            let (first, rest) = newest.split_at(newest.len().min(KEPT - start));
            ring[start..start + first.len()].copy_from_slice(first);
            ring[..rest.len()].copy_from_slice(rest);
            // `max` ignores what is not a number.
            peak = newest.iter().fold(peak, |peak, sample| peak.max(sample.abs()));
        }
        self.next = (self.next + length) % KEPT;
        peak
    }

    /// The `length` samples that end `ago` samples before the newest.
    fn copy(&self, ago: usize, length: usize, to: &mut [Vec<f32>]) {
        let start = (self.next + 2 * KEPT - ago - length) % KEPT;
        for (ring, to) in self.channels.iter().zip(to) {
            let first = length.min(KEPT - start);
            to[..first].copy_from_slice(&ring[start..start + first]);
            to[first..length].copy_from_slice(&ring[..length - first]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays a ramp through a delay of 100 samples, in blocks of this size.
    fn play(probe: &mut Probe, from: usize, samples: usize, block: usize) {
        for start in (from..from + samples).step_by(block) {
            let mut input: Vec<f32> = (start..start + block).map(|i| i as f32).collect();
            probe.before(&[&mut input]);
            input.iter_mut().for_each(|sample| *sample -= 100.0);
            probe.after(&[&mut input], &Meters { denoise: -(start as f32), ..Meters::default() });
        }
    }

    #[test]
    fn input_and_output_are_in_step_whatever_the_blocks() {
        for block in [1, 64, 1000, 50_000] {
            let (mut probe, mut display) = open();
            probe.prepare(48_000, 1, 100);
            display.watch(true);
            play(&mut probe, 0, 100_000, block);
            let frame = display.look().expect("a picture");
            assert_eq!((frame.length, frame.channels), (4096, 1));
            assert_eq!(frame.input[0][..4096], frame.output[0][..4096], "blocks of {block}");
            assert_eq!(frame.output[0][4095], frame.end as f32 - 101.0);
            assert!(frame.peaks[0] >= frame.output[0][4095]);
            assert_eq!(display.look(), None, "seen already");
        }
    }

    #[test]
    fn while_nobody_looks_nothing_happens_and_old_sound_is_not_shown() {
        let (mut probe, mut display) = open();
        probe.prepare(48_000, 1, 100);
        play(&mut probe, 0, 20_000, 100);
        assert_eq!((display.look(), probe.position), (None, 0));
        display.watch(true);
        play(&mut probe, 20_000, 3000, 100);
        assert_eq!(display.look(), None, "not enough yet");
        play(&mut probe, 23_000, 3000, 100);
        let frame = display.look().expect("a picture");
        assert!(frame.input[0][0] >= 20_000.0 - 100.0, "{}", frame.input[0][0]);
    }

    #[test]
    fn a_probe_that_was_not_prepared_does_no_harm() {
        let (mut probe, mut display) = open();
        display.watch(true);
        play(&mut probe, 0, 10_000, 512);
        probe.prepare(8000, 0, usize::MAX);
        play(&mut probe, 0, 10_000, 512);
        assert_eq!(display.look(), None);
        probe.prepare(192_000, 9, 8000);
        probe.before(&[]);
        probe.after(&[], &Meters::default());
        play(&mut probe, 0, 100_000, 512);
        assert_eq!(display.look().map(|frame| frame.length), Some(8192));
    }
}
