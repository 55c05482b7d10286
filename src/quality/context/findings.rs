//! What is wrong, in plain words.

use super::Context;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Heard by those who listen for it.
    Slight,
    /// Heard by everyone.
    Clear,
    /// Spoils the recording.
    Severe,
}

/// Something that is wrong with the input.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What it is, in a few words with numbers.
    pub text: String,
}

/// The severity of a value that starts to matter at the first limit, is clear from the second and
/// severe from the third; `None` below all.
fn grade(value: f32, [slight, clear, severe]: [f32; 3]) -> Option<Severity> {
    match value {
        v if v >= severe => Some(Severity::Severe),
        v if v >= clear => Some(Severity::Clear),
        v if v >= slight => Some(Severity::Slight),
        _ => None,
    }
}

impl Context {
    /// What is wrong, the worst first.
    pub fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut find = |severity: Option<Severity>, text: String| {
            findings.extend(severity.map(|severity| Finding { severity, text }));
        };
        if self.short_term <= -70.0 && self.integrated <= -70.0 {
            find(Some(Severity::Note), "silence".into());
            return findings;
        }
        // Steady noise may look like voice, but it has neither pitch nor syllables.
        if self.speech < 0.1 || (self.pitch == 0.0 && self.modulation < 2.5) {
            find(Some(Severity::Note), "hardly any speech".into());
        }
        let steady = if self.noise_stationarity > 0.7 { "steady" } else { "unsteady" };
        find(grade(-self.snr, [-25.0, -15.0, -5.0]), format!("{steady} noise: SNR about {:.0} dB", self.snr));
        if self.hum_frequency > 0.0 {
            let many = if self.hum_harmonics == 1.0 { "harmonic" } else { "harmonics" };
            find(
                grade(self.hum_level - self.integrated, [-60.0, -40.0, -20.0]),
                format!(
                    "hum at {:.0} Hz, {:.0} dB: {:.0} {many}",
                    self.hum_frequency, self.hum_level, self.hum_harmonics
                ),
            );
        }
        find(
            grade(100.0 * self.clipping, [0.03, 0.2, 2.0]),
            format!("clipped: {:.2} % of the samples", 100.0 * self.clipping),
        );
        // Under much noise neither room nor colour can be told.
        if self.speech >= 0.1 && self.snr >= 5.0 {
            let text = format!("roomy: decay time about {:.1} s", self.decay_time);
            find(grade(self.decay_time, [0.45, 0.65, 1.1]), text);
            self.tone(&mut find);
        }
        self.level(&mut find);
        if self.gating > 0.4 {
            find(Some(Severity::Note), "already gated: it falls silent between words".into());
        }
        if self.holes > 0.35 {
            find(Some(Severity::Note), "already noise-reduced, or coded: holes in the spectrum".into());
        }
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        findings
    }

    fn tone(&self, find: &mut impl FnMut(Option<Severity>, String)) {
        if self.bandwidth > 0.0 {
            let text = format!("no speech above {:.1} kHz", self.bandwidth / 1000.0);
            find(grade(-self.bandwidth, [-7500.0, -5000.0, -3000.0]), text);
        }
        let treble = 0.5 * (self.presence + self.air);
        let limits = [7.0, 11.0, 20.0];
        find(grade(-treble, limits), format!("dull: {:.0} dB below usual speech above 2 kHz", -treble));
        find(grade(treble, limits), format!("sharp: {treble:.0} dB above usual speech above 2 kHz"));
        find(grade(self.bass, limits), format!("boomy: {:.0} dB above usual speech below 250 Hz", self.bass));
        find(grade(-self.bass, limits), format!("thin: {:.0} dB below usual speech below 250 Hz", -self.bass));
        find(grade(self.mid, limits), format!("muddy: {:.0} dB above usual speech at 250 to 400 Hz", self.mid));
        find(
            grade(self.sibilance, [-6.0, -3.0, 3.0]),
            format!("sibilant: hisses at {:+.0} dB against the voice", self.sibilance),
        );
    }

    fn level(&self, find: &mut impl FnMut(Option<Severity>, String)) {
        find(grade(-self.integrated, [30.0, 36.0, 50.0]), format!("quiet: {:.0} LUFS", self.integrated));
        find(grade(self.integrated, [-12.0, -9.0, -5.0]), format!("loud: {:.0} LUFS", self.integrated));
        find(grade(self.true_peak, [-0.1, 1.0, 3.0]), format!("peaks at {:+.1} dBTP", self.true_peak));
        find(grade(self.level_jump, [8.0, 12.0, 20.0]), format!("level jumps by {:.0} LU", self.level_jump));
    }
}
