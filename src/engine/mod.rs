//! The sound: one chain of effects, made for the audio thread.
//!
//! ```text
//! in ▸ low cut ▸ hum ▸ denoise + dereverb ▸ eq ▸ de-ess ▸ level ▸ compress ▸ mix ▸ gain ▸ limit ▸ out
//! ```
//!
//! [`Engine::process`] takes blocks of any size, but the chain always runs on frames of a fixed
//! length (the hop). That is why the output does not depend on how a stream is cut into blocks, and
//! why no effect needs to care. The hop is a part of the spectral window's delay, so it costs no
//! extra latency.
//!
//! Everything is allocated in [`Engine::new`]; `process`, `set` and `reset` never allocate, lock,
//! block or panic.

mod bands;
mod chain;
mod compressor;
pub(crate) mod decimate;
mod deess;
mod delay;
mod dereverb;
mod eq;
mod gain;
mod hum;
mod leveler;
mod limiter;
mod low_cut;
pub(crate) mod math;
pub mod neural;
pub(crate) mod noise;
mod onset;
mod restraint;
pub(crate) mod smooth;
mod spectral;
mod stft;
mod stream;
mod svf;
#[cfg(test)]
pub(crate) mod testing;
mod true_peak;
#[cfg(test)]
pub(crate) mod voice;

pub(crate) use chain::INPUT_LIMIT;
pub use chain::{Engine, Meters, Monitor};
pub use compressor::Compressor;
pub use deess::Deess;
pub use eq::Eq;
pub use hum::Hum;
pub use leveler::Leveler;
pub use limiter::Limiter;
pub use low_cut::LowCut;
pub use spectral::SpectralPass;
pub use stream::{ConfigError, EngineConfig, Latency, MAX_CHANNELS, Stream};

use crate::settings::Settings;

/// The one shape of all effects.
///
/// A block is one vector of samples per channel, all of the same length; the full scale is ±1. The
/// engine gives blocks of exactly [`Stream::hop`] samples. [`SpectralPass`] takes nothing else, the
/// others take any length up to that.
pub trait Effect {
    /// Takes over new settings. Changes are heard gradually (20-50 ms), never as a click.
    fn set(&mut self, settings: &Settings);

    /// Processes one block in place.
    fn process(&mut self, block: &mut [Vec<f32>]);

    /// Back to the state after `new` and the last `set`, with all ramps finished.
    fn reset(&mut self);

    /// Delay in samples; constant.
    fn latency(&self) -> usize {
        0
    }
}
