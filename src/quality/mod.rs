//! How good the sound is.

pub mod intrusive;
