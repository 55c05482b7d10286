//! The `attune` binary as a person runs it: formats, damaged files, overwriting, batches, interruption.

#[path = "cli/adapt.rs"]
mod adapt;
mod common;
#[path = "cli/eval.rs"]
mod eval;
#[path = "cli/listening.rs"]
mod listening;

use attune::settings::Id;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const NEUTRAL: [&str; 8] = ["--set", "method=off", "--set", "hum=0", "--set", "ceiling=0", "--latency", "live"];

fn attune(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_attune"));
    command.current_dir(folder).stdin(Stdio::null());
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    attune(folder).args(args).output().unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn ok(output: Output) -> Output {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    output
}

/// Fails with this code, says all of this, and never panics.
#[track_caller]
fn fails(output: Output, code: i32, words: &[&str]) {
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{text}");
    assert!(!text.contains("panicked"), "{text}");
    for word in words {
        assert!(text.contains(word), "\"{word}\" is missing in: {text}");
    }
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", stdout(output)))
}

#[track_caller]
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Everything below a folder, hidden or not.
fn listing(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            found.extend(listing(&entry.path()).into_iter().map(|below| format!("{name}/{below}")));
            found.push(name + "/");
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}

/// The signal of the fixtures: a chirp from 400 to 4000 Hz within 0.25 s, from 0.3 s on.
fn chirp(rate: u32, seconds: f64) -> Vec<f64> {
    let tau = std::f64::consts::TAU;
    let sample = |i: usize| {
        let t = i as f64 / f64::from(rate) - 0.3;
        if !(0.0..0.25).contains(&t) {
            return 0.0;
        }
        0.25 * (1.0 - (tau * t / 0.25).cos()) * (tau * (400.0 * t + 0.5 * 3600.0 / 0.25 * t * t)).sin()
    };
    (0..(f64::from(rate) * seconds).round() as usize).map(sample).collect()
}

fn spec(rate: u32, channels: u16, bits: u16) -> hound::WavSpec {
    let sample_format = if bits == 0 { hound::SampleFormat::Float } else { hound::SampleFormat::Int };
    hound::WavSpec { channels, sample_rate: rate, bits_per_sample: if bits == 0 { 32 } else { bits }, sample_format }
}

/// Writes the same signal to all channels, each 1 dB softer than the one before. 0 bits: float.
fn write(path: &Path, rate: u32, channels: u16, bits: u16, signal: &[f64]) {
    let mut writer = hound::WavWriter::create(path, spec(rate, channels, bits)).unwrap();
    for sample in signal {
        for channel in 0..channels {
            let sample = sample * 10f64.powf(-f64::from(channel) / 20.0);
            match bits {
                0 => writer.write_sample(sample as f32).unwrap(),
                _ => writer.write_sample((sample * f64::from((1u32 << (bits - 1)) - 1)).round() as i32).unwrap(),
            }
        }
    }
    writer.finalize().unwrap();
}

/// One channel of a WAV file, ±1 full scale.
fn read(path: &Path, channel: usize) -> Vec<f64> {
    let mut reader = hound::WavReader::open(path).unwrap();
    let spec = reader.spec();
    let all: Vec<f64> = match spec.sample_format {
        hound::SampleFormat::Float => reader.samples::<f32>().map(|s| f64::from(s.unwrap())).collect(),
        hound::SampleFormat::Int => {
            let scale = f64::from(1u32 << (spec.bits_per_sample - 1));
            reader.samples::<i32>().map(|s| f64::from(s.unwrap()) / scale).collect()
        }
    };
    all.into_iter().skip(channel).step_by(usize::from(spec.channels)).collect()
}

/// The shift in samples, up to ±`most`, at which `b` is most like `a`.
fn shift(a: &[f64], b: &[f64], most: isize) -> isize {
    let likeness = |shift: isize| -> f64 {
        let at = |i: usize| b.get((i as isize + shift) as usize).copied().unwrap_or(0.0);
        a.iter().enumerate().map(|(i, x)| x * at(i)).sum()
    };
    (-most..=most).max_by(|&a, &b| likeness(a).total_cmp(&likeness(b))).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn every_wav_format_keeps_its_shape_and_its_place() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("in")).unwrap();
    let mut files = Vec::new();
    for (rate, channels) in [(8000, 1), (11_025, 2), (16_000, 3), (44_100, 2), (48_000, 6), (96_000, 1), (192_000, 2)] {
        for bits in [8, 16, 24, 32, 0] {
            let name = format!("{rate}-{channels}-{bits}.wav");
            // An odd number of bytes and an odd length.
            let mut signal = chirp(rate, 0.6);
            signal.push(0.0);
            write(&dir.path().join("in").join(&name), rate, channels, bits, &signal);
            files.push((name, rate, channels, bits, signal));
        }
    }
    ok(attune(dir.path()).args(["enhance", "in", "-o", "out"]).args(NEUTRAL).output().unwrap());
    for (name, rate, channels, bits, signal) in files {
        let reader = hound::WavReader::open(dir.path().join("out").join(&name)).unwrap();
        assert_eq!(reader.spec(), spec(rate, channels, bits), "{name}");
        assert_eq!(reader.duration() as usize, signal.len(), "{name}");
        let step = if bits == 0 { 1e-4 } else { 2.5 / f64::from(1u32 << (bits.min(16) - 1)) };
        for channel in 0..usize::from(channels) {
            let before = read(&dir.path().join("in").join(&name), channel);
            let after = read(&dir.path().join("out").join(&name), channel);
            let difference = before.iter().zip(&after).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(difference <= step, "{name} channel {channel}: {difference}");
        }
    }
}

