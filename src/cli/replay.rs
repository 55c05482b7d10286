//! A session again, from its log: does the same come out?

use super::args::Replay;
use super::enhance::{self, Failure, Options, Outcome};
use super::log::{self, Header, Input};
use super::plan::{Job, same};
use super::report::html::name;
use super::{batch, print, usage, workers};
use crate::quality::EMBEDDING_VERSION;
use std::path::Path;
use std::process::ExitCode;

/// Runs `attune replay`.
pub fn run(args: &Replay) -> ExitCode {
    let failed = |path: &Path, reason: &str| {
        eprintln!("error: {}: {reason}", path.display());
        ExitCode::from(1)
    };
    if let Some(output) = &args.output
        && let Err(message) = refuse(output, args)
    {
        return usage(&message);
    }
    let (header, logged) = match log::read(&args.log) {
        Ok(log) => log,
        Err(reason) => return failed(&args.log, &reason),
    };
    let options = match header.session.options() {
        Ok(options) => options,
        Err(reason) => return failed(&args.log, &format!("asks for what this Attune hasn't: {reason}")),
    };
    for warning in warnings(&header) {
        eprintln!("warning: {}: {warning}", args.log.display());
    }
    if let Err(reason) = check(args, &header.input, &options) {
        return failed(&args.input, &reason);
    }
    workers::stop_on_ctrl_c();
    match again(args, &options) {
        Ok(outcome) => verdict(&logged, &log::lines(&outcome)),
        Err(Failure::Input(reason)) => failed(&args.input, &reason),
        Err(Failure::Output(reason)) => {
            failed(args.output.as_deref().unwrap_or(Path::new("a temporary file")), &reason)
        }
        Err(Failure::Interrupted) => {
            eprintln!("interrupted: nothing half-written is left");
            ExitCode::from(130)
        }
    }
}

fn refuse(output: &Path, args: &Replay) -> Result<(), String> {
    let shown = output.display();
    if same(output, &args.input) || same(output, &args.log) {
        return Err(format!(
            "{shown}: is the input or the log and will not be overwritten; choose another name with -o"
        ));
    }
    if !output.extension().is_some_and(|e| e.eq_ignore_ascii_case("wav")) {
        return Err(format!("{shown}: the output is a WAV file, so its name must end in .wav"));
    }
    if output.is_dir() {
        return Err(format!("{shown}: is a folder; give the name of a file in it"));
    }
    if output.exists() && !args.force {
        return Err(format!("{shown}: exists already; add --force to overwrite it"));
    }
    Ok(())
}

/// Why the result may be another one.
fn warnings(header: &Header) -> Vec<String> {
    let mut all = Vec::new();
    if header.attune != log::VERSION {
        all.push(format!(
            "was written by Attune {}, and this is {}: the result may differ",
            header.attune,
            log::VERSION
        ));
    }
    if header.embedding != EMBEDDING_VERSION {
        all.push("was written by an Attune that listens in another way: the result may differ".into());
    }
    all
}

/// Whether it can be the recording of the log.
fn check(args: &Replay, logged: &Input, options: &Options) -> Result<(), String> {
    let facts = match enhance::check(&args.input, options) {
        Ok(facts) => facts,
        Err(Failure::Input(reason) | Failure::Output(reason)) => return Err(reason),
        Err(Failure::Interrupted) => return Ok(()),
    };
    let frames = facts.frames.unwrap_or(logged.frames);
    let now = Input { file: name(&args.input), rate: facts.rate, channels: facts.channels, frames };
    if (now.rate, now.channels, now.frames) != (logged.rate, logged.channels, logged.frames) {
        let (now, logged, file) = (now.shape(), logged.shape(), &logged.file);
        return Err(format!("is another recording ({now}) than the log's, {file} ({logged})"));
    }
    Ok(())
}

/// Enhances the recording once more, to the output if there is one.
fn again(args: &Replay, options: &Options) -> Result<Outcome, Failure> {
    let nowhere = tempfile::tempdir().map_err(|e| Failure::Output(super::encode::explain(&e)))?;
    let folders = batch::Folders::default();
    let output = args.output.clone().unwrap_or_else(|| nowhere.path().join("again.wav"));
    folders.create(&output).map_err(|e| Failure::Output(super::encode::explain(&e)))?;
    let jobs = [Job { input: args.input.clone(), output }];
    let mut result = Err(Failure::Interrupted);
    workers::work(
        &jobs,
        1,
        |job| name(&job.input),
        |_, job, bar| {
            enhance::enhance(&job.input, &job.output, options, &workers::STOP, &mut batch::show(bar, &job.input))
        },
        |_, outcome| result = outcome.map(|(outcome, _)| outcome),
    );
    if result.is_err() {
        folders.remove_empty();
    }
    result
}

/// Says whether all lines are the same, or which is the first that is not.
fn verdict(logged: &[String], now: &[String]) -> ExitCode {
    let count = logged.len().max(now.len());
    match (0..count).find(|&i| logged.get(i) != now.get(i)) {
        None => {
            let events = now.len().saturating_sub(1);
            print(&format!("the same: {events} event{}, output identical\n", if events == 1 { "" } else { "s" }))
        }
        Some(i) => {
            let [logged, now] = [logged, now].map(|lines| lines.get(i).map_or("nothing", String::as_str));
            // The header is line 1.
            print(&format!("not the same from line {} on\n  logged: {logged}\n  now:    {now}\n", i + 2));
            ExitCode::from(1)
        }
    }
}
