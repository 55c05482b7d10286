//! Attune in a host: CLAP, and VST3 by way of it.
//!
//! ```text
//! host ▸ Params ▸ Processor (audio thread: Engine, Tap) ▸ host
//!            ▲        │ tap         ▲ offsets
//!         Editor    Learning (side thread: Companion) ▸ Shared (what is known and saved)
//! ```
//!
//! The package in plugin/ exports [`Attune`] as a shared library.

mod handle;
mod learning;
mod params;
mod processor;
mod shared;
mod state;
mod window;

pub use params::{Params, Setting};
pub use shared::Shared;
pub use window::Window;

use crate::bridge::OffsetsReader;
use crate::editor::display::{self, Probe};
use crate::engine::{Engine, EngineConfig};
use learning::{Learning, Way};
use nice_plug::prelude::*;
use processor::Processor;
use std::num::NonZeroU32;
use std::sync::Arc;

/// The plugin.
pub struct Attune {
    params: Arc<Params>,
    shared: Arc<Shared>,
    /// Offsets that a person or a saved project wants to be heard at once.
    recalled: OffsetsReader,
    /// Shows the sound to the editor; its other end is there from the start.
    probe: Probe,
    window: Option<Window>,
    processor: Option<Processor>,
    learning: Learning,
    /// The host was asked to activate anew.
    restarting: bool,
}

impl Default for Attune {
    fn default() -> Attune {
        let (shared, recalled) = Shared::new();
        let params = Arc::new(Params::new(shared.clone()));
        let (probe, display) = display::open();
        Attune {
            window: Some(Window::new(params.clone(), shared.clone(), display)),
            params,
            shared,
            recalled,
            probe,
            processor: None,
            learning: Learning::default(),
            restarting: false,
        }
    }
}

impl Attune {
    /// Processes a block in place, one slice a channel; `false`: another latency mode is wanted, for which
    /// the host must activate anew.
    fn run(&mut self, channels: &mut [&mut [f32]]) -> bool {
        let Some(processor) = &mut self.processor else {
            // At a rate that isn't supported the sound passes; what is no number never does.
            channels.iter_mut().flat_map(|channel| channel.iter_mut()).for_each(|sample| {
                if !sample.is_finite() {
                    *sample = 0.0;
                }
            });
            return true;
        };
        processor.process(channels, &self.params, &self.shared, &mut self.recalled, &mut self.probe);
        params::latency(self.params.latency.value()) == processor.config().latency
    }
}

const fn layout(channels: u32) -> AudioIOLayout {
    AudioIOLayout {
        main_input_channels: NonZeroU32::new(channels),
        main_output_channels: NonZeroU32::new(channels),
        ..AudioIOLayout::const_default()
    }
}

impl Plugin for Attune {
    const NAME: &'static str = "Attune";
    const VENDOR: &'static str = "Attune";
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = &[layout(2), layout(1)];
    const SAMPLE_ACCURATE_AUTOMATION: bool = true;

    type Editor = Window;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn nice_plug::prelude::Params> {
        self.params.clone()
    }

    fn editor(&mut self, _executor: AsyncExecutor<Self>) -> Option<Window> {
        self.window.take()
    }

    fn filter_state(state: &mut PluginState) {
        state::check(state);
    }

    fn activate(
        &mut self,
        layout: &AudioIOLayout,
        buffer: &BufferConfig,
        context: &mut impl ActivateContext<Self>,
    ) -> bool {
        let latency = params::latency(self.params.latency.value());
        let channels = layout.main_output_channels.map_or(0, NonZeroU32::get) as usize;
        let config = EngineConfig { sample_rate: buffer.sample_rate.round() as u32, channels, latency };
        let way = match buffer.process_mode {
            ProcessMode::Offline if self.params.rendering.value() => Way::Within,
            ProcessMode::Offline => Way::Frozen,
            _ => Way::Beside,
        };
        let made = Engine::new(config).and_then(|engine| {
            let learner = self.learning.start(way, config, &self.params, &self.shared)?;
            Ok(Processor::new(engine, config, learner, self.shared.offsets()))
        });
        match made {
            Ok(mut processor) => {
                processor.reset(&self.params, &self.shared, &mut self.recalled);
                context.set_latency_samples(processor.latency());
                self.probe.prepare(config.sample_rate, channels, processor.latency() as usize);
                self.processor = Some(processor);
                self.restarting = false;
            }
            Err(error) => {
                // Hosts know no reason for a refusal, and some drop the track's sound.
                self.shared.say(format!("the sound passes untouched: {error}"));
                context.set_latency_samples(0);
                self.processor = None;
            }
        }
        true
    }

    fn reset(&mut self) {
        if let Some(processor) = &mut self.processor {
            processor.reset(&self.params, &self.shared, &mut self.recalled);
        }
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        if !self.run(buffer.as_slice()) && !std::mem::replace(&mut self.restarting, true) {
            context.request_restart();
        }
        ProcessStatus::Tail(self.processor.as_ref().map_or(0, Processor::tail))
    }

    fn deactivate(&mut self) {
        self.learning.stop();
        self.processor = None;
    }
}

impl ClapPlugin for Attune {
    const CLAP_ID: &'static str = "audio.attune.attune";
    const CLAP_DESCRIPTION: Option<&'static str> =
        Some("Enhances speech: noise, reverberation, hum, tone, sibilance, level; and keeps tuning itself");
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] =
        &[ClapFeature::AudioEffect, ClapFeature::Restoration, ClapFeature::Stereo, ClapFeature::Mono];

    fn remote_controls(&self, context: &mut impl RemoteControlsContext) {
        self.params.remote_controls(context);
    }
}
