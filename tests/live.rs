//! `attune live` between real audio servers: PulseAudio with null sinks, and JACK with its dummy driver.

mod common;
#[cfg(target_os = "linux")]
mod screen;

use attune::engine::{Engine, EngineConfig, Latency};
use attune::settings::{Id, Settings};
use std::fs;
use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const RATE: usize = 48_000;
/// Long enough on any machine; nothing waits that long unless it fails.
const LONG: Duration = Duration::from_secs(60);

/// One test at a time has the machine: what they measure is time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process that is killed when it is dropped.
struct Process(Child);

impl Process {
    fn start(command: &mut Command) -> Process {
        let shown = format!("{command:?}");
        Process(command.stdin(Stdio::null()).spawn().unwrap_or_else(|error| panic!("{shown}: {error}")))
    }

    fn signal(&self, name: &str) {
        assert!(Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap().success());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wait_for(what: &str, mut ready: impl FnMut() -> bool) {
    let until = Instant::now() + LONG;
    while !ready() {
        assert!(Instant::now() < until, "{what} never came");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// `attune live`, and what it prints.
struct Live {
    process: Process,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Live {
    fn start(command: &mut Command) -> Live {
        let mut process = Process::start(command.stdout(Stdio::piped()));
        let (sender, lines) = channel();
        let output = process.0.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                println!("attune: {line}");
                let _ = sender.send(line);
            }
        });
        Live { process, lines, said: Vec::new() }
    }

    /// Waits for a line with this in it.
    fn hear(&mut self, part: &str) -> String {
        let until = Instant::now() + LONG;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else { panic!("no \"{part}\" in {:#?}", self.said) };
            self.said.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Ctrl-C; the last line.
    fn end(mut self) -> String {
        self.process.signal("-INT");
        let line = self.hear("ended after");
        assert_eq!(self.process.0.wait().unwrap().code(), Some(0));
        line
    }
}

/// The number before or after some words of a line.
fn number(line: &str, before: &str) -> f64 {
    let rest = line.split_once(before).unwrap_or_else(|| panic!("no {before} in {line}")).1;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '-')).unwrap_or(rest.len());
    rest[..end].parse().unwrap_or_else(|_| panic!("no number after {before} in {line}"))
}

/// PulseAudio as an ordinary process with a socket of its own, and two null sinks: `mic` and `voice`.
struct Pulse {
    folder: tempfile::TempDir,
    server: Option<Process>,
}

impl Pulse {
    fn start() -> Pulse {
        let mut pulse = Pulse { folder: tempfile::tempdir().unwrap(), server: None };
        pulse.restart();
        pulse
    }

    fn kill(&mut self) {
        self.server = None;
    }

    fn restart(&mut self) {
        let socket = self.folder.path().join("socket");
        let _ = fs::remove_file(&socket);
        let sink = |name: &str| format!("module-null-sink sink_name={name} rate={RATE} channels=1");
        let protocol = format!("module-native-protocol-unix auth-anonymous=1 socket={}", socket.display());
        let mut server = Command::new("pulseaudio");
        server.args(["-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1", "--disable-shm=yes"]);
        server.args(["-L", &protocol, "-L", &sink("mic"), "-L", &sink("voice")]).stderr(Stdio::null());
        self.server = Some(Process::start(self.home(&mut server)));
        wait_for("PulseAudio", || {
            let mut ask = self.client("pactl");
            ask.args(["list", "short", "sinks"]).stderr(Stdio::null());
            ask.output().is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("voice"))
        });
    }

