//! How good does it sound? What is wrong with the input, what was done to it, and whether that was
//! for the better.
//!
//! All of this runs on the side thread or offline: it may allocate, but it is made to be cheap.

mod comparison;
mod context;
mod excerpt;
mod frames;
pub mod intrusive;
mod measures;
mod perceptron;
mod reference;
mod score;
mod true_peak;
mod veto;
mod weights;

use crate::engine::INPUT_LIMIT;
pub use comparison::{Comparison, JUST_NOTICEABLE, Opinion, Passage};
pub(crate) use context::mix;
pub use context::{Accuracy, Context, EMBEDDING, EMBEDDING_VERSION, Finding, Heard, Listener, Severity, Survey, Truth};
pub use excerpt::Excerpt;
pub use frames::{BANDS, Frames, HIGH_BANDS, LOW_BANDS, band_edges};
#[cfg(feature = "editor")]
pub(crate) use measures::k_weight;
pub use measures::{FEATURE_NAMES, FEATURES, Levels, Quality};
pub(crate) use perceptron::{Perceptron, Scale};
pub use reference::PseudoReference;
pub(crate) use score::FAULT;
pub use score::{Audition, Ears, Estimate, IMPRESSION, SCORE_FEATURES, Take, feature_names};
use std::borrow::Cow;
pub(crate) use true_peak::TruePeak;
pub use veto::Veto;
pub(crate) use weights::{Tensors, WeightsError};

/// A sample as the engine takes it in: what is not finite is silence, and what is far too loud would be infinite once
/// it is squared.
fn sane(sample: &f32) -> f32 {
    if sample.is_finite() { sample.clamp(-INPUT_LIMIT, INPUT_LIMIT) } else { 0.0 }
}

/// All samples like that; usually they are.
fn all_sane(sound: &[f32]) -> Cow<'_, [f32]> {
    match sound.iter().all(|sample| sample.abs() <= INPUT_LIMIT) {
        true => sound.into(),
        false => sound.iter().map(sane).collect(),
    }
}
