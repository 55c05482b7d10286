//! The report of an evaluation against references.

use super::columns::{Better, COLUMNS, Column};
use super::plots;
use super::summary::measures;
use super::{Compared, Done, Evaluation, Pictures};
use crate::cli::eval::Frame;
use crate::cli::eval::plan::Files;
use crate::cli::eval::report::{legend, list, score};
use crate::cli::report::curves::{self, Panel};
use crate::cli::report::html::{escape, fill, minus};
use crate::cli::{picture, summary};
use crate::quality::intrusive::Measures;
use std::fmt::Write;

const SECTION: &str = include_str!("section.html");

/// What stands around the sections.
pub fn frame(all: &[Done]) -> Frame {
    Frame {
        lead: match measures(all).1.is_empty() {
            true => "measured against the clean reference",
            false => "measured against the clean reference, beside the unprocessed input",
        },
        overview: overview(all),
        sources: "STOI: Taal 2011. ESTOI: Jensen &amp; Taal 2016. SI-SDR: Le Roux 2019. SSNR: Hansen &amp; Pellom \
                  1998. fwSSNR: Hu &amp; Loizou 2008. LSD: over bands one ERB wide, level-aligned, frames with speech. \
                  Loudness and true peak after ITU-R BS.1770. Delays of up to 100 ms are taken out.",
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

/// The section of one file.
pub fn section(index: usize, files: &Files, evaluation: &Evaluation, pictures: &Pictures) -> String {
    let Evaluation { reference, processed, input, change, warnings } = evaluation;
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
            ("name", &escape(&files.name)),
            ("facts", &escape(&facts(files, processed))),
            ("warnings", &list(warnings)),
            ("measures", &table(of(processed), input.as_ref().map(of))),
            ("score", &change.as_ref().map_or_else(String::new, score)),
            ("spectrograms", &curves::spectrograms(&panels, scale)),
            ("low", &minus(&format!("{:.0}", scale.0))),
            ("high", &minus(&format!("{:.0}", scale.1))),
            ("legend", &legend(&names)),
            ("level", &curves::level(&curves)),
        ],
    )
}

fn facts(files: &Files, processed: &Compared) -> String {
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
        "{} · {} · {delay}{}{}{}",
        summary::length(facts.seconds()),
        summary::signal(facts.rate, facts.channels),
        level("loudness", facts.levels.loudness, "LUFS"),
        level("true peak", facts.levels.true_peak, "dBTP"),
        files.reference.as_ref().map_or_else(String::new, |path| format!(" · against {}", path.display()))
    )
}
