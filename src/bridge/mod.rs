//! Between the threads, without a lock: settings to the audio thread, audio to the side thread.

mod load;
mod offsets;
mod param_bus;
mod tap;
mod triple;

pub use load::Load;
pub use offsets::{OffsetsBus, OffsetsReader, OffsetsWriter};
pub use param_bus::{ParamBus, SettingsReader, SettingsWriter};
pub use tap::{Tap, TapBlock, TapReceiver, TapSender};
