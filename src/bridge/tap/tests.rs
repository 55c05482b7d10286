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
    assert_eq!((&block.input, &block.output), (&vec![vec![1.0; 4], vec![0.0; 4]], &vec![vec![2.0; 4], vec![3.0; 4]]));
    sender.send(NOTHING, &[[f32::NAN; 3]], 1);
    assert!(receiver.receive().unwrap().output[0][2].is_nan());
    for (rate, channels, seconds) in [(0, 0, 0.0), (u32::MAX, 1, f32::NAN), (48_000, 1, -1.0), (9, usize::MAX, 1e9)] {
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
