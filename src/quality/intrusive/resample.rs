//! Other sample rates.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};
use std::borrow::Cow;

/// About how many frames of the input the filter spans: a steep edge at every rate.
const SPAN: usize = 1 << 13;

/// A mono signal at another rate, aligned with the original: `rubato`'s FFT resampler.
pub fn resample(samples: &[f32], from: u32, to: u32) -> Cow<'_, [f32]> {
    if from == to || samples.is_empty() {
        return Cow::Borrowed(samples);
    }
    // Any two rates above 0 and any length are in range.
    Cow::Owned(try_resample(samples, from as usize, to as usize).unwrap_or_default())
}

fn try_resample(samples: &[f32], from: usize, to: usize) -> Option<Vec<f32>> {
    // An even number of the shortest blocks that both rates share: half of it, the filter's delay, is whole.
    let chunk = SPAN.next_multiple_of(2 * from / gcd(from, to));
    let mut resampler =
        Fft::<f32>::new_custom(from, to, chunk, 1, 1, WindowFunction::BlackmanHarris2, FixedSync::Both).ok()?;
    let needed = resampler.process_all_needed_output_len(samples.len());
    let mut resampled = vec![0.0; needed];
    let input = InterleavedSlice::new(samples, 1, samples.len()).ok()?;
    let mut output = InterleavedSlice::new_mut(&mut resampled, 1, needed).ok()?;
    let (_, produced) = resampler.process_all_into_buffer(&input, &mut output, samples.len(), None).ok()?;
    resampled.truncate(produced.min((samples.len() * to).div_ceil(from)));
    Some(resampled)
}

/// The greatest common divisor.
pub fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
