//! The VST3 in a host of its own.

mod hosts;

use attune::settings::{Id, Settings};
use hosts::common::{self, Sound};
use hosts::{enhanced, settings, studio, vst3};
use std::sync::{Mutex, MutexGuard, PoisonError};
use vst3_host::Vst3Host;
use vst3_host::audio::AudioBuffers;

/// VST3 is loaded and let go of on one thread at a time.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn load(rate: u32, block: usize) -> vst3_host::Plugin {
    let mut host = Vst3Host::builder().sample_rate(f64::from(rate)).block_size(block).build().unwrap();
    host.load_plugin(vst3::bundle()).unwrap()
}

fn set(plugin: &mut vst3_host::Plugin, settings: &Settings) {
    plugin.set_parameter_by_name("Adapt", 0.0).unwrap();
    for id in Id::all().filter(|id| settings[*id] != id.spec().default) {
        plugin.set_parameter_by_name(id.spec().name, vst3::travel(id, settings[id])).unwrap();
    }
}

/// Plays whole blocks.
fn play(plugin: &mut vst3_host::Plugin, rate: u32, block: usize, input: &Sound) -> Sound {
    let mut output = vec![Vec::new(); input.len()];
    let mut buffers = AudioBuffers::new(input.len(), input.len(), block, f64::from(rate));
    plugin.start_processing().unwrap();
    for start in (0..input[0].len()).step_by(block) {
        for (to, from) in buffers.inputs.iter_mut().zip(input) {
            to.copy_from_slice(&from[start..start + block]);
        }
        plugin.process_audio(&mut buffers).unwrap();
        for (to, from) in output.iter_mut().zip(&buffers.outputs) {
            to.extend_from_slice(from);
        }
    }
    plugin.stop_processing().unwrap();
    output
}

/// Restarts, so that the settings are there from the first sample on.
fn settled(plugin: &mut vst3_host::Plugin, rate: u32, block: usize) {
    play(plugin, rate, block, &vec![vec![0.0; block]; 2]);
}

#[test]
fn the_sound_is_the_librarys() {
    let _turn = turn();
    for (rate, block) in [(44_100, 441), (48_000, 1), (48_000, 4096), (96_000, 512)] {
        let length = rate as usize / 4 / block * block;
        let input = common::syllables(studio(rate, 2), length);
        let mut plugin = load(rate, block);
        set(&mut plugin, &settings());
        settled(&mut plugin, rate, block);
        let output = play(&mut plugin, rate, block, &input);
        assert!(output == enhanced(studio(rate, 2), &settings(), &input), "{rate} {block}");
    }
}

#[test]
fn bypass_nulls_after_the_reported_latency() {
    let _turn = turn();
    let input = common::syllables(studio(48_000, 2), 24_000);
    let mut plugin = load(48_000, 480);
    plugin.set_parameter_by_name("Bypass", 1.0).unwrap();
    settled(&mut plugin, 48_000, 480);
    let told = plugin.take_restart_flags();
    let output = play(&mut plugin, 48_000, 480, &input);
    // This host asks for the latency only before it activates, where VST3 by way of CLAP has none yet. Then the host is
    // told to ask again.
    assert!(told.latency_changed());
    let latency = common::engine(studio(48_000, 2), &Settings::default()).latency();
    for (input, output) in input.iter().zip(&output) {
        assert!(output[latency..] == input[..input.len() - latency]);
    }
}

#[test]
fn a_state_is_restored() {
    let _turn = turn();
    let mut plugin = load(48_000, 512);
    set(&mut plugin, &settings());
    settled(&mut plugin, 48_000, 512);
    let saved = plugin.save_state().unwrap();
    let values = |plugin: &vst3_host::Plugin| -> Vec<(String, f64)> {
        plugin.get_parameters().unwrap().into_iter().map(|param| (param.name, param.value)).collect()
    };
    let before = values(&plugin);
    let mut other = load(48_000, 512);
    assert_ne!(values(&other), before);
    other.load_state(&saved).unwrap();
    assert_eq!(values(&other), before);
}
