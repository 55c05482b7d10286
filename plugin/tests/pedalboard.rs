//! The VST3 in pedalboard, which has the host of JUCE: another host than that of the other tests, and one of many DAWs.

mod hosts;
#[cfg(target_os = "linux")]
#[path = "../../tests/screen/mod.rs"]
mod screen;

use attune::settings::{Id, Settings};
use hosts::common::{self, Sound};
use hosts::{settings, studio, vst3};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A folder for the sounds of one test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pedalboard").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// A script with the plugin.
fn host(script: &str) -> Command {
    let python = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("hosts-venv").join("bin/python");
    assert!(python.exists(), "{}: `cargo xtask test` makes it", python.display());
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hosts").join(script)).arg(vst3::bundle());
    command
}

/// Runs juce.py.
fn play(jobs: &[Value]) {
    let mut host = host("juce.py").stdin(Stdio::piped()).spawn().unwrap();
    serde_json::to_writer(host.stdin.take().unwrap(), jobs).unwrap();
    assert!(host.wait().unwrap().success());
}

fn write(path: &Path, sound: &Sound) {
    let bytes: Vec<u8> = sound.iter().flatten().flat_map(|sample| sample.to_le_bytes()).collect();
    std::fs::write(path, bytes).unwrap();
}

fn read(path: &Path, channels: usize) -> Sound {
    let bytes = std::fs::read(path).unwrap();
    let samples: Vec<f32> = bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    samples.chunks_exact(samples.len() / channels).map(<[f32]>::to_vec).collect()
}

/// The parameters of fixed settings.
fn parameters(settings: &Settings) -> Value {
    let changed = Id::all().filter(|id| settings[*id] != id.spec().default);
    let travels = changed.map(|id| (id.spec().name.to_owned(), vst3::travel(id, settings[id]).into()));
    Value::Object(travels.chain([("Adapt".to_owned(), 0.into())]).collect())
}

#[test]
fn the_sound_is_the_librarys_at_any_rate_and_block() {
    let folder = folder("sound");
    // Of the VST3 there is a stereo one only: clap-wrapper knows no other layouts.
    let cases = [(44_100, 441), (48_000, 1), (48_000, 64), (48_000, 4096), (96_000, 1000)];
    let channels = 2;
    let mut jobs = Vec::new();
    let mut checks = Vec::new();
    for (rate, block) in cases {
        let input = common::syllables(studio(rate, channels), rate as usize / 2);
        let [from, to] = ["in", "out"].map(|end| folder.join(format!("{rate}-{block}-{end}")));
        write(&from, &input);
        jobs.push(json!({ "rate": rate, "block": block, "channels": channels, "input": from, "output": to,
            "parameters": parameters(&settings()) }));
        checks.push((to, hosts::in_time(studio(rate, channels), &settings(), &input)));
    }
    play(&jobs);
    for (path, expected) in checks {
        let output = read(&path, channels);
        assert!(output == expected, "{}", path.display());
    }
}

#[test]
fn bypass_is_the_input_in_time() {
    let folder = folder("bypass");
    let job = |rate: u32, block: usize| {
        let [from, to] = ["in", "out"].map(|end| folder.join(format!("{rate}-{block}-{end}")));
        write(&from, &common::syllables(studio(rate, 2), rate as usize / 2));
        json!({ "rate": rate, "block": block, "channels": 2, "input": from, "output": to,
            "parameters": { "Bypass": 1 } })
    };
    let jobs = [job(44_100, 4096), job(48_000, 7), job(96_000, 512)];
    play(&jobs);
    for job in &jobs {
        let path = |key: &str| PathBuf::from(job[key].as_str().unwrap());
        assert!(read(&path("output"), 1) == read(&path("input"), 1), "{job}");
    }
}

#[test]
fn a_state_sounds_the_same_when_it_is_loaded() {
    let folder = folder("state");
    let input = common::syllables(studio(48_000, 2), 24_000);
    let path = |name: &str| folder.join(name);
    write(&path("in"), &input);
    let job = |parameters: Value, output: &str| {
        json!({ "rate": 48_000, "block": 512, "channels": 2, "input": path("in"), "output": path(output),
            "parameters": parameters })
    };
    let (mut saved, mut loaded) = (job(parameters(&settings()), "saved"), job(json!({}), "loaded"));
    saved["save"] = json!(path("state"));
    loaded["load"] = json!(path("state"));
    play(&[saved, loaded]);
    assert!(read(&path("loaded"), 2) == hosts::in_time(studio(48_000, 2), &settings(), &input));
}

#[cfg(target_os = "linux")]
#[test]
fn the_editor_opens_and_closes_while_sound_is_played() {
    let screen = screen::Screen::start();
    let seen = folder("editor").join("seen");
    let _ = std::fs::remove_file(&seen);
    let mut command = host("juce_editor.py");
    let mut host = command.arg("10").arg(&seen).env("DISPLAY", screen.display()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(120);
    // The last one stays open until this.
    while host.try_wait().unwrap().is_none() {
        assert!(Instant::now() < until, "the editor was not seen");
        if screen.shows_the_editor() {
            std::fs::write(&seen, "").unwrap();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(host.wait().unwrap().success() && seen.exists());
}
