//! What was done, as a table and as JSON.

use super::batch::Done;
use super::enhance::Failure;
use super::plan::Job;
use std::fmt::Write;

/// Names the file and the reason.
pub fn describe(job: &Job, failure: &Failure) -> String {
    match failure {
        Failure::Input(reason) => format!("{}: {reason}", job.input.display()),
        Failure::Output(reason) => format!("{}: {reason}", job.output.display()),
        Failure::Interrupted => format!("{}: interrupted; nothing was written", job.input.display()),
    }
}

/// The table.
pub fn table(all: &[Done]) -> String {
    let mut text = String::new();
    for done in all {
        if let Ok(outcome) = &done.result {
            let _ = writeln!(
                text,
                "{} -> {} {:.1} s {:.0}x {:?}",
                done.job.input.display(),
                done.job.output.display(),
                outcome.seconds(),
                outcome.speed(),
                outcome.levels
            );
        }
    }
    text
}
