//! The VST3 in Ardour, a whole DAW without its window: scanned, inserted, set, automated, saved, loaded and exported.
#![cfg(target_os = "linux")]

mod hosts;

use attune::settings::{Id, Settings};
use hosts::{settings, speech, studio, vst3};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const ARDOUR: &str = "/usr/lib/ardour7";
/// Ardour's unit of time, per second.
const SUPERCLOCK: u64 = 282_240_000;
const RATE: u32 = 48_000;

/// A home of Ardour's own, in which the plugin is installed and scanned.
struct Ardour {
    home: PathBuf,
}

impl Ardour {
    fn new(name: &str) -> Ardour {
        let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ardour").join(name);
        let _ = fs::remove_dir_all(&home);
        let bundle = home.join(".vst3/Attune.vst3");
        fs::create_dir_all(bundle.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(vst3::bundle(), &bundle).unwrap();
        let ardour = Ardour { home };
        ardour.run("ardour-vst3-scanner", &["-f", bundle.to_str().unwrap()]).unwrap();
        // What was scanned counts only if it is newer than the plugin.
        std::thread::sleep(Duration::from_millis(1100));
        for file in fs::read_dir(ardour.home.join(".cache/ardour7/vst")).unwrap() {
            let file = fs::File::options().append(true).open(file.unwrap().path()).unwrap();
            file.set_modified(std::time::SystemTime::now()).unwrap();
        }
        ardour
    }

    /// What it said if it failed.
    fn run(&self, program: &str, args: &[&str]) -> Result<(), String> {
        let mut command = Command::new(Path::new(ARDOUR).join(program));
        for (name, value) in [
            ("LD_LIBRARY_PATH", ARDOUR),
            ("ARDOUR_DLL_PATH", ARDOUR),
            ("ARDOUR_DATA_PATH", "/usr/share/ardour7"),
            ("ARDOUR_CONFIG_PATH", "/etc/ardour7"),
        ] {
            command.env(name, value);
        }
        let output = command.args(args).env("HOME", &self.home).stdin(Stdio::null()).output();
        let output =
            output.unwrap_or_else(|error| panic!("{program}: {error}; `cargo xtask test --hosts` installs it"));
        let text = [output.stdout, output.stderr].concat();
        let failure = || format!("{program} {args:?}: {}: {}", output.status, String::from_utf8_lossy(&text));
        output.status.success().then_some(()).ok_or_else(failure)
    }

    /// A session with a stereo track, the plugin with these parameters on it, and one of them automated.
    fn session(&self, name: &str, parameters: &[(&str, f64)], automated: Option<(&str, &[(f64, f64)])>) -> PathBuf {
        let folder = self.home.join(name);
        let set: String = parameters.iter().map(|(name, value)| format!("set(\"{name}\", {value})\n")).collect();
        let moves = automated.map_or(String::new(), |(name, points)| {
            let points: String =
                points.iter().map(|(at, value)| format!("{{{}, {value}}},", (at * f64::from(RATE)) as u64)).collect();
            format!("automate(\"{name}\", {{{points}}})\n")
        });
        let script = include_str!("hosts/ardour.lua").replace("FOLDER", folder.to_str().unwrap());
        let script = script.replace("NAME", name).replace("--SET", &set).replace("--AUTOMATE", &moves);
        let path = self.home.join(format!("{name}.lua"));
        fs::write(&path, script).unwrap();
        self.run("luasession", &[path.to_str().unwrap()]).unwrap();
        folder
    }

    /// Puts the speech on the track, which Ardour's scripts can't, and exports it.
    fn export(&self, session: &Path) -> Vec<Vec<f32>> {
        let name = session.file_name().unwrap().to_str().unwrap();
        let sound = speech();
        let speech = concat!(env!("CARGO_MANIFEST_DIR"), "/../assets/demo/voice-in-cafe.wav");
        fs::copy(speech, session.join("interchange").join(name).join("audiofiles/in.wav")).unwrap();
        let length = sound.len() as u64 * SUPERCLOCK / u64::from(RATE);
        let path = session.join(format!("{name}.ardour"));
        let text = fs::read_to_string(&path).unwrap();
        let source =
            r#"<Sources><Source name="in.wav" type="audio" flags="" id="90001" channel="0" origin=""/></Sources>"#;
        let range = format!(
            r#"<Locations><Location id="90003" name="session" start="a0" end="a{length}" flags="IsSessionRange"/></Locations>"#
        );
        let region = format!(
            r#"<Region name="in" id="90002" type="audio" opaque="1" external="1" start="a0" length="a{length}@a0"
            first-edit="nothing" fade-in-active="0" fade-out-active="0" scale-amplitude="1" channels="1"
            source-0="90001" master-source-0="90001"/></Playlist>"#
        );
        let text = text.replace("<Sources/>", source).replace("<Locations/>", &range);
        let text = text.replace("id-counter=\"", "id-counter=\"9");
        let playlist = text.find("<Playlist ").expect("the track has a playlist");
        let end = playlist + text[playlist..].find("/>").unwrap();
        fs::write(&path, format!("{}>{region}{}", &text[..end], &text[end + 2..])).unwrap();
        let wav = session.join("out.wav");
        let args = ["-b", "float", "-o", wav.to_str().unwrap(), session.to_str().unwrap(), name];
        // Ardour 7.3 frees something twice in every fourth export, without any plugin as well.
        let tries: Vec<_> = (0..6).map_while(|_| self.run("utils/ardour7-export", &args).err()).collect();
        assert!(tries.len() < 6, "{}", tries[0]);
        let samples: Vec<f32> = hound::WavReader::open(&wav).unwrap().into_samples().map(Result::unwrap).collect();
        (0..2).map(|channel| samples.iter().skip(channel).step_by(2).copied().collect()).collect()
    }
}

fn level(sound: &[f32]) -> f32 {
    10.0 * (sound.iter().map(|sample| sample * sample).sum::<f32>() / sound.len() as f32).log10()
}

#[test]
#[ignore = "takes Ardour, which `cargo xtask test --hosts` installs"]
fn what_ardour_exports_is_the_librarys_sound() {
    let ardour = Ardour::new("sound");
    let changed = Id::all().filter(|id| settings()[*id] != Settings::default()[*id]);
    let set: Vec<_> = changed.map(|id| (id.spec().name, vst3::travel(id, settings()[id]))).collect();
    let set = [set, vec![("Adapt", 0.0)]].concat();
    let heard = ardour.export(&ardour.session("enhanced", &set, None));
    assert_eq!((heard.len(), heard[0].len()), (2, speech().len()));
    // Ardour plays some silence first (7.3: 30 200 samples), so that the engine's steps, which repeat every half second,
    // may begin anywhere.
    let config = studio(RATE, 2);
    let enhanced = |silence: usize, length: usize| -> Vec<Vec<f32>> {
        let sound = [&vec![0.0; silence], &speech()[..length]].concat();
        let enhanced = hosts::in_time(config, &settings(), &vec![sound; 2]);
        enhanced.iter().map(|channel| channel[silence..].to_vec()).collect()
    };
    // Long enough for the noise reduction to act.
    let part = 3 * RATE as usize / 2;
    let mut silences = (30_000..30_000 + RATE as usize / 2).step_by(8);
    let found = silences.find(|silence| enhanced(*silence, 2 * part)[0][..part] == heard[0][..part]);
    assert!(enhanced(found.expect("the same sound, to the bit"), speech().len()) == heard, "to the end");
}

#[test]
#[ignore = "takes Ardour, which `cargo xtask test --hosts` installs"]
fn in_ardour_bypass_is_the_input_and_automation_is_heard() {
    let ardour = Ardour::new("control");
    let heard = ardour.export(&ardour.session("bypassed", &[("Bypass", 1.0)], None));
    assert!(heard.iter().all(|channel| *channel == speech()), "in time, and the same to the bit");
    // Output gain: -24 to 24 dB. By 12 dB down, from the third to the fourth second.
    let gain = |db: f64| 0.5 + db / 48.0;
    let points = [(0.0, gain(0.0)), (3.0, gain(0.0)), (4.0, gain(-12.0)), (10.0, gain(-12.0))];
    let heard = ardour.export(&ardour.session("automated", &[("Mix", 0.0)], Some(("Output gain", &points))));
    let speech = speech();
    for (second, expected) in [(1, 0.0), (2, 0.0), (5, -12.0), (8, -12.0)] {
        let range = second * RATE as usize..(second + 1) * RATE as usize;
        let change = level(&heard[0][range.clone()]) - level(&speech[range]);
        assert!((change - expected).abs() < 0.1, "{second} s: {change} dB");
    }
}
