use super::LiveError;
use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{BufferSize, Device, Host, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfigRange};
use std::fmt::Write;

/// What was chosen of a device.
pub struct Chosen {
    /// The device.
    pub device: Device,
    /// Its name.
    pub name: String,
    /// How it is opened.
    pub config: StreamConfig,
    /// What its samples are.
    pub format: SampleFormat,
}

/// Which side of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A microphone.
    Input,
    /// A loudspeaker.
    Output,
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Side::Input => "input",
            Side::Output => "output",
        }
    }

    fn configs(self, device: &Device) -> Vec<SupportedStreamConfigRange> {
        match self {
            Side::Input => device.supported_input_configs().map(Iterator::collect),
            Side::Output => device.supported_output_configs().map(Iterator::collect),
        }
        .unwrap_or_default()
    }

    fn default(self, host: &Host) -> Option<Device> {
        match self {
            Side::Input => host.default_input_device(),
            Side::Output => host.default_output_device(),
        }
    }

    fn devices(self, host: &Host) -> Vec<Device> {
        match self {
            Side::Input => host.input_devices().map(Iterator::collect),
            Side::Output => host.output_devices().map(Iterator::collect),
        }
        .unwrap_or_default()
    }
}

/// The names of the audio systems that are present.
pub fn hosts() -> Vec<&'static str> {
    cpal::available_hosts().into_iter().map(|id| id.name()).collect()
}

/// The audio system of this name, or the usual one. It is never left to cpal, whose choice changes with its features.
pub fn host(name: Option<&str>) -> Result<Host, LiveError> {
    let all = cpal::available_hosts();
    let wanted = |id: &&cpal::HostId| match name {
        Some(name) => id.name().eq_ignore_ascii_case(name),
        None => !["JACK", "PulseAudio", "PipeWire"].contains(&id.name()),
    };
    let host = all.iter().find(wanted).and_then(|id| cpal::host_from_id(*id).ok());
    host.ok_or_else(|| LiveError::Host {
        name: name.unwrap_or("default").to_owned(),
        present: match hosts() {
            none if none.is_empty() => "none".to_owned(),
            some => some.join(", "),
        },
    })
}

/// The device of a name (or a part of it), or the default; opened with this rate, if it can, and this many frames at
/// a time.
pub fn choose(
    host: &Host,
    side: Side,
    name: Option<&str>,
    rate: Option<u32>,
    buffer: u32,
) -> Result<Chosen, LiveError> {
    let device = match name {
        None => side.default(host).ok_or(LiveError::NoDefault(side.name()))?,
        Some(wanted) => {
            let missing = || LiveError::Device { direction: side.name(), name: wanted.to_owned() };
            find(side.devices(host), wanted).ok_or_else(missing)?
        }
    };
    let name = names(&device).0;
    let problem = |problem: &str| LiveError::Stream { device: name.clone(), problem: problem.to_owned() };
    let ranges = side.configs(&device);
    let usual = match side {
        Side::Input => device.default_input_config(),
        Side::Output => device.default_output_config(),
    };
    let usual = usual.ok().map(|config| config.sample_rate());
    let range = best(&ranges, rate.or(usual)).ok_or_else(|| problem("it has no format that can be used"))?;
    let wanted = rate.or(usual).unwrap_or(48_000).clamp(8000, 192_000);
    let sample_rate = wanted.clamp(range.min_sample_rate(), range.max_sample_rate());
    let frames = match range.buffer_size() {
        SupportedBufferSize::Range { min, max } if min <= max => buffer.clamp(*min, *max),
        _ => buffer,
    };
    let config = StreamConfig { channels: range.channels(), sample_rate, buffer_size: BufferSize::Fixed(frames) };
    let format = range.sample_format();
    Ok(Chosen { device, name, config, format })
}

/// The formats that can be used, the best first.
const FORMATS: [SampleFormat; 4] = [SampleFormat::F32, SampleFormat::I32, SampleFormat::I16, SampleFormat::U16];

/// At the wanted rate before others, of two channels before others, of the best format.
fn best(ranges: &[SupportedStreamConfigRange], rate: Option<u32>) -> Option<&SupportedStreamConfigRange> {
    let format =
        |range: &SupportedStreamConfigRange| FORMATS.iter().position(|format| *format == range.sample_format());
    let fits = |range: &SupportedStreamConfigRange| rate.is_none_or(|rate| range.contains_rate(rate));
    let usable = ranges.iter().filter(|range| format(range).is_some() && range.channels() > 0);
    usable.min_by_key(|range| (!fits(range), range.channels().abs_diff(2), format(range)))
}

/// By its id, else by its name, else by a part of its name.
fn find(devices: Vec<Device>, wanted: &str) -> Option<Device> {
    let is = |test: &dyn Fn(&str, &str) -> bool| {
        devices.iter().position(|device| {
            let (id, name) = names(device);
            test(&id, wanted) || test(&name, wanted)
        })
    };
    let wanted_lower = wanted.to_lowercase();
    let at =
        is(&|name, wanted| name == wanted).or_else(|| is(&|name, _| name.to_lowercase().contains(&wanted_lower)))?;
    devices.into_iter().nth(at)
}

/// What a device is chosen by, and what it calls itself.
fn names(device: &Device) -> (String, String) {
    let name = device.description().map(|description| description.name().to_owned()).unwrap_or_default();
    let id = device.id().map(|id| id.to_string()).unwrap_or_default();
    let id = id.split_once(':').map_or(id.clone(), |(_, id)| id.to_owned());
    (if id.is_empty() { name.clone() } else { id }, name)
}

/// What the default device is chosen by.
pub fn default_name(host: &Host, side: Side) -> Option<String> {
    side.default(host).map(|device| names(&device).0)
}

/// All devices of an audio system, for people.
pub fn list(host: &Host) -> String {
    let mut text = String::new();
    for side in [Side::Input, Side::Output] {
        let _ = writeln!(text, "{}s of {}", side.name(), host.id().name());
        let usual = default_name(host, side);
        let devices = side.devices(host);
        if devices.is_empty() {
            let _ = writeln!(text, "  none");
        }
        for device in devices {
            let (id, name) = names(&device);
            let mark = if Some(&id) == usual.as_ref() { "*" } else { " " };
            let _ = writeln!(text, "{mark} {id}{}", if name == id { String::new() } else { format!("  ({name})") });
            let ranges = side.configs(&device);
            let low = ranges.iter().map(|range| range.min_sample_rate()).min();
            let high = ranges.iter().map(|range| range.max_sample_rate()).max();
            let channels = ranges.iter().map(|range| range.channels()).max();
            let buffers = ranges.iter().find_map(|range| match range.buffer_size() {
                SupportedBufferSize::Range { min, max } => Some(format!("{min} to {max}")),
                SupportedBufferSize::Unknown => None,
            });
            if let (Some(low), Some(high), Some(channels)) = (low, high, channels) {
                let rates = if low == high { format!("{low}") } else { format!("{low} to {high}") };
                let buffers = buffers.unwrap_or_else(|| "of unknown size".into());
                let _ = writeln!(text, "    {rates} Hz, up to {channels} channels, buffers {buffers}");
            }
        }
    }
    text + "* the default\n"
}
