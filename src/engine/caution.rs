use super::Stream;
use super::math::log2;

/// How far noise reduction can be trusted on this sound.
///
/// Where the noise is itself many voices (a cafe, a crowd), noise tracking hears speech nearly
/// everywhere, yet the level has none of the pauses of a single talker. Reducing such noise follows
/// the wrong voices and harms the right one. This watches for just that: a high speech presence
/// together with a steady level, over the last seconds, in the range of speech.
pub struct Caution {
    low: usize,
    high: usize,
    fast: f32,
    slow: f32,
    started: bool,
    level: f32,
    mean: f32,
    variance: f32,
    presence: f32,
}

/// Mean presence from which caution begins, and where it is complete.
const PRESENCE: (f32, f32) = (0.20, 0.26);
/// Standard deviation of the level (dB) at which caution is complete, and where it ends.
const DEVIATION: (f32, f32) = (4.0, 5.5);

impl Caution {
    /// Watches the bins from 300 to 4000 Hz.
    pub fn new(stream: &Stream, bins: usize) -> Caution {
        let bin = |hertz: f32| ((hertz * stream.window as f32 / stream.rate) as usize).min(bins);
        let mut caution = Caution {
            low: bin(300.0),
            high: bin(4000.0),
            fast: stream.smoothing(0.05, stream.hop),
            slow: stream.smoothing(1.5, stream.hop),
            started: false,
            level: 0.0,
            mean: 0.0,
            variance: 0.0,
            presence: 0.0,
        };
        caution.reset();
        caution
    }

    /// Takes the power and the speech presence of one frame; 0: no caution, 1: as much as possible.
    pub fn update(&mut self, power: &[f32], presence: &[f32]) -> f32 {
        let range = self.low..self.high;
        let level = 3.0103 * log2(power[range.clone()].iter().sum::<f32>().max(1e-10));
        let presence = presence[range.clone()].iter().sum::<f32>() / range.len().max(1) as f32;
        if !self.started {
            self.started = true;
            (self.level, self.mean) = (level, level);
        }
        self.level += (1.0 - self.fast) * (level - self.level);
        self.mean += (1.0 - self.slow) * (self.level - self.mean);
        self.variance += (1.0 - self.slow) * ((self.level - self.mean).powi(2) - self.variance);
        self.presence += (1.0 - self.slow) * (presence - self.presence);
        let crowded = ((self.presence - PRESENCE.0) / (PRESENCE.1 - PRESENCE.0)).clamp(0.0, 1.0);
        let steady = ((DEVIATION.1 - self.variance.sqrt()) / (DEVIATION.1 - DEVIATION.0)).clamp(0.0, 1.0);
        crowded * steady
    }

    /// Forgets the sound; a single talker is expected.
    pub fn reset(&mut self) {
        self.started = false;
        self.variance = DEVIATION.1.powi(2);
        self.presence = PRESENCE.0;
    }
}
