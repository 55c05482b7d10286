//! `attune eval`: pairs, sets, what is missing, what can't be measured.

use super::*;

/// Syllables of a tone with harmonics, for as many seconds.
fn speech(rate: u32, seconds: f64) -> Vec<f64> {
    let tau = std::f64::consts::TAU;
    let sample = |i: usize| {
        let t = i as f64 / f64::from(rate);
        let tone: f64 = (1..40).map(|k| (tau * t * 140.0 * f64::from(k)).sin() / f64::from(k)).sum();
        0.15 * tone * (tau * 3.0 * t).sin().max(0.0) * (1.5 + (tau * 0.7 * t).sin())
    };
    (0..(f64::from(rate) * seconds) as usize).map(sample).collect()
}

fn hiss(count: usize, level: f64) -> impl Iterator<Item = f64> {
    let mut state = 7u32;
    (0..count).map(move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        level * (f64::from(state) / f64::from(u32::MAX) - 0.5)
    })
}

fn with_hiss(signal: &[f64], level: f64) -> Vec<f64> {
    signal.iter().zip(hiss(signal.len(), level)).map(|(s, noise)| s + noise).collect()
}

/// `clean`, `noisy` and `out` with these names, the output less noisy than the input.
fn set(folder: &Path, names: &[&str]) {
    let clean = speech(16_000, 1.5);
    for name in names {
        for (side, signal) in
            [("clean", clean.clone()), ("noisy", with_hiss(&clean, 0.2)), ("out", with_hiss(&clean, 0.02))]
        {
            let path = folder.join(side).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            write(&path, 16_000, 1, 0, &signal);
        }
    }
}

#[test]
fn a_pair_is_measured_and_a_delay_is_taken_out() {
    let dir = TempDir::new().unwrap();
    let clean = speech(48_000, 2.0);
    write(&dir.path().join("clean.wav"), 48_000, 1, 0, &clean);
    // 30 ms late, 6 dB softer, of another length.
    let late: Vec<f64> = [vec![0.0; 1440], clean.iter().map(|s| s / 2.0).collect()].concat();
    write(&dir.path().join("late.wav"), 48_000, 1, 0, &late);
    let output = ok(run(dir.path(), &["eval", "-r", "clean.wav", "-p", "late.wav", "--json"]));
    assert!(stderr(&output).contains("late.wav"), "the table goes to stderr");
    let result = json(&output);
    let file = &result["files"][0];
    assert_eq!(number(&file["delay_ms"]), 30.0);
    let measures = &file["measures"];
    assert!(number(&measures["stoi"]) > 0.999 && number(&measures["estoi"]) > 0.999, "{measures}");
    assert!(number(&measures["si_sdr_db"]) > 60.0 && number(&measures["lsd_db"]) < 0.1, "{measures}");
    assert!((number(&measures["level_lu"]) + 6.02).abs() < 0.05, "{measures}");
    assert_eq!(result["measured"], 1);
    assert_eq!((&file["before"], &result["mean_before"]), (&Value::Null, &Value::Null));
}

#[test]
fn folders_are_matched_by_name_whatever_the_format_and_show_the_gain() {
    let dir = TempDir::new().unwrap();
    set(dir.path(), &["a.wav", "below/b.wav"]);
    fs::create_dir_all(dir.path().join("flac")).unwrap();
    let folders = ["eval", "-r", "clean", "-p", "out", "-i", "noisy"];
    let output = ok(run(dir.path(), &folders));
    let text = stdout(&output);
    assert!(["a.wav", "below/b.wav", "mean", "STOI", "(+0."].iter().all(|word| text.contains(word)), "{text}");

    let result = json(&ok(run(dir.path(), &[&folders[..], &["--json", "--jobs", "2"]].concat())));
    assert_eq!(result["files"].as_array().unwrap().len(), 2);
    for key in ["stoi", "estoi", "si_sdr_db", "ssnr_db", "fw_ssnr_db"] {
        assert!(number(&result["mean"][key]) > number(&result["mean_before"][key]), "{key}: {result}");
    }
    assert!(number(&result["mean"]["lsd_db"]) < number(&result["mean_before"]["lsd_db"]), "{result}");
    assert_eq!(result["files"][1]["name"], "below/b.wav");

    // Another extension is the same recording; two of them are not.
    fs::rename(dir.path().join("clean/a.wav"), dir.path().join("clean/a.flac")).unwrap();
    ok(run(dir.path(), &folders));
    fs::copy(dir.path().join("clean/a.flac"), dir.path().join("clean/a.aif")).unwrap();
    fails(run(dir.path(), &folders), 1, &["a.wav", "could go with", "remove one"]);
}

