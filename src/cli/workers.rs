//! Many files at once, with progress, until done or interrupted.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

/// Whether the person asked to stop.
pub static STOP: AtomicBool = AtomicBool::new(false);

/// Makes Ctrl-C set [`STOP`].
pub fn stop_on_ctrl_c() {
    if let Err(error) = ctrlc::set_handler(|| STOP.store(true, Ordering::Relaxed)) {
        eprintln!("warning: Ctrl-C will not clean up ({error})");
    }
}

/// How many threads: as many as were asked for, or one per processor core.
pub fn threads(wanted: Option<u16>) -> usize {
    wanted.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), usize::from)
}

/// Does `one` to each job with several threads, under its name; `done` hears of the results in the order of the jobs.
pub fn work<J: Sync, R: Send>(
    jobs: &[J],
    threads: usize,
    name: impl Fn(&J) -> String + Sync,
    one: impl Fn(usize, &J, &ProgressBar) -> R + Sync,
    mut done: impl FnMut(&J, R),
) {
    let bars = MultiProgress::new();
    let total = bars.add(bar(jobs.len() as u64, "{msg:32!} [{bar:30}] {pos} of {len} files"));
    total.set_message("Total");
    let next = AtomicUsize::new(0);
    let (sender, results) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..threads.min(jobs.len()) {
            let (sender, next, bars, name, one) = (sender.clone(), &next, &bars, &name, &one);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { return };
                    let bar = bars.insert_from_back(1, bar(u64::MAX, FILE));
                    bar.set_message(name(job));
                    let result = one(index, job, &bar);
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
                bars.suspend(|| done(&jobs[expected], result));
                expected += 1;
            }
        }
    });
    total.finish_and_clear();
}

/// How a file's bar looks.
pub const FILE: &str = "{msg:32!} [{bar:30}] {percent:>3} %  {eta} left";

/// A bar of this look.
pub fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

fn bar(length: u64, template: &str) -> ProgressBar {
    ProgressBar::new(length).with_style(style(template))
}