#[test]
fn the_output_is_aligned_in_both_modes() {
    let dir = TempDir::new().unwrap();
    let signal = chirp(48_000, 0.8);
    write(&dir.path().join("a.wav"), 48_000, 1, 16, &signal);
    for mode in ["live", "studio"] {
        let output = run(dir.path(), &["enhance", "a.wav", "-o", "b.wav", "--force", "--latency", mode]);
        ok(output);
        let after = read(&dir.path().join("b.wav"), 0);
        assert_eq!(after.len(), signal.len());
        assert_eq!(shift(&signal, &after, 3000), 0, "{mode}");
    }
}

#[test]
fn compressed_files_are_read_and_aligned() {
    let dir = TempDir::new().unwrap();
    let signal = chirp(32_000, 0.8);
    let files = [
        ("chirp.flac", 16, "FLAC"),
        ("chirp-24bit.flac", 24, "FLAC"),
        ("chirp-alac.m4a", 16, "ALAC"),
        ("chirp.m4a", 24, "AAC"),
        ("chirp.mp3", 24, "MP3"),
        ("chirp.ogg", 24, "Vorbis"),
    ];
    for (name, bits, format) in files {
        let input = fixture(name);
        let args = ["enhance", input.to_str().unwrap(), "-o", "x.wav", "--force", "--json"];
        let output = ok(attune(dir.path()).args(args).args(NEUTRAL).output().unwrap());
        assert_eq!(json(&output)["files"][0]["format"], format, "{name}");
        let reader = hound::WavReader::open(dir.path().join("x.wav")).unwrap();
        assert_eq!(reader.spec(), spec(32_000, 1, bits), "{name}");
        let after = read(&dir.path().join("x.wav"), 0);
        assert_eq!(after.len(), signal.len(), "{name}");
        assert_eq!(shift(&signal, &after, 3000), 0, "{name}");
    }
    let opus = fixture("opus.ogg");
    let output = run(dir.path(), &["enhance", opus.to_str().unwrap(), "-o", "y.wav"]);
    fails(output, 1, &["opus.ogg", "Opus", "ffmpeg"]);
}

#[test]
fn a_cut_flac_is_refused_and_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let whole = fs::read(fixture("chirp.flac")).unwrap();
    fs::write(dir.path().join("cut.flac"), &whole[..whole.len() - 900]).unwrap();
    fails(run(dir.path(), &["enhance", "cut.flac", "-o", "new/x.wav"]), 1, &["cut.flac", "cut off"]);
    assert_eq!(listing(dir.path()), ["cut.flac"]);
}

/// A RIFF file from its chunks.
fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WAVE".to_vec();
    for (id, data) in chunks {
        body.extend(*id);
        body.extend((data.len() as u32).to_le_bytes());
        body.extend(*data);
        body.extend(&[0][..data.len() % 2]);
    }
    let mut file = b"RIFF".to_vec();
    file.extend((body.len() as u32).to_le_bytes());
    file.extend(body);
    file
}

