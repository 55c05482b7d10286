use super::triple::{Receiver, Sender, exchange};
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
        self.sender.applied()
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

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{array, thread};

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
