//! The report: one HTML file that needs nothing else.

mod adaptation;
pub mod curves;
mod findings;
pub mod html;
mod pages;

pub use pages::Pages;

use super::enhance::{Done, Options, Outcome, Picture};
use super::plan::Job;
use super::{picture, summary};
use crate::engine::Monitor;
use crate::settings::TABLE;
use html::{escape, fill, minus, name};
use std::fmt::Write as _;
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
    pub fn add(
        &self,
        index: usize,
        job: &Job,
        outcome: &Outcome,
        picture: &Picture,
        options: &Options,
    ) -> io::Result<()> {
        self.0.add(index, &section(index, job, outcome, picture, options))
    }

    /// Puts everything together and moves the file to its place. The error is a reason in words.
    pub fn finish(self, all: &[Done], preset: Option<&str>, options: &Options) -> Result<(), String> {
        let failed = all.iter().filter(|done| done.result.is_err()).count();
        let title = match all {
            [one] => name(&one.job.input),
            _ => format!("{} recordings", all.len()),
        };
        let what = if options.monitor == Monitor::Delta { "what would be removed" } else { "enhanced" };
        let preset = preset.map_or_else(|| "the default settings".to_owned(), |name| format!("the preset “{name}”"));
        let lead = format!(
            "{title} · {what} with {preset}{}",
            if failed > 0 { format!(" · {failed} failed") } else { String::new() }
        );
        let values = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("title", &escape(&title)),
            ("lead", &escape(&lead)),
            ("style", &html::style()),
            ("index", &index(all)),
            ("settings_lead", &settings_lead(options)),
            ("settings", &settings(options)),
        ];
        let failures = all.iter().map(|done| {
            let failure = done.result.as_ref().err()?;
            Some((name(&done.job.input), summary::describe(&done.job, failure)))
        });
        self.0.finish(PAGE, &values, failures)
    }
}

fn section(index: usize, job: &Job, outcome: &Outcome, picture: &Picture, options: &Options) -> String {
    let after = if options.monitor == Monitor::Delta { "Removed" } else { "After" };
    let seconds = outcome.seconds();
    let [before, enhanced] = &picture.sides;
    let mut spectrograms = String::new();
    let (mut low, mut high) = (0.0, 0.0);
    if let (Some(before), Some(enhanced)) = (&before.spectrogram, &enhanced.spectrogram) {
        (low, high) = picture::scale(&[before, enhanced]);
        let panels = [("Before", before), (after, enhanced)];
        let panels = panels.map(|(title, spectrogram)| curves::Panel { title, spectrogram, seconds });
        spectrograms = curves::spectrograms(&panels, (low, high));
    }
    fill(
        SECTION,
        &[
            ("number", &index.to_string()),
            ("name", &escape(&name(&job.input))),
            (
                "facts",
                &escape(&format!(
                    "{} · {} · {} · written to {}",
                    summary::kind(&outcome.facts),
                    summary::length(seconds),
                    match outcome.speed() {
                        speed if speed < 1.0 => format!("took {:.1} times as long", 1.0 / speed),
                        speed => format!("{speed:.0} times faster than real time"),
                    },
                    job.output.display()
                )),
            ),
            ("findings", &findings::list(outcome, picture, options)),
            ("adaptation", &adaptation::section(outcome, options)),
            ("spectrograms", &spectrograms),
            ("low", &minus(&format!("{low:.0}"))),
            ("high", &minus(&format!("{high:.0}"))),
            ("after", after),
            ("level", &curves::level(&[("before", seconds, before), ("accent", seconds, enhanced)])),
            ("gain", &curves::gain(&picture.gains, seconds)),
            ("numbers", &findings::numbers(outcome)),
        ],
    )
}

fn index(all: &[Done]) -> String {
    if all.len() < 2 {
        return String::new();
    }
    let mut rows = String::new();
    for (i, done) in all.iter().enumerate() {
        let name = escape(&name(&done.job.input));
        let _ = match &done.result {
            Ok(outcome) => {
                let pair = |of: fn(&super::analysis::Levels) -> Option<f64>| {
                    let [before, after] = outcome.levels.each_ref().map(|levels| summary::decibels(of(levels)));
                    minus(&format!("{before} → {after}"))
                };
                let (loudness, floor) = (pair(|l| l.loudness), pair(|l| l.noise_floor));
                let hum = outcome.hum.map_or_else(|| "none".to_owned(), |hz| format!("{hz:.0} Hz"));
                let length = summary::length(outcome.seconds());
                writeln!(
                    rows,
                    "<tr><td class=\"name\"><a href=\"#file{i}\">{name}</a></td><td class=\"n\">{length}</td>\
                    <td class=\"n\">{loudness}</td><td class=\"n\">{floor}</td><td class=\"n\">{hum}</td></tr>"
                )
            }
            Err(_) => writeln!(
                rows,
                "<tr><td class=\"name\"><a href=\"#file{i}\">{name}</a></td>\
                <td colspan=\"4\" style=\"color:var(--bad)\">failed</td></tr>"
            ),
        };
    }
    format!(
        "<section class=\"card\"><div class=\"scroll\"><table><tr><th>File</th><th class=\"n\">Length</th>\
        <th class=\"n\">Loudness, LUFS</th><th class=\"n\">Background, dBFS</th><th class=\"n\">Hum</th></tr>{rows}</table></div></section>"
    )
}

fn settings_lead(options: &Options) -> String {
    let changed = TABLE.iter().filter(|spec| options.settings.get(spec.key) != spec.default).count();
    let mode = summary::latency(options.latency);
    let lead = match changed {
        0 => format!("All at their defaults, in {mode} mode."),
        n => format!("{n} of {} differ from their defaults and are marked, in {mode} mode.", TABLE.len()),
    };
    let began = " These are what adapting began with; what it found stands with each recording.";
    lead + if options.adapt.is_some() { began } else { "" }
}

fn settings(options: &Options) -> String {
    let mut rows = String::new();
    for spec in TABLE {
        let value = options.settings.get(spec.key);
        let (class, default) = if value == spec.default {
            ("", String::new())
        } else {
            (" class=\"set\"", format!(" <small>default {}</small>", minus(&spec.format(spec.default))))
        };
        let _ = writeln!(
            rows,
            "<div{class} title=\"{}\"><span>{}{default}</span><span>{}</span></div>",
            escape(spec.help),
            spec.name,
            spec.format(value)
        );
    }
    rows
}
