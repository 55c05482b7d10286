//! Elementary functions that the compiler can vectorise: no tables, branches or calls.

/// 2^x within 5e-6 of the true value, relatively; `x` is limited to ±126.
#[inline(always)]
pub fn exp2(x: f32) -> f32 {
    // Adding 1.5 * 2^23 leaves the nearest integer in the low bits of the mantissa.
    const ROUND: f32 = 12_582_912.0;
    let x = x.clamp(-126.0, 126.0);
    let shifted = x + ROUND;
    let f = x - (shifted - ROUND);
    let p = 1.0
        + f * (std::f32::consts::LN_2 + f * (0.240_226_5 + f * (0.055_504_1 + f * (0.009_618_1 + f * 0.001_333_4))));
    f32::from_bits(p.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// log2(x) within 1e-4 for normal positive `x`.
#[inline(always)]
pub fn log2(x: f32) -> f32 {
    let bits = x.to_bits();
    // Mantissa to [sqrt(1/2), sqrt(2)).
    let e = (bits.wrapping_sub(0x3f35_04f3) as i32) >> 23;
    let m = f32::from_bits(bits.wrapping_sub((e as u32) << 23));
    // log2((1 + t) / (1 - t)) = 2 / ln 2 * (t + t^3/3 + t^5/5 + ...)
    let t = (m - 1.0) / (m + 1.0);
    let t2 = t * t;
    e as f32 + t * (2.885_39 + t2 * (0.961_796_7 + t2 * (0.577_08 + t2 * 0.412_199)))
}

/// e^x; see [`exp2`].
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    exp2(x * std::f32::consts::LOG2_E)
}

/// The sum, in an order that the compiler can vectorise.
#[inline]
pub fn sum(values: &[f32]) -> f32 {
    let mut lanes = [0.0; 8];
    let (whole, rest) = values.as_chunks::<8>();
    for chunk in whole {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value;
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

/// An array of equal values that was never on the stack: hosts make engines on threads with little of it.
pub fn boxed<T: Clone, const N: usize>(value: T) -> Box<[T; N]> {
    let Ok(array) = vec![value; N].into_boxed_slice().try_into() else { unreachable!("it has that length") };
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_to_the_library_functions() {
        let mut x = -100.0f32;
        while x < 100.0 {
            assert!((exp2(x) / x.exp2() - 1.0).abs() < 5e-6, "exp2({x})");
            let y = (x * 0.5).exp2();
            assert!((log2(y) - y.log2()).abs() < 1e-4, "log2({y})");
            x += 0.0137;
        }
        assert!(exp2(f32::INFINITY).is_finite() && exp2(-1e30) >= 0.0);
    }
}
