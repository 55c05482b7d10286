//! The live program: microphone in, enhanced voice out.
//!
//! ```text
//! input's callback ▸ Inlet ═ring═ Intake (resampler, drift) ▸ Rescue (engine) ▸ output's callback
//!                                                               │ Tap ▸ Companion on the side thread
//! ```
//!
//! What the callbacks do, [`Core`], knows no device: its tests give it clocks. [`run`] opens the devices, and opens them
//! again when they fail.

mod controls;
mod core;
mod devices;
mod doctor;
mod drift;
mod error;
mod intake;
mod profile;
mod record;
mod rescue;
mod running;
mod session;
mod status;
mod streams;
#[cfg(test)]
mod tests;
mod view;

pub use self::core::{Core, Parts};
pub use controls::Controls;
pub use doctor::examine;
pub use drift::Drift;
pub use error::LiveError;
pub use intake::{CHUNK, Inlet, Intake, IntakeConfig, intake};
pub use profile::Profile;
pub use record::Recorder;
pub use rescue::Rescue;
pub use session::{Adapt, Options, list_devices, run};
pub use status::{Faults, Reading, Status};
pub use view::{Action, Plain, Scene, Terminal, View, Window};
