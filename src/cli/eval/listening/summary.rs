//! What was heard, as tables and as JSON.

use super::words::{self, severity};
use super::{Done, Evaluation, Heard};
use crate::cli::eval::tables::{self, estimate};
use crate::cli::summary::{length, round};
use crate::quality::Context;
use serde_json::{Value, json};
use std::fmt::Write;

/// Columns of the table: a heading with its unit, and a field of [`Context`].
pub const COLUMNS: [(&str, &str); 8] = [
    ("Speech %", "speech"),
    ("SNR dB", "snr"),
    ("Noise dB", "noise_level"),
    ("Decay s", "decay_time"),
    ("Hum Hz", "hum_frequency"),
    ("Up to Hz", "bandwidth"),
    ("LUFS", "integrated"),
    ("dBTP", "true_peak"),
];

/// A field of what was heard, before and after, without its unit.
pub fn cell(evaluation: &Evaluation, field: &str) -> String {
    let index = Context::FIELDS.iter().position(|(name, _)| *name == field).unwrap_or_default();
    let of = |heard: &Heard| {
        let value = &words::values(&heard.context)[index];
        value.split(' ').next().unwrap_or(value).to_owned()
    };
    let before = of(&evaluation.recording);
    match evaluation.output.as_ref().map(|(after, _)| of(after)) {
        Some(after) if after != before => format!("{before} → {after}"),
        _ => before,
    }
}

/// A table of all files; then what was found in each, and of a single one all numbers.
pub fn table(all: &[Done]) -> String {
    let heard: Vec<_> = all.iter().filter_map(|done| Some((done, done.result.as_ref().ok()?))).collect();
    let Some((_, first)) = heard.first() else { return String::new() };
    let pair = first.output.is_some();
    let mut rows = vec![vec!["File".to_owned(), "Length".to_owned()]];
    rows[0].extend(COLUMNS.map(|(heading, _)| heading.to_owned()));
    if pair {
        rows[0].push("Score".to_owned());
    }
    for (done, evaluation) in &heard {
        let mut row = vec![done.name.clone(), length(evaluation.recording.facts.seconds())];
        row.extend(COLUMNS.map(|(_, field)| cell(evaluation, field)));
        row.extend(evaluation.output.as_ref().map(|(_, change)| estimate(change.comparison.score)));
        rows.push(row);
    }
    let mut text = tables::align(&rows);
    for (done, evaluation) in &heard {
        let _ = write!(text, "\n{}", done.name);
        findings(&mut text, evaluation);
    }
    if let [(_, evaluation)] = heard[..] {
        text.push('\n');
        text.push_str(&numbers(evaluation));
    }
    text
}

fn findings(text: &mut String, evaluation: &Evaluation) {
    let list = |text: &mut String, title: &str, heard: &Heard| {
        let _ = writeln!(text, "  {title}");
        for finding in &heard.findings {
            let _ = writeln!(text, "    {:<7} {}", severity(finding), finding.text);
        }
        if heard.findings.is_empty() {
            text.push_str("    nothing\n");
        }
    };
    let Some((after, change)) = &evaluation.output else {
        text.push('\n');
        return list(text, "What is wrong:", &evaluation.recording);
    };
    let comparison = &change.comparison;
    let _ = match &comparison.score {
        Some(score) => {
            let points = estimate(Some(*score));
            let faults = if comparison.vetoes().next().is_some() { ", faults counted" } else { "" };
            writeln!(text, ": {} ({points} PESQ points against the input{faults})", score.opinion())
        }
        None => writeln!(text, ": no score, there is no speech"),
    };
    for fault in tables::fault_lines(change) {
        let _ = writeln!(text, "  Fault at {fault}");
    }
    list(text, "What was wrong:", &evaluation.recording);
    list(text, "What is wrong now:", after);
    let _ = writeln!(text, "  What was done:");
    for line in words::done(&comparison.quality) {
        let _ = writeln!(text, "    {line}");
    }
}

/// All fields, with their names.
fn numbers(evaluation: &Evaluation) -> String {
    let before = words::values(&evaluation.recording.context);
    let after = evaluation.output.as_ref().map(|(after, _)| words::values(&after.context));
    let rows: Vec<Vec<String>> = (0..Context::FIELDS.len())
        .map(|i| {
            let value = [Some(&before), after.as_ref()].into_iter().flatten().map(|values| values[i].clone());
            std::iter::once(words::label(Context::FIELDS[i].0)).chain(value).collect()
        })
        .collect();
    let head = if after.is_some() { vec!["", "Input", "Output"] } else { vec!["", "Value"] };
    tables::align(&[vec![head.into_iter().map(str::to_owned).collect()], rows].concat())
}

/// All results for programs.
pub fn json(all: &[Done]) -> String {
    let done = || all.iter().filter_map(|done| done.result.as_ref().ok());
    let scores: Vec<f64> = done()
        .filter_map(|evaluation| evaluation.output.as_ref()?.1.comparison.score)
        .map(|score| f64::from(score.mean))
        .collect();
    let mean = scores.iter().sum::<f64>() / scores.len() as f64;
    let document = json!({
        "attune": env!("CARGO_PKG_VERSION"),
        "files": all.iter().map(file).collect::<Vec<_>>(),
        "mean_score": (!scores.is_empty()).then(|| round(mean, 4)),
        "scored": scores.len(),
        "failed": all.len() - done().count(),
    });
    format!("{document:#}\n")
}

fn file(done: &Done) -> Value {
    let mut value = tables::base(done);
    let file = if value["input"].is_null() { value["processed"].clone() } else { value["input"].clone() };
    value["file"] = file;
    let (Value::Object(value), Ok(Evaluation { recording, output, warnings })) = (&mut value, &done.result) else {
        return value;
    };
    let facts = &output.as_ref().map_or(recording, |(output, _)| output).facts;
    value.extend([
        ("rate".to_owned(), json!(facts.rate)),
        ("channels".to_owned(), json!(facts.channels)),
        ("duration_s".to_owned(), json!(round(facts.seconds(), 6))),
        ("loudness_lufs".to_owned(), json!(facts.levels.loudness.map(|db| round(db, 2)))),
        ("true_peak_dbtp".to_owned(), json!(facts.levels.true_peak.map(|db| round(db, 2)))),
        ("context".to_owned(), tables::numbers(&recording.context)),
        ("findings".to_owned(), json!(recording.findings)),
        ("warnings".to_owned(), json!(warnings)),
    ]);
    if let Some((after, change)) = output {
        value.extend([
            ("context_after".to_owned(), tables::numbers(&after.context)),
            ("findings_after".to_owned(), json!(after.findings)),
            ("delay_ms".to_owned(), json!(round(change.delay * 1000.0, 4))),
        ]);
        value.extend(tables::change(change));
    }
    std::mem::take(value).into()
}
