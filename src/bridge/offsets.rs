use super::triple::{Receiver, Sender, exchange};
use crate::settings::{COUNT, Offsets};

/// Carries whole [`Offsets`] from the side thread to the audio thread, as [`ParamBus`](super::ParamBus) does settings.
///
/// ```
/// use attune::{bridge::OffsetsBus, settings::{Id, Offsets, Settings}};
/// let (mut writer, mut reader) = OffsetsBus::open();
/// assert_eq!(reader.poll(), None);
/// let base = Settings::default();
/// let offsets = Offsets::between(&base, &base.with(Id::EqLow, -3.0));
/// assert_eq!(writer.publish(&offsets), 1);
/// assert_eq!(reader.poll(), Some((offsets, 1)));
/// ```
pub struct OffsetsBus(());

impl OffsetsBus {
    /// The two ends of a new bus. Until something is published (revision 1), there are no offsets.
    pub fn open() -> (OffsetsWriter, OffsetsReader) {
        let (sender, receiver) = exchange();
        (OffsetsWriter { sender, revision: 0 }, OffsetsReader { receiver })
    }
}

/// The writing end of an [`OffsetsBus`].
pub struct OffsetsWriter {
    sender: Sender<COUNT>,
    revision: u64,
}

impl OffsetsWriter {
    /// Hands offsets over and returns their revision. Replaces those that were not taken over yet.
    pub fn publish(&mut self, offsets: &Offsets) -> u64 {
        self.revision += 1;
        self.sender.send(offsets.as_array(), self.revision);
        self.revision
    }

    /// The revision that was published last; 0: none so far.
    pub fn revision(&self) -> u64 {
        self.revision
    }
}

/// The reading end of an [`OffsetsBus`]; made for the audio thread.
pub struct OffsetsReader {
    receiver: Receiver<COUNT>,
}

impl OffsetsReader {
    /// The newest offsets and their revision, if they were not taken over yet.
    pub fn poll(&mut self) -> Option<(Offsets, u64)> {
        let (values, revision) = self.receiver.receive()?;
        Some((Offsets::from_array(&values), revision))
    }
}
