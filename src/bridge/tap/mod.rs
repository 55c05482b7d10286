#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::iter::repeat_n;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use ringbuf::{HeapCons, HeapProd, HeapRb, traits::*};

/// The longest stretch of audio that a tap holds, s.
const LONGEST: f32 = 10.0;
const HIGHEST_RATE: u32 = 192_000;
const MOST_CHANNELS: usize = 8;
/// There is room for one header in so many samples: shorter blocks use that up before the audio's.
const SAMPLES_A_HEADER: usize = 16;

/// Carries audio from the audio thread to the side thread: what goes into the engine and what comes
/// out of it at the same moment.
///
/// Neither side ever locks or waits. A block that does not fit is dropped whole, and the gap shows on
/// the other side.
///
/// A second or more is a good size: what the side thread is busy with at a time, divided by its share
/// of a core.
///
/// ```
/// use attune::bridge::Tap;
/// let (mut sender, mut receiver) = Tap::open(48_000, 1, 2.0);
/// sender.send(&[[0.1, 0.2, 0.3]], &[[0.0, 0.1, 0.2]], 7);
/// let block = receiver.receive().unwrap();
/// assert_eq!((block.first, block.lost, block.revision), (0, 0, 7));
/// assert_eq!(block.input, [[0.1, 0.2, 0.3]]);
/// assert!(receiver.receive().is_none());
/// ```
pub struct Tap(());

impl Tap {
    /// The two ends of a new tap, with room for so many seconds at this rate (Hz). What is out of
    /// range is brought in: up to 10 s, 192 kHz and 8 channels.
    pub fn open(rate: u32, channels: usize, seconds: f32) -> (TapSender, TapReceiver) {
        let channels = channels.clamp(1, MOST_CHANNELS);
        let room = rate.min(HIGHEST_RATE) as f32 * seconds.clamp(0.0, LONGEST);
        let room = (room.ceil() as usize).max(SAMPLES_A_HEADER);
        let (to_samples, samples) = ring(room * 2 * channels, 0.0);
        let (to_headers, headers) = ring(room.div_ceil(SAMPLES_A_HEADER), Header { first: 0, length: 0, revision: 0 });
        let dropped = Arc::new(AtomicU64::new(0));
        let sender =
            TapSender { channels, position: 0, samples: to_samples, headers: to_headers, dropped: dropped.clone() };
        let side = vec![Vec::new(); channels];
        let block = TapBlock { first: 0, lost: 0, revision: 0, input: side.clone(), output: side };
        let waiting = vec![VecDeque::new(); channels];
        let receiver = TapReceiver { samples, headers, dropped, latency: 0, waiting, received: 0, paired: 0, block };
        (sender, receiver)
    }
}

/// An empty ring whose memory was written once: otherwise its first page faults were the audio thread's.
fn ring<T: Copy>(room: usize, filler: T) -> (HeapProd<T>, HeapCons<T>) {
    let (mut producer, mut consumer) = HeapRb::new(room).split();
    producer.push_iter(repeat_n(filler, room));
    consumer.clear();
    (producer, consumer)
}

/// Says what lies in the ring of samples: first the channels of the input, then those of the output.
#[derive(Clone, Copy)]
struct Header {
    first: u64,
    length: usize,
    revision: u64,
}

/// The audio thread's end of a [`Tap`]. It must be dropped elsewhere: that frees memory.
pub struct TapSender {
    channels: usize,
    position: u64,
    samples: HeapProd<f32>,
    headers: HeapProd<Header>,
    dropped: Arc<AtomicU64>,
}

impl TapSender {
    /// Hands over what went in and what came out, and the revision of the settings in use: one slice
    /// per channel. If they differ in length, the shortest counts; missing channels are silent, more
    /// than promised are left out.
    ///
    /// Never allocates, locks, waits or panics.
    pub fn send(&mut self, input: &[impl AsRef<[f32]>], output: &[impl AsRef<[f32]>], revision: u64) {
        let lengths = input.iter().map(|c| c.as_ref().len()).chain(output.iter().map(|c| c.as_ref().len()));
        let length = lengths.min().unwrap_or(0);
        if length == 0 {
            return;
        }
        let header = Header { first: self.position, length, revision };
        self.position += length as u64;
        if self.headers.is_full() || self.samples.vacant_len() < length.saturating_mul(2 * self.channels) {
            // Nobody else writes it.
            self.dropped.store(self.dropped.load(Relaxed) + length as u64, Relaxed);
            return;
        }
        self.write(input, length);
        self.write(output, length);
        // The header comes last: the receiver finds all samples of a header that it sees.
        let _ = self.headers.try_push(header);
    }

