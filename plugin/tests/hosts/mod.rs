//! What the hosts need: the plugin as it was just built, and sounds.

// Each test binary uses a part of it.
#![allow(dead_code)]

pub mod clap;
pub mod vst3;

#[path = "../../../tests/common/mod.rs"]
pub mod common;

use attune::engine::{EngineConfig, Latency};
use attune::settings::{Id, Settings};
use common::Sound;
use std::path::PathBuf;

/// The shared library, which cargo builds before these tests, beside them.
pub fn library() -> PathBuf {
    let name = format!("{}attune_plugin{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let test = std::env::current_exe().expect("a test has a path");
    test.with_file_name(name)
}

/// What the plugin is in studio mode.
pub fn studio(sample_rate: u32, channels: usize) -> EngineConfig {
    EngineConfig { sample_rate, channels, latency: Latency::Studio }
}

/// Settings in which a lot happens, as the parameters' tapers give them.
pub fn settings() -> Settings {
    let wanted = [(Id::Method, 1.0), (Id::Reduction, 14.5), (Id::EqMid, -3.3), (Id::Deess, 6.0), (Id::LevelRange, 9.0)];
    let mut settings = Settings::default();
    for (id, value) in wanted {
        settings.set(id, if id == Id::Method { value } else { id.spec().denormalise(id.spec().normalise(value)) });
    }
    settings
}

/// What the library makes of a sound with fixed settings.
pub fn enhanced(config: EngineConfig, settings: &Settings, input: &Sound) -> Sound {
    common::run(&mut common::engine(config, settings), input, &[512])
}

/// What the library makes of a sound, in time with it.
pub fn in_time(config: EngineConfig, settings: &Settings, input: &Sound) -> Sound {
    let mut engine = common::engine(config, settings);
    let latency = engine.latency();
    let mut longer = input.clone();
    longer.iter_mut().for_each(|channel| channel.resize(channel.len() + latency, 0.0));
    common::run(&mut engine, &longer, &[512]).into_iter().map(|channel| channel[latency..].to_vec()).collect()
}

/// Speech in a cafe, at 48 kHz.
pub fn speech() -> Vec<f32> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/demo/voice-in-cafe.wav");
    let samples = hound::WavReader::open(path).unwrap().into_samples::<i16>();
    samples.map(|sample| f32::from(sample.unwrap()) / 32_768.0).collect()
}
