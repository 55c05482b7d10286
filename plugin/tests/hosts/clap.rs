//! A small CLAP host.

use super::common::Sound;
use clack_extensions::audio_ports_config::PluginAudioPortsConfig;
use clack_extensions::gui::{GuiSize, HostGui, HostGuiImpl};
use clack_extensions::latency::{HostLatency, HostLatencyImpl, PluginLatency};
use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamInfoBuffer, ParamRescanFlags,
    PluginParams,
};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_extensions::tail::PluginTail;
use clack_host::events::event_types::ParamValueEvent;
use clack_host::events::io::EventBuffer;
use clack_host::prelude::*;
use std::collections::BTreeMap;
use std::io::Cursor;

/// The host's side. It does what it is asked for only when a test does it.
pub struct TestHost;

pub struct Shared;

impl SharedHandler<'_> for Shared {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {}
}

impl HostParamsImplShared for Shared {
    fn request_flush(&self) {}
}

/// It has one window, of one size.
impl HostGuiImpl for Shared {
    fn resize_hints_changed(&self) {}
    fn request_resize(&self, _: GuiSize) -> Result<(), HostError> {
        Err(HostError::Message("it stays as it is"))
    }
    fn request_show(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn request_hide(&self) -> Result<(), HostError> {
        Ok(())
    }
    fn closed(&self, _: bool) {}
}

pub struct MainThread;

impl MainThreadHandler<'_> for MainThread {}

impl HostParamsImplMainThread for MainThread {
    fn rescan(&self, _flags: ParamRescanFlags) {}
    fn clear(&self, _param: ClapId, _flags: ParamClearFlags) {}
}

impl HostLatencyImpl for MainThread {
    fn changed(&self) {}
}

impl HostHandlers for TestHost {
    type Shared<'a> = Shared;
    type MainThread<'a> = MainThread;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _shared: &Shared) {
        builder.register::<HostParams>().register::<HostLatency>().register::<HostGui>();
    }
}

/// A parameter as the host sees it.
#[derive(Clone, Debug)]
pub struct Info {
    pub id: ClapId,
    pub name: String,
    pub module: String,
    pub max: f64,
    pub default: f64,
}

/// A change of a parameter: block's sample, name, travel 0 to 1.
pub type Change<'a> = (u32, &'a str, f64);

/// An instance of the plugin.
pub struct Plugin {
    pub instance: PluginInstance<TestHost>,
    pub infos: BTreeMap<String, Info>,
}

impl Plugin {
    pub fn new() -> Plugin {
        // SAFETY: it is our own.
        let entry = unsafe { PluginEntry::load(super::library()) }.expect("the plugin loads");
        let factory = entry.get_plugin_factory().unwrap();
        let id = factory.plugin_descriptors().next().unwrap().id().unwrap().to_owned();
        let info = HostInfo::new("Attune's tests", "Attune", "", "1").unwrap();
        let mut instance = PluginInstance::new(|_| Shared, |_| MainThread, &entry, &id, &info).unwrap();
        let infos = infos(&mut instance);
        Plugin { instance, infos }
    }

    /// One of which learning is off.
    pub fn fixed() -> Plugin {
        let mut plugin = Plugin::new();
        plugin.set(&[(0, "Adapt", 0.0)]);
        plugin
    }

    fn params(&mut self) -> PluginParams {
        self.instance.plugin_handle().get_extension().unwrap()
    }

    pub fn events(&self, changes: &[Change]) -> EventBuffer {
        let mut buffer = EventBuffer::new();
        for (time, name, travel) in changes {
            let info = &self.infos[*name];
            buffer.push(&ParamValueEvent::new(*time, info.id, Pckn::match_all(), travel * info.max));
        }
        buffer
    }

    /// Sets parameters while it is not active.
    pub fn set(&mut self, changes: &[Change]) {
        let events = self.events(changes);
        let params = self.params();
        let mut output = EventBuffer::new();
        let mut handle = self.instance.inactive_plugin_handle().expect("it is not active");
        params.flush(&mut handle, &InputEvents::from_buffer(&events), &mut OutputEvents::from_buffer(&mut output));
    }

    /// All values, by name.
    pub fn values(&mut self) -> BTreeMap<String, f64> {
        let params = self.params();
        let handle = self.instance.plugin_handle();
        self.infos.iter().map(|(name, info)| (name.clone(), params.get_value(&handle, info.id).unwrap())).collect()
    }

    /// How a value is written, and what is read from a text.
    pub fn text(&mut self, name: &str, value: f64) -> String {
        let (params, id) = (self.params(), self.infos[name].id);
        let mut buffer = [0; 256];
        let text = params.value_to_text(&self.instance.plugin_handle(), id, value, &mut buffer).unwrap();
        String::from_utf8(text.to_vec()).unwrap()
    }

    pub fn value(&mut self, name: &str, text: &str) -> Option<f64> {
        let (params, id) = (self.params(), self.infos[name].id);
        let text = std::ffi::CString::new(text).unwrap();
        params.text_to_value(&self.instance.plugin_handle(), id, &text)
    }

