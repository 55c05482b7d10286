//! Numbers in words.

use crate::quality::{Context, Finding, Quality, Severity};

/// A measure of what was done, with how much of it is how bad.
pub struct Measure {
    /// What it is.
    pub name: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Where it stands, in that unit.
    pub of: fn(&Quality) -> f32,
    /// What is a lot of it: the full length of its bar.
    pub lot: f32,
    /// From where it may be noticed, and from where it disturbs; `None` where more isn't worse.
    pub harm: Option<(f32, f32)>,
}

/// What is shown of [`Quality`]. Where a veto has a bound, that is a lot.
#[rustfmt::skip]
pub const MEASURES: [Measure; 16] = [
    Measure { name: "Noise turned down, against the speech", unit: "dB", of: |q| q.noise_attenuation, lot: 30.0, harm: None },
    Measure { name: "Room’s tail turned down", unit: "dB", of: |q| q.tail_attenuation, lot: 15.0, harm: None },
    Measure { name: "Speech made louder", unit: "dB", of: |q| q.level_change, lot: 20.0, harm: None },
    Measure { name: "Weak speech turned down, against the rest", unit: "dB", of: |q| q.speech_attenuation, lot: 15.0, harm: Some((4.0, 8.0)) },
    Measure { name: "Speech suppressed too much", unit: "dB", of: |q| q.over_suppression, lot: 10.5, harm: Some((4.0, 7.0)) },
    Measure { name: "Speech swallowed", unit: "%", of: |q| 100.0 * q.speech_lost, lot: 40.0, harm: Some((5.0, 15.0)) },
    Measure { name: "Beginnings of speech swallowed", unit: "%", of: |q| 100.0 * q.onsets_lost, lot: 40.0, harm: Some((5.0, 15.0)) },
    Measure { name: "Tone of the speech changed", unit: "dB", of: |q| q.tone_distance, lot: 8.0, harm: Some((2.5, 5.0)) },
    Measure { name: "Speech lost above 4 kHz", unit: "dB", of: |q| q.high_loss, lot: 14.0, harm: Some((3.0, 6.0)) },
    Measure { name: "Speech lost below 250 Hz", unit: "dB", of: |q| q.low_loss, lot: 14.0, harm: Some((4.0, 8.0)) },
    Measure { name: "Gain changes from frame to frame", unit: "dB", of: |q| q.gain_fluctuation, lot: 8.0, harm: None },
    Measure { name: "Flutter of the noise that is left", unit: "dB", of: |q| q.noise_fluctuation, lot: 3.6, harm: Some((2.4, 3.0)) },
    Measure { name: "Musical noise (log-kurtosis ratio)", unit: "", of: |q| q.log_kurtosis_ratio, lot: 0.9, harm: Some((0.4, 0.65)) },
    Measure { name: "Sound that is not in the input", unit: "%", of: |q| 100.0 * q.foreign, lot: 6.0, harm: Some((2.0, 4.0)) },
    Measure { name: "Hum that still stands out", unit: "dB", of: |q| q.hum, lot: 40.0, harm: Some((10.0, 20.0)) },
    Measure { name: "Samples that are clipped", unit: "%", of: |q| 100.0 * q.clipped, lot: 1.0, harm: Some((0.01, 0.1)) },
];

impl Measure {
    /// Its value with its unit.
    pub fn show(&self, quality: &Quality) -> String {
        let (value, unit) = ((self.of)(quality), self.unit);
        let digits = if unit == "dB" { 1 } else { 2 };
        let text = format!("{value:.digits$}");
        let text = if text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.')) { text.replace('-', "") } else { text };
        if unit.is_empty() { text } else { format!("{text} {unit}") }
    }
}

/// What was done, in a few words each.
pub fn done(quality: &Quality) -> Vec<String> {
    let q = quality;
    if q.silenced > 0.9 {
        return vec!["the speech is gone".to_owned()];
    }
    let mut all = Vec::new();
    let mut say = |holds: bool, text: String| all.extend(holds.then_some(text));
    let (noise, level) = (q.noise_attenuation, q.level_change);
    say(noise >= 1.0, format!("noise {noise:.0} dB down, against the speech"));
    say(noise <= -1.0, format!("noise {:.0} dB up, against the speech", -noise));
    say(q.tail_attenuation >= 2.0, format!("tails {:.0} dB down", q.tail_attenuation));
    say(level >= 1.0, format!("speech {level:.0} dB louder"));
    say(level <= -1.0, format!("speech {:.0} dB softer", -level));
    say(q.speech_attenuation >= 4.0, format!("weak speech {:.0} dB further down than the rest", q.speech_attenuation));
    say(q.speech_lost >= 0.05, format!("{:.0} % of the speech swallowed", 100.0 * q.speech_lost));
    say(q.tone_distance >= 2.5, format!("tone of the speech changed by {:.0} dB", q.tone_distance));
    say(q.high_loss >= 3.0, format!("speech lost {:.0} dB above 4 kHz", q.high_loss));
    say(q.high_loss <= -3.0, format!("speech gained {:.0} dB above 4 kHz", -q.high_loss));
    say(q.log_kurtosis_ratio >= 0.4, "the noise that is left sounds musical".to_owned());
    say(q.hum >= 10.0, format!("hum still stands out by {:.0} dB", q.hum));
    if all.is_empty() {
        all.push("hardly anything was changed".to_owned());
    }
    all
}

/// `Noise level`, from `noise_level`.
pub fn label(field: &str) -> String {
    let text = field.replace('_', " ").replace("wada", "WADA").replace("snr", "SNR");
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The fields of a context with their units, a dash where one isn't known.
pub fn values(context: &Context) -> [String; Context::FIELDS.len()] {
    let values = context.values();
    std::array::from_fn(|i| {
        let ((name, unit), value) = (Context::FIELDS[i], values[i]);
        let of_hum = name.starts_with("hum") && context.hum_frequency == 0.0;
        let zero_is_unknown = matches!(unit, "Hz" | "s") && value == 0.0;
        let silent = matches!(unit, "LUFS" if value <= -70.0) || matches!(unit, "dBTP" if value <= -120.0);
        if of_hum || zero_is_unknown || silent {
            return "–".to_owned();
        }
        match (name, unit) {
            ("speech", _) => format!("{:.0} %", 100.0 * value),
            ("clipping", _) => format!("{:.2} %", 100.0 * value),
            ("hum_harmonics", _) => format!("{value:.0}"),
            (_, "") => format!("{value:.2}"),
            (_, "Hz") => format!("{value:.0} Hz"),
            _ => format!("{value:.1} {unit}").replace("-0.0 ", "0.0 "),
        }
    })
}

/// The severity's name.
pub fn severity(finding: &Finding) -> &'static str {
    match finding.severity {
        Severity::Severe => "severe",
        Severity::Clear => "clear",
        Severity::Slight => "slight",
        Severity::Note => "note",
    }
}
