//! `attune enhance --adapt`, its log, and `attune replay`.

use super::*;
use attune::settings::TABLE;

/// Some seconds of the demo recording, at a rate that divides its 48 kHz.
fn voice(rate: usize, from: f64, to: f64) -> Vec<f64> {
    let step = 48_000 / rate;
    let speech = common::speech();
    let [from, to] = [from, to].map(|seconds| (seconds * 48_000.0) as usize);
    speech[from..to].chunks(step).map(|x| x.iter().map(|x| f64::from(*x)).sum::<f64>() / step as f64).collect()
}

/// Locks all settings but these.
fn locks(free: &[&str]) -> Vec<String> {
    let locked = TABLE.iter().filter(|spec| !free.contains(&spec.id));
    locked.flat_map(|spec| ["--lock".to_owned(), spec.id.to_owned()]).collect()
}

#[test]
fn a_log_repeats_a_session_bit_for_bit() {
    let dir = TempDir::new().unwrap();
    write(&dir.path().join("a.wav"), 16_000, 1, 16, &voice(16_000, 0.0, 11.0));
    let args = [
        "enhance",
        "a.wav",
        "--adapt=greedy",
        "--set",
        "eq_presence=-12",
        "--set",
        "eq_air=-15",
        "--log",
        "logs/a.jsonl",
        "--report",
        "a.html",
        "--json",
    ];
    let adaptation = json(&ok(run(dir.path(), &args)))["files"][0]["adaptation"].clone();
    assert_eq!(adaptation.as_array().unwrap().len(), 1);
    assert!(number(&adaptation[0]["changes"]) >= 1.0, "something has to be found for this test: {adaptation}");
    let log = fs::read_to_string(dir.path().join("logs/a.jsonl")).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events = adaptation[0]["events"].as_array().unwrap().len();
    assert_eq!(lines.len(), events + 2);
    assert_eq!(
        (&lines[0]["input"]["frames"], &lines[events + 1]["output"]["frames"]),
        (&176_000.into(), &176_000.into())
    );
    let deployed = lines.iter().position(|line| line["event"] == "deployed").unwrap();

    let said = stdout(&ok(run(dir.path(), &["replay", "logs/a.jsonl", "a.wav", "-o", "again.wav"])));
    assert!(said.starts_with("the same: ") && said.contains("output identical"), "{said}");
    let [first, again] = ["a-enhanced.wav", "again.wav"].map(|name| fs::read(dir.path().join(name)).unwrap());
    assert!(first == again);

    let html = fs::read_to_string(dir.path().join("a.html")).unwrap();
    assert!(!html.contains("{{"), "no placeholder is left");
    for part in ["Adapting", "mark change", "class=\"events\"", "Settings that were found", "began with"] {
        assert!(html.contains(part), "{part}");
    }

    // What is not as it was logged is named.
    let replay = |log: &str, words: &[&str]| {
        fs::write(dir.path().join("other.jsonl"), log).unwrap();
        let output = run(dir.path(), &["replay", "other.jsonl", "a.wav"]);
        let text = stdout(&output) + &stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{text}");
        words.iter().for_each(|word| assert!(text.contains(word), "\"{word}\" is missing in: {text}"));
    };
    replay(
        &log.replacen("\"revision\":2", "\"revision\":3", 1),
        &[&format!("not the same from line {}", deployed + 1), "logged", "now"],
    );
    let checksum = lines[events + 1]["output"]["crc32"].as_str().unwrap();
    replay(&log.replace(checksum, "00000000"), &[&format!("from line {}", events + 2), checksum, "00000000"]);
}

