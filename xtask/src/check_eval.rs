//! `cargo xtask check-eval`: `attune eval` against pystoi, by `check_eval.py`.

use crate::{python, root, score, system, target};
use anyhow::{Context, Result};
use clap::Args;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

pub const HELP: &str = "\
The set is a folder with a manifest.json that lists items with their `noisy` and `clean` files; the
noisy files stand in its folder `noisy`. What is compared is defined at the top of
xtask/check_eval.py. The last line on stdout is one JSON object.

Example:
  cargo xtask check-eval --set ../shared/audio/dev";

/// The options of `cargo xtask check-eval`.
#[derive(Args)]
pub struct Options {
    /// The set: a folder with a manifest.json
    #[arg(long, value_name = "DIR")]
    set: PathBuf,
}

/// Runs the task.
pub fn run(options: &Options) -> Result<ExitCode> {
    let python = python::venv(score::VENV, &score::STEPS)?;
    let mut build = Command::new(env!("CARGO"));
    system::run(build.args(["build", "--release", "--quiet", "--package", "attune-audio"]).current_dir(root()))?;
    let mut check = Command::new(python);
    check.arg(root().join("xtask/check_eval.py")).arg("--manifest").arg(options.set.join("manifest.json"));
    check.arg("--attune").arg(target().join("release/attune"));
    let agreed = check.status().context("can't run Python")?.success();
    Ok(if agreed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
