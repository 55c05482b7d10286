//! What was done, as a table and as JSON.

use super::adapt::Adaptation;
use super::args::Enhance;
use super::enhance::{Done, Facts, Failure, Options, Outcome};
use super::picture::clock;
use super::plan::Job;
use super::tables::number;
use super::wav::Depth;
use crate::engine::Latency;
use crate::settings::{Kind, Settings, Spec, TABLE};
use crate::tuner::Event;
use serde_json::{Value, json};
use std::path::Path;

/// Names the file and the reason.
pub fn describe(job: &Job, failure: &Failure) -> String {
    match failure {
        Failure::Input(reason) => format!("{}: {reason}", job.input.display()),
        Failure::Output(reason) => format!("{}: {reason}", job.output.display()),
        Failure::Interrupted => format!("{}: interrupted, not written", job.output.display()),
    }
}

/// What the loop came to, a line for each file: what was found, and what became of it.
pub fn adapted(done: &Done) -> String {
    let Ok(outcome) = &done.result else { return String::new() };
    let mut text = String::new();
    for (index, adaptation) in outcome.adaptations.iter().enumerate() {
        let channel = if outcome.adaptations.len() > 1 { format!(", channel {}", index + 1) } else { String::new() };
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let counts = [(adaptation.changes(), "change"), (adaptation.rollbacks(), "rollback")];
        let counts = counts.map(|(n, what)| count(n, what)).join(", ");
        let value = |spec: &Spec| format!("{} {}", spec.id, spec.format(adaptation.settings[spec.key]));
        let moved: Vec<String> = adaptation.moved().into_iter().map(value).collect();
        let found = if moved.is_empty() { "nothing that is surely better was found".into() } else { moved.join(", ") };
        text += &format!("{}{channel}: {counts}: {found}\n", done.job.output.display());
    }
    text
}

/// What a person should know although the file was written.
pub fn warnings(outcome: &Outcome) -> Vec<String> {
    let samples = |n: u64| if n == 1 { "1 sample".to_owned() } else { format!("{n} samples") };
    let mut all = Vec::new();
    if outcome.bad_samples > 0 {
        all.push(format!(
            "{} of the input were no numbers (NaN or infinite) and became silence",
            samples(outcome.bad_samples)
        ));
    }
    if outcome.lost_frames > 0 {
        all.push(format!("{} of the input were damaged and became silence", samples(outcome.lost_frames)));
    }
    if outcome.clipped > 0 {
        all.push(format!("{} of the output were beyond full scale and were cut", samples(outcome.clipped)));
    }
    all
}

/// What the file is: `WAV 48 kHz, stereo, 16 bit`.
pub fn kind(facts: &Facts) -> String {
    format!("{} {}, {}", facts.format, signal(facts.rate, facts.channels), depth(facts.depth))
}

/// `48 kHz, stereo`.
pub fn signal(rate: u32, channels: usize) -> String {
    let channels = match channels {
        1 => "mono".to_owned(),
        2 => "stereo".to_owned(),
        n => format!("{n} channels"),
    };
    format!("{} kHz, {channels}", f64::from(rate) / 1000.0)
}

fn depth(depth: Depth) -> String {
    match depth {
        Depth::Int(bits) => format!("{bits} bit"),
        Depth::Float(bits) => format!("{bits} bit float"),
    }
}

/// The table of all files that were written.
pub fn table(all: &[Done]) -> String {
    let pair = |outcome: &Outcome, of: fn(&super::analysis::Levels) -> Option<f64>| {
        let [before, after] = outcome.levels.each_ref().map(|levels| decibels(of(levels)));
        format!("{before} → {after}")
    };
    let head =
        ["File", "Length", "Speed", "Loudness LUFS", "True peak dBTP", "Noise floor dBFS", "Hum"].map(str::to_owned);
    let mut rows = vec![head];
    for done in all {
        if let Ok(outcome) = &done.result {
            rows.push([
                done.job.output.display().to_string(),
                length(outcome.seconds()),
                match outcome.speed() {
                    speed if speed < 10.0 => format!("{speed:.1}x"),
                    speed => format!("{speed:.0}x"),
                },
                pair(outcome, |l| l.loudness),
                pair(outcome, |l| l.true_peak),
                pair(outcome, |l| l.noise_floor),
                outcome.hum.map_or_else(|| "none".to_owned(), |hz| format!("{hz:.1} Hz")),
            ]);
        }
    }
    if rows.len() == 1 {
        return String::new();
    }
    let widths: [usize; 7] = std::array::from_fn(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0));
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// `-23.1`, or a dash for what could not be measured.
pub fn decibels(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |db| format!("{:.1}", if db.abs() < 0.05 { 0.0 } else { db }))
}

/// `0:09.5`, `1:02:03`.
pub fn length(seconds: f64) -> String {
    if seconds < 60.0 { format!("{seconds:.1} s") } else { clock(seconds) }
}