fn format(tag: u16, channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let frame = channels.wrapping_mul(bits / 8);
    let mut bytes = Vec::new();
    bytes.extend(tag.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend(rate.wrapping_mul(frame.into()).to_le_bytes());
    bytes.extend(frame.to_le_bytes());
    bytes.extend(bits.to_le_bytes());
    bytes
}

#[test]
fn damaged_files_get_a_clear_reason() {
    let dir = TempDir::new().unwrap();
    let good = riff(&[(b"fmt ", &format(1, 1, 48_000, 16)), (b"data", &[0; 9600])]);
    let with_rate = |rate| riff(&[(b"fmt ", &format(1, 1, rate, 16)), (b"data", &[0; 96])]);
    let cases: [(&str, Vec<u8>, &str); 16] = [
        ("empty.wav", vec![], "empty"),
        ("text.wav", b"this is no audio at all, whatever its name says".to_vec(), "not audio"),
        ("magic.wav", b"RIFF".to_vec(), "cut off"),
        ("header.wav", good[..20].to_vec(), "damaged header"),
        ("nodata.wav", riff(&[(b"fmt ", &format(1, 1, 48_000, 16))]), "without audio data"),
        ("none.wav", riff(&[(b"fmt ", &format(1, 1, 48_000, 16)), (b"data", &[])]), "no audio (0 samples)"),
        ("cut.wav", good[..5000].to_vec(), "cut off: only 2478 of 4800 samples"),
        ("channels0.wav", riff(&[(b"fmt ", &format(1, 0, 48_000, 16)), (b"data", &[0; 96])]), "0 channels"),
        ("channels999.wav", riff(&[(b"fmt ", &format(1, 999, 48_000, 16)), (b"data", &[0; 4000])]), "999 channels"),
        ("rate0.wav", with_rate(0), "8000 to 192000"),
        ("rate1.wav", with_rate(1), "8000 to 192000"),
        ("rate4e9.wav", with_rate(4_000_000_000), "8000 to 192000"),
        ("bits13.wav", riff(&[(b"fmt ", &format(1, 1, 48_000, 48)), (b"data", &[0; 96])]), "48 bits"),
        ("adpcm.wav", riff(&[(b"fmt ", &format(2, 1, 48_000, 16)), (b"data", &[0; 96])]), "compressed"),
        ("noise.mp3", (0..50_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect(), "not audio"),
        ("noise.ogg", b"OggS".iter().copied().chain([7; 4000]).collect(), "not audio"),
    ];
    for (name, bytes, reason) in &cases {
        fs::write(dir.path().join(name), bytes).unwrap();
        fails(run(dir.path(), &["enhance", name, "-o", "out/x.wav"]), 1, &[name, reason]);
        assert!(!dir.path().join("out").exists(), "{name}");
        // The same as a dry run, but for what only shows while reading.
        fails(run(dir.path(), &["enhance", name, "-o", "out/x.wav", "--dry-run"]), 1, &[name, reason]);
    }
    fails(run(dir.path(), &["enhance", "missing.wav"]), 1, &["missing.wav", "does not exist"]);
    // No length of a truncated file makes it panic or leaves something behind.
    for length in (0..good.len()).step_by(7).take(40) {
        fs::write(dir.path().join("some.wav"), &good[..length]).unwrap();
        fails(run(dir.path(), &["enhance", "some.wav", "-o", "x.wav"]), 1, &["some.wav"]);
        assert!(!dir.path().join("x.wav").exists());
    }
}

#[test]
fn odd_but_sound_files_are_read() {
    let dir = TempDir::new().unwrap();
    let samples: Vec<u8> = chirp(16_000, 0.6).iter().flat_map(|s| ((s * 32_767.0) as i16).to_le_bytes()).collect();
    let fmt = format(1, 1, 16_000, 16);
    let plain = riff(&[(b"fmt ", &fmt), (b"data", &samples)]);
    let data_at = plain.len() - samples.len();
    let with_lengths = |riff: u32, data: u32| {
        let mut bytes = plain.clone();
        bytes[4..8].copy_from_slice(&riff.to_le_bytes());
        bytes[data_at - 4..data_at].copy_from_slice(&data.to_le_bytes());
        bytes
    };
    let mut unpadded = riff(&[(b"fmt ", &fmt)]);
    unpadded.extend(b"LIST\x05\0\0\0INFOx");
    unpadded.extend(&plain[data_at - 8..]);
    let mut torn = with_lengths(0, 0);
    torn.push(1);
    let extensible = {
        let mut fmt = format(0xfffe, 1, 16_000, 16);
        fmt.extend(22u16.to_le_bytes());
        fmt.extend(16u16.to_le_bytes());
        fmt.extend(4u32.to_le_bytes());
        fmt.extend([1, 0, 0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71]);
        riff(&[(b"fmt ", &fmt), (b"data", &samples)])
    };
    let long = {
        let mut ds64 = ((plain.len() + 28) as u64).to_le_bytes().to_vec();
        ds64.extend((samples.len() as u64).to_le_bytes());
        ds64.extend([0; 12]);
        let mut bytes = riff(&[(b"ds64", &ds64), (b"fmt ", &fmt), (b"data", &samples)]);
        bytes[..8].copy_from_slice(b"RF64\xff\xff\xff\xff");
        let at = bytes.len() - samples.len();
        bytes[at - 4..at].copy_from_slice(&[0xff; 4]);
        bytes
    };
    let cases = [
        ("streamed.wav", with_lengths(u32::MAX, u32::MAX)),
        ("unfinished.wav", with_lengths(0, 0)),
        ("sox-pipe.wav", with_lengths(0x7fff_f024, 0x7fff_f000)),
        ("torn.wav", torn),
        ("odd-chunk.wav", riff(&[(b"junk", &[7; 603]), (b"fmt ", &fmt), (b"data", &samples), (b"LIST", b"INFO")])),
        ("unpadded-chunk.wav", unpadded),
        ("extensible.wav", extensible),
        ("rf64.wav", long),
        ("upper.WAVE", plain.clone()),
    ];
    for (name, bytes) in cases {
        fs::write(dir.path().join(name), bytes).unwrap();
        let output =
            attune(dir.path()).args(["enhance", name, "-o", "x.wav", "--force"]).args(NEUTRAL).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
        assert_eq!(read(&dir.path().join("x.wav"), 0).len(), samples.len() / 2, "{name}");
    }
}

#[test]
fn metadata_of_broadcast_files_is_kept() {
    let dir = TempDir::new().unwrap();
    let bext: Vec<u8> = (0..605u32).map(|i| i as u8).collect();
    let samples = [0; 3200];
    let file =
        riff(&[(b"fmt ", &format(1, 1, 16_000, 16)), (b"bext", &bext), (b"data", &samples), (b"iXML", b"<BWFXML/>")]);
    fs::write(dir.path().join("a.wav"), file).unwrap();
    ok(run(dir.path(), &["enhance", "a.wav"]));
    let out = chunks(&fs::read(dir.path().join("a-enhanced.wav")).unwrap());
    let ids: Vec<&str> = out.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["fmt ", "bext", "iXML", "data"]);
    assert_eq!((&out[1].1[..605], &out[2].1[..9], out[3].1.len()), (&bext[..], &b"<BWFXML/>"[..], samples.len()));
    // Lengths are even, for readers that forget the filler byte.
    assert_eq!(read(&dir.path().join("a-enhanced.wav"), 0).len(), 1600);
}

/// The chunks of a RIFF file.
fn chunks(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = &file[12..];
    while let Some((head, after)) = rest.split_at_checked(8) {
        let length = u32::from_le_bytes(head[4..].try_into().unwrap()) as usize;
        found.push((String::from_utf8_lossy(&head[..4]).into_owned(), after[..length].to_vec()));
        rest = &after[length + length % 2..];
    }
    assert_eq!(u32::from_le_bytes(file[4..8].try_into().unwrap()) as usize, file.len() - 8);
    found
}

#[test]
fn a_file_beyond_4_gib_is_understood() {
    let dir = TempDir::new().unwrap();
    let mut header = riff(&[(b"fmt ", &format(1, 2, 48_000, 24)), (b"data", &[])]);
    let at = header.len();
    header[at - 4..].copy_from_slice(&u32::MAX.to_le_bytes());
    fs::write(dir.path().join("long.wav"), &header).unwrap();
    // Sparse: takes no space on the disk.
    fs::File::options()
        .write(true)
        .open(dir.path().join("long.wav"))
        .unwrap()
        .set_len(at as u64 + 6_000_000_000)
        .unwrap();
    let output = ok(run(dir.path(), &["enhance", "long.wav", "--dry-run", "--json"]));
    assert_eq!(json(&output)["files"][0]["frames"], 1_000_000_000);
}

#[test]
fn numbers_that_are_none_become_silence_and_are_counted() {
    let dir = TempDir::new().unwrap();
    let mut signal = chirp(48_000, 0.5);
    signal[100] = f64::NAN;
    signal[20_000] = f64::INFINITY;
    signal[20_001] = 1e30;
    write(&dir.path().join("a.wav"), 48_000, 1, 0, &signal);
    write(&dir.path().join("nan.wav"), 48_000, 2, 0, &[f64::NAN; 4800]);
    let output = ok(run(dir.path(), &["enhance", "a.wav", "nan.wav", "-o", "out", "--json"]));
    assert!(stderr(&output).contains("a.wav: 2 samples of the input were no numbers"), "{}", stderr(&output));
    let report = json(&output);
    assert_eq!(report["files"][0]["bad_samples"], 2);
    assert_eq!(report["files"][1]["bad_samples"], 9600);
    for name in ["a.wav", "nan.wav"] {
        assert!(read(&dir.path().join("out").join(name), 0).iter().all(|s| s.is_finite()), "{name}");
    }
    assert!(read(&dir.path().join("out/nan.wav"), 1).iter().all(|&s| s == 0.0));
}

#[test]
fn one_sample_stays_one_sample() {
    let dir = TempDir::new().unwrap();
    for bits in [8, 16, 24, 32, 0] {
        write(&dir.path().join("one.wav"), 44_100, 1, bits, &[0.25]);
        ok(run(dir.path(), &["enhance", "one.wav", "--force", "--report", "one.html", "--spectrogram", "one.png"]));
        assert_eq!(read(&dir.path().join("one-enhanced.wav"), 0).len(), 1);
    }
}

#[test]
fn silence_stays_digital_silence() {
    let dir = TempDir::new().unwrap();
    write(&dir.path().join("a.wav"), 48_000, 2, 16, &[0.0; 24_000]);
    let output = ok(run(dir.path(), &["enhance", "a.wav", "--json"]));
    assert!(json(&output)["files"][0]["loudness_lufs"]["in"].is_null());
    assert!(read(&dir.path().join("a-enhanced.wav"), 0).iter().all(|&s| s == 0.0), "dither must not fill silence");
}

#[test]
fn the_same_call_gives_the_same_file() {
    let dir = TempDir::new().unwrap();
    write(&dir.path().join("a.wav"), 44_100, 2, 16, &chirp(44_100, 0.9));
    for out in ["b.wav", "c.wav"] {
        ok(run(dir.path(), &["enhance", "a.wav", "-o", out, "--preset", "podcast"]));
    }
    assert_eq!(fs::read(dir.path().join("b.wav")).unwrap(), fs::read(dir.path().join("c.wav")).unwrap());
}

#[test]
fn nothing_is_overwritten_unasked_and_an_input_never() {
    let dir = TempDir::new().unwrap();
    let signal = chirp(16_000, 0.6);
    write(&dir.path().join("a.wav"), 16_000, 1, 16, &signal);
    fs::write(dir.path().join("precious.wav"), "precious").unwrap();
    fails(run(dir.path(), &["enhance", "a.wav", "-o", "precious.wav"]), 1, &["precious.wav", "--force"]);
    fails(run(dir.path(), &["enhance", "a.wav", "-o", "precious.wav", "--dry-run"]), 1, &["precious.wav", "--force"]);
    assert_eq!(fs::read(dir.path().join("precious.wav")).unwrap(), b"precious");
    fails(
        run(dir.path(), &["enhance", "a.wav", "-o", "o.wav", "--report", "precious.wav"]),
        2,
        &["precious.wav", "--force"],
    );

    let before = fs::read(dir.path().join("a.wav")).unwrap();
    fs::hard_link(dir.path().join("a.wav"), dir.path().join("hard.wav")).unwrap();
    let mut names = vec!["a.wav", "./a.wav", "hard.wav"];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("a.wav", dir.path().join("soft.wav")).unwrap();
        names.push("soft.wav");
    }
    for name in names {
        fails(run(dir.path(), &["enhance", "a.wav", "-o", name, "--force"]), 2, &["input", "-o"]);
    }
    fails(run(dir.path(), &["enhance", "a.wav", "-o", ".", "--force"]), 2, &["input", "-o"]);
    fails(run(dir.path(), &["enhance", ".", "-o", ".", "--force"]), 2, &["input folder"]);
    fails(
        run(dir.path(), &["enhance", "a.wav", "-o", "o.wav", "--report", "a.wav", "--force"]),
        2,
        &["a.wav", "input"],
    );
    assert_eq!(fs::read(dir.path().join("a.wav")).unwrap(), before);

    ok(run(dir.path(), &["enhance", "a.wav", "-o", "precious.wav", "--force"]));
    assert_eq!(read(&dir.path().join("precious.wav"), 0).len(), signal.len());
    #[cfg(unix)]
    {
        // As any new file, not private as temporary files are.
        use std::os::unix::fs::PermissionsExt;
        let mode = |name: &str| fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("precious.wav"), mode("a.wav"));
    }
}