    fn home<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let folder = self.folder.path();
        command.env("HOME", folder).env("XDG_RUNTIME_DIR", folder).env("XDG_CONFIG_HOME", folder)
    }

    fn client(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        self.home(&mut command);
        command.env("PULSE_SERVER", format!("unix:{}", self.folder.path().join("socket").display()));
        command.env("PULSE_SOURCE", "mic.monitor").env("PULSE_SINK", "voice").env("PULSE_LATENCY_MSEC", "60");
        command
    }

    fn live(&self, args: &[&str]) -> Live {
        let mut command = self.client(env!("CARGO_BIN_EXE_attune"));
        command.args(["live", "--plain", "--input", "pulse", "--output", "pulse", "--rate", "48000"]);
        Live::start(command.args(args))
    }

    /// Silence into the microphone, and a listener to the voice: with their first client both change their latency.
    fn occupied(&self) -> [Process; 2] {
        let mut player = self.client("pacat");
        let mut listener = self.client("parec");
        player.args(["--device=mic", "--raw", "/dev/zero"]);
        listener.args(["--device=voice.monitor", "--raw"]).stdout(Stdio::null());
        let clients = [player, listener].map(|mut client| Process::start(&mut client));
        for kind in ["sink-inputs", "source-outputs"] {
            let heard = || self.client("pactl").args(["list", "short", kind]).output();
            wait_for(kind, || heard().is_ok_and(|output| !output.stdout.is_empty()));
        }
        clients
    }

    /// Plays a file into the microphone, and gives what the voice's listeners heard from a little before to a little
    /// after.
    fn play(&self, wav: &Path, name: &str) -> Vec<f32> {
        let raw = self.folder.path().join(name);
        let mut recorder = self.client("parec");
        recorder.args(["--device=voice.monitor", "--raw", "--format=float32le", "--channels=1", "--rate=48000"]);
        let recorder = Process::start(recorder.stdout(fs::File::create(&raw).unwrap()));
        wait_for("the recording", || fs::metadata(&raw).is_ok_and(|file| file.len() > 4 * RATE as u64));
        assert!(self.client("paplay").arg("--device=mic").arg(wav).status().unwrap().success());
        let length = fs::metadata(&raw).unwrap().len();
        wait_for("the end of it", || fs::metadata(&raw).is_ok_and(|file| file.len() > length + 4 * RATE as u64));
        drop(recorder);
        let bytes = fs::read(&raw).unwrap();
        bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
    }
}

/// The demo recording several times, as a file, and as the engine alone would enhance it.
fn noisy(folder: &Path, times: usize) -> (std::path::PathBuf, Vec<f32>, Vec<f32>) {
    let speech = common::speech();
    let sound: Vec<f32> = speech.iter().copied().cycle().take(times * speech.len()).collect();
    let path = folder.join("noisy.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE as u32,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(&path, spec).unwrap();
    sound.iter().for_each(|x| writer.write_sample((x * 32_768.0) as i16).unwrap());
    writer.finalize().unwrap();
    let config = EngineConfig { sample_rate: RATE as u32, channels: 1, latency: Latency::Live };
    let mut engine: Engine = common::engine(config, &Settings::default());
    let mut enhanced = sound.clone();
    enhanced.resize(sound.len() + engine.latency(), 0.0);
    engine.process(&mut [&mut enhanced]);
    (path, sound, enhanced.split_off(engine.latency()))
}

fn level(x: &[f32]) -> f32 {
    10.0 * (x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32 + 1e-12).log10()
}

/// The correlation of two signals.
fn likeness(a: &[f32], b: &[f32]) -> f32 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>();
    (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(1e-12)) as f32
}

/// Where `part` lies in `sound`, of these places, and how alike they are there.
fn find(sound: &[f32], part: &[f32], places: Range<usize>) -> (usize, f32) {
    let last = sound.len().saturating_sub(part.len());
    let at = |place: usize| (place, likeness(&sound[place..place + part.len()], part));
    let places = places.start.min(last)..places.end.min(last + 1);
    places.map(at).max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((0, 0.0))
}

/// The same over many places: the sums of a few samples first, then the samples around. With the sums of 24 a vowel was
/// found a period away from where it was.
fn find_far(sound: &[f32], part: &[f32], places: Range<usize>) -> (usize, f32) {
    const FEW: usize = 6;
    let thin = |x: &[f32]| x.chunks_exact(FEW).map(|c| c.iter().sum::<f32>()).collect::<Vec<_>>();
    let end = (places.end + part.len()).min(sound.len());
    let coarse = find(&thin(&sound[places.start.min(end)..end]), &thin(part), 0..places.len() / FEW);
    let about = places.start + FEW * coarse.0;
    find(sound, part, about.saturating_sub(2 * FEW)..about + 2 * FEW)
}

/// The mean of its quietest tenth of 50 ms: the noise between the words.
fn noise(x: &[f32]) -> f32 {
    let mut levels: Vec<f32> = x.chunks_exact(2400).map(level).collect();
    levels.sort_by(f32::total_cmp);
    let tenth = levels.len() / 10;
    levels[..tenth].iter().sum::<f32>() / tenth as f32
}