    /// Leaves so many samples out: they count as lost.
    pub fn skip(&mut self, samples: usize) {
        self.position += samples as u64;
    }

    fn write(&mut self, side: &[impl AsRef<[f32]>], length: usize) {
        for channel in 0..self.channels {
            match side.get(channel) {
                Some(samples) => self.samples.push_slice(&samples.as_ref()[..length]),
                None => self.samples.push_iter(repeat_n(0.0, length)),
            };
        }
    }
}

/// A stretch of audio without a gap, with one revision of the settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TapBlock {
    /// Where the input's first sample lies in the stream, which starts at 0.
    pub first: u64,
    /// How many samples are missing between the block before and this one. Unless it is 0, the two
    /// must not be joined.
    pub lost: u64,
    /// Revision of the settings that the output was made with; changes are heard gradually.
    pub revision: u64,
    /// What went in: one vector per channel, all of the same length, at least 1.
    pub input: Vec<Vec<f32>>,
    /// What came out, likewise.
    pub output: Vec<Vec<f32>>,
}

/// The side thread's end of a [`Tap`].
pub struct TapReceiver {
    samples: HeapCons<f32>,
    headers: HeapCons<Header>,
    dropped: Arc<AtomicU64>,
    latency: usize,
    /// Input whose output has not come yet: up to the latency.
    waiting: Vec<VecDeque<f32>>,
    /// Where what was received ends, and where what was handed on ends.
    received: u64,
    paired: u64,
    block: TapBlock,
}

impl TapReceiver {
    /// From here on the output of a block is what became of its input, which took `latency` samples
    /// ([`Engine::latency`](crate::engine::Engine::latency)).
    ///
    /// This is the place that aligns them, as it alone sees the gaps. After one, and at the start,
    /// the first `latency` samples of output are left out, because their input is not there; the last
    /// `latency` samples of input before a gap never find their output and count as lost too.
    pub fn aligned(mut self, latency: usize) -> TapReceiver {
        self.latency = latency;
        self.waiting.iter_mut().for_each(VecDeque::clear);
        self
    }

    /// The next block, if one is complete. It may be a little shorter than it was sent.
    pub fn receive(&mut self) -> Option<&TapBlock> {
        while let Some(header) = self.headers.try_pop() {
            if header.first != self.received {
                self.waiting.iter_mut().for_each(VecDeque::clear);
            }
            self.received = header.first + header.length as u64;
            let pairs = (self.waiting[0].len() + header.length).saturating_sub(self.latency);
            let TapBlock { input, output, .. } = &mut self.block;
            for (waiting, input) in self.waiting.iter_mut().zip(input) {
                take(&mut self.samples, input, header.length);
                waiting.extend(input.iter());
                input.clear();
                input.extend(waiting.drain(..pairs));
            }
            for output in output {
                take(&mut self.samples, output, header.length);
                output.drain(..header.length - pairs);
            }
            if pairs > 0 {
                let first = self.received - self.waiting[0].len() as u64 - pairs as u64;
                self.block.lost = first - self.paired;
                (self.block.first, self.block.revision) = (first, header.revision);
                self.paired = first + pairs as u64;
                return Some(&self.block);
            }
        }
        None
    }

    /// Throws away what waits. The next block has it among what was lost.
    pub fn skip(&mut self) {
        for header in (0..self.headers.occupied_len()).map_while(|_| self.headers.try_pop()) {
            self.samples.skip(2 * self.waiting.len() * header.length);
        }
    }

    /// How many samples (per channel) the audio thread found no room for, so far.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

fn take(samples: &mut HeapCons<f32>, channel: &mut Vec<f32>, length: usize) {
    channel.resize(length, 0.0);
    samples.pop_slice(channel);
}
