use super::compressor::Compressor;
use super::deess::Deess;
use super::delay::Delay;
use super::eq::Eq;
use super::hum::Hum;
use super::leveler::Leveler;
use super::limiter::Limiter;
use super::low_cut::LowCut;
use super::smooth::{RAMP, Ramp, db_to_gain};
use super::spectral::SpectralPass;
use super::{ConfigError, Effect, EngineConfig, Stream};
use crate::settings::{Id, Settings};

/// Input beyond this is clipped (36 dB above full scale), so that nothing in the chain overflows.
pub(crate) const INPUT_LIMIT: f32 = 64.0;
/// Input below this (300 dB below full scale) is silence, so that nothing in the chain goes denormal.
const SILENCE: f32 = 1e-15;

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
    /// Gain of the noise reduction and dereverberation: the energy that they left of the last frame.
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
    low_cut: LowCut,
    hum: Hum,
    spectral: SpectralPass,
    eq: Eq,
    deess: Deess,
    leveler: Leveler,
    compressor: Compressor,
    limiter: Limiter,

    /// 1: enhanced only, 0: untouched only.
    mix: Ramp,
    gain: Ramp,
    /// 1: what is removed is heard instead of what is left.
    delta: Ramp,
    /// 1: the input is heard, bit for bit.
    bypass: Ramp,

    /// The untouched sound, in step with the output of the effects.
    dry: Delay,
    dry_block: Vec<Vec<f32>>,
    /// From there, in step with the output of the limiter.
    late: Delay,
    late_block: Vec<Vec<f32>>,

    /// Input of the frame being filled, then its output; one hop a channel.
    filling: Vec<Vec<f32>>,
    draining: Vec<Vec<f32>>,
    position: usize,
    bad_samples: u64,
}

impl Engine {
    /// Builds the chain with the default settings. All memory is allocated here.
    ///
    /// # Errors
    /// When the rate or the number of channels isn't supported.
    pub fn new(config: EngineConfig) -> Result<Engine, ConfigError> {
        let stream = Stream::new(config)?;
        let spectral = SpectralPass::new(&stream);
        let limiter = Limiter::new(&stream);
        let ramp = |value| Ramp::new(value, stream.samples(RAMP));
        let mut engine = Engine {
            low_cut: LowCut::new(&stream),
            hum: Hum::new(&stream),
            eq: Eq::new(&stream),
            deess: Deess::new(&stream),
            leveler: Leveler::new(&stream),
            compressor: Compressor::new(&stream),
            mix: ramp(1.0),
            gain: ramp(1.0),
            delta: ramp(0.0),
            bypass: ramp(0.0),
            dry: Delay::new(stream.channels, spectral.latency()),
            dry_block: stream.block(stream.hop),
            late: Delay::new(stream.channels, limiter.latency()),
            late_block: stream.block(stream.hop),
            filling: stream.block(stream.hop),
            draining: stream.block(stream.hop),
            position: 0,
            bad_samples: 0,
            spectral,
            limiter,
            stream,
        };
        engine.set(&Settings::default());
        engine.reset();
        Ok(engine)
    }

    fn effects(&mut self) -> [&mut dyn Effect; 8] {
        [
            &mut self.low_cut,
            &mut self.hum,
            &mut self.spectral,
            &mut self.eq,
            &mut self.deess,
            &mut self.leveler,
            &mut self.compressor,
            &mut self.limiter,
        ]
    }

    /// Takes over new settings from the next frame on; heard gradually, without a click.
    pub fn set(&mut self, settings: &Settings) {
        for effect in self.effects() {
            effect.set(settings);
        }
        self.mix.set(settings[Id::Mix] / 100.0);
        self.gain.set(db_to_gain(settings[Id::OutputGain]));
    }

    /// Chooses what is heard, crossfaded.
    pub fn set_monitor(&mut self, monitor: Monitor) {
        self.bypass.set(if monitor == Monitor::Bypass { 1.0 } else { 0.0 });
        self.delta.set(if monitor == Monitor::Delta { 1.0 } else { 0.0 });
    }

