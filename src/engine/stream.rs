/// Mono and stereo.
pub const MAX_CHANNELS: usize = 2;

/// The two latency modes; a choice of the user, never of the tuner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Latency {
    /// About 11 ms: for hearing oneself or talking to others.
    Live,
    /// About 42 ms: the best quality, for files and mixing.
    Studio,
}

/// What an [`Engine`](super::Engine) is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineConfig {
    /// Samples per second, 8000 to 192000.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: usize,
    /// Latency mode.
    pub latency: Latency,
}

/// An [`EngineConfig`] that can't be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The rate is out of range.
    #[error("a sample rate of {0} Hz is not supported; 8000 to 192000 Hz are")]
    SampleRate(u32),
    /// Neither mono nor stereo.
    #[error("{0} channels are not supported by one engine; 1 or 2 are")]
    Channels(usize),
}

/// What every effect is told about the stream when it is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stream {
    /// Samples per second.
    pub rate: f32,
    /// 1 or 2.
    pub channels: usize,
    /// Length of the chain's frames, in samples.
    pub hop: usize,
    /// Length of the spectral window, in samples: a multiple of the hop.
    pub window: usize,
    /// Latency mode.
    pub latency: Latency,
}

impl Stream {
    /// Derives the frame sizes: windows of about 40 ms, hops of 10 ms (studio) or 5 ms (live).
    pub fn new(config: EngineConfig) -> Result<Stream, ConfigError> {
        let EngineConfig { sample_rate, channels, latency } = config;
        if !(8000..=192_000).contains(&sample_rate) {
            return Err(ConfigError::SampleRate(sample_rate));
        }
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return Err(ConfigError::Channels(channels));
        }
        // A quarter of the window of about 40 ms; smooth so that the FFT is fast, even so that it halves.
        let quarter = fast_length(sample_rate as usize / 100);
        let hop = match latency {
            Latency::Studio => quarter,
            Latency::Live => quarter / 2,
        };
        Ok(Stream { rate: sample_rate as f32, channels, hop, window: quarter * 4, latency })
    }

    /// The number of samples in so many seconds, at least 1.
    pub fn samples(&self, seconds: f32) -> usize {
        ((self.rate * seconds).round() as usize).max(1)
    }

    /// Coefficient of a one-pole smoother of this time constant (s), updated every `step` samples:
    /// `y += (1 - coefficient) * (x - y)`.
    pub fn smoothing(&self, seconds: f32, step: usize) -> f32 {
        (-(step as f32) / (self.rate * seconds)).exp()
    }

    /// A block of silence of this many samples.
    pub fn block(&self, length: usize) -> Vec<Vec<f32>> {
        vec![vec![0.0; length]; self.channels]
    }
}

/// The multiple of 4 nearest to `length` with no prime factor above 5.
fn fast_length(length: usize) -> usize {
    let smooth = |mut n: usize| {
        for p in [2, 3, 5] {
            while n.is_multiple_of(p) {
                n /= p;
            }
        }
        n == 1
    };
    (1..=length / 2 + 1).map(|i| i * 4).filter(|&n| smooth(n)).min_by_key(|n| n.abs_diff(length)).unwrap_or(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_near_40_ms_at_every_rate() {
        for rate in [8000, 11025, 12345, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 176_400, 192_000] {
            for latency in [Latency::Live, Latency::Studio] {
                let s = Stream::new(EngineConfig { sample_rate: rate, channels: 1, latency }).unwrap();
                let ms = s.window as f32 / s.rate * 1000.0;
                assert!((37.0..43.0).contains(&ms), "{rate} {ms}");
                assert!(s.window.is_multiple_of(s.hop));
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        let config = EngineConfig { sample_rate: 48_000, channels: 2, latency: Latency::Studio };
        assert!(Stream::new(EngineConfig { sample_rate: 1, ..config }).is_err());
        assert!(Stream::new(EngineConfig { sample_rate: 1 << 30, ..config }).is_err());
        assert!(Stream::new(EngineConfig { channels: 0, ..config }).is_err());
        assert!(Stream::new(EngineConfig { channels: 3, ..config }).is_err());
    }
}
