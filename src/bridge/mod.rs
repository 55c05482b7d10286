//! Between the threads, without a lock: settings to the audio thread, audio to the side thread.

mod param_bus;
mod tap;

pub use param_bus::{ParamBus, SettingsReader, SettingsWriter};
pub use tap::{Tap, TapBlock, TapReceiver, TapSender};
