//! Between the threads: settings to the audio thread, without a lock.

mod param_bus;

pub use param_bus::{ParamBus, SettingsReader, SettingsWriter};
