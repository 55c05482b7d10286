//! The report of what was heard.

use super::words::{self, MEASURES, Measure, severity};
use super::{Done, Evaluation, Heard, Pictures};
use crate::cli::eval::Frame;
use crate::cli::eval::compare::Change;
use crate::cli::eval::listening::summary::{COLUMNS, cell};
use crate::cli::eval::plan::Files;
use crate::cli::eval::report::{legend, list, score};
use crate::cli::eval::tables::estimate;
use crate::cli::report::curves::{self, Panel, Step};
use crate::cli::report::html::{escape, fill, minus};
use crate::cli::{picture, summary};
use crate::quality::{Context, Quality, Severity};
use std::fmt::Write;

const SECTION: &str = include_str!("section.html");

/// What stands around the sections.
pub fn frame(all: &[Done]) -> Frame {
    let pairs = all.iter().any(|done| done.result.as_ref().is_ok_and(|evaluation| evaluation.output.is_some()));
    Frame {
        lead: if pairs { "heard beside the unprocessed input" } else { "what is wrong with it" },
        overview: overview(all),
        sources: "All of this is told from the recordings alone and may err. Score: learned; PESQ points by which it \
                  is better than the input, 0.05 is just noticeable; the mean over passages, weighed by speech. \
                  Loudness and true peak after ITU-R BS.1770.",
    }
}

/// As much of the table as there is room for.
fn columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    COLUMNS.into_iter().filter(|(_, field)| !matches!(*field, "speech" | "bandwidth" | "true_peak"))
}

fn overview(all: &[Done]) -> String {
    if all.len() < 2 {
        return String::new();
    }
    let pairs = all.iter().any(|done| done.result.as_ref().is_ok_and(|evaluation| evaluation.output.is_some()));
    let mut rows = String::from("<tr><th>File</th>");
    for (heading, _) in columns() {
        let _ = write!(rows, "<th class=\"n\">{heading}</th>");
    }
    rows += if pairs { "<th class=\"n\">Score</th></tr>\n" } else { "<th>Worst</th></tr>\n" };
    for (i, done) in all.iter().enumerate() {
        let _ = write!(rows, "<tr><td class=\"name\"><a href=\"#file{i}\">{}</a></td>", escape(&done.name));
        match &done.result {
            Ok(evaluation) => {
                for (_, field) in columns() {
                    let _ = write!(rows, "<td class=\"n\">{}</td>", minus(&cell(evaluation, field)));
                }
                let _ = match (&evaluation.output, evaluation.recording.findings.first()) {
                    (Some((_, change)), _) => {
                        write!(rows, "<td class=\"n\">{}</td>", minus(&estimate(change.comparison.score)))
                    }
                    (None, Some(finding)) => write!(rows, "<td>{}</td>", minus(&escape(&finding.text))),
                    (None, None) => write!(rows, "<td></td>"),
                };
            }
            Err(_) => {
                let _ = write!(rows, "<td colspan=\"{}\" class=\"bad\">failed</td>", columns().count() + 1);
            }
        }
        rows += "</tr>\n";
    }
    format!("<section class=\"card\"><h2>All files</h2><div class=\"scroll\"><table>{rows}</table></div></section>")
}

/// The section of one file.
pub fn section(index: usize, files: &Files, evaluation: &Evaluation, pictures: &Pictures) -> String {
    let Evaluation { recording, output, warnings } = evaluation;
    let first = if output.is_some() { ("Input", "before") } else { ("Recording", "accent") };
    let mut recordings = vec![(first.0, first.1, &pictures.recording, recording)];
    if let (Some((heard, _)), Some(analysis)) = (output, &pictures.output) {
        recordings.push(("Processed", "accent", analysis, heard));
    }
    let spectra: Vec<_> = recordings.iter().filter_map(|(.., analysis, _)| analysis.spectrogram.as_ref()).collect();
    let scale = picture::scale(&spectra);
    let panels: Vec<_> = recordings
        .iter()
        .zip(&spectra)
        .map(|((title, .., heard), spectrogram)| Panel { title, spectrogram, seconds: heard.facts.seconds() })
        .collect();
    let levels: Vec<_> =
        recordings.iter().map(|&(_, colour, analysis, heard)| (colour, heard.facts.seconds(), analysis)).collect();
    let names: Vec<_> = recordings.iter().map(|&(title, colour, ..)| (colour, title)).collect();
    let change = output.as_ref().map(|(_, change)| change);
    let seconds = recordings.iter().map(|(.., heard)| heard.facts.seconds()).fold(0.0, f64::max);
    fill(
        SECTION,
        &[
            ("number", &index.to_string()),
            ("name", &escape(&files.name)),
            ("facts", &escape(&facts(files, evaluation))),
            ("warnings", &list(warnings)),
            ("score", &change.map_or_else(String::new, score)),
            ("findings", &findings(evaluation)),
            ("done", &change.map_or_else(String::new, |change| done(&change.comparison.quality))),
            ("spectrograms", &curves::spectrograms(&panels, scale)),
            ("low", &minus(&format!("{:.0}", scale.0))),
            ("high", &minus(&format!("{:.0}", scale.1))),
            ("curve", &change.map_or_else(String::new, |change| curve(change, seconds))),
            ("legend", &legend(&names)),
            ("level", &curves::level(&levels)),
            ("numbers", &numbers(evaluation)),
        ],
    )
}

