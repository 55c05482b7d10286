//! The report: one HTML file that needs nothing else.
//!
//! Each section is written to a temporary file as soon as its file is done, so a batch of a
//! thousand files takes no more memory than one.

mod curves;
mod findings;

use super::encode;
use super::enhance::{Done, Options, Outcome, Picture};
use super::plan::Job;
use super::{picture, summary};
use crate::engine::Monitor;
use crate::settings::TABLE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const PAGE: &str = include_str!("page.html");
const SECTION: &str = include_str!("section.html");

/// A report in the making.
pub struct Report {
    path: PathBuf,
    sections: TempDir,
}

impl Report {
    /// Begins a report.
    pub fn new(path: &Path) -> io::Result<Report> {
        Ok(Report { path: path.to_owned(), sections: tempfile::tempdir()? })
    }

    fn section_file(&self, index: usize) -> PathBuf {
        self.sections.path().join(index.to_string())
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
        fs::write(self.section_file(index), section(index, job, outcome, picture, options))
    }

    /// Puts everything together and moves the file to its place. The error is a reason in words.
    pub fn finish(self, all: &[Done], preset: Option<&str>, options: &Options) -> Result<(), String> {
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = BufWriter::new(encode::temporary(folder).map_err(|e| encode::explain(&e))?);
        self.write(&mut file, all, preset, options).map_err(|e| encode::explain(&e))?;
        let file = file.into_inner().map_err(|e| encode::explain(e.error()))?;
        encode::persist(file, &self.path)
    }

    fn write(&self, file: &mut impl Write, all: &[Done], preset: Option<&str>, options: &Options) -> io::Result<()> {
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
        let gradient: Vec<String> = (0..=8).map(|i| hex(picture::colour(i as f32 / 8.0))).collect();
        let values = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("title", &escape(&title)),
            ("lead", &escape(&lead)),
            ("gradient", &gradient.join(",")),
            ("index", &index(all)),
            ("settings_lead", &settings_lead(options)),
            ("settings", &settings(options)),
        ];
        let (head, tail) = PAGE.split_once("{{sections}}").unwrap_or((PAGE, ""));
        file.write_all(fill(head, &values).as_bytes())?;
        for (index, done) in all.iter().enumerate() {
            match &done.result {
                Ok(_) => {
                    io::copy(&mut fs::File::open(self.section_file(index))?, file)?;
                }
                Err(failure) => {
                    let name = escape(&name(&done.job.input));
                    let reason = escape(&summary::describe(&done.job, failure));
                    write!(
                        file,
                        "<section class=\"card\" id=\"file{index}\"><h2>{name}</h2>\
                         <ul class=\"findings\"><li class=\"bad\">{reason}</li></ul></section>"
                    )?;
                }
            }
        }
        file.write_all(fill(tail, &values).as_bytes())
    }
}

fn section(index: usize, job: &Job, outcome: &Outcome, picture: &Picture, options: &Options) -> String {
    let after = if options.monitor == Monitor::Delta { "Removed" } else { "After" };
    let seconds = outcome.seconds();
    let mut spectrograms = String::new();
    let (mut low, mut high) = (0.0, 0.0);
    if let [Some(before), Some(enhanced)] = picture.sides.each_ref().map(|side| side.spectrogram.as_ref()) {
        (low, high) = picture::scale([before, enhanced]);
        let images = [before, enhanced].map(|s| STANDARD.encode(picture::plain(s, (low, high))));
        spectrograms = curves::spectrograms(&images, ["Before", after], before.rate(), seconds);
    }
    fill(
        SECTION,
        &[
            ("number", &index.to_string()),
            ("name", &escape(&name(&job.input))),
            (
                "facts",
                &escape(&format!(
                    "{} · {} · {:.0} times faster than real time · written to {}",
                    summary::kind(&outcome.facts),
                    summary::length(seconds),
                    outcome.speed(),
                    job.output.display()
                )),
            ),
            ("findings", &findings::list(outcome, picture, options)),
            ("spectrograms", &spectrograms),
            ("low", &minus(&format!("{low:.0}"))),
            ("high", &minus(&format!("{high:.0}"))),
            ("after", after),
            ("level", &curves::level(&picture.sides, seconds)),
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
    match changed {
        0 => format!("All at their defaults, in {mode} mode."),
        n => format!("{n} of {} differ from their defaults and are marked, in {mode} mode.", TABLE.len()),
    }
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

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// Puts values in the places of `{{keys}}`, in one pass, so that values are never searched.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len() + values.iter().map(|(_, value)| value.len()).sum::<usize>());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let (key, after) = after.split_once("}}").unwrap_or((after, ""));
        match values.iter().find(|(name, _)| *name == key) {
            Some((_, value)) => text.push_str(value),
            None => {
                let _ = write!(text, "{{{{{key}}}}}");
            }
        }
        rest = after;
    }
    text + rest
}

/// Negative numbers with a real minus sign.
fn minus(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut letters = html.chars().peekable();
    let mut last = ' ';
    while let Some(letter) = letters.next() {
        let number = letter == '-' && !last.is_alphanumeric() && letters.peek().is_some_and(char::is_ascii_digit);
        text.push(if number { '\u{2212}' } else { letter });
        last = letter;
    }
    text
}

/// Text for HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn hex([r, g, b]: [u8; 3]) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_filled_in_once_and_escaped() {
        assert_eq!(fill("<{{a}} {{b}} {{c}}>", &[("a", "{{b}}"), ("b", "2")]), "<{{b}} 2 {{c}}>");
        assert_eq!(escape("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
    }
}