#[test]
fn a_manifest_says_what_belongs_together() {
    let dir = TempDir::new().unwrap();
    set(dir.path(), &["x.wav", "y.wav"]);
    let items = r#"{"items": [{"id": "x", "noisy": "noisy/x.wav", "clean": "clean/x.wav"},
                              {"id": "y", "noisy": "noisy/y.wav", "clean": "clean/y.wav"}]}"#;
    fs::write(dir.path().join("manifest.json"), items).unwrap();
    let args = ["eval", "-m", "manifest.json", "-p", "out", "--json"];
    let result = json(&ok(run(dir.path(), &args)));
    assert_eq!(result["measured"], 2);
    assert!(number(&result["mean"]["si_sdr_db"]) > number(&result["mean_before"]["si_sdr_db"]));

    fs::remove_file(dir.path().join("out/y.wav")).unwrap();
    let output = run(dir.path(), &args);
    let result = json(&output);
    fails(output, 1, &["noisy/y.wav", "no processed file", "out/y.wav"]);
    assert_eq!((&result["measured"], &result["failed"]), (&Value::from(1), &Value::from(1)));
    assert!(result["files"][1]["error"].as_str().unwrap().contains("y.wav"));

    fs::write(dir.path().join("manifest.json"), "{}").unwrap();
    fails(run(dir.path(), &args), 2, &["manifest.json", "items"]);
    fs::write(dir.path().join("manifest.json"), r#"{"items": [{"noisy": "x.wav"}]}"#).unwrap();
    fails(run(dir.path(), &args), 2, &["item 1", "clean"]);
    fs::write(dir.path().join("manifest.json"), "no").unwrap();
    fails(run(dir.path(), &args), 2, &["manifest.json", "no JSON"]);
    fails(run(dir.path(), &["eval", "-m", "none.json", "-p", "out"]), 2, &["none.json"]);
}

#[test]
fn what_is_missing_is_named_and_the_rest_is_done() {
    let dir = TempDir::new().unwrap();
    set(dir.path(), &["a.wav", "b.wav", "c.wav"]);
    fs::remove_file(dir.path().join("clean/b.wav")).unwrap();
    fs::remove_file(dir.path().join("out/c.wav")).unwrap();
    let output = run(dir.path(), &["eval", "-r", "clean", "-p", "out", "--json"]);
    let result = json(&output);
    fails(output, 1, &["out/b.wav: has no reference", "clean/c.wav: has no processed file"]);
    assert_eq!((&result["measured"], &result["failed"]), (&Value::from(1), &Value::from(2)));

    fs::write(dir.path().join("out/a.wav"), "no sound").unwrap();
    fails(run(dir.path(), &["eval", "-r", "clean/a.wav", "-p", "out/a.wav"]), 1, &["out/a.wav", "not audio"]);
    fails(run(dir.path(), &["eval", "-r", "clean/z.wav", "-p", "out/b.wav"]), 1, &["clean/z.wav", "does not exist"]);
    fails(run(dir.path(), &["eval", "-r", "clean", "-p", "out/b.wav"]), 2, &["out/b.wav", "folder"]);
    fails(run(dir.path(), &["eval", "-r", "clean", "-p", "none"]), 2, &["none", "does not exist"]);
    fails(run(dir.path(), &["eval", "-r", "clean"]), 2, &["--processed"]);
    let folder_in = ["eval", "-r", "clean/a.wav", "-p", "out/b.wav", "-i", "noisy"];
    fails(run(dir.path(), &folder_in), 2, &["noisy", "is a folder"]);
    fs::create_dir(dir.path().join("empty")).unwrap();
    fails(run(dir.path(), &["eval", "-r", "clean", "-p", "empty"]), 2, &["empty", "no audio"]);
}