#[test]
fn folders_keep_their_structure_and_one_bad_file_stops_nobody() {
    let dir = TempDir::new().unwrap();
    let signal = chirp(16_000, 0.6);
    fs::create_dir_all(dir.path().join("in/deep/er")).unwrap();
    for name in ["in/z.wav", "in/a.WAV", "in/deep/er/b.wav"] {
        write(&dir.path().join(name), 16_000, 1, 16, &signal);
    }
    fs::copy(fixture("chirp.flac"), dir.path().join("in/deep/c.flac")).unwrap();
    fs::write(dir.path().join("in/notes.txt"), "not audio, not mentioned").unwrap();
    fs::write(dir.path().join("in/._z.wav"), "what a Mac leaves behind").unwrap();
    fs::write(dir.path().join("in/deep/broken.wav"), "not audio, but named so").unwrap();

    // The output folder lies within the input folder: what is in it is not done again.
    let args = ["enhance", "in", "-o", "in/out", "--json", "--jobs", "3"];
    let output = run(dir.path(), &args);
    let report = json(&output);
    fails(output, 1, &["in/deep/broken.wav: is not audio"]);
    let names: Vec<&str> = report["files"].as_array().unwrap().iter().map(|f| f["input"].as_str().unwrap()).collect();
    assert_eq!(names, ["in/a.WAV", "in/deep/broken.wav", "in/deep/c.flac", "in/deep/er/b.wav", "in/z.wav"]);
    assert_eq!(report["failed"], 1);
    let expected = ["a.wav", "deep/", "deep/c.wav", "deep/er/", "deep/er/b.wav", "z.wav"];
    assert_eq!(listing(&dir.path().join("in/out")), expected);

    // Once more: all exist, none is overwritten, and still the output folder is left out.
    let output = run(dir.path(), &args);
    assert_eq!(json(&output)["files"].as_array().unwrap().len(), 5);
    fails(output, 1, &["in/out/z.wav: exists already"]);
    assert_eq!(listing(&dir.path().join("in/out")), expected);

    // Without -o: a folder beside the input.
    let output = run(dir.path(), &["enhance", "in/deep"]);
    fails(output, 1, &["broken.wav"]);
    assert_eq!(listing(&dir.path().join("in/deep-enhanced")), ["c.wav", "er/", "er/b.wav"]);
}

