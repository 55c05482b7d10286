use super::{ConfigError, EngineConfig, Stream};
use crate::settings::Settings;

/// What is heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Monitor {
    /// The enhanced sound.
    #[default]
    Enhanced,
    /// What the enhancement removes (and adds): untouched minus enhanced.
    Delta,
    /// The untouched sound, delayed by the latency.
    Bypass,
}

/// What the engine did lately, for meters and reports. All gains are in dB.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Meters {
    /// Gain of the noise reduction and dereverberation, averaged over the spectrum by energy.
    pub denoise: f32,
    /// Gain of the de-esser in its band.
    pub deess: f32,
    /// Gain of the leveler.
    pub level: f32,
    /// Gain of the compressor.
    pub compressor: f32,
    /// Gain of the limiter.
    pub limiter: f32,
    /// Fundamental of the hum that is being removed, Hz; 0: none.
    pub hum: f32,
    /// Input samples that were not finite and were replaced by silence, since `new` or `reset`.
    pub bad_samples: u64,
}

/// The whole chain. See the [module](super).
pub struct Engine {
    stream: Stream,
}

impl Engine {
    /// Builds the chain with the default settings. All memory is allocated here.
    pub fn new(config: EngineConfig) -> Result<Engine, ConfigError> {
        let stream = Stream::new(config)?;
        Ok(Engine { stream })
    }

    /// Takes over new settings from the next frame on; heard gradually, without a click.
    pub fn set(&mut self, settings: &Settings) {
        let _ = settings;
    }

    /// Chooses what is heard, crossfaded.
    pub fn set_monitor(&mut self, monitor: Monitor) {
        let _ = monitor;
    }

    /// Processes one block in place: one slice per channel, all of the same length, of any length.
    /// The output is delayed by [`Engine::latency`] samples.
    ///
    /// Slices beyond the engine's channels are left alone.
    pub fn process(&mut self, channels: &mut [&mut [f32]]) {
        let _ = channels;
    }

    /// Back to the state after `new`, keeping the settings (all ramps finished) and the monitor.
    pub fn reset(&mut self) {}

    /// Delay from input to output in samples; constant.
    pub fn latency(&self) -> usize {
        0
    }

    /// What the engine was built for.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// What the engine did in the last frame.
    pub fn meters(&self) -> Meters {
        Meters::default()
    }
}
