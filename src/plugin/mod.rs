//! Attune in a host.

pub mod display;
pub mod editor;