/// What is not as it should be in what was heard: every half second must lie where the first ones do, as loud and as
/// free of noise as offline.
fn fault(heard: &[f32], untouched: &[f32], expected: &[f32]) -> Option<String> {
    // By then the engine knows the noise as well as offline, and the distance is what it should be.
    let from = 10 * RATE;
    let half = RATE / 2;
    let (first, alike) = find_far(heard, &expected[from..from + 4 * half], from..17 * RATE);
    if alike < 0.6 {
        return Some(format!("{alike} alike at {} s; it is {} dB loud", first / RATE, level(heard)));
    }
    let start = first - from;
    let (mut lags, mut alikes) = (Vec::new(), Vec::new());
    for place in (from..expected.len() - RATE).step_by(RATE) {
        let part = &expected[place..place + half];
        let (found, alike) = find_far(heard, part, start + place - 2400..start + place + 2400);
        if level(part) > level(expected) - 6.0 {
            if alike < 0.8 {
                return Some(format!("{alike} alike at {} s", place / RATE));
            }
            lags.push(found - place);
            alikes.push(alike);
        }
    }
    let mean = alikes.iter().sum::<f32>() / alikes.len() as f32;
    if lags.len() <= 20 || mean < 0.93 {
        return Some(format!("{mean} alike in {} places", lags.len()));
    }
    let (least, most) = (lags.iter().min()?, lags.iter().max()?);
    if most - least > 1024 {
        return Some(format!("a delay that is not stable within a buffer: {least} to {most}"));
    }
    let heard = &heard[start + from..(start + expected.len()).min(heard.len())];
    let expected = &expected[from..];
    if (level(heard) - level(expected)).abs() > 0.5 {
        return Some(format!("{} dB loud, offline {}", level(heard), level(expected)));
    }
    let [untouched, offline, live] = [&untouched[from..], expected, heard].map(noise);
    let as_free = offline < untouched - 5.0 && (live - offline).abs() < 1.0;
    (!as_free).then(|| format!("{live} dB of noise, offline {offline}, untouched {untouched}"))
}

#[test]
fn noisy_speech_comes_out_enhanced_whole_and_in_time() {
    let _alone = alone();
    let pulse = Pulse::start();
    // More than a minute.
    let (wav, dirty, expected) = noisy(pulse.folder.path(), 6);
    let record = pulse.folder.path().join("takes");
    let _occupied = pulse.occupied();
    // A machine that is busy with something else may be late, player and server as well: then it gets another chance.
    for chance in 1..=3 {
        let _ = fs::remove_dir_all(&record);
        let mut live = pulse.live(&["--buffer", "1024", "--reserve", "200", "--record", record.to_str().unwrap()]);
        live.hear("latency");
        let heard = pulse.play(&wav, "voice.raw");
        let last = live.end();
        let lost = ["xruns ", "underruns ", "skips ", "overruns "].iter().any(|fault| number(&last, fault) > 0.0);
        match if lost { Some(last) } else { fault(&heard, &dirty, &expected) } {
            None => break,
            Some(fault) => assert!(chance < 3, "{fault}"),
        }
    }
    // Both recordings are there, and as long as each other; new ones begin where a stream had to be opened again.
    let frames = ["input", "output"].map(|side| {
        let files = fs::read_dir(&record).unwrap().map(|file| file.unwrap().path());
        let its = files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(side));
        its.map(|path| hound::WavReader::open(path).unwrap().duration()).sum::<u32>()
    });
    assert!(frames[0] == frames[1] && frames[0] as usize > expected.len(), "{frames:?}");
}

#[test]
fn a_server_that_dies_and_comes_back_is_found_again() {
    let _alone = alone();
    let mut pulse = Pulse::start();
    let (wav, _, _) = noisy(pulse.folder.path(), 1);
    let mut live = pulse.live(&["--buffer", "1024", "--reserve", "200", "--adapt", "--profile", "test"]);
    live.hear("latency");
    pulse.kill();
    live.hear("trying again");
    pulse.restart();
    live.hear("▸");
    std::thread::sleep(Duration::from_secs(1));
    let heard = pulse.play(&wav, "again.raw");
    assert!(level(&heard) > -45.0, "{} dB", level(&heard));
    live.end();
    let profile = pulse.folder.path().join(".local/share/attune/profiles/test.json");
    let memory = attune::tuner::Memory::from_json(&fs::read_to_string(profile).unwrap()).unwrap();
    assert!(!memory.snapshots.is_empty() && memory.windows > 0);
}

