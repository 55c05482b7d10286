//! `cargo xtask score-loop`: recordings by `mixtures.py`, then `loop.py`, which says what is compared.

use crate::{ears, python, root, system, target};
use anyhow::Result;
use clap::{Args, ValueEnum};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

pub const HELP: &str = "\
Makes recordings of 30 s with known problems, enhances them with `attune enhance` in every way that users
have, and scores what came out against the clean reference: untouched, the factory default, every preset,
`--adapt` (causal), `--adapt --two-pass`, and as a bound the oracle, of each recording the best of all of
these and of sampled settings. A sixth as many recordings change their problem halfway. A run that was
stopped goes on where it was. Plots and sounds go to target/ears/loop. The last line on stdout is one JSON object:
  untouched, default, best_preset, causal, two_pass, oracle
                     means of pesq, estoi, lsd and composite
  gap_closed_two_pass, gap_closed_causal
                     mean gain over the best preset in hindsight, as a share of the oracle's
  unharmed_share     share of files where neither --adapt is worse than the default by more than 0.05 PESQ
  median_iterations, median_converged_s
                     how many rounds and seconds of sound --adapt took to settle
  clean_loss         the largest loss of PESQ on clean speech, against untouched
  settled            of --adapt, the last third of the recordings
  after_change       in the 5 s from so many seconds after a change: gain in composite over the best preset, and
                     share of what the oracle gains over untouched, and of what two-pass on the rest alone gains
  files              number of recordings

Example:
  cargo xtask score-loop --set ../shared/audio/dev --materials ../shared/audio/materials";

/// The options of `cargo xtask score-loop`.
#[derive(Args)]
pub struct Options {
    /// Another set to score: a folder with a manifest.json; may be repeated
    #[arg(long, value_name = "DIR")]
    set: Vec<PathBuf>,
    /// Clean speech, noises and rooms: a folder with a manifest.json
    #[arg(long, value_name = "DIR", default_value = "../shared/audio/materials")]
    materials: PathBuf,
    /// Which of the materials: nothing was trained on those of `check`, and nothing may be tuned on them
    #[arg(long, value_enum, default_value_t = Split::Check)]
    split: Split,
    /// How many recordings to make
    #[arg(long, value_name = "N", default_value_t = 48)]
    recordings: usize,
    /// How many sampled settings the oracle may choose from
    #[arg(long, value_name = "N", default_value_t = 24)]
    settings: usize,
    /// Starts from nothing
    #[arg(long)]
    fresh: bool,
    /// How many processes at once
    #[arg(long, value_name = "N", default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    jobs: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Split {
    Train,
    Check,
}

impl Split {
    fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Check => "check",
        }
    }
}

/// Runs the task.
pub fn run(options: &Options) -> Result<ExitCode> {
    let python = python::venv(ears::VENV, &ears::STEPS)?;
    let lab = ears::lab()?;
    let mut build = Command::new(env!("CARGO"));
    system::run(build.args(["build", "--release", "--quiet", "--package", "attune-audio"]).current_dir(root()))?;

    let out = target().join("ears/loop").join(options.split.name());
    if options.fresh && out.exists() {
        fs::remove_dir_all(&out)?;
    }
    let kinds = out.join(format!("kinds-{}", options.recordings));
    options.mixtures(&python, &kinds, options.recordings, &[])?;
    let change = out.join(format!("change-{}", options.recordings));
    options.mixtures(&python, &change, (options.recordings / 6).max(1), &["--change"])?;

    let mut score = ears::script(&python, "loop.py");
    score.arg("--attune").arg(target().join("release/attune")).arg("--lab").arg(lab).arg("--out").arg(out);
    for set in [&kinds].into_iter().chain(&options.set) {
        score.arg("--set").arg(set);
    }
    score.arg("--change").arg(change).args(["--settings", &options.settings.to_string()]);
    system::run(score.args(["--jobs", &options.jobs.to_string()]).stdout(Stdio::inherit()))?;
    Ok(ExitCode::SUCCESS)
}

impl Options {
    /// Recordings of 30 s, unless they are there.
    fn mixtures(&self, python: &Path, set: &Path, count: usize, more: &[&str]) -> Result<()> {
        if set.join("manifest.json").exists() {
            return Ok(());
        }
        eprintln!("making {count} recordings in {}", set.display());
        let mut command = ears::script(python, "mixtures.py");
        command.arg("--materials").arg(&self.materials).arg("--out").arg(set).args(more);
        command.args(["--split", self.split.name(), "--seed", "5", "--seconds", "30"]);
        system::run(command.args(["--count", &count.to_string(), "--jobs", &self.jobs.to_string()]))
    }
}