#[test]
fn what_is_no_log_of_this_recording_is_refused() {
    let dir = TempDir::new().unwrap();
    write(&dir.path().join("a.wav"), 16_000, 1, 16, &[0.0; 8000]);
    write(&dir.path().join("b.wav"), 16_000, 1, 16, &[0.0; 8001]);
    ok(run(dir.path(), &["enhance", "a.wav", "--adapt", "--log", "a.jsonl"]));
    let log = fs::read_to_string(dir.path().join("a.jsonl")).unwrap();
    let replay = |log: &str, input: &str| {
        fs::write(dir.path().join("other.jsonl"), log).unwrap();
        run(dir.path(), &["replay", "other.jsonl", input])
    };
    let head = log.lines().next().unwrap();
    fails(replay(head, "a.wav"), 1, &["other.jsonl", "cut off"]);
    fails(replay(&log[..log.len() - 20], "a.wav"), 1, &["other.jsonl", "cut off"]);
    fails(replay("{}\n", "a.wav"), 1, &["other.jsonl", "no log"]);
    fails(replay("", "a.wav"), 1, &["other.jsonl", "no log"]);
    fails(run(dir.path(), &["replay", "a.wav", "a.wav"]), 1, &["a.wav", "no log"]);
    fails(run(dir.path(), &["replay", "none.jsonl", "a.wav"]), 1, &["none.jsonl", "can't be read"]);
    fails(replay(&log, "b.wav"), 1, &["b.wav", "another recording", "8001", "8000", "a.wav"]);
    fails(replay(&log, "none.wav"), 1, &["none.wav", "does not exist"]);
    fails(replay(&log.replace("\"reduction\"", "\"reductoin\""), "a.wav"), 1, &["other.jsonl", "reductoin"]);
    let other =
        replay(&log.replace(&format!("\"attune\":\"{}\"", env!("CARGO_PKG_VERSION")), "\"attune\":\"0.0.9\""), "a.wav");
    assert!(stderr(&other).contains("0.0.9") && stdout(&ok(other)).contains("the same: 0 events"));

    // Nothing is overwritten unasked, and a log is about one recording.
    let before = listing(dir.path());
    let cases: [(&[&str], &[&str]); 7] = [
        (&["replay", "a.jsonl", "a.wav", "-o", "a.wav"], &["a.wav", "will not be overwritten"]),
        (&["replay", "a.jsonl", "a.wav", "-o", "a-enhanced.wav"], &["a-enhanced.wav", "--force"]),
        (&["replay", "a.jsonl", "a.wav", "-o", "a.mp3"], &["a.mp3", ".wav"]),
        (&["enhance", "a.wav", "-o", "x.wav", "--adapt", "--log", "a.jsonl"], &["a.jsonl", "--force"]),
        (
            &["enhance", "a.wav", "-o", "x.wav", "-f", "--adapt", "--log", "a.wav"],
            &["a.wav", "will not be overwritten"],
        ),
        (&["enhance", "a.wav", "b.wav", "-o", "x", "--adapt", "--log", "x.jsonl"], &["--log", "several inputs"]),
        (&["enhance", "a.wav", "-o", "x.wav", "--log", "x.jsonl"], &["--adapt"]),
    ];
    for (args, words) in cases {
        fails(run(dir.path(), args), 2, words);
        assert_eq!(listing(dir.path()), before, "{args:?}");
    }
}

#[test]
fn learning_first_keeps_what_is_locked_and_can_be_repeated() {
    let dir = TempDir::new().unwrap();
    write(&dir.path().join("a.wav"), 16_000, 1, 16, &voice(16_000, 2.0, 8.0));
    let free = ["reduction", "oversubtraction"];
    let args = ["enhance", "a.wav", "--adapt=greedy", "--two-pass", "--log", "a.jsonl", "--json"];
    let noisy = ["--set", "reduction=0"];
    let output = ok(attune(dir.path()).args(args).args(noisy).args(locks(&free)).output().unwrap());
    let file = &json(&output)["files"][0];
    let adaptation = &file["adaptation"][0];
    assert!(number(&adaptation["rounds"]) > 1.0 && adaptation["converged_s"] == 0.0, "{adaptation}");
    assert_eq!(adaptation["changes"], 1, "something has to be found for this test: {adaptation}");
    for spec in TABLE {
        let same = file["settings"][spec.id] == adaptation["settings"][spec.id];
        assert!(free.contains(&spec.id) || same, "{} was changed", spec.id);
    }
    let said = stdout(&ok(run(dir.path(), &["replay", "a.jsonl", "a.wav"])));
    assert!(said.starts_with("the same: 2 events"), "{said}");
}

