//! `attune eval`: how good is what came out, or what is wrong with what there is?

mod compare;
mod listening;
mod plan;
mod recording;
mod reference;
mod report;
mod tables;

use super::args::Eval;
use super::batch::Folders;
use super::report::Pages;
use super::{encode, print, usage, workers};
use indicatif::ProgressBar;
use plan::{Files, Job};
use std::io::{self, Write};
use std::process::ExitCode;

/// A way to evaluate: against a reference, or by listening alone.
trait Mode {
    /// What becomes known of one job.
    type Evaluation: Send;
    /// What a report draws of it.
    type Pictures;

    /// Evaluates one job. The error is a reason that names the file; `None` when interrupted.
    fn evaluate(files: &Files, picture: bool, bar: &ProgressBar) -> Evaluated<Self>;
    /// What a person should know.
    fn warnings(evaluation: &Self::Evaluation) -> &[String];
    /// All results as tables.
    fn table(all: &[Done<Self::Evaluation>]) -> String;
    /// All results for programs.
    fn json(all: &[Done<Self::Evaluation>]) -> String;
    /// The section of a job in the report.
    fn section(index: usize, files: &Files, evaluation: &Self::Evaluation, pictures: &Self::Pictures) -> String;
    /// What stands around the sections.
    fn frame(all: &[Done<Self::Evaluation>]) -> Frame;
}

/// What [`Mode::evaluate`] comes to.
type Evaluated<M> = Result<Option<(<M as Mode>::Evaluation, <M as Mode>::Pictures)>, String>;

/// What stands around the sections of a report.
struct Frame {
    /// What was done to all files, after their names.
    lead: &'static str,
    /// HTML before the sections.
    overview: String,
    /// Where the measures come from.
    sources: &'static str,
}

/// A job and what became of it.
pub struct Done<E> {
    /// What it is called.
    pub name: String,
    /// The files, where none is missing.
    pub files: Option<Files>,
    /// What was found; without it, the job failed, or was interrupted.
    pub result: Result<E, Failure>,
}

/// Why nothing was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A reason that names the file.
    Reason(String),
    /// The person asked to stop.
    Interrupted,
}

/// Runs `attune eval`.
pub fn run(args: &Eval) -> ExitCode {
    match plan::plan(args) {
        Ok(jobs) if args.reference.is_some() || args.manifest.is_some() => all::<reference::Against>(args, &jobs),
        Ok(jobs) => all::<listening::Listening>(args, &jobs),
        Err(message) => usage(&message),
    }
}

fn all<M: Mode>(args: &Eval, jobs: &[Job]) -> ExitCode {
    let folders = Folders::default();
    let mut pages = None;
    if let Some(path) = &args.report {
        match folders.create(path).and_then(|()| Pages::new(path)) {
            Ok(begun) => pages = Some(begun),
            Err(error) => return usage(&format!("{}: {}", path.display(), encode::explain(&error))),
        }
    }
    workers::stop_on_ctrl_c();
    let mut all: Vec<Done<M::Evaluation>> = Vec::new();
    let one = |index, job: &Job, bar: &_| evaluate::<M>(index, job, pages.as_ref(), bar);
    let name = |job: &Job| job.as_ref().map_or_else(|(name, _)| name.clone(), |files| files.name.clone());
    workers::work(jobs, workers::threads(args.jobs), name, one, |job, result| {
        match &result {
            Ok(evaluation) => M::warnings(evaluation).iter().for_each(|warning| eprintln!("warning: {warning}")),
            Err(Failure::Reason(reason)) => eprintln!("error: {reason}"),
            Err(Failure::Interrupted) => {}
        }
        all.push(Done { name: name(job), files: job.as_ref().ok().cloned(), result });
    });
    let interrupted = all.iter().any(|done| matches!(done.result, Err(Failure::Interrupted)));
    let mut failed = all.iter().any(|done| done.result.is_err());
    if let (Some(pages), Some(path), false) = (pages, &args.report, interrupted)
        && let Err(reason) = report::finish(pages, &all, M::frame(&all))
    {
        eprintln!("error: {}: {reason}", path.display());
        failed = true;
    }
    if failed {
        folders.remove_empty();
    }
    if args.json {
        let _ = io::stderr().write_all(M::table(&all).as_bytes());
        print(&M::json(&all));
    } else {
        print(&M::table(&all));
    }
    if interrupted {
        return ExitCode::from(130);
    }
    ExitCode::from(u8::from(failed))
}

fn evaluate<M: Mode>(
    index: usize,
    job: &Job,
    pages: Option<&Pages>,
    bar: &ProgressBar,
) -> Result<M::Evaluation, Failure> {
    let files = job.as_ref().map_err(|(_, reason)| Failure::Reason(reason.clone()))?;
    let evaluation = M::evaluate(files, pages.is_some(), bar).map_err(Failure::Reason)?;
    let (evaluation, pictures) = evaluation.ok_or(Failure::Interrupted)?;
    if let Some(pages) = pages {
        pages
            .add(index, &M::section(index, files, &evaluation, &pictures))
            .map_err(|e| Failure::Reason(format!("the report {}", encode::explain(&e))))?;
    }
    Ok(evaluation)
}
