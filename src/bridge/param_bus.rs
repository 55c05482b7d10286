#[cfg(all(loom, test))]
use loom::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};
use std::array;
#[cfg(not(all(loom, test)))]
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64};
use std::sync::{Arc, atomic::Ordering::*};

use crate::settings::{COUNT, Settings};

/// Carries whole [`Settings`] from one writer to one reader (the audio thread).
///
/// Neither side ever locks, waits or repeats. The reader gets the newest set that is complete,
/// never a mix of two; sets that it had no time for are skipped. Each set has a revision, counted
/// from 1.
///
/// ```
/// use attune::{bridge::ParamBus, settings::{Id, Settings}};
/// let (mut writer, mut reader) = ParamBus::open(&Settings::default());
/// assert_eq!(reader.poll(), Some((Settings::default(), 1)));
/// assert_eq!(reader.poll(), None);
/// let louder = Settings::default().with(Id::OutputGain, 3.0);
/// assert_eq!(writer.publish(&louder), 2);
/// assert_eq!(writer.applied(), 1);
/// assert_eq!(reader.poll(), Some((louder, 2)));
/// assert_eq!(writer.applied(), 2);
/// ```
pub struct ParamBus(());

impl ParamBus {
    /// The two ends of a new bus. The first set, revision 1, waits for the reader's first poll.
    pub fn open(first: &Settings) -> (SettingsWriter, SettingsReader) {
        let (sender, receiver) = exchange();
        let mut writer = SettingsWriter { sender, revision: 0 };
        writer.publish(first);
        (writer, SettingsReader { receiver })
    }
}

/// The writing end of a [`ParamBus`].
pub struct SettingsWriter {
    sender: Sender<COUNT>,
    revision: u64,
}

impl SettingsWriter {
    /// Hands a set over and returns its revision. Replaces one that was not taken over yet.
    pub fn publish(&mut self, settings: &Settings) -> u64 {
        self.revision += 1;
        self.sender.send(settings.as_array(), self.revision);
        self.revision
    }

    /// The revision that the reader took over last; 0: none so far.
    pub fn applied(&self) -> u64 {
        self.sender.shared.applied.load(Acquire)
    }
}

/// The reading end of a [`ParamBus`]; made for the audio thread.
pub struct SettingsReader {
    receiver: Receiver<COUNT>,
}

impl SettingsReader {
    /// The newest set and its revision, if there is one that was not taken over yet.
    pub fn poll(&mut self) -> Option<(Settings, u64)> {
        let (values, revision) = self.receiver.receive()?;
        Some((Settings::from_array(&values), revision))
    }
}

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

struct Sender<const N: usize> {
    shared: Arc<Shared<N>>,
    slot: u8,
}

struct Receiver<const N: usize> {
    shared: Arc<Shared<N>>,
    slot: u8,
}

fn exchange<const N: usize>() -> (Sender<N>, Receiver<N>) {
    let slot = |_| Slot { revision: AtomicU64::new(0), values: array::from_fn(|_| AtomicU32::new(0)) };
    let shared = Arc::new(Shared { slots: array::from_fn(slot), middle: AtomicU8::new(1), applied: AtomicU64::new(0) });
    (Sender { shared: shared.clone(), slot: 0 }, Receiver { shared, slot: 2 })
}

impl<const N: usize> Sender<N> {
    fn send(&mut self, values: &[f32; N], revision: u64) {
        let slot = &self.shared.slots[usize::from(self.slot)];
        slot.revision.store(revision, Relaxed);
        for (to, from) in slot.values.iter().zip(values) {
            to.store(from.to_bits(), Relaxed);
        }
        self.slot = self.shared.middle.swap(self.slot | FRESH, AcqRel) & INDEX;
    }
}

impl<const N: usize> Receiver<N> {
    fn receive(&mut self) -> Option<([f32; N], u64)> {
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

#[cfg(all(test, not(loom)))]
mod tests {
    use std::thread;

    use super::*;
    use crate::settings::{Id, TABLE};

    #[test]
    fn only_the_newest_set_is_seen_and_once() {
        let (mut writer, mut reader) = ParamBus::open(&Settings::default());
        assert_eq!(writer.applied(), 0);
        for mix in 1..=50 {
            writer.publish(&Settings::default().with(Id::Mix, mix as f32));
        }
        let (settings, revision) = reader.poll().unwrap();
        assert_eq!((settings[Id::Mix], revision, writer.applied()), (50.0, 51, 51));
        assert_eq!(reader.poll(), None);
    }

    /// All values follow from the revision, so that a torn set shows.
    fn derived(revision: u64) -> Settings {
        let travel = |i: usize| (revision.wrapping_mul(2_654_435_761 + i as u64) % 1009) as f32 / 1008.0;
        Settings::from_array(&array::from_fn(|i| TABLE[i].denormalise(travel(i))))
    }

    #[test]
    fn no_set_is_torn_under_a_storm_of_writes() {
        const WRITES: u64 = 1_000_000;
        // Few distinct sets, computed beforehand: the threads should spend their time on the bus.
        let sets: Vec<Settings> = (0..97).map(derived).collect();
        let of = |revision: u64| &sets[(revision % 97) as usize];
        let (mut writer, mut reader) = ParamBus::open(of(1));
        thread::scope(|scope| {
            scope.spawn(|| {
                for revision in 2..=WRITES {
                    assert!(writer.applied() < revision);
                    assert_eq!(writer.publish(of(revision)), revision);
                }
            });
            let mut last = 0;
            while last < WRITES {
                if let Some((settings, revision)) = reader.poll() {
                    assert!(revision > last);
                    assert_eq!(&settings, of(revision), "revision {revision}");
                    last = revision;
                }
            }
        });
        assert_eq!(writer.applied(), WRITES);
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
                    assert!(sender.shared.applied.load(Acquire) <= revision);
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
