//! All files of one call: in parallel, reported in the order of the inputs.

use super::adapt::Adapt;
use super::args::Enhance;
use super::enhance::{self, Done, Facts, Failure, Options, Outcome, Picture, Progress};
use super::plan::{self, Job};
use super::report::Report;
use super::report::html::name;
use super::{encode, log, picture, print, summary, usage, workers};
use crate::engine::Monitor;
use crate::tuner::Goals;
use indicatif::ProgressBar;
use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

/// Runs `attune enhance`.
pub fn run(args: &Enhance) -> ExitCode {
    let monitor = if args.delta { Monitor::Delta } else { Monitor::Enhanced };
    let picture = args.report.is_some() || args.spectrogram.is_some();
    let adapt = args.adapt.map(|style| Adapt {
        style,
        goals: Goals(args.wishes.goal.clone()),
        locked: args.wishes.lock.iter().map(|id| id.spec().id.to_owned()).collect(),
        two_pass: args.two_pass,
        seed: 1,
    });
    let options = Options { settings: args.base.settings(), latency: args.latency.into(), monitor, picture, adapt };
    let jobs = match plan::plan(args) {
        Ok(jobs) => jobs,
        Err(message) => return usage(&message),
    };
    if args.spectrogram.is_some() && jobs.len() > 1 {
        return usage("--spectrogram draws one recording, but there are several inputs; use --report");
    }
    if args.log.is_some() && jobs.len() > 1 {
        return usage("--log follows one recording, but there are several inputs; enhance them one at a time");
    }
    if args.dry_run {
        return dry_run(&jobs, args, &options);
    }
    workers::stop_on_ctrl_c();
    let batch = Batch { jobs: &jobs, args, options: &options, folders: Folders::default(), report: None };
    batch.run()
}

/// The whole of one call.
struct Batch<'a> {
    jobs: &'a [Job],
    args: &'a Enhance,
    options: &'a Options,
    folders: Folders,
    report: Option<Report>,
}

impl Batch<'_> {
    fn run(mut self) -> ExitCode {
        if let Some(path) = &self.args.report {
            match self.folders.create(path).and_then(|()| Report::new(path)) {
                Ok(report) => self.report = Some(report),
                Err(error) => return usage(&format!("{}: {}", path.display(), encode::explain(&error))),
            }
        }
        let mut all = Vec::new();
        let threads = workers::threads(self.args.jobs);
        let one = |index, job: &Job, bar: &ProgressBar| self.one(index, job, bar);
        workers::work(
            self.jobs,
            threads,
            |job| name(&job.input),
            one,
            |job, result| {
                match &result {
                    Ok(outcome) => {
                        for warning in summary::warnings(outcome) {
                            eprintln!("warning: {}: {warning}", job.input.display());
                        }
                    }
                    Err(Failure::Interrupted) => {}
                    Err(failure) => eprintln!("error: {}", summary::describe(job, failure)),
                }
                all.push(Done { job: job.clone(), result });
            },
        );

        let interrupted = all.iter().any(|done| done.result.as_ref().is_err_and(|f| *f == Failure::Interrupted));
        let mut failed = all.iter().any(|done| done.result.is_err());
        if let (Some(report), false) = (self.report, interrupted) {
            let preset = self.args.base.preset.as_ref().map(|preset| preset.name.as_str());
            if let (Err(reason), Some(path)) = (report.finish(&all, preset, self.options), &self.args.report) {
                eprintln!("error: {}: {reason}", path.display());
                failed = true;
            }
        }
        if failed {
            self.folders.remove_empty();
        }
        if self.args.json {
            let _ = io::stderr().write_all(summary::table(&all).as_bytes());
            print(&summary::json(&all, self.args, self.options));
        } else {
            print(&(summary::table(&all) + &all.iter().map(summary::adapted).collect::<String>()));
        }
        if interrupted {
            let done = all.iter().filter(|done| done.result.is_ok()).count();
            eprintln!("interrupted: {done} of {} files were done; nothing half-written is left", all.len());
            return ExitCode::from(130);
        }
        ExitCode::from(u8::from(failed))
    }

    fn one(&self, index: usize, job: &Job, bar: &ProgressBar) -> Result<Outcome, Failure> {
        if workers::STOP.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted);
        }
        refuse_overwriting(job, self.args)?;
        self.folders.create(&job.output).map_err(|e| Failure::Output(encode::explain(&e)))?;
        let mut progress = show(bar, &job.input);
        let (outcome, picture) =
            enhance::enhance(&job.input, &job.output, self.options, &workers::STOP, &mut progress)?;
        if let Some(report) = &self.report {
            report
                .add(index, job, &outcome, &picture, self.options)
                .map_err(|e| Failure::Output(format!("the report {}", encode::explain(&e))))?;
        }
        if let Some(path) = &self.args.log {
            self.folders
                .create(path)
                .map_err(|e| encode::explain(&e))
                .and_then(|()| log::write(path, &job.input, &outcome, self.options))
                .map_err(|e| Failure::Output(format!("the log {} {e}", path.display())))?;
        }
        if let Some(path) = &self.args.spectrogram {
            self.spectrogram(path, &outcome, &picture)
                .map_err(|e| Failure::Output(format!("the picture {} {e}", path.display())))?;
        }
        Ok(outcome)
    }

    fn spectrogram(&self, path: &Path, outcome: &Outcome, picture: &Picture) -> Result<(), String> {
        let [Some(before), Some(after)] = picture.sides.each_ref().map(|side| side.spectrogram.as_ref()) else {
            return Ok(());
        };
        let titles = ["Before", if self.args.delta { "Removed" } else { "After" }];
        self.folders.create(path).map_err(|e| encode::explain(&e))?;
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = encode::temporary(folder).map_err(|e| encode::explain(&e))?;
        file.write_all(&picture::before_and_after([before, after], outcome.seconds(), titles))
            .map_err(|e| encode::explain(&e))?;
        encode::persist(file, path)
    }
}

