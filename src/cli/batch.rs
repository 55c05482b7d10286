//! All files of one call: in parallel, reported in the order of the inputs.

use super::args::Enhance;
use super::enhance::{self, Failure, Options, Outcome};
use super::plan::{self, Job};
use super::{summary, usage};
use crate::engine::Monitor;
use crate::settings::Settings;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;

static STOP: AtomicBool = AtomicBool::new(false);

/// What became of each job, in order.
pub struct Done {
    /// The job.
    pub job: Job,
    /// Its result.
    pub result: Result<Outcome, Failure>,
}

/// Runs `attune enhance`.
pub fn run(args: &Enhance) -> ExitCode {
    let mut settings = args.preset.as_ref().map_or_else(Settings::default, |preset| preset.settings);
    for &(id, value) in &args.set {
        settings.set(id, value);
    }
    let monitor = if args.delta { Monitor::Delta } else { Monitor::Enhanced };
    let picture = args.report.is_some() || args.spectrogram.is_some();
    let options = Options { settings, latency: args.latency.into(), monitor, picture };
    let jobs = match plan::plan(args) {
        Ok(jobs) => jobs,
        Err(message) => return usage(&message),
    };
    if let Err(error) = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed)) {
        eprintln!("warning: Ctrl-C will not clean up ({error})");
    }

    let folders = Folders::default();
    let mut all = Vec::new();
    work(&jobs, args, &options, &folders, |job, result| {
        if let Err(failure) = &result {
            eprintln!("error: {}", summary::describe(&job, failure));
        }
        all.push(Done { job, result });
    });
    if all.iter().any(|done| done.result.is_err()) {
        folders.remove_empty();
    }
    print!("{}", summary::table(&all));
    let failed = |failure: fn(&Failure) -> bool| all.iter().any(|done| done.result.as_ref().is_err_and(failure));
    if failed(|failure| *failure == Failure::Interrupted) {
        ExitCode::from(130)
    } else {
        ExitCode::from(u8::from(failed(|_| true)))
    }
}

/// Works on the jobs with several threads; `done` hears of them in order.
fn work(
    jobs: &[Job],
    args: &Enhance,
    options: &Options,
    folders: &Folders,
    mut done: impl FnMut(Job, Result<Outcome, Failure>),
) {
    let threads = args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from);
    let bars = MultiProgress::new();
    let total = bars.add(bar(jobs.len() as u64, "{msg} [{bar:30}] {pos}/{len} files"));
    total.set_message("Total");
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()) {
            let (sender, next, bars) = (sender.clone(), &next, &bars);
            scope.spawn(move || {
                while let Some((index, job)) = {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    jobs.get(i).map(|job| (i, job))
                } {
                    let bar = bars.insert_from_back(1, bar(0, "{msg} [{bar:30}] {percent}% {eta} left"));
                    bar.set_message(job.input.file_name().unwrap_or_default().to_string_lossy().into_owned());
                    let result = one(job, args, options, folders, &bar);
                    bar.finish_and_clear();
                    if sender.send((index, result)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut expected = 0;
        for (index, result) in results {
            total.inc(1);
            waiting.insert(index, result);
            while let Some(result) = waiting.remove(&expected) {
                bars.suspend(|| done(jobs[expected].clone(), result));
                expected += 1;
            }
        }
    });
    total.finish_and_clear();
}

fn one(job: &Job, args: &Enhance, options: &Options, folders: &Folders, bar: &ProgressBar) -> Result<Outcome, Failure> {
    if STOP.load(Ordering::Relaxed) {
        return Err(Failure::Interrupted);
    }
    if job.output.exists() && !args.force {
        enhance::check(&job.input, options)?;
        return Err(Failure::Output("exists already; add --force to overwrite it".into()));
    }
    folders.create(&job.output).map_err(|e| Failure::Output(super::encode::explain(&e)))?;
    enhance::enhance(&job.input, &job.output, options, &STOP, &|facts, frames| {
        bar.set_length(facts.frames.unwrap_or(0));
        bar.set_position(frames);
    })
}

fn bar(length: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style.progress_chars("=> "))
}

/// The folders that were made on the way, so that failed work leaves none behind.
#[derive(Default)]
struct Folders(Mutex<HashSet<PathBuf>>);

impl Folders {
    fn create(&self, file: &Path) -> std::io::Result<()> {
        let mut made = self.0.lock().unwrap_or_else(|e| e.into_inner());
        let missing = file.ancestors().skip(1).take_while(|p| !p.as_os_str().is_empty() && !p.exists());
        made.extend(missing.map(Path::to_owned).collect::<Vec<_>>());
        file.parent().filter(|p| !p.as_os_str().is_empty()).map_or(Ok(()), fs::create_dir_all)
    }

    fn remove_empty(&self) {
        let made = self.0.lock().unwrap_or_else(|e| e.into_inner());
        let mut made: Vec<_> = made.iter().collect();
        made.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
        for folder in made {
            // Not empty: something succeeded there.
            let _ = fs::remove_dir(folder);
        }
    }
}
