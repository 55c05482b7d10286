//! Attune enhances recorded and live speech and audio: noise, reverberation, hum, tone, sibilance
//! and level.
//!
//! The [`engine`] does the sound, controlled by [`settings`]; [`bridge`] carries settings to the
//! audio thread and audio from it, without locks. [`quality`] judges what was done to it, without a clean
//! reference; [`tuner`] looks for better settings while it runs. The `editor` shows it. The feature `live` has all
//! of it between sound devices, `plugin` in a host.

pub mod bridge;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "editor")]
pub mod editor;
pub mod engine;
#[cfg(feature = "live")]
pub mod live;
#[cfg(feature = "plugin")]
pub mod plugin;
pub mod quality;
pub mod settings;
pub mod tuner;

/// The README's example compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