    /// Processes one block in place: one slice per channel, all of the same length, of any length.
    /// The output is delayed by [`Engine::latency`] samples. Input that isn't finite is replaced by
    /// silence and counted; output is finite, and its true peak is below the ceiling unless the
    /// engine is bypassed.
    ///
    /// Slices beyond the engine's channels are left alone; missing channels are taken as silent.
    pub fn process(&mut self, channels: &mut [&mut [f32]]) {
        let length = channels.iter().map(|c| c.len()).min().unwrap_or(0);
        let mut done = 0;
        while done < length {
            let n = (length - done).min(self.stream.hop - self.position);
            let here = self.position..self.position + n;
            for ((io, filling), draining) in channels.iter_mut().zip(&mut self.filling).zip(&self.draining) {
                for ((io, input), output) in
                    io[done..done + n].iter_mut().zip(&mut filling[here.clone()]).zip(&draining[here.clone()])
                {
                    self.bad_samples += u64::from(!io.is_finite());
                    let heard = (SILENCE..f32::INFINITY).contains(&io.abs());
                    *input = if heard { io.clamp(-INPUT_LIMIT, INPUT_LIMIT) } else { 0.0 };
                    *io = *output;
                }
            }
            for filling in self.filling.iter_mut().skip(channels.len()) {
                filling[here.clone()].fill(0.0);
            }
            self.position += n;
            done += n;
            if self.position == self.stream.hop {
                self.position = 0;
                std::mem::swap(&mut self.filling, &mut self.draining);
                self.process_frame();
            }
        }
    }

    /// Turns one hop of input in `draining` into one hop of output.
    fn process_frame(&mut self) {
        let block = &mut self.draining;
        self.dry.process(block, &mut self.dry_block);
        self.low_cut.process(block);
        self.hum.process(block);
        self.spectral.process(block);
        self.eq.process(block);
        self.deess.process(block);
        self.leveler.process(block);
        self.compressor.process(block);
        self.blend();
        self.limiter.process(&mut self.draining);
        self.late.process(&self.dry_block, &mut self.late_block);
        self.crossfade_bypass();
    }

    /// Wet/dry mix, delta and output gain.
    fn blend(&mut self) {
        let (mix, gain, delta) = (self.mix, self.gain, self.delta);
        let settled = mix.is_settled() && gain.is_settled() && delta.is_settled();
        for (wet, dry) in self.draining.iter_mut().zip(&self.dry_block) {
            let (mut mix, mut gain, mut delta) = (mix, gain, delta);
            // Nothing to do is the usual case, and must leave the sound as it is to the last bit.
            if settled && mix.value() == 1.0 && gain.value() == 1.0 && delta.value() == 0.0 {
                continue;
            }
            for (wet, dry) in wet.iter_mut().zip(dry) {
                let (mix, gain, delta) = (mix.next(), gain.next(), delta.next());
                let enhanced = (dry + mix * (*wet - dry)) * gain;
                *wet = enhanced + delta * (dry - enhanced - enhanced);
            }
        }
        for ramp in [&mut self.mix, &mut self.gain, &mut self.delta] {
            ramp.advance(self.stream.hop);
        }
    }

    fn crossfade_bypass(&mut self) {
        let bypass = self.bypass;
        if bypass.is_settled() && bypass.value() == 0.0 {
            return;
        }
        for (wet, dry) in self.draining.iter_mut().zip(&self.late_block) {
            let mut bypass = bypass;
            if bypass.is_settled() {
                wet.copy_from_slice(dry);
                continue;
            }
            for (wet, dry) in wet.iter_mut().zip(dry) {
                *wet += bypass.next() * (dry - *wet);
            }
        }
        self.bypass.advance(self.stream.hop);
    }

    /// Back to the state after `new`, keeping the settings (all ramps finished) and the monitor.
    pub fn reset(&mut self) {
        for effect in self.effects() {
            effect.reset();
        }
        for ramp in [&mut self.mix, &mut self.gain, &mut self.delta, &mut self.bypass] {
            ramp.finish();
        }
        self.dry.reset();
        self.late.reset();
        for channel in self.filling.iter_mut().chain(&mut self.draining) {
            channel.fill(0.0);
        }
        self.position = 0;
        self.bad_samples = 0;
    }

    /// Delay from input to output in samples; constant.
    pub fn latency(&self) -> usize {
        self.stream.hop + self.spectral.latency() + self.limiter.latency()
    }

    /// What the engine was built for.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// What the engine did in the last frame.
    pub fn meters(&self) -> Meters {
        Meters {
            denoise: self.spectral.gain_db(),
            deess: self.deess.gain_db(),
            level: self.leveler.gain_db(),
            compressor: self.compressor.gain_db(),
            limiter: self.limiter.gain_db(),
            hum: self.hum.frequency(),
            bad_samples: self.bad_samples,
        }
    }
}
