use std::fmt;

/// Something that must not be heard for another moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Samples that are not numbers.
    NonFinite,
    /// The output is clipped, the input is not.
    Clipping,
    /// The output is silent where the input has speech.
    Swallowed,
    /// The audio thread hardly keeps up.
    Deadline,
}

impl Fault {
    /// The fault of a stretch of mono output, aligned with its input; best about 0.1 to 1 s long.
    /// `speech`: whether there is speech in the input.
    ///
    /// Swallowed: 40 dB down and below -60 dB, while the input is above -55 dB. Clipped: more than a thousandth
    /// of the samples at or beyond full scale, and twice as many as in the input.
    pub fn of(input: &[f32], output: &[f32], speech: bool) -> Option<Fault> {
        let power = |x: &[f32]| {
            let finite = x.iter().filter(|x| x.is_finite());
            finite.map(|x| f64::from(*x).powi(2)).sum::<f64>() / x.len().max(1) as f64
        };
        let full = |x: &[f32]| x.iter().filter(|x| x.abs() >= 0.999).count();
        if output.iter().any(|x| !x.is_finite()) {
            return Some(Fault::NonFinite);
        }
        let clipped = full(output);
        if clipped * 1000 > output.len() && clipped > 2 * full(input) {
            return Some(Fault::Clipping);
        }
        let (before, after) = (power(input), power(output));
        (speech && !output.is_empty() && before > 3e-6 && after < 1e-4 * before && after < 1e-6)
            .then_some(Fault::Swallowed)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::NonFinite => "the output had samples that are not numbers",
            Fault::Clipping => "the output was clipped",
            Fault::Swallowed => "the output was silent where the input had speech",
            Fault::Deadline => "the audio thread hardly kept up",
        })
    }
}
