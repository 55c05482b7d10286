//! `attune eval`: how good is what came out?

mod columns;
mod plan;
mod plots;
mod recording;
mod reference;
mod report;
mod summary;

use super::args::Eval;
use super::batch::Folders;
use super::{encode, print, usage, workers};
use plan::Job;
use reference::Evaluation;
use report::Report;
use std::io::{self, Write};
use std::process::ExitCode;

/// A job and what became of it. The error is a reason that names the file.
pub struct Done {
    /// What it is called.
    pub name: String,
    /// The files, where none is missing.
    pub trio: Option<plan::Trio>,
    /// What was measured; without it, the job failed, or was interrupted.
    pub result: Result<Evaluation, Failure>,
}

/// Why there are no measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A reason that names the file.
    Reason(String),
    /// The person asked to stop.
    Interrupted,
}

/// Runs `attune eval`.
pub fn run(args: &Eval) -> ExitCode {
    let jobs = match plan::plan(args) {
        Ok(jobs) => jobs,
        Err(message) => return usage(&message),
    };
    let folders = Folders::default();
    let mut report = None;
    if let Some(path) = &args.report {
        match folders.create(path).and_then(|()| Report::new(path)) {
            Ok(begun) => report = Some(begun),
            Err(error) => return usage(&format!("{}: {}", path.display(), encode::explain(&error))),
        }
    }
    workers::stop_on_ctrl_c();
    let mut all: Vec<Done> = Vec::new();
    let one = |index, job: &Job, bar: &_| evaluate(index, job, report.as_ref(), bar);
    let name = |job: &Job| job.as_ref().map_or_else(|(name, _)| name.clone(), |trio| trio.name.clone());
    workers::work(&jobs, workers::threads(args.jobs), name, one, |job, result| {
        match &result {
            Ok(evaluation) => evaluation.warnings.iter().for_each(|warning| eprintln!("warning: {warning}")),
            Err(Failure::Reason(reason)) => eprintln!("error: {reason}"),
            Err(Failure::Interrupted) => {}
        }
        all.push(Done { name: name(job), trio: job.as_ref().ok().cloned(), result });
    });
    let interrupted = all.iter().any(|done| matches!(done.result, Err(Failure::Interrupted)));
    let mut failed = all.iter().any(|done| done.result.is_err());
    if let (Some(report), Some(path), false) = (report, &args.report, interrupted)
        && let Err(reason) = report.finish(&all)
    {
        eprintln!("error: {}: {reason}", path.display());
        failed = true;
    }
    if failed {
        folders.remove_empty();
    }
    if args.json {
        let _ = io::stderr().write_all(summary::table(&all).as_bytes());
        print(&summary::json(&all));
    } else {
        print(&summary::table(&all));
    }
    if interrupted {
        return ExitCode::from(130);
    }
    ExitCode::from(u8::from(failed))
}

fn evaluate(
    index: usize,
    job: &Job,
    report: Option<&Report>,
    bar: &indicatif::ProgressBar,
) -> Result<Evaluation, Failure> {
    let trio = job.as_ref().map_err(|(_, reason)| Failure::Reason(reason.clone()))?;
    let evaluation = reference::evaluate(trio, report.is_some(), bar).map_err(Failure::Reason)?;
    let (evaluation, pictures) = evaluation.ok_or(Failure::Interrupted)?;
    if let Some(report) = report {
        report
            .add(index, trio, &evaluation, &pictures)
            .map_err(|e| Failure::Reason(format!("the report {}", encode::explain(&e))))?;
    }
    Ok(evaluation)
}
