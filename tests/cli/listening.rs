//! `attune eval` without a reference: what is wrong, what was done, and is it better?

use super::*;
use crate::common;
use attune::engine::{EngineConfig, Latency};
use attune::settings::Settings;

const RATE: u32 = 48_000;

/// Speech in a café.
fn cafe() -> Vec<f64> {
    common::speech().into_iter().map(f64::from).collect()
}

/// The same, enhanced with the defaults, and by how many samples the engine delays it.
fn enhanced() -> (Vec<f64>, usize) {
    let config = EngineConfig { sample_rate: RATE, channels: 1, latency: Latency::Studio };
    let mut engine = common::engine(config, &Settings::default());
    let output = common::run(&mut engine, &vec![common::speech()], &[4096]);
    (output[0].iter().map(|s| f64::from(*s)).collect(), engine.latency())
}

/// What passes a running mean of this many samples.
fn mean(signal: &[f64], length: usize) -> Vec<f64> {
    let mut sum = 0.0;
    (0..signal.len())
        .map(|i| {
            sum += signal[i] - if i >= length { signal[i - length] } else { 0.0 };
            sum / length as f64
        })
        .collect()
}

/// Silent where it is soft.
fn gated(signal: &[f64]) -> Vec<f64> {
    let power = mean(&signal.iter().map(|s| s * s).collect::<Vec<_>>(), 960);
    let mut sorted = power.clone();
    sorted.sort_by(f64::total_cmp);
    let threshold = sorted[sorted.len() * 6 / 10];
    signal.iter().zip(power).map(|(s, p)| if p > threshold { *s } else { 0.0 }).collect()
}

fn muffled(signal: &[f64]) -> Vec<f64> {
    (0..4).fold(signal.to_vec(), |signal, _| mean(&signal, 20))
}

fn hummed(signal: &[f64]) -> Vec<f64> {
    let lines = [(1.0, 0.02), (2.0, 0.012), (3.0, 0.01)];
    let hum = |i: usize| -> f64 {
        let phase = std::f64::consts::TAU * 50.0 * i as f64 / f64::from(RATE);
        lines.iter().map(|(k, level)| level * (k * phase).sin()).sum()
    };
    signal.iter().enumerate().map(|(i, s)| s + hum(i)).collect()
}

fn hiss(seconds: f64) -> Vec<f64> {
    let mut random = common::Random::new(3);
    (0..(seconds * f64::from(RATE)) as usize).map(|_| 0.2 * f64::from(random.unit() - 0.5)).collect()
}

fn save(folder: &Path, name: &str, signal: &[f64]) {
    fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
    write(&folder.join(name), RATE, 1, 0, signal);
}

fn texts(findings: &Value) -> Vec<&str> {
    findings.as_array().unwrap().iter().map(|finding| finding["text"].as_str().unwrap()).collect()
}

#[test]
fn what_is_wrong_with_recordings_is_said() {
    let dir = TempDir::new().unwrap();
    save(dir.path(), "hum.wav", &hummed(&cafe()));
    save(dir.path(), "more/hiss.wav", &hiss(4.0));
    save(dir.path(), "more/silence.wav", &[0.0; 100_000]);
    save(dir.path(), "more/crumb.wav", &cafe()[..3000]);
    let output = ok(run(dir.path(), &["eval", "hum.wav"]));
    let text = stdout(&output);
    assert!(
        ["hum at 50 Hz, -3", "dB: 3 harmonics", "noise: SNR about", "Hum frequency"].iter().all(|w| text.contains(w)),
        "{text}"
    );

    let result = json(&ok(run(dir.path(), &["eval", "hum.wav", "more", "--json"])));
    assert_eq!(result["files"].as_array().unwrap().len(), 4);
    let hum = &result["files"][0];
    assert_eq!(hum["file"], "hum.wav");
    assert_eq!(hum["context"]["hum_harmonics"], 3.0);
    assert!(texts(&hum["findings"]).iter().any(|text| text.starts_with("hum at 50 Hz")), "{hum}");
    assert!(hum["findings"][0]["severity"].is_string() && hum["score"].is_null());
    // In the order of the folder.
    for (index, name, finding) in
        [(1, "crumb.wav", "too short"), (2, "hiss.wav", "hardly any speech"), (3, "silence.wav", "silence")]
    {
        let file = &result["files"][index];
        assert_eq!(file["name"], name);
        assert!(texts(&file["findings"]).iter().any(|text| text.starts_with(finding)), "{file}");
    }

    // One processed file alone is a recording.
    let alone = json(&ok(run(dir.path(), &["eval", "--processed", "hum.wav", "--json"])));
    assert_eq!((&alone["files"][0]["context"], &alone["files"][0]["file"]), (&hum["context"], &hum["file"]));
}

