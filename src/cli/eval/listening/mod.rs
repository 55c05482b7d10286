//! Without a reference: what is wrong with a recording, what was done to it, and is it better?

mod report;
mod summary;
mod words;

use super::super::analysis::Analysis;
use super::compare::{self, Change, remarks};
use super::plan::Files;
use super::recording::{Facts, Recording, Wanted};
use super::{Evaluated, Frame, Mode};
use crate::quality::{Context, Finding, Severity};
use indicatif::ProgressBar;
use std::path::Path;

/// The mode.
pub struct Listening;

type Done = super::Done<Evaluation>;

/// What was heard.
pub struct Evaluation {
    /// The recording, or the input.
    pub recording: Heard,
    /// The output, and what was done, where there is one.
    pub output: Option<(Heard, Change)>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// One recording, heard.
pub struct Heard {
    /// What is known of it.
    pub facts: Facts,
    /// What is wrong with it, in numbers.
    pub context: Context,
    /// The same in words.
    pub findings: Vec<Finding>,
}

/// What a report draws of them.
pub struct Pictures {
    recording: Analysis,
    output: Option<Analysis>,
}

/// Less than this has not even a loudness, s.
const SHORTEST: f64 = 0.4;
/// Units of progress for one reading, and for comparing.
const UNITS: f64 = 1000.0;

impl Mode for Listening {
    type Evaluation = Evaluation;
    type Pictures = Pictures;

    fn evaluate(files: &Files, picture: bool, bar: &ProgressBar) -> Evaluated<Listening> {
        let steps = if files.input.is_some() { 3.0 } else { 1.0 };
        bar.set_length((steps * UNITS) as u64);
        let progress = |step: f64| move |share: f64| bar.set_position(((step + share) * UNITS) as u64);
        let wanted = Wanted { mono: files.input.is_some(), context: true, picture };
        let before = files.input.as_deref().unwrap_or(&files.processed);
        let Some(mut recording) = Recording::read(before, wanted, progress(0.0))? else { return Ok(None) };
        let mut warnings = std::mem::take(&mut recording.warnings);
        let (mut output, mut picture) = (None, None);
        if files.input.is_some() {
            let path = &files.processed;
            let Some(mut processed) = Recording::read(path, wanted, progress(1.0))? else { return Ok(None) };
            warnings.append(&mut processed.warnings);
            let change = compare::compare(&mut recording, &mut processed, progress(2.0));
            let Some(change) = change else { return Ok(None) };
            let named = |(path, remark): (&Path, String)| format!("{}: {remark}", path.display());
            let remarks = remarks(&recording, "input", &processed, change.delay).into_iter().map(|r| (&**path, r));
            let silent = [(before, &recording), (path, &processed)].into_iter().filter(|(_, heard)| heard.silent);
            let silent = silent.map(|(path, _)| (path, "is silent".to_owned()));
            warnings.extend(silent.chain(remarks).map(named));
            output = Some((Heard::of(&processed), change));
            picture = Some(processed.analysis);
        }
        let evaluation = Evaluation { recording: Heard::of(&recording), output, warnings };
        Ok(Some((evaluation, Pictures { recording: recording.analysis, output: picture })))
    }

    fn warnings(evaluation: &Evaluation) -> &[String] {
        &evaluation.warnings
    }

    fn table(all: &[Done]) -> String {
        summary::table(all)
    }

    fn json(all: &[Done]) -> String {
        summary::json(all)
    }

    fn section(index: usize, files: &Files, evaluation: &Evaluation, pictures: &Pictures) -> String {
        report::section(index, files, evaluation, pictures)
    }

    fn frame(all: &[Done]) -> Frame {
        report::frame(all)
    }
}

impl Heard {
    fn of(recording: &Recording) -> Heard {
        let (facts, context) = (recording.facts, recording.context.unwrap_or_default());
        let findings = match facts.seconds() {
            seconds if seconds < SHORTEST && !recording.silent => {
                let text = format!("too short to tell: {seconds:.2} s");
                vec![Finding { severity: Severity::Note, text }]
            }
            _ => context.findings(),
        };
        Heard { facts, context, findings }
    }
}