    pub fn save(&mut self) -> Vec<u8> {
        let state: PluginState = self.instance.plugin_handle().get_extension().unwrap();
        let mut bytes = Vec::new();
        state.save(&self.instance.plugin_handle(), &mut bytes).unwrap();
        bytes
    }

    /// Whether it is accepted.
    pub fn load(&mut self, bytes: &[u8]) -> bool {
        let state: PluginState = self.instance.plugin_handle().get_extension().unwrap();
        state.load(&self.instance.plugin_handle(), &mut Cursor::new(bytes)).is_ok()
    }

    pub fn render(&mut self, mode: RenderMode) {
        let render: PluginRender = self.instance.plugin_handle().get_extension().unwrap();
        render.set(&self.instance.plugin_handle(), mode).unwrap();
    }

    /// Plays a sound through it, from its activation to its end, in blocks of these lengths over and over, with
    /// changes of parameters at samples of the stream.
    pub fn play(&mut self, rate: u32, input: &Sound, blocks: &[usize], changes: &[Change]) -> Played {
        let layouts: PluginAudioPortsConfig = self.instance.plugin_handle().get_extension().unwrap();
        // Stereo comes first.
        let layout = ClapId::new(if input.len() == 1 { 1 } else { 0 });
        layouts.select(&self.instance.plugin_handle(), layout).unwrap();
        let largest = blocks.iter().copied().max().unwrap();
        let configuration = PluginAudioConfiguration {
            sample_rate: f64::from(rate),
            min_frames_count: 1,
            max_frames_count: largest as u32,
        };
        let processor = self.instance.activate(|_, _| (), configuration).unwrap();
        let latency: PluginLatency = self.instance.plugin_handle().get_extension().unwrap();
        let latency = latency.get(&self.instance.plugin_handle()) as usize;
        let tail: PluginTail = self.instance.plugin_handle().get_extension().unwrap();
        let mut output = vec![Vec::new(); input.len()];
        let length = input[0].len();
        let this = &*self;
        let events: Vec<(usize, EventBuffer)> = in_blocks(length, blocks)
            .map(|(start, end)| {
                let inside = changes.iter().filter(|change| (start..end).contains(&(change.0 as usize)));
                let moved: Vec<Change> = inside.map(|(at, name, x)| (at - start as u32, *name, *x)).collect();
                (end - start, this.events(&moved))
            })
            .collect();
        // As in a real host: the audio has a thread of its own.
        let (stopped, tail) = std::thread::scope(|scope| {
            let output = &mut output;
            let audio = move || {
                let mut processor = processor.start_processing().unwrap();
                let mut start = 0;
                for (block, events) in events {
                    let part: Sound = input.iter().map(|x| x[start..start + block].to_vec()).collect();
                    for (output, result) in output.iter_mut().zip(process(&mut processor, part, &events)) {
                        output.extend(result);
                    }
                    start += block;
                }
                let tail = tail.get(&processor.plugin_handle()).to_raw();
                (processor.stop_processing(), tail)
            };
            scope.spawn(audio).join().unwrap()
        });
        self.instance.deactivate(stopped);
        Played { output, latency, tail }
    }
}

/// Plays a block; on the audio thread.
pub fn process(processor: &mut StartedPluginAudioProcessor<TestHost>, mut block: Sound, events: &EventBuffer) -> Sound {
    let (channels, length) = (block.len(), block[0].len());
    let (mut into, mut out) = (AudioPorts::with_capacity(channels, 1), AudioPorts::with_capacity(channels, 1));
    let mut results = vec![vec![f32::NAN; length]; channels];
    let inputs = into.with_input_buffers([AudioPortBuffer {
        latency: 0,
        channels: AudioPortBufferType::f32_input_only(block.iter_mut().map(InputChannel::variable)),
    }]);
    let mut outputs = out.with_output_buffers([AudioPortBuffer {
        latency: 0,
        channels: AudioPortBufferType::f32_output_only(results.iter_mut().map(Vec::as_mut_slice)),
    }]);
    let mut told = EventBuffer::new();
    let (heard, mut said) = (InputEvents::from_buffer(events), OutputEvents::from_buffer(&mut told));
    processor.process(&inputs, &mut outputs, &heard, &mut said, None, None).unwrap();
    results
}

/// What came of it.
pub struct Played {
    pub output: Sound,
    pub latency: usize,
    pub tail: u32,
}

fn in_blocks(length: usize, blocks: &[usize]) -> impl Iterator<Item = (usize, usize)> {
    let mut start = 0;
    blocks.iter().cycle().map_while(move |block| {
        let here = (start, length.min(start + block));
        start = here.1;
        (here.0 < length).then_some(here)
    })
}

fn infos(instance: &mut PluginInstance<TestHost>) -> BTreeMap<String, Info> {
    let params: PluginParams = instance.plugin_handle().get_extension().unwrap();
    let count = params.count(&instance.plugin_handle());
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let mut buffer = ParamInfoBuffer::new();
    let info = (0..count).map(|index| {
        let info = params.get_info(&instance.plugin_handle(), index, &mut buffer).unwrap();
        let info = Info {
            id: info.id,
            name: text(info.name),
            module: text(info.module),
            max: info.max_value,
            default: info.default_value,
        };
        (info.name.clone(), info)
    });
    info.collect()
}
