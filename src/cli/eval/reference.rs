//! One processed recording, and its input, measured against the clean reference.

use super::super::analysis::Analysis;
use super::plan::Trio;
use super::recording::{Facts, Recording};
use crate::quality::intrusive::{self, LONGEST_DELAY, Measures};
use indicatif::ProgressBar;
use std::path::Path;

/// Where lengths differ by more than this, a person should know, s.
const TOLERANCE: f64 = 0.1;

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

/// Evaluates one trio. The error is a reason that names the file; `None` when interrupted.
pub fn evaluate(trio: &Trio, picture: bool, bar: &ProgressBar) -> Result<Option<(Evaluation, Pictures)>, String> {
    let files = if trio.input.is_some() { 2 } else { 1 };
    bar.set_length(1 + 2 * files);
    bar.set_position(0);
    let Some(mut reference) = Recording::read(&trio.reference, picture)? else { return Ok(None) };
    bar.inc(1);
    let mut warnings = std::mem::take(&mut reference.warnings);
    if reference.silent() {
        warnings.push(format!("{}: the reference is silent: nothing to measure against", trio.reference.display()));
    }
    let mut measured = |path: &Path| -> Result<Option<(Compared, Analysis)>, String> {
        let Some(mut recording) = Recording::read(path, picture)? else { return Ok(None) };
        bar.inc(1);
        warnings.append(&mut recording.warnings);
        let compared = compare(&reference, &recording);
        let remarks = remarks(&reference, &recording, &compared).into_iter();
        warnings.extend(remarks.map(|remark| format!("{}: {remark}", path.display())));
        bar.inc(1);
        Ok(Some((compared, recording.analysis)))
    };
    let Some((processed, processed_picture)) = measured(&trio.processed)? else { return Ok(None) };
    let (mut input, mut input_picture) = (None, None);
    if let Some(path) = &trio.input {
        let Some((compared, analysis)) = measured(path)? else { return Ok(None) };
        (input, input_picture) = (Some(compared), Some(analysis));
    }
    let evaluation = Evaluation { reference: reference.facts, processed, input, warnings };
    let pictures = Pictures { reference: reference.analysis, processed: processed_picture, input: input_picture };
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

fn remarks(reference: &Recording, recording: &Recording, compared: &Compared) -> Vec<String> {
    let mut remarks = Vec::new();
    let (wanted, facts, measures) = (&reference.facts, &recording.facts, &compared.measures);
    if recording.silent() {
        remarks.push("is silent".to_owned());
    } else if measures.si_sdr.is_some() && measures.stoi.is_none() {
        remarks.push("STOI needs 0.4 s of speech in the reference, and there is less".to_owned());
    }
    if facts.rate != wanted.rate {
        remarks.push(format!("has {} Hz and was resampled to the reference's {} Hz", facts.rate, wanted.rate));
    }
    if compared.delay.abs() > 0.99 * LONGEST_DELAY {
        remarks.push("may be delayed by more than can be found (100 ms); align the files first".to_owned());
    }
    let missing = wanted.seconds() - (facts.seconds() - compared.delay);
    if missing.abs() > TOLERANCE {
        let (much, what) = (missing.abs(), if missing > 0.0 { "before" } else { "after" });
        remarks.push(format!("ends {much:.1} s {what} the reference; only what both have is measured"));
    }
    remarks
}
