//! The 22 bands of RNNoise: triangles on a scale near Bark, between these edges.

use realfft::num_complex::Complex32;

/// Number of bands.
pub const BANDS: usize = 22;

/// Peaks of the bands, in bins of 50 Hz.
pub(super) const EDGES: [usize; BANDS] =
    [0, 4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 136, 160, 192, 240, 312, TOP];

/// Bins below the last edge (20 kHz): all that the model sees.
pub(super) const TOP: usize = 400;

/// How far each bin is on its way from one edge to the next, 0..1.
static FRACTION: [f32; TOP] = {
    let mut fraction = [0.0; TOP];
    let mut band = 0;
    while band < BANDS - 1 {
        let (low, high) = (EDGES[band], EDGES[band + 1]);
        let mut bin = low;
        while bin < high {
            fraction[bin] = (bin - low) as f32 / (high - low) as f32;
            bin += 1;
        }
        band += 1;
    }
    fraction
};

/// Sums Re(a b*) over the triangle of each band.
pub(super) fn correlate(a: &[Complex32], b: &[Complex32]) -> [f32; BANDS] {
    let mut products = [0.0; TOP];
    for ((product, a), b) in products.iter_mut().zip(a).zip(b) {
        *product = a.re * b.re + a.im * b.im;
    }
    let mut sums = [0.0; BANDS];
    for band in 0..BANDS - 1 {
        let bins = EDGES[band]..EDGES[band + 1];
        // All bands are multiples of four bins wide.
        let (mut falling, mut rising) = ([0.0; 4], [0.0; 4]);
        for (p, f) in products[bins.clone()].chunks_exact(4).zip(FRACTION[bins].chunks_exact(4)) {
            for lane in 0..4 {
                falling[lane] += (1.0 - f[lane]) * p[lane];
                rising[lane] += f[lane] * p[lane];
            }
        }
        sums[band] += falling.iter().sum::<f32>();
        sums[band + 1] += rising.iter().sum::<f32>();
    }
    // The outermost triangles have only one side.
    sums[0] *= 2.0;
    sums[BANDS - 1] *= 2.0;
    sums
}

/// Straight lines between the values of the bands.
pub(super) fn interpolate(values: &[f32; BANDS]) -> [f32; TOP] {
    let mut out = [0.0; TOP];
    for band in 0..BANDS - 1 {
        let bins = EDGES[band]..EDGES[band + 1];
        let (low, step) = (values[band], values[band + 1] - values[band]);
        for (out, f) in out[bins.clone()].iter_mut().zip(&FRACTION[bins]) {
            *out = low + f * step;
        }
    }
    out
}
