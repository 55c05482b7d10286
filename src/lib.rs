//! Attune enhances recorded and live speech and audio: noise, reverberation, hum, tone, sibilance
//! and level.
//!
//! The [`engine`] does the sound, controlled by [`settings`]; [`bridge`] carries settings to the
//! audio thread without locks. [`quality`] measures what was done to it.

pub mod bridge;
#[cfg(feature = "cli")]
pub mod cli;
pub mod engine;
pub mod quality;
pub mod settings;
pub mod tuner;

/// The README's example compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