/// Shows on a bar how far a file is.
pub fn show<'a>(bar: &'a ProgressBar, input: &'a Path) -> impl FnMut(Progress) + 'a {
    let mut shown = 0;
    move |progress| match progress {
        Progress::Learning(round, most) => {
            if round == 0 {
                bar.set_message(format!("{} (learning)", name(input)));
                bar.set_style(workers::style("{msg:32!} [{bar:30}] round {pos} of at most {len}"));
                bar.set_length(most);
            }
            bar.set_position(round);
        }
        Progress::Read(facts, frames) => {
            if frames == 0 {
                bar.set_message(name(input));
                bar.set_style(workers::style(workers::FILE));
                bar.set_length(facts.expected.unwrap_or(u64::MAX));
                bar.reset();
            }
            // Once a second of audio is enough.
            if frames - shown >= u64::from(facts.rate) {
                bar.set_position(frames);
                shown = frames;
            }
        }
    }
}

fn refuse_overwriting(job: &Job, args: &Enhance) -> Result<(), Failure> {
    if job.output.is_dir() {
        return Err(Failure::Output("can't be written: a folder of that name exists".into()));
    }
    if job.output.exists() && !args.force {
        return Err(Failure::Output("exists already; add --force to overwrite it".into()));
    }
    Ok(())
}

/// Checks the inputs and outputs and says what would be done.
fn dry_run(jobs: &[Job], args: &Enhance, options: &Options) -> ExitCode {
    let check = |job: &Job| -> Result<Facts, Failure> {
        let facts = enhance::check(&job.input, options)?;
        refuse_overwriting(job, args)?;
        let there = job.output.ancestors().skip(1).find(|p| p.as_os_str().is_empty() || p.exists());
        let there = there.filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        match fs::metadata(there) {
            Ok(metadata) if !metadata.is_dir() => {
                Err(Failure::Output(format!("can't be written: {} is not a folder", there.display())))
            }
            Ok(metadata) if metadata.permissions().readonly() => {
                Err(Failure::Output(encode::explain(&io::ErrorKind::PermissionDenied.into())))
            }
            Err(error) => Err(Failure::Output(encode::explain(&error))),
            Ok(_) => Ok(facts),
        }
    };
    let all: Vec<_> = jobs.iter().map(|job| (job.clone(), check(job))).collect();
    let mut text = String::new();
    for (job, facts) in &all {
        match facts {
            Ok(facts) => {
                let length = facts
                    .frames
                    .map_or_else(String::new, |n| format!(", {}", summary::length(n as f64 / f64::from(facts.rate))));
                text += &format!(
                    "would enhance {} ({}{length}) into {}\n",
                    job.input.display(),
                    summary::kind(facts),
                    job.output.display()
                );
            }
            Err(failure) => eprintln!("error: {}", summary::describe(job, failure)),
        }
    }
    if args.json {
        eprint!("{text}");
        print(&summary::json_dry(&all, args, options));
    } else {
        print(&text);
    }
    ExitCode::from(u8::from(all.iter().any(|(_, facts)| facts.is_err())))
}

/// The folders that were made on the way, so that failed work leaves none behind.
#[derive(Default)]
pub struct Folders(Mutex<HashSet<PathBuf>>);

impl Folders {
    /// Makes the folders that a file is to stand in.
    pub fn create(&self, file: &Path) -> io::Result<()> {
        let mut made = self.0.lock().unwrap_or_else(|e| e.into_inner());
        let missing = file.ancestors().skip(1).take_while(|p| !p.as_os_str().is_empty() && !p.exists());
        made.extend(missing.map(Path::to_owned).collect::<Vec<_>>());
        file.parent().filter(|p| !p.as_os_str().is_empty()).map_or(Ok(()), fs::create_dir_all)
    }

    /// Takes away those that nothing was written to.
    pub fn remove_empty(&self) {
        let made = self.0.lock().unwrap_or_else(|e| e.into_inner());
        let mut made: Vec<_> = made.iter().collect();
        made.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
        for folder in made {
            // One that is not empty stays: something succeeded there.
            let _ = fs::remove_dir(folder);
        }
    }
}
