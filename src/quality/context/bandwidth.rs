//! Where the speech ends.

use super::Context;
use super::tone::usual;
use super::window::Window;
use crate::engine::smooth::power_to_db;

/// So far below usual speech there is none, dB.
const MISSING: f32 = 35.0;
/// Width of a band, Hz.
const STEP: f32 = 250.0;
/// Noise of 16-bit samples; twice that still hides nothing that could be heard.
const QUANTISATION: f32 = 2.0 / (12.0 * 32_768.0 * 32_768.0);
/// Share of the noise below which speech can't be told from it.
const HIDDEN: f32 = 0.1;

/// The end of the highest band of 250 Hz with speech, or with so much noise that there might be
/// some. Trap: a very dull microphone may be as far below usual as a cut.
pub fn measure(window: &Window, context: &mut Context) {
    if !window.has_speech() {
        return;
    }
    let clean = window.clean();
    let (low, high) = (500.0, 3000f32.min(0.45 * window.excerpt.frames.rate as f32));
    let reference = window.between(&clean, low, high) / usual(low, high);
    let half = 0.5 * window.excerpt.frames.rate as f32;
    let holds = |band: &usize| {
        let (low, high) = (*band as f32 * STEP, (*band + 1) as f32 * STEP);
        let hidden = HIDDEN * window.between(&window.under_speech, low, high);
        let speech = window.between(&clean, low, high).max(hidden) - QUANTISATION * STEP / half;
        power_to_db(speech / (reference * usual(low, high)).max(1e-20)) > -MISSING
    };
    let bands = (half / STEP) as usize;
    context.bandwidth = match (0..bands).rev().find(holds) {
        Some(band) if band + 1 == bands => half,
        Some(band) => (band + 1) as f32 * STEP,
        None => 0.0,
    };
}
