//! The log of an adaptation: one JSON object a line, from which it can be repeated.
//!
//! The first line is the [`Header`], the last one says what came out, and between them stands what happened.

use super::adapt::Adapt;
use super::encode;
use super::enhance::{Options, Outcome};
use super::summary;
use crate::engine::{Latency, Monitor};
use crate::quality::EMBEDDING_VERSION;
use crate::settings::{Id, Settings};
use crate::tuner::Event;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;

/// The version of Attune.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The first line: all that is needed to do the same again.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The version of Attune that did it.
    pub attune: String,
    /// The version of the numbers by which recordings are compared.
    pub embedding: u32,
    /// What was asked for.
    pub session: Session,
    /// What it was done to.
    pub input: Input,
}

/// What was asked for.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    settings: Map<String, Value>,
    latency: String,
    delta: bool,
    adapt: Adapt,
}

/// A recording.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Its name, without the folder.
    pub file: String,
    /// Samples per second.
    pub rate: u32,
    /// Number of channels.
    pub channels: usize,
    /// Number of frames.
    pub frames: u64,
}

impl Input {
    fn new(path: &Path, outcome: &Outcome) -> Input {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Input { file, rate: outcome.facts.rate, channels: outcome.facts.channels, frames: outcome.frames }
    }

    /// `48 kHz, stereo, 96000 samples`.
    pub fn shape(&self) -> String {
        format!("{}, {} samples", summary::signal(self.rate, self.channels), self.frames)
    }
}

impl Session {
    /// None without an adaptation.
    fn new(options: &Options) -> Option<Session> {
        let Value::Object(settings) = summary::settings(&options.settings) else { return None };
        let (latency, delta) = (summary::latency(options.latency).to_owned(), options.monitor == Monitor::Delta);
        Some(Session { settings, latency, delta, adapt: options.adapt.clone()? })
    }

    /// How to do it again. The error says what can't be understood.
    pub fn options(&self) -> Result<Options, String> {
        let mut settings = Settings::default();
        for (id, value) in &self.settings {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            settings.set_text(id, &value).map_err(|e| e.to_string())?;
        }
        if let Some(id) = self.adapt.locked.iter().find(|id| Id::from_name(id).is_none()) {
            return Err(format!("there is no setting \"{id}\""));
        }
        let latency = [Latency::Live, Latency::Studio].into_iter().find(|mode| summary::latency(*mode) == self.latency);
        let latency = latency.ok_or_else(|| format!("there is no latency mode \"{}\"", self.latency))?;
        let monitor = if self.delta { Monitor::Delta } else { Monitor::Enhanced };
        Ok(Options { settings, latency, monitor, picture: false, adapt: Some(self.adapt.clone()) })
    }
}

/// An event, with the channel that it is about where there are several engines.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<usize>,
    #[serde(flatten)]
    event: &'a Event,
}

/// All lines but the first: what happened, in the order of time, and what came out.
pub fn lines(outcome: &Outcome) -> Vec<String> {
    let several = outcome.adaptations.len() > 1;
    let of = |(index, adaptation): (usize, &'_ super::adapt::Adaptation)| -> Vec<(u64, String)> {
        let channel = several.then_some(index + 1);
        let line = |event| serde_json::to_string(&Line { channel, event }).unwrap_or_default();
        adaptation.events.iter().map(|event| (event.sample, line(event))).collect()
    };
    let mut events: Vec<_> = outcome.adaptations.iter().enumerate().flat_map(of).collect();
    events.sort_by_key(|(sample, _)| *sample);
    let output = json!({ "output": { "frames": outcome.frames, "crc32": format!("{:08x}", outcome.checksum) } });
    events.into_iter().map(|(_, line)| line).chain([output.to_string()]).collect()
}

/// Writes the log; the error is a reason in words.
pub fn write(path: &Path, input: &Path, outcome: &Outcome, options: &Options) -> Result<(), String> {
    let Some(session) = Session::new(options) else { return Ok(()) };
    let input = Input::new(input, outcome);
    let header = Header { attune: VERSION.to_owned(), embedding: EMBEDDING_VERSION, session, input };
    let header = serde_json::to_string(&header).map_err(|e| e.to_string())?;
    let text: String = [header].into_iter().chain(lines(outcome)).map(|line| line + "\n").collect();
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = encode::temporary(folder).map_err(|e| encode::explain(&e))?;
    file.write_all(text.as_bytes()).map_err(|e| encode::explain(&e))?;
    encode::persist(file, path)
}

/// Longest first line, bytes: whatever has a longer one is no log.
const LONGEST: u64 = 1 << 20;

/// Reads a log: its header and its other lines. The error is a reason in words.
pub fn read(path: &Path) -> Result<(Header, Vec<String>), String> {
    let file = File::open(path).map_err(|e| format!("can't be read ({e})"))?;
    let mut file = BufReader::new(file);
    let mut first = Vec::new();
    file.by_ref().take(LONGEST).read_until(b'\n', &mut first).map_err(|e| format!("can't be read ({e})"))?;
    let no_log = "is no log of Attune; `attune enhance INPUT --adapt --log FILE.jsonl` writes one";
    let header = serde_json::from_slice(&first).map_err(|_| no_log)?;
    let mut rest = String::new();
    file.read_to_string(&mut rest).map_err(|e| format!("can't be read ({e})"))?;
    let lines: Vec<String> = rest.lines().map(str::to_owned).collect();
    let ends = |line: &String| serde_json::from_str(line).is_ok_and(|line: Value| line["output"].is_object());
    if !lines.last().is_some_and(ends) {
        return Err("is cut off: its last line, which says what came out, is missing".into());
    }
    Ok((header, lines))
}
