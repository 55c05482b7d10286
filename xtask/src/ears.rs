//! `cargo xtask train-score` and `check-score`: what runs after what. The steps themselves are the
//! programs in `xtask/ears` and `lab`.

use crate::{python, root, system, target};
use anyhow::Result;
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

pub const TRAIN_HELP: &str = "\
Makes recordings with known problems from the materials of the `train` split, learns from one part of
them what clean speech lies under a recording, renders another part through many settings, scores every
output against the clean reference, and fits the score to the differences; and fits to both parts what the
tuner may expect of its openings. Takes a few hours; a run that was stopped goes on where it was. Writes
assets/score/*.safetensors and the numbers for their card.

Example:
  cargo xtask train-score --materials ../shared/audio/materials";

pub const CHECK_HELP: &str = "\
Makes recordings from the materials of the `check` split, renders each through many settings, and asks
whether the score ranks them as the clean reference does. Plots go to target/ears/check. The last line on
stdout is one JSON object:
  rank_corr           mean rank correlation with true quality within a recording
  gap_closed          true gain of the settings picked, as a share of what the best would gain, over the
                      factory default
  worse_share         share of recordings whose pick is worse than the default by more than 0.05
  adversaries_fooled  how many spoiled outputs score above the honest ones they were made from
  files               number of recordings

Example:
  cargo xtask check-score --materials ../shared/audio/materials";

pub const CONTEXT_HELP: &str = "\
The set is a folder with a manifest.json: one of those that the commands above leave in target/ears, or
any whose items have `noisy` and `clean` files. What the manifest knows is compared.

Example:
  cargo xtask check-context --set ../shared/audio/dev";

/// The options of `cargo xtask check-context`.
#[derive(Args)]
pub struct Set {
    /// A folder with a manifest.json
    #[arg(long, value_name = "DIR")]
    set: PathBuf,
}

/// The options of `cargo xtask train-score` and `check-score`.
#[derive(Args)]
pub struct Options {
    /// Clean speech, noises and rooms: a folder with a manifest.json
    #[arg(long, value_name = "DIR", default_value = "../shared/audio/materials")]
    materials: PathBuf,
    /// How many recordings to judge settings on
    #[arg(long, value_name = "N")]
    recordings: Option<usize>,
    /// Starts from nothing
    #[arg(long)]
    fresh: bool,
    /// How many processes at once
    #[arg(long, value_name = "N", default_value_t = std::thread::available_parallelism().map_or(1, usize::from))]
    jobs: usize,
}

/// What is in the Python environment.
pub const STEPS: [&[&str]; 2] = [
    &[
        "numpy==2.4.6",
        "scipy==1.17.1",
        "soundfile==0.14.0",
        "soxr==1.1.0",
        "pyloudnorm==0.2.0",
        "pyroomacoustics==0.10.1",
        "jax==0.10.2",
        "optax==0.2.8",
        "lightgbm==4.7.0",
        "safetensors==0.8.0",
        "matplotlib==3.11.2",
        "cython==3.3.1",
        "setuptools==65.5.0",
        "wheel==0.48.0",
    ],
    &["--no-build-isolation", "pesq==0.0.4"],
];

/// The name of that environment.
pub const VENV: &str = "ears-venv";

/// Where the weights live in the repository.
fn assets() -> PathBuf {
    root().join("assets/score")
}

/// What the steps share.
struct Workshop<'a> {
    options: &'a Options,
    python: PathBuf,
    lab: PathBuf,
}

impl Workshop<'_> {
    fn open(options: &Options) -> Result<Workshop<'_>> {
        Ok(Workshop { options, python: python::venv(VENV, &STEPS)?, lab: lab()? })
    }

    /// A folder under target/ears, emptied if all starts anew.
    fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = target().join("ears").join(name);
        if self.options.fresh && folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    fn script(&self, name: &str) -> Command {
        script(&self.python, name)
    }

    /// Recordings of a split, unless they are there.
    fn mixtures(&self, set: &Path, split: &str, seed: &str, count: usize) -> Result<()> {
        if set.join("manifest.json").exists() {
            return Ok(());
        }
        eprintln!("making {count} recordings in {}", set.display());
        let mut command = self.script("mixtures.py");
        command.arg("--materials").arg(&self.options.materials).arg("--out").arg(set);
        command.args(["--split", split, "--seed", seed, "--count", &count.to_string(), "--jobs", &self.jobs()]);
        system::run(&mut command)
    }

    /// PESQ of every output.
    fn labels(&self, set: &Path, which: &[&str]) -> Result<()> {
        let mut command = self.script("labels.py");
        command.arg("--set").arg(set).arg("--lab").arg(&self.lab).args(which);
        system::run(command.args(["--jobs", &self.jobs()]))
    }

    /// Renders and hears every recording of a set, with what is learned so far.
    fn candidates(&self, set: &Path, sample: &[&str], weights: &Path) -> Result<()> {
        let mut command = Command::new(&self.lab);
        command.arg("candidates").arg(set).args(sample).arg("--weights").arg(weights);
        system::run(command.args(["--jobs", &self.jobs()]))
    }

    /// What the tuner's openings are worth on every recording of a set.
    fn openings(&self, set: &Path) -> Result<()> {
        let mut command = Command::new(&self.lab);
        command.arg("openings").arg(set).arg("--weights").arg(assets());
        system::run(command.args(["--jobs", &self.jobs()]))?;
        self.labels(set, &["--openings"])
    }

    fn jobs(&self) -> String {
        self.options.jobs.to_string()
    }
}

/// Which settings are tried on each recording. The score learns of what the tuner tries most, and is checked on what a
/// person might ask for.
const TRAINING: [&str; 5] = ["--settings", "24", "--seed", "1", "--around-openings"];
const CHECKING: [&str; 4] = ["--settings", "48", "--seed", "1000000"];

/// One of the programs in `xtask/ears`; what it says goes to stderr.
pub fn script(python: &Path, name: &str) -> Command {
    let mut command = Command::new(python);
    command.arg(root().join("xtask/ears").join(name)).stdout(std::io::stderr());
    command
}

/// The program `lab`, built.
pub fn lab() -> Result<PathBuf> {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--quiet", "--package", "xtask", "--features", "lab", "--bin", "lab"]);
    system::run(build.current_dir(root()))?;
    Ok(target().join("release/lab"))
}

/// Shows how well the context is estimated.
pub fn context(set: &Set) -> Result<ExitCode> {
    system::run(Command::new(lab()?).arg("context").arg(&set.set))?;
    Ok(ExitCode::SUCCESS)
}

/// Trains the score.
pub fn train(options: &Options) -> Result<ExitCode> {
    let workshop = Workshop::open(options)?;
    let (net, set) = (workshop.folder("net")?, workshop.folder("train")?);
    fs::create_dir_all(assets())?;

    workshop.mixtures(&net, "train", "2", 3000)?;
    let reference = net.join("pseudo-reference.safetensors");
    if !reference.exists() {
        system::run(Command::new(&workshop.lab).arg("levels").arg(&net))?;
        system::run(workshop.script("reference.py").arg("--set").arg(&net).arg("--out").arg(&reference))?;
    }
    fs::copy(&reference, assets().join("pseudo-reference.safetensors"))?;

    workshop.mixtures(&set, "train", "1", options.recordings.unwrap_or(2000))?;
    workshop.labels(&set, &[&TRAINING[..], &["--consistent"]].concat())?;
    workshop.candidates(&set, &TRAINING, &net)?;
    system::run(workshop.script("fit.py").arg("--set").arg(&set).arg("--out").arg(assets()))?;

    let mut prior = workshop.script("prior.py");
    for set in [&set, &net] {
        workshop.openings(set)?;
        prior.arg("--set").arg(set);
    }
    system::run(prior.arg("--out").arg(assets()))?;
    Ok(ExitCode::SUCCESS)
}

/// Checks the score.
pub fn check(options: &Options) -> Result<ExitCode> {
    let workshop = Workshop::open(options)?;
    let set = workshop.folder("check")?;
    workshop.mixtures(&set, "check", "1", options.recordings.unwrap_or(160))?;
    workshop.labels(&set, &CHECKING)?;
    // Heard anew: the score may be another one.
    if set.join("candidates").exists() {
        fs::remove_dir_all(set.join("candidates"))?;
    }
    workshop.candidates(&set, &CHECKING, &assets())?;
    let mut adversaries = Command::new(&workshop.lab);
    system::run(
        adversaries.arg("adversaries").arg(&set).arg("--weights").arg(assets()).args(["--jobs", &workshop.jobs()]),
    )?;
    let mut command = workshop.script("check.py");
    system::run(command.arg("--set").arg(&set).stdout(std::process::Stdio::inherit()))?;
    Ok(ExitCode::SUCCESS)
}