#[test]
fn what_cannot_be_meant_is_refused_before_any_work() {
    let dir = TempDir::new().unwrap();
    let signal = chirp(16_000, 0.6);
    for name in ["a.wav", "b.wav"] {
        write(&dir.path().join(name), 16_000, 1, 16, &signal);
    }
    fs::create_dir(dir.path().join("sub")).unwrap();
    fs::create_dir(dir.path().join("empty")).unwrap();
    write(&dir.path().join("sub/a.wav"), 16_000, 1, 16, &signal);
    let before = listing(dir.path());
    let cases: [(&[&str], &[&str]); 13] = [
        (&["enhance"], &["INPUT"]),
        (&["enhance", "a.wav", "-o", "x.mp3"], &["x.mp3", ".wav"]),
        (&["enhance", "a.wav", "-o", "folder"], &["folder", ".wav", "folder/"]),
        (&["enhance", "a.wav", "b.wav", "-o", "x.wav"], &["x.wav", "folder"]),
        (&["enhance", "a.wav", "sub/a.wav", "-o", "out"], &["out/a.wav", "sub/a.wav"]),
        (&["enhance", "a.wav", "sub", "-o", "out"], &["out/a.wav", "sub/a.wav"]),
        (&["enhance", "empty", "-o", "out"], &["empty", "no audio"]),
        (&["enhance", "a.wav", "--preset", "nonsense"], &["nonsense", "podcast"]),
        (&["enhance", "a.wav", "--set", "reduction=99"], &["reduction", "0 dB to 40 dB"]),
        (&["enhance", "a.wav", "--set", "reductoin=9"], &["reductoin", "attune settings"]),
        (&["enhance", "a.wav", "--set", "reduction"], &["ID=VALUE"]),
        (&["enhance", "a.wav", "--jobs", "0"], &["--jobs"]),
        (&["enhance", "a.wav", "b.wav", "-o", "out", "--spectrogram", "x.png"], &["--spectrogram", "--report"]),
    ];
    for (args, words) in cases {
        fails(run(dir.path(), args), 2, words);
        assert_eq!(listing(dir.path()), before, "{args:?}");
    }
    // The same input twice is done once.
    let output = ok(run(dir.path(), &["enhance", "a.wav", "./a.wav", "-o", "out", "--json"]));
    assert_eq!(json(&output)["files"].as_array().unwrap().len(), 1);
}

