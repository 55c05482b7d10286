//! What was measured, as a table and as JSON.

use super::columns::{COLUMNS, Column};
use super::{Compared, Done, Evaluation};
use crate::cli::eval::tables::{self, estimate};
use crate::cli::summary::{decibels, round};
use crate::quality::intrusive::Measures;
use serde_json::{Map, Value, json};

/// The measures of all files that have some: after, and before where there is an input.
pub fn measures(all: &[Done]) -> (Vec<&Measures>, Vec<&Measures>) {
    let done = || all.iter().filter_map(|done| done.result.as_ref().ok());
    (
        done().map(|evaluation| &evaluation.processed.measures).collect(),
        done().filter_map(|evaluation| evaluation.input.as_ref()).map(|input| &input.measures).collect(),
    )
}

/// The table of all files that were measured, with their mean.
pub fn table(all: &[Done]) -> String {
    let (after, before) = measures(all);
    if after.is_empty() {
        return String::new();
    }
    let mut rows = vec![vec!["File".to_owned()]];
    for column in &COLUMNS {
        let unit = if column.unit.is_empty() { String::new() } else { format!(" {}", column.unit) };
        rows[0].push(format!("{}{unit}", column.name));
    }
    rows[0].extend(["LUFS", "dBTP", "Delay ms"].map(str::to_owned));
    if !before.is_empty() {
        rows[0].extend(["Score".to_owned()]);
    }
    for done in all {
        let Ok(evaluation) = &done.result else { continue };
        let Compared { facts, delay, measures } = &evaluation.processed;
        let mut row = vec![done.name.clone()];
        row.extend(COLUMNS.iter().map(|column| {
            cell(
                column,
                evaluation.input.as_ref().and_then(|input| (column.of)(&input.measures)),
                (column.of)(measures),
            )
        }));
        row.extend([decibels(facts.levels.loudness), decibels(facts.levels.true_peak), milliseconds(*delay)]);
        row.extend(evaluation.change.as_ref().map(|change| estimate(change.comparison.score)));
        rows.push(row);
    }
    if after.len() > 1 {
        let mut row = vec!["mean".to_owned()];
        let mean = |column: &Column, files: &[&Measures]| column.mean(files.iter().copied());
        row.extend(COLUMNS.iter().map(|column| cell(column, mean(column, &before), mean(column, &after))));
        rows.push(row);
    }
    let mut text = tables::align(&rows);
    if !before.is_empty() {
        text.push_str(
            "In parentheses: the change from the input. For LSD and Level, less is better. Score: how much\n",
        );
        text.push_str("better it sounds than the input, in PESQ points, as told without the reference.\n");
        text.push_str(&tables::faults(all, |evaluation| evaluation.change.as_ref()));
    }
    text
}

fn cell(column: &Column, before: Option<f64>, after: Option<f64>) -> String {
    match column.show_change(before, after) {
        change if change.is_empty() => column.show(after),
        change => format!("{} ({change})", column.show(after)),
    }
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.1}", seconds * 1000.0).replace("-0.0", "0.0")
}

/// All results for programs.
pub fn json(all: &[Done]) -> String {
    let (after, before) = measures(all);
    let mean = |files: &[&Measures]| {
        let value = |column: &Column| json!(column.mean(files.iter().copied()).map(|value| round(value, 6)));
        object(|column| value(column))
    };
    let document = json!({
        "attune": env!("CARGO_PKG_VERSION"),
        "files": all.iter().map(file).collect::<Vec<_>>(),
        "mean": mean(&after),
        "mean_before": (!before.is_empty()).then(|| mean(&before)),
        "measured": after.iter().filter(|measures| measures.si_sdr.is_some()).count(),
        "failed": all.iter().filter(|done| done.result.is_err()).count(),
    });
    format!("{document:#}\n")
}

fn file(done: &Done) -> Value {
    let mut value = tables::base(done);
    if let (Value::Object(value), Ok(Evaluation { reference, processed, input, change, warnings })) =
        (&mut value, &done.result)
    {
        value.extend([
            ("rate".to_owned(), json!(reference.rate)),
            ("channels".to_owned(), json!(processed.facts.channels)),
            ("duration_s".to_owned(), json!(round(processed.facts.seconds(), 6))),
            ("before".to_owned(), json!(input.as_ref().map(compared))),
            ("warnings".to_owned(), json!(warnings)),
        ]);
        value.extend(compared(processed));
        value.extend(change.iter().flat_map(tables::change));
    }
    value
}

fn compared(one: &Compared) -> Map<String, Value> {
    let levels = &one.facts.levels;
    let measured = object(|column| json!((column.of)(&one.measures).map(|value| round(value, 6))));
    Map::from_iter([
        ("delay_ms".to_owned(), json!(round(one.delay * 1000.0, 4))),
        ("measures".to_owned(), measured),
        ("loudness_lufs".to_owned(), json!(levels.loudness.map(|db| round(db, 2)))),
        ("true_peak_dbtp".to_owned(), json!(levels.true_peak.map(|db| round(db, 2)))),
    ])
}

fn object(value: impl Fn(&Column) -> Value) -> Value {
    Value::Object(COLUMNS.iter().map(|column| (column.key.to_owned(), value(column))).collect())
}
