//! How much later the processed signal is.

use super::{common, silent};
use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

/// Delays are looked for up to this far, s, either way.
pub const LONGEST_DELAY: f64 = 0.1;
/// The band in which speech is sure to be, Hz.
const BAND_HZ: (f64, f64) = (200.0, 5000.0);
/// Bins of the reference weaker than the strongest by this much say little.
const WEAK: f32 = 1e-3;

/// By how many samples `processed` is later than `reference`; negative where it is earlier.
///
/// The peak, within ±100 ms, of the impulse response that leads from one to the other, in the band of
/// speech: cross-spectrum over the reference's power (Roth 1971), averaged over the file. Dividing by
/// the power keeps the pitch period of a voice from looking like a delay. A turned polarity is no
/// matter. 0 where either is silent. Trap: where a room's echo is stronger than the direct sound, it is
/// the echo's delay.
pub fn delay(reference: &[f32], processed: &[f32], rate: u32) -> isize {
    if silent(reference) || silent(processed) {
        return 0;
    }
    let most = (f64::from(rate) * LONGEST_DELAY) as usize;
    // A block of the reference, and around it as much of the processed signal as it can be found in.
    let size = (8 * most).next_power_of_two();
    let step = size - 2 * most;
    let mut planner = RealFftPlanner::new();
    let forward = planner.plan_fft_forward(size);
    let inverse = planner.plan_fft_inverse(size);
    let mut cross = forward.make_output_vec();
    let mut power = vec![0f32; cross.len()];
    for start in (0..reference.len()).step_by(step) {
        let x = spectrum(&*forward, reference[start..reference.len().min(start + step)].iter().copied(), 0);
        let from = start as isize - most as isize;
        let lead = from.min(0).unsigned_abs();
        let around = processed.iter().copied().skip(from.max(0) as usize).take(size - lead);
        let y = spectrum(&*forward, around, lead);
        for (((cross, power), x), y) in cross.iter_mut().zip(&mut power).zip(&x).zip(&y) {
            *cross += x.conj() * y;
            *power += x.norm_sqr();
        }
    }
    let hz = f64::from(rate) / size as f64;
    let (low, high) = ((BAND_HZ.0 / hz) as usize, (BAND_HZ.1 / hz) as usize);
    let trace = WEAK * power.iter().skip(low).take(high - low).fold(0f32, |most, &p| most.max(p));
    for (bin, (cross, power)) in cross.iter_mut().zip(&power).enumerate() {
        let inside = (low..high).contains(&bin);
        *cross = if inside { *cross / (power + trace).max(f32::MIN_POSITIVE) } else { Complex32::ZERO };
    }
    let mut response = inverse.make_output_vec();
    // The lengths are those that the plan made itself, and the ends of the band are zero.
    let _ = inverse.process(&mut cross, &mut response);
    // The first found wins, from no delay outwards: the smallest of equals.
    let height = |lag: isize| response[(most as isize + lag) as usize].abs();
    let lags = (0..=most as isize).flat_map(|lag| [lag, -lag]);
    lags.fold(0, |best, lag| if height(lag) > height(best) { lag } else { best })
}

fn spectrum(fft: &dyn RealToComplex<f32>, samples: impl Iterator<Item = f32>, lead: usize) -> Vec<Complex32> {
    let (mut frame, mut bins) = (fft.make_input_vec(), fft.make_output_vec());
    frame[lead..].iter_mut().zip(samples).for_each(|(x, s)| *x = s);
    // The lengths are those that the plan made itself.
    let _ = fft.process(&mut frame, &mut bins);
    bins
}

/// Both signals from where both have begun to where the first ends, for a delay found by [`delay()`].
pub fn aligned<'a>(reference: &'a [f32], processed: &'a [f32], delay: isize) -> (&'a [f32], &'a [f32]) {
    let cut = |samples: &'a [f32], count: isize| &samples[samples.len().min(count.max(0) as usize)..];
    common(cut(reference, -delay), cut(processed, delay))
}
