use super::pair::Pair;

/// Bins that are seen together: 250 Hz, within which an honest gain hardly changes.
const GROUP: usize = 8;

/// Foreign energy, 0..1: how little the fine structure of the output's spectrum has in common with
/// that of the input. In groups of neighbouring bins of each frame, 1 minus the squared cosine
/// between the magnitudes: any gain, equaliser or broad mask leaves it near 0, noise and tones that
/// the input has not bring it to 0.2 or more, even if they come and go. Mean over all groups that
/// can be heard. Trap: gains that differ from bin to bin (musical noise, comb filters) count too,
/// and so does an output that is not aligned with the input.
pub fn energy(pair: &Pair) -> f32 {
    let excerpt = pair.excerpt;
    let last = ((8000.0 / excerpt.frames.hertz()) as usize).min(excerpt.frames.bins);
    let (mut sum, mut count) = (0.0f32, 0.0f32);
    for (input, output) in excerpt.frames.spectra().zip(pair.output.spectra()) {
        let (input, output) = (input[2..last].as_chunks::<GROUP>().0, output[2..last].as_chunks::<GROUP>().0);
        for (input, output) in input.iter().zip(output) {
            let (mut both, mut before, mut after) = (0.0f32, 0.0f32, 0.0f32);
            for i in 0..GROUP {
                both += (input[i] * output[i]).sqrt();
                before += input[i];
                after += output[i];
            }
            // Below about -80 dB either way there is nothing to compare.
            let heard = f32::from(u8::from(before.min(after) > 1e-8));
            sum += heard * (1.0 - both * both / (before * after).max(1e-20));
            count += heard;
        }
    }
    sum / count.max(1.0)
}
