//! Bands as wide as the ear's.

/// Where the ERB-rate scale (Glasberg & Moore 1990) bends from linear to logarithmic, Hz.
const BEND_HZ: f64 = 229.0;
/// ERBs to a factor e of frequency, far above the bend.
const PER_E: f64 = 9.265;

/// Bands one ERB wide from `low` to `high` Hz: each a range of bins `hz` apart, none empty.
pub fn erb_bands(low: f64, high: f64, hz: f64) -> Vec<std::ops::Range<usize>> {
    let erbs = |f: f64| PER_E * (1.0 + f / BEND_HZ).ln();
    let edge = |n: usize| (BEND_HZ * (((erbs(low) + n as f64) / PER_E).exp() - 1.0) / hz).round() as usize;
    let count = (erbs(high) - erbs(low)).max(0.0) as usize;
    (0..count).map(|n| edge(n)..edge(n + 1)).filter(|bins| !bins.is_empty()).collect()
}