#[test]
fn where_there_is_nothing_to_learn_from_the_settings_stay() {
    let dir = TempDir::new().unwrap();
    let folder = dir.path().join("in");
    fs::create_dir(&folder).unwrap();
    write(&folder.join("silence.wav"), 48_000, 1, 16, &[0.0; 240_000]);
    write(&folder.join("three.wav"), 8000, 3, 16, &[0.0; 40_000]);
    write(&folder.join("tiny.wav"), 16_000, 2, 24, &voice(16_000, 1.8, 1.9));
    write(&folder.join("short.wav"), 48_000, 1, 0, &voice(48_000, 1.5, 1.9));
    let mut odd = voice(16_000, 2.0, 3.0);
    odd[5000..5100].fill(f64::NAN);
    write(&folder.join("nan.wav"), 16_000, 1, 0, &odd);
    for more in [&["--latency", "live"][..], &["--two-pass"], &["--delta"]] {
        let args = ["enhance", "in", "-o", "out", "-f", "--adapt=greedy", "--json", "--report", "r.html"];
        let output = ok(attune(dir.path()).args(args).args(more).output().unwrap());
        let result = json(&output);
        assert_eq!(result["files"].as_array().unwrap().len(), 5);
        for file in result["files"].as_array().unwrap() {
            let all = file["adaptation"].as_array().unwrap();
            let engines = if file["channels"] == 3 { 3 } else { 1 };
            assert_eq!(all.len(), engines, "{}", file["input"]);
            for adaptation in all {
                assert_eq!(adaptation["settings"], file["settings"], "{}", file["input"]);
                assert_eq!(adaptation["changes"], 0);
            }
            let name = Path::new(file["output"].as_str().unwrap()).file_name().unwrap().to_owned();
            let [before, after] = ["in", "out"].map(|side| read(&dir.path().join(side).join(&name), 0));
            assert_eq!(before.len(), after.len(), "{name:?}");
            assert!(name != "silence.wav" || after.iter().all(|x| *x == 0.0));
        }
    }
    let html = fs::read_to_string(dir.path().join("r.html")).unwrap();
    assert!(html.contains("too little speech") && html.contains("Adapting, channel 3"));
}

#[test]
fn neither_the_number_of_jobs_nor_the_monitor_changes_what_is_learned() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("in")).unwrap();
    write(&dir.path().join("in/a.wav"), 16_000, 1, 16, &voice(16_000, 0.0, 7.0));
    write(&dir.path().join("in/b.wav"), 8000, 2, 16, &voice(8000, 0.0, 7.0));
    let learned = |out: &str, more: &[&str]| {
        let args = ["enhance", "in", "-o", out, "--adapt=greedy", "--goal", "noise=12", "--json"];
        let output = ok(attune(dir.path()).args(args).args(more).output().unwrap());
        [0, 1].map(|i| json(&output)["files"][i]["adaptation"].clone())
    };
    let alone = learned("one", &["--jobs", "1"]);
    assert!(alone.iter().any(|adaptation| adaptation[0]["changes"] != 0), "{alone:?}");
    assert_eq!(alone, learned("two", &["--jobs", "2"]));
    assert_eq!(alone, learned("removed", &["--delta"]));
    for name in ["a.wav", "b.wav"] {
        let [one, two, removed] =
            ["one", "two", "removed"].map(|folder| fs::read(dir.path().join(folder).join(name)).unwrap());
        assert!(one == two && one != removed, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_while_learning_leaves_nothing_behind() {
    let dir = TempDir::new().unwrap();
    sparse(&dir.path().join("long.wav"));
    let args = ["enhance", "long.wav", "-o", "new/folder/x.wav", "--adapt", "--two-pass", "--log", "new/x.jsonl"];
    let child = attune(dir.path()).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !dir.path().join("new/folder").exists() {
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    fails(child.wait_with_output().unwrap(), 130, &["interrupted"]);
    assert_eq!(listing(dir.path()), ["long.wav"]);
}
