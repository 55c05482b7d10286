//! The report of an evaluation: one HTML file that needs nothing else.

use super::Done;
use super::Failure;
use super::columns::{Better, COLUMNS, Column};
use super::plan::Trio;
use super::plots;
use super::reference::{Compared, Evaluation, Pictures};
use super::summary::measures;
use crate::cli::report::Pages;
use crate::cli::report::curves::{self, Panel};
use crate::cli::report::html::{escape, fill, minus, style};
use crate::cli::{picture, summary};
use crate::quality::intrusive::Measures;
use std::fmt::Write;
use std::io;
use std::path::Path;

const PAGE: &str = include_str!("page.html");
const SECTION: &str = include_str!("section.html");

/// A report in the making.
pub struct Report(Pages);

impl Report {
    /// Begins a report.
    pub fn new(path: &Path) -> io::Result<Report> {
        Ok(Report(Pages::new(path)?))
    }

    /// Adds the section of one file; may be called from any thread, in any order.
    pub fn add(&self, index: usize, trio: &Trio, evaluation: &Evaluation, pictures: &Pictures) -> io::Result<()> {
        self.0.add(index, &section(index, trio, evaluation, pictures))
    }

    /// Puts everything together and moves the file to its place. The error is a reason in words.
    pub fn finish(self, all: &[Done]) -> Result<(), String> {
        let failed = all.iter().filter(|done| done.result.is_err()).count();
        let title = match all {
            [one] => one.name.clone(),
            _ => format!("{} recordings", all.len()),
        };
        let against = if measures(all).1.is_empty() { "" } else { ", beside the unprocessed input" };
        let failed = if failed > 0 { format!(" · {failed} failed") } else { String::new() };
        let lead = format!("{title} · measured against the clean reference{against}{failed}");
        let values = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("title", &escape(&title)),
            ("lead", &escape(&lead)),
            ("style", &style()),
            ("overview", &overview(all)),
        ];
        let failures = all.iter().map(|done| match &done.result {
            Err(Failure::Reason(reason)) => Some((done.name.clone(), reason.clone())),
            Err(Failure::Interrupted) => Some((done.name.clone(), "interrupted".to_owned())),
            Ok(_) => None,
        });
        self.0.finish(PAGE, &values, failures)
    }
}

/// Means, plots and a table over all files of a set.
fn overview(all: &[Done]) -> String {
    if all.len() < 2 {
        return String::new();
    }
    let (after, before) = measures(all);
    let mean = |files: &[&Measures]| {
        let means: Vec<_> = COLUMNS.iter().map(|column| column.mean(files.iter().copied())).collect();
        move |i: usize| means[i]
    };
    let table = table(mean(&after), (!before.is_empty()).then(|| mean(&before)));
    let silent = after.iter().filter(|measures| measures.si_sdr.is_none()).count();
    let remark = match silent {
        0 => String::new(),
        1 => "<p class=\"soft\">1 file has a silent reference and is left out.</p>".to_owned(),
        n => format!("<p class=\"soft\">{n} files have silent references and are left out.</p>"),
    };
    let legend =
        if before.is_empty() { String::new() } else { legend(&[("before", "Input"), ("accent", "Processed")]) };
    format!(
        "<section class=\"card\"><h2>All files</h2>{remark}<h3>Means</h3>{table}<h3>File by file</h3><p class=\"soft\">Dashed: the mean. A dot leads to its file.</p>{legend}\
         <figure>{}</figure><h3>Files</h3>{}</section>",
        plots::files(all),
        files(all)
    )
}

/// A row a measure: before, after and the change.
fn table(after: impl Fn(usize) -> Option<f64>, before: Option<impl Fn(usize) -> Option<f64>>) -> String {
    let mut rows = String::from("<tr><th></th>");
    if before.is_some() {
        rows += "<th class=\"n\">Input</th>";
    }
    rows += "<th class=\"n\">Processed</th>";
    rows += if before.is_some() { "<th class=\"n\">Change</th></tr>\n" } else { "</tr>\n" };
    for (i, column) in COLUMNS.iter().enumerate() {
        let after = after(i);
        let cell = |value| format!("<td class=\"n\">{}</td>", minus(&with_unit(column, value)));
        let _ = write!(rows, "<tr><td>{} <small>{}</small></td>", column.title, column.name);
        if let Some(before) = &before {
            let before = before(i);
            let _ =
                write!(rows, "{}{}<td class=\"n\">{}</td>", cell(before), cell(after), change(column, before, after));
        } else {
            rows += &cell(after);
        }
        rows += "</tr>\n";
    }
    format!("<div class=\"scroll\"><table>{rows}</table></div>")
}

fn with_unit(column: &Column, value: Option<f64>) -> String {
    let text = column.show(value);
    if value.is_none() || column.unit.is_empty() { text } else { format!("{text} {}", column.unit) }
}

