//! How far the context is from the truth, where someone made the input and knows.

use super::Context;
use std::fmt;

/// What the maker of an input knows of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Truth {
    /// Power of the speech against that of the noise, dB.
    pub snr: Option<f32>,
    /// Decay time of the room, s.
    pub decay_time: Option<f32>,
    /// Frequency (Hz) and level (dB, mean square) of hum; `Some(None)`: surely none.
    pub hum: Option<Option<[f32; 2]>>,
    /// Integrated loudness, LUFS.
    pub loudness: Option<f32>,
    /// Where the speech ends, Hz.
    pub bandwidth: Option<f32>,
    /// Share of clipped samples.
    pub clipping: Option<f32>,
    /// Median pitch, Hz.
    pub pitch: Option<f32>,
}

/// Errors of the estimates on inputs whose truth is known; displayed as a table.
#[derive(Clone, Debug, Default)]
pub struct Accuracy {
    /// Estimate and its errors.
    errors: Vec<(&'static str, Vec<f32>)>,
    hums: usize,
    missed: usize,
    free: usize,
    false_alarms: usize,
}

impl Accuracy {
    /// Compares one input with its truth; what isn't known doesn't count.
    pub fn add(&mut self, context: &Context, truth: &Truth) {
        let snrs =
            [("SNR, dB", context.snr), ("WADA-SNR, dB", context.wada_snr), ("tracked SNR, dB", context.tracked_snr)];
        for (name, estimate) in snrs {
            self.error(name, estimate, truth.snr);
        }
        let known = |value: f32| (value > 0.0).then_some(value);
        if let Some(estimate) = known(context.decay_time) {
            self.error("decay time, s", estimate, truth.decay_time);
        }
        self.error("loudness, LU", context.integrated, truth.loudness);
        self.error("bandwidth, Hz", context.bandwidth, truth.bandwidth);
        self.error("clipping, %", 100.0 * context.clipping, truth.clipping.map(|share| 100.0 * share));
        if let Some(estimate) = known(context.pitch) {
            self.error("pitch, Hz", estimate, truth.pitch);
        }
        match (truth.hum, context.hum_frequency > 0.0) {
            (Some(Some([frequency, level])), true) => {
                self.hums += 1;
                self.error("hum, Hz", context.hum_frequency, Some(frequency));
                self.error("hum, dB", context.hum_level, Some(level));
            }
            (Some(Some(_)), false) => {
                self.hums += 1;
                self.missed += 1;
            }
            (Some(None), found) => {
                self.free += 1;
                self.false_alarms += usize::from(found);
            }
            (None, _) => {}
        }
    }

    fn error(&mut self, name: &'static str, estimate: f32, truth: Option<f32>) {
        let Some(truth) = truth else { return };
        match self.errors.iter_mut().find(|(known, _)| *known == name) {
            Some((_, errors)) => errors.push(estimate - truth),
            None => self.errors.push((name, vec![estimate - truth])),
        }
    }

    /// For each estimate: name, number of inputs, mean absolute error, bias and standard deviation.
    pub fn summary(&self) -> impl Iterator<Item = (&'static str, usize, [f32; 3])> {
        self.errors.iter().map(|(name, errors)| {
            let mean = |of: &dyn Fn(f32) -> f32| errors.iter().map(|e| of(*e)).sum::<f32>() / errors.len() as f32;
            let bias = mean(&|e| e);
            (*name, errors.len(), [mean(&f32::abs), bias, mean(&|e| (e - bias).powi(2)).sqrt()])
        })
    }
}

impl fmt::Display for Accuracy {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        writeln!(f, "{:16} {:>5} {:>9} {:>9} {:>9}", "estimate", "files", "error", "bias", "spread")?;
        for (name, files, [error, bias, spread]) in self.summary() {
            writeln!(f, "{name:16} {files:5} {error:9.3} {bias:9.3} {spread:9.3}")?;
        }
        write!(f, "hum: {} of {} missed, {} false alarms in {}", self.missed, self.hums, self.false_alarms, self.free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted() {
        let mut accuracy = Accuracy::default();
        let truth = Truth { snr: Some(10.0), hum: Some(Some([50.0, -40.0])), ..Truth::default() };
        accuracy.add(&Context { snr: 12.0, hum_frequency: 50.1, hum_level: -41.0, ..Context::default() }, &truth);
        accuracy.add(&Context { snr: 6.0, ..Context::default() }, &truth);
        let summary: Vec<_> = accuracy.summary().collect();
        assert_eq!(summary[0], ("SNR, dB", 2, [3.0, -1.0, 3.0]));
        assert!(summary.iter().any(|(name, files, [error, ..])| *name == "hum, dB" && *files == 1 && *error == 1.0));
        assert!(accuracy.to_string().ends_with("hum: 1 of 2 missed, 0 false alarms in 0"), "{accuracy}");
    }
}
