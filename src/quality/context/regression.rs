//! What was fitted to mixtures with a known truth.

/// A quadratic function of several numbers, each brought from its range to ±1 and kept there. The
/// weights are those of 1, of each number, and of each with each from itself on.
pub fn quadratic<const N: usize>(told: [f32; N], ranges: &[(f32, f32); N], weights: &[f32]) -> f32 {
    let mut x = told;
    for (x, (low, high)) in x.iter_mut().zip(ranges) {
        *x = 2.0 * (x.clamp(*low, *high) - low) / (high - low) - 1.0;
    }
    let squares = (0..N).flat_map(|i| (i..N).map(move |j| x[i] * x[j]));
    let terms = [1.0].into_iter().chain(x).chain(squares);
    terms.zip(weights).map(|(term, weight)| term * weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_weights() {
        let ranges = [(0.0, 2.0), (0.0, 2.0)];
        let weights = [1.0, 10.0, 100.0, 1e3, 1e4, 1e5];
        assert_eq!(quadratic([1.0, 1.0], &ranges, &weights), 1.0);
        assert_eq!(quadratic([2.0, 1.0], &ranges, &weights), 1011.0);
        assert_eq!(quadratic([1.0, 9.0], &ranges, &weights), 100_101.0);
        assert_eq!(quadratic([2.0, 0.0], &ranges, &weights), 1.0 + 10.0 - 100.0 + 1e3 - 1e4 + 1e5);
    }
}