#[test]
fn json_tells_everything_and_a_dry_run_writes_nothing() {
    let dir = TempDir::new().unwrap();
    write(&dir.path().join("a.wav"), 48_000, 2, 24, &chirp(48_000, 2.0));
    let args = ["enhance", "a.wav", "--preset", "voice", "--set", "reduction=7.5", "--json"];
    let dry = ok(run(dir.path(), &[&args[..], &["--dry-run"]].concat()));
    assert_eq!(listing(dir.path()), ["a.wav"]);
    let wet = ok(run(dir.path(), &args));
    assert_eq!(listing(dir.path()), ["a-enhanced.wav", "a.wav"]);
    for (output, dry) in [(dry, true), (wet, false)] {
        let report = json(&output);
        assert_eq!((report["dry_run"].as_bool(), report["preset"].as_str()), (Some(dry), Some("voice")));
        let file = &report["files"][0];
        assert_eq!(file["input"], "a.wav");
        assert_eq!(file["output"], "a-enhanced.wav");
        assert_eq!(file["frames"], 96_000);
        assert_eq!(file["duration_s"], 2.0);
        assert_eq!((&file["rate"], &file["channels"], &file["bits"]), (&48_000.into(), &2.into(), &24.into()));
        assert_eq!((&file["float"], &file["error"]), (&false.into(), &Value::Null));
        assert_eq!(file["settings"]["reduction"], 7.5);
        assert_eq!(file["settings"]["method"], "neural");
        assert!(file["latency_samples"].is_u64());
        if !dry {
            for key in ["loudness_lufs", "true_peak_dbtp", "noise_floor_dbfs"] {
                assert!(file[key].get("in").is_some() && file[key].get("out").is_some(), "{key}");
            }
            let loudness = file["loudness_lufs"]["in"].as_f64().unwrap();
            assert!((-30.0..-5.0).contains(&loudness), "{loudness}");
            assert!(file["speed"].as_f64().unwrap() > 0.0 && file["bad_samples"] == 0);
        }
    }
    let text = stdout(&ok(run(dir.path(), &["enhance", "a.wav", "--force"])));
    assert!(text.contains("Loudness LUFS") && text.contains("a-enhanced.wav") && text.contains("2.0 s"), "{text}");
}

