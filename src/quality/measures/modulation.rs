use super::pair::Pair;
use crate::quality::frames::LOW_BANDS;

/// Change of the modulation ratio, dB: power of the envelopes at the pace of syllables (2 to 8 Hz)
/// over that of faster flutter (10 to 31 Hz), summed over the bands, output over input; after SRMR
/// (Falk et al., IEEE TASLP 18(7), 2010). Up: drier, clearer. Trap: gates and low-passed speech have
/// it high, so beyond a few dB it means nothing.
pub fn change(pair: &Pair) -> f32 {
    ratio(&pair.output.bands) - ratio(&pair.excerpt.frames.bands)
}

fn ratio<const N: usize>(bands: &[[f32; N]]) -> f32 {
    let (mut slow, mut fast) = (0.0f32, 0.0f32);
    for b in 0..LOW_BANDS {
        let envelope: Vec<f32> = bands.iter().map(|bands| bands[b].sqrt()).collect();
        let mean = envelope.iter().sum::<f32>() / envelope.len().max(1) as f32;
        let (mut s, mut f) = (0.0f32, 0.0f32);
        // Sums of 5 frames (80 ms) against sums of 25, and single frames against sums of 5.
        for near in envelope.windows(25) {
            let wide = near.iter().sum::<f32>() / 25.0;
            let narrow = near[10..15].iter().sum::<f32>() / 5.0;
            s += (narrow - wide).powi(2);
            f += (near[12] - narrow).powi(2);
        }
        // Each band counts by its contrast, not its power.
        let scale = 1.0 / (mean * mean + 1e-12);
        slow += s * scale;
        fast += f * scale;
    }
    10.0 * ((slow + 1e-3) / (fast + 1e-3)).log10()
}