fn facts(files: &Files, evaluation: &Evaluation) -> String {
    let heard = evaluation.output.as_ref().map_or(&evaluation.recording, |(output, _)| output);
    let facts = &heard.facts;
    let delay = match evaluation.output.as_ref().map_or(0.0, |(_, change)| change.delay * 1000.0) {
        ms if ms.abs() < 0.05 => String::new(),
        ms if ms < 0.0 => format!(" · {:.1} ms early", -ms),
        ms => format!(" · {ms:.1} ms late"),
    };
    let beside = files.input.as_ref().map_or_else(String::new, |path| format!(" · beside {}", path.display()));
    let (length, signal) = (summary::length(facts.seconds()), summary::signal(facts.rate, facts.channels));
    format!("{length} · {signal}{delay}{beside}")
}

/// What is wrong, before and after, in columns.
fn findings(evaluation: &Evaluation) -> String {
    let list = |title: &str, heard: &Heard| {
        let mut items = String::new();
        for finding in &heard.findings {
            let class = match finding.severity {
                Severity::Severe => "bad",
                Severity::Clear => "warn",
                Severity::Slight | Severity::Note => "",
            };
            let text = minus(&escape(&finding.text));
            let _ = write!(items, "<li class=\"{class}\">{text} <small>{}</small></li>", severity(finding));
        }
        if items.is_empty() {
            items.push_str("<li class=\"good\">nothing</li>");
        }
        format!("<div><h3>{title}</h3><ul class=\"findings\">{items}</ul></div>")
    };
    match &evaluation.output {
        Some((after, _)) => format!(
            "<div class=\"sides\">{}{}</div>",
            list("What was wrong", &evaluation.recording),
            list("What is wrong now", after)
        ),
        None => list("What is wrong", &evaluation.recording),
    }
}

/// What was done, as bars.
fn done(quality: &Quality) -> String {
    let row = |measure: &Measure| {
        let value = (measure.of)(quality);
        let class = match measure.harm {
            Some((_, bad)) if value >= bad => "bad",
            Some((warn, _)) if value >= warn => "warn",
            Some(_) => "calm",
            None => "",
        };
        // Less than no harm is none.
        let length = if measure.harm.is_some() { value.max(0.0) } else { value.abs() };
        let width = 100.0 * (length / measure.lot).min(1.0);
        let shown = minus(&measure.show(quality));
        format!(
            "<tr><td>{}</td><td class=\"n\">{shown}</td><td class=\"bar\"><i class=\"{class}\" \
             style=\"width:{width:.1}%\"></i></td></tr>\n",
            measure.name
        )
    };
    let rows: String = MEASURES.iter().map(row).collect();
    let words = minus(&escape(&words::done(quality).join(" · ")));
    format!(
        "<h3>What was done</h3><p>{words}</p><div class=\"scroll\"><table class=\"bars\">{rows}</table></div>\
         <p class=\"soft\">A full bar is a lot; where there is a bound for faults, it is that. Orange may be \
         noticed, red disturbs.</p>"
    )
}

/// The scores of the passages.
fn curve(change: &Change, seconds: f64) -> String {
    let steps: Vec<Step> = change
        .comparison
        .passages
        .iter()
        .map(|passage| {
            let (from, to) = change.times(passage);
            let fault = passage.veto.map(|veto| veto.to_string());
            // What a fault costs would leave no room for the rest.
            let score = passage.score.filter(|_| fault.is_none());
            Step { from, to, value: score.map(|s| (f64::from(s.mean), f64::from(s.sigma))), fault }
        })
        .collect();
    format!(
        "<h3>Score over time</h3><p class=\"soft\">PESQ points against the input, with one standard deviation. Red: a \
         fault. Empty: no speech.</p><figure>{}</figure>",
        curves::steps(&steps, seconds)
    )
}

/// All numbers of what was heard, before and after.
fn numbers(evaluation: &Evaluation) -> String {
    let before = words::values(&evaluation.recording.context);
    let after = evaluation.output.as_ref().map(|(after, _)| words::values(&after.context));
    let mut rows = String::new();
    for (i, (name, _)) in Context::FIELDS.iter().enumerate() {
        let value = match &after {
            Some(after) if after[i] != before[i] => format!("{} → {}", before[i], after[i]),
            _ => before[i].clone(),
        };
        let _ = writeln!(rows, "<div><span>{}</span><span>{}</span></div>", words::label(name), minus(&value));
    }
    format!("<div class=\"settings\">{rows}</div>")
}