#[test]
fn the_report_is_one_file_that_stands_alone() {
    let dir = TempDir::new().unwrap();
    for name in ["a & <b>.wav", "c.wav"] {
        write(&dir.path().join(name), 16_000, 1, 16, &chirp(16_000, 1.5));
    }
    fs::write(dir.path().join("bad.wav"), "no audio").unwrap();
    let args = [
        "enhance",
        "a & <b>.wav",
        "c.wav",
        "bad.wav",
        "-o",
        "out/",
        "--report",
        "reports/r.html",
        "--set",
        "reduction=9",
    ];
    fails(run(dir.path(), &args), 1, &["bad.wav"]);
    let html = fs::read_to_string(dir.path().join("reports/r.html")).unwrap();
    assert!(html.contains("a &amp; &lt;b&gt;.wav") && !html.contains("<b>"));
    assert_eq!(html.matches("data:image/png;base64,").count(), 4, "before and after of two files");
    assert!(html.contains("bad.wav: is not audio"), "a failed file is in the report too");
    let spec = Id::Reduction.spec();
    let mark = format!("{} <small>default {}</small>", spec.name, spec.format(spec.default));
    assert!(html.contains("class=\"set\"") && html.contains(&mark), "changed settings are marked");
    assert!(!html.contains("{{") && !html.contains("http"), "no placeholder is left and nothing is loaded");
    assert_eq!(listing(&dir.path().join("reports")), ["r.html"]);

    ok(run(dir.path(), &["enhance", "c.wav", "--spectrogram", "c.png"]));
    assert_eq!(fs::read(dir.path().join("c.png")).unwrap()[..8], *b"\x89PNG\r\n\x1a\n");
}