/// The change, coloured where it can be seen in the digits.
fn change(column: &Column, before: Option<f64>, after: Option<f64>) -> String {
    let text = column.show_change(before, after);
    if !text.chars().any(|c| ('1'..='9').contains(&c)) {
        return if text.is_empty() { text } else { "<span class=\"same\">±0</span>".to_owned() };
    }
    let better = text.starts_with('+') == (column.better == Better::High);
    format!("<span class=\"{}\">{}</span>", if better { "good" } else { "bad" }, minus(&text))
}

fn files(all: &[Done]) -> String {
    let mut rows = String::from("<tr><th>File</th>");
    for column in &COLUMNS {
        let _ = write!(rows, "<th class=\"n\">{}</th>", column.name);
    }
    rows += "</tr>\n";
    for (i, done) in all.iter().enumerate() {
        let _ = write!(rows, "<tr><td class=\"name\"><a href=\"#file{i}\">{}</a></td>", escape(&done.name));
        match &done.result {
            Ok(evaluation) => {
                for column in &COLUMNS {
                    let before = evaluation.input.as_ref().and_then(|input| (column.of)(&input.measures));
                    let after = (column.of)(&evaluation.processed.measures);
                    let shown = minus(&column.show(after));
                    let _ = write!(rows, "<td class=\"n\">{shown} {}</td>", change(column, before, after));
                }
            }
            Err(_) => {
                let _ = write!(rows, "<td colspan=\"{}\" class=\"bad\">failed</td>", COLUMNS.len());
            }
        }
        rows += "</tr>\n";
    }
    format!("<div class=\"scroll\"><table>{rows}</table></div>")
}

fn section(index: usize, trio: &Trio, evaluation: &Evaluation, pictures: &Pictures) -> String {
    let Evaluation { reference, processed, input, warnings } = evaluation;
    let recordings = [
        Some(("Reference", "c2", &pictures.reference, reference)),
        pictures.input.as_ref().zip(input.as_ref()).map(|(picture, input)| ("Input", "before", picture, &input.facts)),
        Some(("Processed", "accent", &pictures.processed, &processed.facts)),
    ];
    let recordings: Vec<_> = recordings.into_iter().flatten().collect();
    let spectra: Vec<_> = recordings.iter().filter_map(|(.., analysis, _)| analysis.spectrogram.as_ref()).collect();
    let scale = picture::scale(&spectra);
    let panels: Vec<_> = recordings
        .iter()
        .zip(&spectra)
        .map(|((title, _, _, facts), spectrogram)| Panel { title, spectrogram, seconds: facts.seconds() })
        .collect();
    let curves: Vec<_> =
        recordings.iter().map(|&(_, colour, analysis, facts)| (colour, facts.seconds(), analysis)).collect();
    let names: Vec<_> = recordings.iter().map(|&(title, colour, ..)| (colour, title)).collect();
    let of = |compared: &Compared| {
        let measures = compared.measures;
        move |i: usize| (COLUMNS[i].of)(&measures)
    };
    fill(
        SECTION,
        &[
            ("number", &index.to_string()),
            ("name", &escape(&trio.name)),
            ("facts", &escape(&facts(trio, processed))),
            ("warnings", &list(warnings)),
            ("measures", &table(of(processed), input.as_ref().map(of))),
            ("spectrograms", &curves::spectrograms(&panels, scale)),
            ("low", &minus(&format!("{:.0}", scale.0))),
            ("high", &minus(&format!("{:.0}", scale.1))),
            ("legend", &legend(&names)),
            ("level", &curves::level(&curves)),
        ],
    )
}

fn facts(trio: &Trio, processed: &Compared) -> String {
    let Compared { facts, delay, .. } = processed;
    let delay = match delay * 1000.0 {
        ms if ms.abs() < 0.05 => "no delay".to_owned(),
        ms if ms < 0.0 => format!("{:.1} ms early", -ms),
        ms => format!("{ms:.1} ms late"),
    };
    let level = |name: &str, value: Option<f64>, unit: &str| {
        value.map_or_else(String::new, |value| minus(&format!(" · {name} {value:.1} {unit}")))
    };
    format!(
        "{} · {} · {delay}{}{} · against {}",
        summary::length(facts.seconds()),
        summary::signal(facts.rate, facts.channels),
        level("loudness", facts.levels.loudness, "LUFS"),
        level("true peak", facts.levels.true_peak, "dBTP"),
        trio.reference.display()
    )
}

fn list(warnings: &[String]) -> String {
    if warnings.is_empty() {
        return String::new();
    }
    let items: String = warnings.iter().map(|text| format!("<li class=\"warn\">{}</li>", escape(text))).collect();
    format!("<ul class=\"findings\">{items}</ul>")
}

/// Colours of the style sheet and what they stand for.
fn legend(entries: &[(&str, &str)]) -> String {
    let entry =
        |(colour, name): &(&str, &str)| format!("<span><i style=\"background:var(--{colour})\"></i>{name}</span>");
    format!("<div class=\"legend\">{}</div>", entries.iter().map(entry).collect::<String>())
}