/// All results for programs.
pub fn json(all: &[Done], args: &Enhance, options: &Options) -> String {
    let files: Vec<Value> = all.iter().map(|done| file(&done.job, done.result.as_ref(), options)).collect();
    whole(args, options, files)
}

/// What would be done, for programs.
pub fn json_dry(all: &[(Job, Result<Facts, Failure>)], args: &Enhance, options: &Options) -> String {
    let files = all.iter().map(|(job, facts)| match facts {
        Ok(facts) => merge(base(job, options), self::facts(facts)),
        Err(failure) => merge(base(job, options), json!({ "error": describe(job, failure) })),
    });
    let files = files.collect();
    whole(args, options, files)
}

fn whole(args: &Enhance, options: &Options, files: Vec<Value>) -> String {
    let failed = files.iter().filter(|file| !file["error"].is_null()).count();
    let document = json!({
        "attune": env!("CARGO_PKG_VERSION"),
        "dry_run": args.dry_run,
        "preset": args.base.preset.as_ref().map(|preset| &preset.name),
        "latency": latency(options.latency),
        "delta": args.delta,
        "files": files,
        "failed": failed,
    });
    format!("{document:#}\n")
}

/// The mode's name.
pub fn latency(latency: Latency) -> &'static str {
    match latency {
        Latency::Live => "live",
        Latency::Studio => "studio",
    }
}

fn file(job: &Job, result: Result<&Outcome, &Failure>, options: &Options) -> Value {
    let rest = match result {
        Ok(outcome) => {
            let pair = |of: fn(&super::analysis::Levels) -> Option<f64>| {
                let [before, after] = outcome.levels.each_ref().map(|levels| of(levels).map(|db| round(db, 2)));
                json!({ "in": before, "out": after })
            };
            let mut rest = merge(
                facts(&outcome.facts),
                json!({
                    "speed": round(outcome.speed(), 1),
                    "loudness_lufs": pair(|l| l.loudness),
                    "true_peak_dbtp": pair(|l| l.true_peak),
                    "noise_floor_dbfs": pair(|l| l.noise_floor),
                    "hum_hz": outcome.hum.map(|hz| round(hz, 2)),
                    "bad_samples": outcome.bad_samples,
                    "lost_samples": outcome.lost_frames,
                    "clipped_samples": outcome.clipped,
                    "warnings": warnings(outcome),
                    "adaptation": outcome.adaptations.iter().map(|a| adaptation(a, outcome.facts.rate)).collect::<Vec<_>>(),
                }),
            );
            rest["frames"] = json!(outcome.frames);
            rest["duration_s"] = json!(round(outcome.seconds(), 6));
            rest
        }
        Err(failure) => json!({ "error": describe(job, failure) }),
    };
    merge(base(job, options), rest)
}

fn adaptation(adaptation: &Adaptation, rate: u32) -> Value {
    let seconds = |sample: u64| round(sample as f64 / f64::from(rate), 3);
    let event = |event: &Event| {
        let mut value = serde_json::to_value(event).unwrap_or_default();
        value["seconds"] = json!(seconds(event.sample));
        value["text"] = json!(event.what.to_string());
        value
    };
    let scores = adaptation.scores.iter();
    json!({
        "settings": settings(&adaptation.settings),
        "rounds": adaptation.rounds,
        "converged_s": adaptation.converged().map(seconds),
        "changes": adaptation.changes(),
        "rollbacks": adaptation.rollbacks(),
        "events": adaptation.events.iter().map(event).collect::<Vec<_>>(),
        "scores": scores.map(|score| json!([seconds(score.sample), round(f64::from(score.gain), 3)])).collect::<Vec<_>>(),
    })
}

fn base(job: &Job, options: &Options) -> Value {
    json!({
        "input": text(&job.input),
        "output": text(&job.output),
        "settings": settings(&options.settings),
        "error": null,
    })
}

fn facts(facts: &Facts) -> Value {
    json!({
        "format": facts.format,
        "frames": facts.frames,
        "duration_s": facts.frames.map(|n| round(n as f64 / f64::from(facts.rate), 6)),
        "rate": facts.rate,
        "channels": facts.channels,
        "bits": facts.depth.bits(),
        "float": matches!(facts.depth, Depth::Float(_)),
        "latency_samples": facts.latency,
    })
}

/// Every setting by its id.
pub fn settings(settings: &Settings) -> Value {
    let row = |spec: &crate::settings::Spec| {
        let value = settings.get(spec.key);
        let value = match spec.kind {
            Kind::Choice(_) => json!(spec.format(value)),
            Kind::Number => json!(number(value)),
        };
        (spec.id.to_owned(), value)
    };
    Value::Object(TABLE.iter().map(row).collect())
}

fn merge(mut all: Value, more: Value) -> Value {
    if let (Value::Object(all), Value::Object(more)) = (&mut all, more) {
        all.extend(more);
    }
    all
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A number with at most so many digits after the point.
pub fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}
