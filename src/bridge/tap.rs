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
        let (to_samples, samples) = HeapRb::new(room * 2 * channels).split();
        let (to_headers, headers) = HeapRb::new(room.div_ceil(SAMPLES_A_HEADER)).split();
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{
        AtomicBool,
        Ordering::{Acquire, Release},
    };
    use std::thread;

    use super::*;

    /// What lies at a position of a channel: exact in f32 and never the same nearby.
    fn sample(position: u64, channel: u64) -> f32 {
        ((position * 4 + channel).wrapping_mul(2_654_435_761) % (1 << 24)) as f32
    }

    fn channel(first: u64, length: usize, channel: u64) -> Vec<f32> {
        (first..first + length as u64).map(|position| sample(position, channel)).collect()
    }

    /// Stereo: channels 0 and 1 go in, 2 and 3 come out.
    fn send(sender: &mut TapSender, length: usize) {
        let first = sender.position;
        let side = |channels: [u64; 2]| channels.map(|c| channel(first, length, c));
        sender.send(&side([0, 1]), &side([2, 3]), first);
    }

    fn is_whole(block: &TapBlock) -> bool {
        let length = block.input[0].len();
        let channels = block.input.iter().chain(&block.output).zip(0..);
        length > 0 && block.revision == block.first && { channels }.all(|(c, i)| *c == channel(block.first, length, i))
    }

    #[test]
    fn no_block_is_torn_under_a_storm() {
        const BLOCKS: usize = 100_000;
        let (mut sender, mut receiver) = Tap::open(48_000, 2, 0.02);
        let (seen, done) = (AtomicBool::new(false), AtomicBool::new(false));
        thread::scope(|scope| {
            let (seen, done) = (&seen, &done);
            scope.spawn(move || {
                for i in 0..BLOCKS {
                    send(&mut sender, 1 + i * 31 % 97);
                    // Some must be sent after the other side has begun to read.
                    while i == BLOCKS / 2 && !seen.load(Relaxed) {
                        thread::yield_now();
                    }
                }
                done.store(true, Release);
            });
            // Until the tap has run over.
            while receiver.dropped() == 0 {
                thread::yield_now();
            }
            let (mut end, mut lost, mut blocks) = (0, 0, 0);
            loop {
                let last = done.load(Acquire);
                while let Some(block) = receiver.receive() {
                    assert!(is_whole(block), "{} {}", block.first, block.lost);
                    assert_eq!(block.first, end + block.lost);
                    end = block.first + block.input[0].len() as u64;
                    lost += block.lost;
                    blocks += 1;
                    seen.store(true, Relaxed);
                }
                if last {
                    break;
                }
            }
            assert!((1..BLOCKS).contains(&blocks), "{blocks}");
            let sent: usize = (0..BLOCKS).map(|i| 1 + i * 31 % 97).sum();
            assert_eq!(lost + (sent as u64 - end), receiver.dropped());
        });
    }

    #[test]
    fn gaps_are_accounted_to_the_sample() {
        let (mut sender, mut receiver) = Tap::open(1000, 2, 0.1);
        for length in [60, 50, 40, 7, 1] {
            send(&mut sender, length);
        }
        assert_eq!(receiver.dropped(), 50 + 7 + 1);
        let mut read = || receiver.receive().map(|block| (block.first, block.lost, is_whole(block)));
        assert_eq!(read(), Some((0, 0, true)));
        assert_eq!(read(), Some((110, 50, true)));
        assert_eq!(read(), None);
        send(&mut sender, 100);
        send(&mut sender, 101);
        assert_eq!(read(), Some((158, 8, true)));
        send(&mut sender, 5);
        assert_eq!(read(), Some((359, 101, true)));
        send(&mut sender, 5);
        assert_eq!(read(), Some((364, 0, true)));
        send(&mut sender, 5);
        receiver.skip();
        assert!(receiver.receive().is_none());
        send(&mut sender, 5);
        assert_eq!(receiver.receive().map(|block| (block.first, block.lost)), Some((374, 5)));
    }

    #[test]
    fn blocks_of_every_length_come_through() {
        let (mut sender, mut receiver) = Tap::open(8000, 2, 1.0);
        for length in (0..2000).chain([7999, 8000, 1, 0, 3]) {
            let first = sender.position;
            send(&mut sender, length);
            match receiver.receive() {
                Some(block) => assert!(is_whole(block) && (block.first, block.input[0].len()) == (first, length)),
                None => assert_eq!(length, 0),
            }
        }
        assert_eq!(receiver.dropped(), 0);
        // Single samples, before the other side has had a look.
        (0..500).for_each(|_| send(&mut sender, 1));
        assert_eq!(std::iter::from_fn(|| receiver.receive().map(is_whole)).filter(|whole| *whole).count(), 500);
    }

    #[test]
    fn whatever_is_sent_is_made_to_fit() {
        const NOTHING: &[[f32; 0]] = &[];
        let (mut sender, mut receiver) = Tap::open(48_000, 2, 1.0);
        sender.send(NOTHING, NOTHING, 1);
        sender.send(&[[1.0; 5]; 2], &[vec![2.0; 5], Vec::new()], 1);
        assert!(receiver.receive().is_none());
        sender.send(&[[1.0; 5]], &[vec![2.0; 9], vec![3.0; 4], vec![4.0; 7]], 1);
        let block = receiver.receive().unwrap();
        assert_eq!((block.first, block.lost), (0, 0));
        assert_eq!(
            (&block.input, &block.output),
            (&vec![vec![1.0; 4], vec![0.0; 4]], &vec![vec![2.0; 4], vec![3.0; 4]])
        );
        sender.send(NOTHING, &[[f32::NAN; 3]], 1);
        assert!(receiver.receive().unwrap().output[0][2].is_nan());
        for (rate, channels, seconds) in [(0, 0, 0.0), (u32::MAX, 1, f32::NAN), (48_000, 1, -1.0), (9, usize::MAX, 1e9)]
        {
            let (mut sender, mut receiver) = Tap::open(rate, channels, seconds);
            sender.send(&[[1.0; 3]], &[[1.0; 3]], 1);
            assert_eq!(receiver.receive().map(|block| block.input[0].len()), Some(3));
        }
    }

    #[test]
    fn output_finds_its_input_but_never_across_a_gap() {
        const LATENCY: usize = 13;
        let (mut sender, receiver) = Tap::open(1000, 1, 0.1);
        let mut receiver = receiver.aligned(LATENCY);
        let (mut expected, mut lost) = (0, 0);
        let mut gap = false;
        for (round, length) in [5, 5, 5, 30, 1, 200, 4, 13, 1, 99, 200, 200, 8, 8, 2, 40].into_iter().enumerate() {
            let first = sender.position;
            let output: Vec<f32> =
                (0..length).map(|i| (first + i).checked_sub(LATENCY as u64).map_or(0.0, |p| sample(p, 0))).collect();
            sender.send(&[channel(first, length as usize, 0)], &[output], 0);
            gap |= length > 100;
            while let Some(block) = receiver.receive() {
                assert_eq!(block.input, block.output, "round {round}");
                assert_eq!(block.input[0], channel(block.first, block.input[0].len(), 0));
                assert_eq!(block.first, expected + block.lost);
                assert_eq!(block.lost > 0, gap, "round {round}");
                expected = block.first + block.input[0].len() as u64;
                lost += block.lost;
                gap = false;
            }
        }
        // Two gaps, each of which took the input that waited for its output.
        assert_eq!(lost, receiver.dropped() + 2 * LATENCY as u64);
        assert_eq!(sender.position - expected, LATENCY as u64);
    }
}