/// The window on an X server without a monitor, moved by a mouse that is none.
#[cfg(target_os = "linux")]
#[test]
fn in_the_window_knobs_are_turned_while_it_plays_and_what_was_set_is_kept() {
    let _alone = alone();
    let pulse = Pulse::start();
    let (wav, _, _) = noisy(pulse.folder.path(), 1);
    let screen = screen::Screen::start();
    let mut command = pulse.client(env!("CARGO_BIN_EXE_attune"));
    command.args(["live", "--gui", "--input", "pulse", "--output", "pulse", "--rate", "48000", "--buffer", "1024"]);
    command.args(["--reserve", "200", "--profile", "window"]);
    let mut live = Live::start(command.env("DISPLAY", screen.display()));
    wait_for("the editor", || screen.shows_the_editor());
    assert!(level(&pulse.play(&wav, "live.raw")) > -45.0);
    // For people to look at.
    screen.save(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("live-window.png"));
    let [reduction, studio] = [(523, 533), (944, 24)];
    screen.drag(reduction, -60);
    // Opens the devices again.
    screen.click(studio);
    std::thread::sleep(Duration::from_secs(2));
    assert!(level(&pulse.play(&wav, "studio.raw")) > -45.0);
    screen.close_window();
    live.hear("ended after");
    assert_eq!(live.process.0.wait().unwrap().code(), Some(0));
    let kept = attune::settings::Preset::load(&pulse.folder.path().join(".local/share/attune/profiles/window.toml"));
    let kept = kept.unwrap().settings;
    let default = Settings::default();
    assert!(kept[Id::Reduction] > default[Id::Reduction] + 1.0, "{}", kept[Id::Reduction]);
    assert_eq!(kept.with(Id::Reduction, default[Id::Reduction]), default, "nothing else was moved");
}

#[test]
fn what_is_not_there_is_named() {
    let _alone = alone();
    let pulse = Pulse::start();
    let run = |args: &[&str]| {
        let output = pulse.client(env!("CARGO_BIN_EXE_attune")).args(args).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        (output.status.code(), text)
    };
    let (code, text) = run(&["live", "--list-devices"]);
    assert!(code == Some(0) && text.contains("pulse") && text.contains("buffers"), "{text}");
    let (code, text) = run(&["live", "--plain", "--input", "no such thing"]);
    assert!(
        code == Some(1) && text.contains("no input \"no such thing\"") && text.contains("--list-devices"),
        "{text}"
    );
    let (code, text) = run(&["live", "--plain", "--host", "nothing"]);
    assert!(code == Some(1) && text.contains("no audio system \"nothing\"") && text.contains("ALSA"), "{text}");
    let (code, text) = run(&["live", "--plain", "--profile", "../x"]);
    assert!(code == Some(1) && text.contains("letters"), "{text}");
    let (code, text) = run(&["doctor", "--audio"]);
    assert!(code == Some(0) && text.contains("p99.9") && text.contains("pulse"), "{text}");
}

#[cfg(feature = "jack")]
#[test]
fn jack_works_too() {
    let _alone = alone();
    // Always the same: JACK knows eight names at most, and those of servers that were killed it never forgets.
    let name = "attune-test";
    let client = |program: &str| {
        let mut command = Command::new(program);
        command.env("JACK_DEFAULT_SERVER", name).env("JACK_NO_AUDIO_RESERVATION", "1");
        command.stderr(Stdio::null());
        command
    };
    let mut server = client("jackd");
    server.args(["-n", name, "-r", "-d", "dummy", "-r", "48000", "-p", "512"]).stdout(Stdio::null());
    let mut server = Process::start(&mut server);
    let ports = || {
        let output = client("jack_lsp").output().unwrap();
        String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    wait_for("JACK", || ports().iter().any(|port| port == "system:playback_1"));
    let mut command = client(env!("CARGO_BIN_EXE_attune"));
    command.args(["live", "--plain", "--host", "jack", "--buffer", "512", "--output", "output"]);
    let mut live = Live::start(command.args(["--input", "input"]));
    let line = live.hear("latency");
    assert!(number(&line, "in ") < -90.0, "nothing is connected: {line}");
    let mut metronome = client("jack_metro");
    let _metronome = Process::start(metronome.args(["--bpm", "240", "--amplitude", "0.5"]).stdout(Stdio::null()));
    let find = |part: &str| ports().into_iter().find(|port| port.contains(part));
    wait_for("the metronome", || find("metro").is_some());
    let (from, to) = (find("metro").unwrap(), find("_in:").unwrap());
    assert!(client("jack_connect").args([&from, &to]).status().unwrap().success());
    live.hear("latency");
    let line = live.hear("latency");
    assert!(number(&line, "in ") > -20.0 && number(&line, "out ") > -40.0, "{line}");
    live.end();
    server.signal("-TERM");
    server.0.wait().unwrap();
}