#[test]
fn an_honest_output_is_better_than_spoiled_ones() {
    let dir = TempDir::new().unwrap();
    let (input, (honest, latency)) = (cafe(), enhanced());
    for (name, output) in [
        ("enhanced.wav", honest),
        ("gated.wav", gated(&input)),
        ("muffled.wav", muffled(&input)),
        ("same.wav", input.clone()),
        ("silent.wav", vec![0.0; input.len()]),
    ] {
        save(dir.path(), &format!("out/{name}"), &output);
        save(dir.path(), &format!("in/{name}"), &input);
    }
    let result = json(&ok(run(dir.path(), &["eval", "-p", "out", "-i", "in", "--json"])));
    let files = result["files"].as_array().unwrap();
    let [enhanced, gated, muffled, same, silent] = &files[..] else { panic!("{result}") };
    let score = |file: &Value| number(&file["score"]["mean"]);
    assert!(score(enhanced) > 0.0, "{enhanced}");
    assert!([gated, muffled, silent].iter().all(|spoiled| score(spoiled) < score(enhanced)), "{result}");
    assert!([gated, muffled, silent].iter().all(|spoiled| spoiled["veto"].is_string()), "{result}");
    assert_eq!((&enhanced["veto"], &gated["verdict"]), (&Value::Null, &Value::from("clearly worse")));
    assert_eq!((score(same), &same["verdict"]), (0.0, &Value::from("about the same")));
    // The engine's delay is taken out.
    let delay = latency as f64 * 1000.0 / f64::from(RATE);
    assert!((number(&enhanced["delay_ms"]) - delay).abs() < 0.1, "{} of {delay}", enhanced["delay_ms"]);
    assert!(number(&enhanced["quality"]["noise_attenuation"]) > 6.0, "{}", enhanced["quality"]);
    assert!(number(&enhanced["context_after"]["snr"]) > number(&enhanced["context"]["snr"]) + 3.0);

    // Two excerpts, that meet and carry the whole.
    let excerpts = enhanced["excerpts"].as_array().unwrap();
    let [first, second] = &excerpts[..] else { panic!("{excerpts:?}") };
    assert_eq!(first["end_s"], second["start_s"]);
    // What is surer counts more.
    let weight = |e: &Value| number(&e["speech_s"]) / (number(&e["score"]["sigma"]).powi(2) + 0.04);
    let sum = |key: &str| excerpts.iter().map(|e| weight(e) * number(&e["score"][key])).sum::<f64>();
    let total: f64 = excerpts.iter().map(weight).sum();
    assert!((sum("mean") / total - score(enhanced)).abs() < 1e-3, "{enhanced}");
    assert!(number(&enhanced["score"]["sigma"]) <= sum("sigma") / total + 1e-3);
    assert!(["speech_lost", "tone_distance", "true_peak"].iter().all(|key| first["quality"][key].is_number()));

    let text = stdout(&ok(run(dir.path(), &["eval", "-p", "out", "-i", "in"])));
    assert!(
        ["enhanced.wav: ", "better (", "Fault at 0:00 to", "the speech is gone", "hardly anything"]
            .iter()
            .all(|w| text.contains(w)),
        "{text}"
    );
}

#[test]
fn without_speech_there_is_no_score() {
    let dir = TempDir::new().unwrap();
    let input = hiss(5.0);
    save(dir.path(), "in.wav", &input);
    save(dir.path(), "out.wav", &input.iter().map(|s| s / 4.0).collect::<Vec<_>>());
    let args = ["eval", "-p", "out.wav", "-i", "in.wav"];
    let text = stdout(&ok(run(dir.path(), &args)));
    assert!(text.contains("no score, there is no speech"), "{text}");
    let result = json(&ok(run(dir.path(), &[&args[..], &["--json"]].concat())));
    let file = &result["files"][0];
    assert!(file["score"].is_null() && file["verdict"].is_null() && result["mean_score"].is_null(), "{result}");
    assert!(file["excerpts"][0]["score"].is_null() && file["excerpts"][0]["quality"].is_object());
    assert_eq!(result["scored"], 0);
}

