//! Files and renders.

use anyhow::{Context, Result, bail};
use attune::engine::{Engine, EngineConfig, Latency};
use attune::settings::Settings;
use std::path::Path;

/// What the engine may use to get to know the sound; left out of all that is measured.
pub fn preroll(rate: u32) -> usize {
    rate as usize * 3 / 2
}

/// The samples from one second to another, as far as there are so many.
pub fn part(rate: u32, samples: &[f32], (from, to): (f32, f32)) -> &[f32] {
    let [from, to] = [from, to].map(|seconds| ((seconds * rate as f32) as usize).min(samples.len()));
    &samples[from..to]
}

/// A mono WAV file: its rate and samples, full scale ±1.
pub fn read(file: &Path) -> Result<(u32, Vec<f32>)> {
    let mut wav = hound::WavReader::open(file).with_context(|| format!("can't read {}", file.display()))?;
    let spec = wav.spec();
    if spec.channels != 1 || spec.sample_format != hound::SampleFormat::Int {
        bail!("{}: not a mono file of integers", file.display());
    }
    let scale = 1.0 / (1u64 << (spec.bits_per_sample - 1)) as f32;
    let samples: Result<Vec<f32>, _> = wav.samples::<i32>().map(|s| s.map(|s| s as f32 * scale)).collect();
    Ok((spec.sample_rate, samples?))
}

/// The output for an input, aligned with it, from the end of the pre-roll on.
pub fn render(rate: u32, input: &[f32], settings: &Settings) -> Result<Vec<f32>> {
    Ok(render_all(rate, input, settings)?.split_off(preroll(rate)))
}

/// The output for an input, aligned with it.
pub fn render_all(rate: u32, input: &[f32], settings: &Settings) -> Result<Vec<f32>> {
    let mut engine = Engine::new(EngineConfig { sample_rate: rate, channels: 1, latency: Latency::Studio })?;
    engine.set(settings);
    engine.reset();
    let latency = engine.latency();
    let mut sound = input.to_vec();
    sound.resize(input.len() + latency, 0.0);
    engine.process(&mut [&mut sound]);
    sound.drain(..latency);
    Ok(sound)
}

/// What the manifest says of a recording, as far as it is needed here.
#[derive(serde::Deserialize)]
pub struct Item {
    /// The recording, relative to the manifest.
    pub noisy: String,
    /// Its clean reference.
    pub clean: String,
    /// What is wrong with it; `None`: only the noise is known of.
    pub problems: Option<Vec<String>>,
    /// Whether it was made in a room.
    #[serde(default)]
    pub reverberant: bool,
    /// Decay time of the room, s.
    pub rt60: Option<f32>,
    /// Frequency of the hum, Hz.
    pub hum_hz: Option<f32>,
    /// The noise in it.
    pub noise: Option<String>,
}

/// The recordings of a set made by mixtures.py.
pub fn manifest(set: &Path) -> Result<Vec<Item>> {
    #[derive(serde::Deserialize)]
    struct Manifest {
        items: Vec<Item>,
    }
    let path = set.join("manifest.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
    let manifest: Manifest = serde_json::from_str(&text).with_context(|| format!("{}", path.display()))?;
    Ok(manifest.items)
}
