//! The resampler of Octave, which the measure is defined with: at its threshold for silence, another
//! filter finds other frames.

use super::super::resample::gcd;

/// A cut of 60 dB, as Octave's `resample` asks for.
const REJECTION_DB: f64 = 60.0;

/// A mono signal at another rate, by a windowed sinc that cuts at the lower of both ends of the
/// spectrum, half its width of transition on either side. Padded with silence, aligned.
pub fn resample(samples: &[f32], from: u32, to: u32) -> Vec<f64> {
    let (from, to) = (from as usize, to as usize);
    let shared = gcd(from, to).max(1);
    let (up, down) = (to / shared, from / shared);
    if up == down || samples.is_empty() {
        return samples.iter().map(|&s| f64::from(s)).collect();
    }
    let filter = filter(up, down);
    let half = filter.len() / 2;
    let reach = half / up + 1;
    // For each phase between two samples, the weights of the samples around it.
    let weight = |phase: usize, tap: usize| {
        let at = (half + phase + reach * up).checked_sub(tap * up);
        at.and_then(|at| filter.get(at)).copied().unwrap_or_default()
    };
    let phases: Vec<Vec<f64>> = (0..up).map(|phase| (0..=2 * reach).map(|tap| weight(phase, tap)).collect()).collect();
    let mut padded = vec![0.0; samples.len() + 2 * reach];
    padded[reach..].iter_mut().zip(samples).for_each(|(padded, &s)| *padded = f64::from(s));
    let length = (samples.len() * up).div_ceil(down);
    (0..length).map(|i| dot(&phases[i * down % up], &padded[i * down / up..])).collect()
}

/// The filter at `up` times the rate of the input: a sinc under a Kaiser window.
fn filter(up: usize, down: usize) -> Vec<f64> {
    let cutoff = 0.5 / up.max(down) as f64;
    let half = ((REJECTION_DB - 8.0) / (28.714 * cutoff / 10.0)).ceil();
    let beta = 0.1102 * (REJECTION_DB - 8.7);
    let value = |i: i32| {
        let t = f64::from(i);
        let angle = std::f64::consts::TAU * cutoff * t;
        let sinc = if i == 0 { 1.0 } else { angle.sin() / angle };
        sinc * bessel(beta * (1.0 - (t / half).powi(2)).sqrt())
    };
    let filter: Vec<f64> = (-half as i32..=half as i32).map(value).collect();
    let gain = up as f64 / filter.iter().sum::<f64>();
    filter.into_iter().map(|value| value * gain).collect()
}

/// The modified Bessel function of the first kind and order 0.
fn bessel(x: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for k in 1..50 {
        term *= (x / (2.0 * f64::from(k))).powi(2);
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    sum
}

/// In parts, so that the compiler can add several at once.
fn dot(weights: &[f64], samples: &[f64]) -> f64 {
    let (w, w_rest) = weights.as_chunks::<4>();
    let (x, x_rest) = samples[..weights.len()].as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (w, x) in w.iter().zip(x) {
        for i in 0..4 {
            sums[i] += w[i] * x[i];
        }
    }
    sums.iter().sum::<f64>() + w_rest.iter().zip(x_rest).map(|(w, x)| w * x).sum::<f64>()
}