#[test]
fn delta_is_what_is_removed() {
    let dir = TempDir::new().unwrap();
    write(&dir.path().join("a.wav"), 16_000, 1, 0, &chirp(16_000, 1.0));
    ok(run(dir.path(), &["enhance", "a.wav"]));
    ok(run(dir.path(), &["enhance", "a.wav", "--delta"]));
    assert_eq!(listing(dir.path()), ["a-enhanced.wav", "a-removed.wav", "a.wav"]);
    assert_eq!(read(&dir.path().join("a-removed.wav"), 0).len(), 16_000);
}

/// Two hours of silence, sparse: long enough to be interrupted on any machine.
#[cfg(unix)]
fn sparse(path: &Path) {
    let bytes = 2 * 3600 * 48_000 * 2u32;
    let mut header = riff(&[(b"fmt ", &format(1, 1, 48_000, 16)), (b"data", &[])]);
    let at = header.len();
    header[at - 4..].copy_from_slice(&bytes.to_le_bytes());
    fs::write(path, &header).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(at as u64 + u64::from(bytes)).unwrap();
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_behind() {
    let dir = TempDir::new().unwrap();
    sparse(&dir.path().join("long.wav"));
    let args = ["enhance", "long.wav", "-o", "new/folder/x.wav"];
    let child = attune(dir.path()).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !dir.path().join("new/folder").exists() || listing(&dir.path().join("new/folder")).is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    fails(output, 130, &["interrupted"]);
    assert_eq!(listing(dir.path()), ["long.wav"]);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_written_is_named_and_leaves_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    write(&dir.path().join("a.wav"), 48_000, 2, 24, &chirp(48_000, 5.0));
    fs::write(dir.path().join("file"), "").unwrap();
    fails(run(dir.path(), &["enhance", "a.wav", "-o", "file/x.wav"]), 1, &["file/x.wav", "can't be written"]);
    fails(
        run(dir.path(), &["enhance", "a.wav", "-o", "file/x.wav", "--dry-run"]),
        1,
        &["file/x.wav", "can't be written"],
    );

    // The disk fills up midway: a limit on the size of files does the same.
    let script =
        format!("trap '' XFSZ; ulimit -f 100; exec {} enhance a.wav -o new/full.wav", env!("CARGO_BIN_EXE_attune"));
    let output = Command::new("sh").args(["-c", &script]).current_dir(dir.path()).output().unwrap();
    fails(output, 1, &["new/full.wav", "can't be written"]);
    assert_eq!(listing(dir.path()), ["a.wav", "file"]);

    let folder = dir.path().join("closed");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o555)).unwrap();
    // The superuser may write everywhere.
    if fs::write(folder.join("probe"), "").is_err() {
        fails(run(dir.path(), &["enhance", "a.wav", "-o", "closed/x.wav"]), 1, &["closed/x.wav", "read-only"]);
    }
}

#[test]
fn the_other_commands_print() {
    let dir = TempDir::new().unwrap();
    let text = |args: &[&str]| stdout(&ok(run(dir.path(), args)));
    let presets = text(&["presets"]);
    assert!(presets.contains("podcast") && presets.contains("transparent"), "{presets}");
    let preset = text(&["presets", "show", "voice"]);
    assert!(preset.contains("name = \"voice\"") && preset.contains("[settings]"));
    // What is shown can be used as a preset file.
    fs::write(dir.path().join("mine.toml"), preset).unwrap();
    write(&dir.path().join("a.wav"), 16_000, 1, 16, &chirp(16_000, 0.5));
    ok(run(dir.path(), &["enhance", "a.wav", "--preset", "mine.toml"]));
    fails(run(dir.path(), &["presets", "show", "nonsense"]), 2, &["nonsense", "podcast"]);

    let settings = text(&["settings"]);
    assert!(settings.contains("reduction") && settings.contains("0 dB to 40 dB"), "{settings}");
    let table: Value = serde_json::from_str(&text(&["settings", "--json"])).unwrap();
    assert!(table["settings"].as_array().unwrap().iter().any(|row| row["id"] == "reduction" && row["max"] == 40.0));

    assert!(text(&["completions", "bash"]).contains("attune"));
    assert!(text(&["man"]).contains(".TH attune"));
    assert!(text(&["man", "enhance"]).contains("jobs"));
    fails(run(dir.path(), &["man", "nonsense"]), 2, &["nonsense"]);
    assert!(text(&["enhance", "--help"]).contains("Examples:"));
    fails(run(dir.path(), &[]), 2, &["enhance"]);
    fails(run(dir.path(), &["nonsense"]), 2, &["nonsense"]);
}