#[test]
fn rates_channels_and_lengths_may_differ() {
    let dir = TempDir::new().unwrap();
    write(&dir.path().join("clean.wav"), 48_000, 2, 24, &speech(48_000, 2.0));
    write(&dir.path().join("out.wav"), 16_000, 1, 16, &speech(16_000, 1.5));
    let output = ok(run(dir.path(), &["eval", "-r", "clean.wav", "-p", "out.wav", "--json"]));
    let text = stderr(&output);
    assert!(["16000 Hz", "resampled", "ends 0.5 s before"].iter().all(|word| text.contains(word)), "{text}");
    let result = json(&output);
    let file = &result["files"][0];
    assert!(number(&file["measures"]["stoi"]) > 0.99, "{file}");
    assert_eq!((&file["rate"], &file["channels"]), (&Value::from(48_000), &Value::from(1)));
    assert_eq!(file["warnings"].as_array().unwrap().len(), 2);

    write(&dir.path().join("slow.wav"), 4000, 1, 16, &speech(4000, 1.0));
    fails(run(dir.path(), &["eval", "-r", "slow.wav", "-p", "out.wav"]), 1, &["slow.wav", "4000 Hz", "8 to 192"]);
}

#[test]
fn silence_has_no_measures_and_no_part_in_the_means() {
    let dir = TempDir::new().unwrap();
    set(dir.path(), &["a.wav", "b.wav"]);
    let args = ["eval", "-r", "clean", "-p", "out", "-i", "noisy", "--json"];
    let alone = json(&ok(run(dir.path(), &["eval", "-r", "clean/a.wav", "-p", "out/a.wav", "--json"])));
    write(&dir.path().join("clean/b.wav"), 16_000, 1, 16, &[0.0; 24_000]);
    let output = ok(run(dir.path(), &args));
    assert!(stderr(&output).contains("clean/b.wav: the reference is silent"), "{}", stderr(&output));
    let result = json(&output);
    let measures = result["files"][1]["measures"].as_object().unwrap();
    assert!(measures.len() == 7 && measures.values().all(Value::is_null), "{measures:?}");
    assert!(number(&result["files"][1]["loudness_lufs"]) < 0.0);
    assert_eq!(result["measured"], 1);
    assert_eq!(result["mean"], alone["mean"]);

    // A silent output is measured, and bad.
    write(&dir.path().join("out/a.wav"), 16_000, 1, 16, &[0.0; 24_000]);
    let output = ok(run(dir.path(), &args));
    assert!(stderr(&output).contains("out/a.wav: is silent"), "{}", stderr(&output));
    let measures = &json(&output)["files"][0]["measures"];
    assert_eq!(number(&measures["si_sdr_db"]), -100.0);
    assert!(number(&measures["stoi"]) < 0.01 && number(&measures["level_lu"]) < -20.0, "{measures}");
}

#[test]
fn a_report_stands_alone_and_overwrites_nothing() {
    let dir = TempDir::new().unwrap();
    set(dir.path(), &["a.wav", "b & c.wav"]);
    fs::write(dir.path().join("out/d.wav"), "no sound").unwrap();
    let args = ["eval", "-r", "clean", "-p", "out", "-i", "noisy", "--report", "new/report.html"];
    fails(run(dir.path(), &args), 1, &["out/d.wav: has no reference"]);
    let page = fs::read_to_string(dir.path().join("new/report.html")).unwrap();
    assert!(!page.contains("{{") && !page.contains("NaN") && !page.contains("http://") && !page.contains("src="));
    assert!(page.contains("b &amp; c.wav") && !page.contains("b & c.wav"));
    assert_eq!(page.matches("<section").count(), page.matches("</section>").count());
    // Reference, input and output of both, and the one that failed.
    assert_eq!(page.matches("data:image/png;base64,").count(), 6);
    assert!(page.contains("3 recordings") && page.contains("1 failed") && page.contains("has no reference"));

    fails(run(dir.path(), &args), 2, &["new/report.html", "exists already", "--force"]);
    let report_on_input = ["eval", "-r", "clean/a.wav", "-p", "out/a.wav", "--report", "clean/a.wav", "--force"];
    fails(run(dir.path(), &report_on_input), 2, &["clean/a.wav", "is an input"]);
    let again = ["eval", "-r", "clean/a.wav", "-p", "out/a.wav", "--report", "new/report.html", "--force"];
    ok(run(dir.path(), &again));
}
