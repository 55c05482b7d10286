//! Modulation, after SRMR: T. H. Falk, C. Zheng, W.-Y. Chan, "A non-intrusive quality and
//! intelligibility measure of reverberant and dereverberated speech", IEEE TASLP 18(7), 2010.

use super::Context;
use super::window::Window;
use crate::engine::smooth::power_to_db;
use crate::quality::frames::LOW_BANDS;
use realfft::RealFftPlanner;

/// Frames of a spectrum: about 2 s.
const LENGTH: usize = 128;
/// Bins of syllables, 2.4 to 10.3 Hz, and of what is faster, up to 29 Hz.
const SLOW: std::ops::Range<usize> = 5..22;
const FAST: std::ops::Range<usize> = 22..60;
/// Mel bands that share an envelope.
const TOGETHER: usize = 4;

/// Envelopes of eight bands up to 8 kHz, in windows of 2 s; their energy at the rate of syllables
/// against that above, in dB. SRMR has 23 bands and modulation up to 128 Hz: frames of 16 ms do not
/// reach so far, but rooms and noise fill the same range.
pub fn measure(window: &Window, context: &mut Context) {
    let frames = &window.excerpt.frames;
    context.modulation = 0.0;
    if frames.len() < LENGTH {
        return;
    }
    let fft = RealFftPlanner::<f32>::new().plan_fft_forward(LENGTH);
    let (mut input, mut output) = (fft.make_input_vec(), fft.make_output_vec());
    let starts = (frames.len() - LENGTH).div_ceil(LENGTH / 2) + 1;
    let (mut slow, mut fast) = (0.0, 0.0);
    for start in (0..starts).map(|i| (i * LENGTH / 2).min(frames.len() - LENGTH)) {
        let bands = &frames.bands[start..start + LENGTH];
        for band in (0..LOW_BANDS).step_by(TOGETHER) {
            for (to, bands) in input.iter_mut().zip(bands) {
                *to = bands[band..band + TOGETHER].iter().sum::<f32>().sqrt();
            }
            let mean = input.iter().sum::<f32>() / LENGTH as f32;
            for (i, x) in input.iter_mut().enumerate() {
                *x = (*x - mean) * crate::engine::decimate::hann(i as f32 + 0.5, LENGTH);
            }
            if fft.process(&mut input, &mut output).is_ok() {
                slow += output[SLOW].iter().map(|bin| bin.norm_sqr()).sum::<f32>();
                fast += output[FAST].iter().map(|bin| bin.norm_sqr()).sum::<f32>();
            }
        }
    }
    context.modulation = if fast > 1e-12 { power_to_db(slow / fast).clamp(-20.0, 40.0) } else { 0.0 };
}
