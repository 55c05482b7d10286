//! How long the host waits for an instance: `cargo bench --package attune-plugin`.

#[path = "../tests/hosts/mod.rs"]
mod hosts;

use clack_host::prelude::*;
use hosts::clap::{MainThread, Shared, TestHost};
use std::time::Instant;

/// How often.
const ROUNDS: usize = 50;

fn main() {
    let began = Instant::now();
    // SAFETY: it is our own.
    let entry = unsafe { PluginEntry::load(hosts::library()) }.expect("the plugin loads");
    println!("loading the library: {:.1} ms", 1000.0 * began.elapsed().as_secs_f64());
    let id = entry.get_plugin_factory().unwrap().plugin_descriptors().next().unwrap().id().unwrap().to_owned();
    let host = HostInfo::new("Attune's benchmarks", "Attune", "", "1").unwrap();
    let audio = PluginAudioConfiguration { sample_rate: 48_000.0, min_frames_count: 1, max_frames_count: 512 };
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        let mut note = |step: usize, began: Instant| times[step].push(1000.0 * began.elapsed().as_secs_f64());
        let began = Instant::now();
        let mut instance = PluginInstance::<TestHost>::new(|_| Shared, |_| MainThread, &entry, &id, &host).unwrap();
        note(0, began);
        let began = Instant::now();
        let processor = instance.activate(|_, _| (), audio).unwrap();
        note(1, began);
        let began = Instant::now();
        instance.deactivate(processor);
        drop(instance);
        note(2, began);
    }
    for (step, mut times) in ["making an instance", "activating it", "taking it down"].into_iter().zip(times) {
        times.sort_by(f64::total_cmp);
        println!("{step}: median {:.1} ms, at most {:.1} ms", times[ROUNDS / 2], times[ROUNDS - 1]);
    }
}
