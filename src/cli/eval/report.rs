//! The report of an evaluation: one HTML file that needs nothing else.

use super::compare::Change;
use super::tables::{self, estimate};
use super::{Done, Failure, Frame};
use crate::cli::report::Pages;
use crate::cli::report::html::{escape, minus, style};

const PAGE: &str = include_str!("page.html");

/// Puts everything together and moves the file to its place. The error is a reason in words.
pub fn finish<E>(pages: Pages, all: &[Done<E>], frame: Frame) -> Result<(), String> {
    let failed = all.iter().filter(|done| done.result.is_err()).count();
    let title = match all {
        [one] => one.name.clone(),
        _ => format!("{} recordings", all.len()),
    };
    let failed = if failed > 0 { format!(" · {failed} failed") } else { String::new() };
    let lead = format!("{title} · {}{failed}", frame.lead);
    let values = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("title", &escape(&title)),
        ("lead", &escape(&lead)),
        ("style", &style()),
        ("overview", &frame.overview),
        ("sources", frame.sources),
    ];
    let failures = all.iter().map(|done| match &done.result {
        Err(Failure::Reason(reason)) => Some((done.name.clone(), reason.clone())),
        Err(Failure::Interrupted) => Some((done.name.clone(), "interrupted".to_owned())),
        Ok(_) => None,
    });
    pages.finish(PAGE, &values, failures)
}

/// The score in words, and the faults.
pub fn score(change: &Change) -> String {
    let comparison = &change.comparison;
    let verdict = match comparison.score {
        Some(score) => format!(
            "<p class=\"verdict\"><b>{}</b> <span class=\"soft\">score {} PESQ points against the input, as told \
             without a reference</span></p>",
            tables::verdict(&score),
            minus(&estimate(Some(score)))
        ),
        None => "<p class=\"verdict\"><b>No score</b> <span class=\"soft\">there is no speech</span></p>".to_owned(),
    };
    let faults: Vec<_> = tables::fault_lines(change).map(|fault| format!("Fault at {fault}")).collect();
    verdict + &items(&faults, "bad")
}

/// Warnings as a list.
pub fn list(warnings: &[String]) -> String {
    items(warnings, "warn")
}

/// Sentences as a list, of a class of the style sheet.
pub fn items(sentences: &[String], class: &str) -> String {
    if sentences.is_empty() {
        return String::new();
    }
    let items: String =
        sentences.iter().map(|text| format!("<li class=\"{class}\">{}</li>", minus(&escape(text)))).collect();
    format!("<ul class=\"findings\">{items}</ul>")
}

/// Colours of the style sheet and what they stand for.
pub fn legend(entries: &[(&str, &str)]) -> String {
    let entry =
        |(colour, name): &(&str, &str)| format!("<span><i style=\"background:var(--{colour})\"></i>{name}</span>");
    format!("<div class=\"legend\">{}</div>", entries.iter().map(entry).collect::<String>())
}
