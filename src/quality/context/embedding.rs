use super::Context;

/// Numbers in an embedding.
pub const EMBEDDING: usize = 28;
/// Goes up whenever the meaning of any number changes: embeddings of different versions can't be
/// compared.
pub const EMBEDDING_VERSION: u32 = 1;

impl Context {
    /// Where this input lies among inputs, for bandits and for similarity search: numbers within
    /// ±1.5, mostly ±1, with Euclidean distance. Level matters little: 20 dB are 0.5. What is not
    /// known is 0, or what is usual.
    pub fn embedding(&self) -> [f32; EMBEDDING] {
        // From the middle of the usual range; its half is 1.
        let range = |value: f32, low: f32, high: f32| (2.0 * (value - low) / (high - low) - 1.0).clamp(-1.5, 1.5);
        let octaves = |value: f32, low: f32, high: f32| match value > 0.0 {
            true => range(value.log2(), low.log2(), high.log2()),
            false => 0.0,
        };
        // From nothing (0) to a lot (1).
        let amount = |value: f32, lot: f32| (value / lot).clamp(0.0, 1.5);
        let hum = amount(self.hum_level - self.integrated + 50.0, 40.0);
        [
            range(self.speech, 0.0, 1.0),
            range(self.snr, 0.0, 40.0),
            range(self.wada_snr, 0.0, 40.0),
            range(self.noise_level - self.integrated, -50.0, 0.0),
            range(self.noise_tilt, -10.0, 4.0),
            range(self.noise_stationarity, 0.0, 1.0),
            range(self.modulation, 0.0, 15.0),
            octaves(self.decay_time, 0.15, 1.2),
            hum,
            if hum > 0.0 { range(self.hum_frequency, 50.0, 60.0) * hum.min(1.0) } else { 0.0 },
            amount(self.hum_harmonics, 10.0),
            octaves(self.bandwidth, 3400.0, 20_000.0),
            range(self.tilt, -6.0, 6.0),
            amount(self.tone_distance, 12.0),
            range(self.bass, -15.0, 15.0),
            range(self.mid, -12.0, 12.0),
            range(self.presence, -15.0, 15.0),
            range(self.air, -20.0, 20.0),
            0.5 * range(self.integrated, -43.0, -3.0),
            range(self.true_peak - self.integrated, 8.0, 28.0),
            amount(self.level_range, 20.0),
            amount(self.level_jump, 15.0),
            range(self.crest, 10.0, 26.0),
            amount(self.clipping.sqrt(), 0.1),
            range(self.sibilance, -30.0, 0.0),
            amount(self.gating, 3.0),
            amount(self.holes, 1.5),
            octaves(self.pitch, 80.0, 300.0),
        ]
    }
}