#[test]
fn rates_lengths_and_channels_may_differ_and_a_reference_may_come_along() {
    let dir = TempDir::new().unwrap();
    let input = &cafe()[..6 * RATE as usize];
    write(&dir.path().join("in.wav"), RATE, 2, 24, input);
    let third: Vec<f64> = mean(input, 3).into_iter().skip(1).step_by(3).take(5 * 16_000).collect();
    write(&dir.path().join("out.wav"), 16_000, 1, 24, &third);
    let output = ok(run(dir.path(), &["eval", "-p", "out.wav", "-i", "in.wav", "--json"]));
    let text = stderr(&output);
    assert!(
        ["resampled to the input's 48000 Hz", "ends 1.0 s before the input"].iter().all(|w| text.contains(w)),
        "{text}"
    );
    let file = &json(&output)["files"][0];
    assert!(number(&file["excerpts"][0]["end_s"]) < 5.1 && number(&file["delay_ms"]).abs() < 0.1, "{file}");

    // With a reference there are the measures against it as well.
    let result = json(&ok(run(dir.path(), &["eval", "-r", "in.wav", "-p", "out.wav", "-i", "in.wav", "--json"])));
    let both = &result["files"][0];
    assert_eq!((&both["score"], &both["quality"]), (&file["score"], &file["quality"]));
    assert!(number(&both["measures"]["stoi"]) > 0.9 && both["excerpts"].is_array());
    let text = stdout(&ok(run(dir.path(), &["eval", "-r", "in.wav", "-p", "out.wav", "-i", "in.wav"])));
    assert!(text.contains("Score") && text.contains(" ± "), "{text}");
}

#[test]
fn what_does_not_fit_is_named() {
    let dir = TempDir::new().unwrap();
    save(dir.path(), "in/a.wav", &hiss(1.0));
    save(dir.path(), "in/b.wav", &hiss(1.0));
    save(dir.path(), "out/a.wav", &hiss(1.0));
    save(dir.path(), "out/c.wav", &hiss(1.0));
    let output = run(dir.path(), &["eval", "-p", "out", "-i", "in", "--json"]);
    let result = json(&output);
    fails(output, 1, &["out/c.wav: has no input", "in/b.wav: has no processed file"]);
    assert_eq!(result["failed"], 2);
    fs::write(dir.path().join("out/c.wav"), "no sound").unwrap();
    fails(run(dir.path(), &["eval", "out"]), 1, &["out/c.wav", "not audio"]);
    fails(run(dir.path(), &["eval", "none.wav"]), 1, &["none.wav", "does not exist"]);
    fails(run(dir.path(), &["eval", "-p", "out", "-i", "in/a.wav"]), 2, &["in/a.wav", "folder"]);
    fails(run(dir.path(), &["eval", "-p", "out/a.wav", "-i", "in"]), 2, &["in", "is a folder"]);
    fails(run(dir.path(), &["eval"]), 2, &["RECORDING"]);
    fails(run(dir.path(), &["eval", "-i", "in/a.wav"]), 2, &["--processed"]);
    fails(run(dir.path(), &["eval", "in/a.wav", "-p", "out/a.wav"]), 2, &["cannot be used with"]);
    fs::create_dir(dir.path().join("empty")).unwrap();
    fails(run(dir.path(), &["eval", "empty"]), 2, &["empty", "no audio"]);
}

#[test]
fn a_report_shows_what_was_heard() {
    let dir = TempDir::new().unwrap();
    let input = cafe();
    save(dir.path(), "in/a & b.wav", &input);
    save(dir.path(), "out/a & b.wav", &gated(&input));
    save(dir.path(), "in/c.wav", &hiss(2.0));
    save(dir.path(), "out/c.wav", &hiss(2.0));
    ok(run(dir.path(), &["eval", "-p", "out", "-i", "in", "--report", "report.html"]));
    let page = fs::read_to_string(dir.path().join("report.html")).unwrap();
    assert!(!page.contains("{{") && !page.contains("NaN") && !page.contains("http://") && !page.contains("src="));
    assert_eq!(page.matches("<section").count(), page.matches("</section>").count());
    assert_eq!(page.matches("data:image/png;base64,").count(), 4);
    let words = [
        "Clearly worse",
        "Fault at",
        "No score",
        "Score over time",
        "What was wrong",
        "What was done",
        "a &amp; b.wav",
    ];
    assert!(words.iter().all(|word| page.contains(word)));

    ok(run(dir.path(), &["eval", "in/c.wav", "--report", "alone.html"]));
    let page = fs::read_to_string(dir.path().join("alone.html")).unwrap();
    assert!(page.contains("hardly any speech") && !page.contains("Score over time"));
    let over_input = ["eval", "in/c.wav", "--report", "in/c.wav", "--force"];
    fails(run(dir.path(), &over_input), 2, &["in/c.wav", "is an input"]);
}
