//! Against a clean reference: one processed recording, and its input.

mod columns;
mod plots;
mod report;
mod summary;

use super::super::analysis::Analysis;
use super::compare::{self, Change, remarks};
use super::plan::Files;
use super::recording::{Facts, Recording, Wanted};
use super::{Evaluated, Frame, Mode};
use crate::quality::intrusive::{self, Measures};
use indicatif::ProgressBar;
use std::path::Path;

/// The mode.
pub struct Against;

type Done = super::Done<Evaluation>;

impl Mode for Against {
    type Evaluation = Evaluation;
    type Pictures = Pictures;

    fn evaluate(files: &Files, picture: bool, bar: &ProgressBar) -> Evaluated<Against> {
        evaluate(files, picture, bar)
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

/// A recording and how it compares with its reference.
#[derive(Clone, Copy, Debug)]
pub struct Compared {
    /// The recording.
    pub facts: Facts,
    /// By how much it is later than the reference, s.
    pub delay: f64,
    /// The measures, the delay taken out.
    pub measures: Measures,
}

/// All of one trio.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The clean recording.
    pub reference: Facts,
    /// What came out.
    pub processed: Compared,
    /// What went in, where that was asked for.
    pub input: Option<Compared>,
    /// What was done to it, as far as that is heard without the reference.
    pub change: Option<Change>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// What a report draws of the same three.
pub struct Pictures {
    /// The clean recording.
    pub reference: Analysis,
    /// What came out.
    pub processed: Analysis,
    /// What went in, where that was asked for.
    pub input: Option<Analysis>,
}

fn evaluate(files: &Files, picture: bool, bar: &ProgressBar) -> Evaluated<Against> {
    let Some(path) = &files.reference else { return Err(format!("{}: has no reference", files.name)) };
    bar.set_length(if files.input.is_some() { 6 } else { 3 });
    bar.set_position(0);
    let wanted = Wanted { mono: true, picture, ..Wanted::default() };
    let Some(mut reference) = Recording::read(path, wanted, |_| {})? else { return Ok(None) };
    bar.inc(1);
    let mut warnings = std::mem::take(&mut reference.warnings);
    if reference.silent {
        warnings.push(format!("{}: the reference is silent: nothing to measure against", path.display()));
    }
    let mut measured = |path: &Path| -> Result<Option<(Compared, Recording)>, String> {
        let Some(mut recording) = Recording::read(path, wanted, |_| {})? else { return Ok(None) };
        bar.inc(1);
        warnings.append(&mut recording.warnings);
        let compared = compare(&reference, &recording);
        let remarks = remarks(&reference, "reference", &recording, compared.delay);
        let remarks = faults(&recording, &compared).into_iter().chain(remarks);
        warnings.extend(remarks.map(|remark| format!("{}: {remark}", path.display())));
        bar.inc(1);
        Ok(Some((compared, recording)))
    };
    let Some((processed, mut output)) = measured(&files.processed)? else { return Ok(None) };
    let mut input = None;
    if let Some(path) = &files.input {
        let Some(found) = measured(path)? else { return Ok(None) };
        input = Some(found);
    }
    reference.mono = Vec::new();
    let mut change = None;
    if let Some((_, input)) = &mut input {
        let Some(found) = compare::compare(input, &mut output, |_| {}) else { return Ok(None) };
        change = Some(found);
        bar.inc(1);
    }
    let (input, input_picture) = input.map(|(compared, recording)| (compared, recording.analysis)).unzip();
    let evaluation = Evaluation { reference: reference.facts, processed, input, change, warnings };
    let pictures = Pictures { reference: reference.analysis, processed: output.analysis, input: input_picture };
    Ok(Some((evaluation, pictures)))
}

fn compare(reference: &Recording, recording: &Recording) -> Compared {
    let rate = reference.facts.rate;
    let samples = intrusive::resample(&recording.mono, recording.facts.rate, rate);
    let delay = intrusive::delay(&reference.mono, &samples, rate);
    let (clean, processed) = intrusive::aligned(&reference.mono, &samples, delay);
    let measures = intrusive::measure(clean, processed, rate);
    Compared { facts: recording.facts, delay: delay as f64 / f64::from(rate), measures }
}

fn faults(recording: &Recording, compared: &Compared) -> Option<String> {
    let measures = &compared.measures;
    if recording.silent {
        Some("is silent".to_owned())
    } else if measures.si_sdr.is_some() && measures.stoi.is_none() {
        Some("STOI needs 0.4 s of speech in the reference, and there is less".to_owned())
    } else {
        None
    }
}
