//! How a whole set of numbers gets from one thread to another without waiting.

#[cfg(all(loom, test))]
use loom::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};
use std::array;
#[cfg(not(all(loom, test)))]
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};
use std::sync::{Arc, atomic::Ordering::*};

/// A triple buffer: the writer owns one slot, the reader another, and the third lies in `middle`.
///
/// A slot changes hands only by a swap of `middle`. The swap is a release of what its owner did
/// to the slot given away, and an acquire of what the other did to the slot taken; so all accesses
/// to one slot are ordered by happens-before, and those within it can be relaxed. In particular the
/// reader sees every value of the set that was written before the swap, and the writer overwrites
/// a slot only after the reader's last look at it.
struct Shared<const N: usize> {
    slots: [Slot<N>; 3],
    /// Index of the slot in the middle, with [`FRESH`] if the reader has not seen it.
    middle: AtomicU8,
    /// Revision of the set last received.
    applied: AtomicU64,
}

const FRESH: u8 = 4;
const INDEX: u8 = 3;

struct Slot<const N: usize> {
    revision: AtomicU64,
    /// Bits of f32.
    values: [AtomicU32; N],
}

/// The writer's end.
pub(super) struct Sender<const N: usize> {
    shared: Arc<Shared<N>>,
    slot: u8,
}

/// The reader's end.
pub(super) struct Receiver<const N: usize> {
    shared: Arc<Shared<N>>,
    slot: u8,
}

/// The two ends, with nothing to receive yet.
pub(super) fn exchange<const N: usize>() -> (Sender<N>, Receiver<N>) {
    let slot = |_| Slot { revision: AtomicU64::new(0), values: array::from_fn(|_| AtomicU32::new(0)) };
    let shared = Arc::new(Shared { slots: array::from_fn(slot), middle: AtomicU8::new(1), applied: AtomicU64::new(0) });
    (Sender { shared: shared.clone(), slot: 0 }, Receiver { shared, slot: 2 })
}

impl<const N: usize> Sender<N> {
    /// Hands a set over; replaces one that was not received yet.
    pub(super) fn send(&mut self, values: &[f32; N], revision: u64) {
        let slot = &self.shared.slots[usize::from(self.slot)];
        slot.revision.store(revision, Relaxed);
        for (to, from) in slot.values.iter().zip(values) {
            to.store(from.to_bits(), Relaxed);
        }
        self.slot = self.shared.middle.swap(self.slot | FRESH, AcqRel) & INDEX;
    }

    /// The revision that was received last; 0: none so far.
    pub(super) fn applied(&self) -> u64 {
        self.shared.applied.load(Acquire)
    }
}

impl<const N: usize> Receiver<N> {
    /// The newest set and its revision, if it was not received yet.
    pub(super) fn receive(&mut self) -> Option<([f32; N], u64)> {
        // Only this side clears the mark, so the swap below is sure to get a fresh slot too.
        if self.shared.middle.load(Relaxed) & FRESH == 0 {
            return None;
        }
        self.slot = self.shared.middle.swap(self.slot, AcqRel) & INDEX;
        let slot = &self.shared.slots[usize::from(self.slot)];
        let values = array::from_fn(|i| f32::from_bits(slot.values[i].load(Relaxed)));
        let revision = slot.revision.load(Relaxed);
        self.shared.applied.store(revision, Release);
        Some((values, revision))
    }
}

/// All interleavings and reorderings of a small bus:
/// `RUSTFLAGS="--cfg loom" cargo test --lib --no-default-features --target-dir target/loom model`.
#[cfg(all(loom, test))]
mod model {
    use super::*;

    #[test]
    fn every_interleaving_is_whole_and_in_order() {
        loom::model(|| {
            let (mut sender, mut receiver) = exchange::<2>();
            let writer = loom::thread::spawn(move || {
                for revision in 1..=3 {
                    sender.send(&[revision as f32; 2], revision);
                    assert!(sender.applied() <= revision);
                }
            });
            let mut last = 0;
            let mut look = |receiver: &mut Receiver<2>| {
                if let Some((values, revision)) = receiver.receive() {
                    assert_eq!(values, [revision as f32; 2]);
                    assert!(revision > last);
                    last = revision;
                }
                last
            };
            look(&mut receiver);
            look(&mut receiver);
            writer.join().unwrap();
            assert_eq!(look(&mut receiver), 3);
        });
    }
}
