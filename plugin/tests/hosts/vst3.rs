//! The plugin as a VST3.

use attune::settings::{Id, Kind};
use std::path::PathBuf;
use std::sync::LazyLock;

/// The library in the folders that make it a VST3. Made once: what is loaded must not be written over.
static BUNDLE: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("Attune.vst3/Contents");
    let (inside, name) = match std::env::consts::OS {
        "macos" => ("MacOS", "Attune"),
        "windows" => ("x86_64-win", "Attune.vst3"),
        _ => (concat!("x86_64", "-linux"), "Attune.so"),
    };
    let binary = folder.join(inside).join(name);
    std::fs::create_dir_all(binary.parent().unwrap()).unwrap();
    std::fs::copy(super::library(), &binary).unwrap();
    folder.parent().unwrap().to_owned()
});

/// What a host loads.
pub fn bundle() -> PathBuf {
    BUNDLE.clone()
}

/// The value from 0 to 1 that a host knows a setting by.
pub fn travel(id: Id, value: f32) -> f64 {
    match id.spec().kind {
        Kind::Number => f64::from(id.spec().normalise(value)),
        Kind::Choice(names) => f64::from(value) / (names.len() - 1) as f64,
    }
}
