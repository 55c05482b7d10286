//! What both modes print.

use super::compare::Change;
use super::{Done, Failure};
use crate::cli::picture::clock;
use crate::cli::summary::round;
use crate::quality::{Estimate, Opinion, Passage, Veto};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::Path;

/// Rows in columns; those after the first stand to the right.
pub fn align(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |i: usize| rows.iter().filter_map(|row| row.get(i)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(i, (cell, &width))| match i {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// `+0.31 ± 0.12`, or a dash.
pub fn estimate(score: Option<Estimate>) -> String {
    score.map_or_else(|| "–".to_owned(), |Estimate { mean, sigma }| format!("{mean:+.2} ± {sigma:.2}"))
}

/// What a score comes down to, as a sentence begins.
pub fn verdict(score: &Estimate) -> &'static str {
    match score.opinion() {
        Opinion::ClearlyBetter => "Clearly better",
        Opinion::Better => "Better",
        Opinion::Same => "About the same",
        Opinion::Worse => "Worse",
        Opinion::ClearlyWorse => "Clearly worse",
        Opinion::CantTell => "Can’t tell",
    }
}

/// As many faults as can be read.
const MOST_FAULTS: usize = 8;

/// The faults with their places, the same in neighbouring passages as one.
pub fn fault_lines(change: &Change) -> impl Iterator<Item = String> {
    let mut faults: Vec<(usize, &Passage, &Passage, Veto)> = Vec::new();
    for (index, passage) in change.comparison.passages.iter().enumerate() {
        let Some(veto) = passage.veto else { continue };
        match faults.last_mut() {
            Some((last, _, end, known))
                if *last + 1 == index && std::mem::discriminant(known) == std::mem::discriminant(&veto) =>
            {
                (*last, *end) = (index, passage);
            }
            _ => faults.push((index, passage, passage, veto)),
        }
    }
    let more = faults.len().saturating_sub(MOST_FAULTS);
    let line = move |(_, first, last, veto): (usize, &Passage, &Passage, Veto)| {
        format!("{} to {}: {veto}", clock(change.times(first).0), clock(change.times(last).1.ceil()))
    };
    let rest = (more > 0).then(|| format!("{more} more places"));
    faults.into_iter().take(MOST_FAULTS).map(line).chain(rest).collect::<Vec<_>>().into_iter()
}

/// The faults of all files.
pub fn faults<E>(all: &[Done<E>], of: impl Fn(&E) -> Option<&Change>) -> String {
    let mut text = String::new();
    for done in all {
        let change = done.result.as_ref().ok().and_then(&of);
        for fault in change.into_iter().flat_map(fault_lines) {
            let _ = writeln!(text, "{}: fault at {fault}", done.name);
        }
    }
    text
}

/// What is known of every job, for programs.
pub fn base<E>(done: &Done<E>) -> Value {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let files = done.files.as_ref();
    json!({
        "name": done.name,
        "reference": files.and_then(|files| files.reference.as_deref()).map(text),
        "processed": files.map(|files| text(&files.processed)),
        "input": files.and_then(|files| files.input.as_deref()).map(text),
        "error": match &done.result {
            Ok(_) => None,
            Err(Failure::Reason(reason)) => Some(reason.as_str()),
            Err(Failure::Interrupted) => Some("interrupted"),
        },
    })
}

/// What was done to an input, for programs.
pub fn change(change: &Change) -> Map<String, Value> {
    let comparison = &change.comparison;
    let score = |score: Option<Estimate>| {
        score.map(|Estimate { mean, sigma }| json!({ "mean": short(mean), "sigma": short(sigma) }))
    };
    let excerpt = |passage: &Passage| {
        let (start, end) = change.times(passage);
        json!({
            "start_s": round(start, 3),
            "end_s": round(end, 3),
            "speech_s": short(passage.speech),
            "score": score(passage.score),
            "veto": passage.veto.map(|veto| veto.to_string()),
            "quality": numbers(&passage.quality),
        })
    };
    Map::from_iter([
        ("score".to_owned(), json!(score(comparison.score))),
        ("verdict".to_owned(), json!(comparison.score.map(|score| score.opinion().to_string()))),
        ("veto".to_owned(), json!(comparison.vetoes().next().map(|(_, veto)| veto.to_string()))),
        ("quality".to_owned(), numbers(&comparison.quality)),
        ("excerpts".to_owned(), comparison.passages.iter().map(excerpt).collect()),
    ])
}

/// The fields of something, without digits that mean nothing.
pub fn numbers(fields: &impl Serialize) -> Value {
    let mut value = json!(fields);
    for field in value.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(number) = field.as_f64() {
            *field = json!(round(number, 4));
        }
    }
    value
}

fn short(value: f32) -> f64 {
    round(f64::from(value), 4)
}
