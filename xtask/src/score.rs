//! `cargo xtask score`: `attune enhance` over a set, then `score.py` in a venv of its own.

use crate::{python, system};
use crate::{root, target};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

pub const HELP: &str = "\
The set is a folder with a manifest.json that lists items with their `noisy` and `clean` files and
`snr_db`. The measures are defined at the top of xtask/score.py. The last line on stdout is one JSON
object.

Examples:
  cargo xtask score --set ../shared/audio/dev --method spectral
  cargo xtask score --set ../shared/audio/dev --preset podcast --with reduction=9 --with dereverb=0
  cargo xtask score --set ../shared/audio/dev --preset transparent --clean";

/// The options of `cargo xtask score`.
#[derive(Args)]
pub struct Options {
    /// The set: a folder with a manifest.json
    #[arg(long, value_name = "DIR")]
    set: PathBuf,
    /// A denoise method: off, spectral or neural; everything else as in the preset or by default
    #[arg(long, value_name = "METHOD")]
    method: Option<String>,
    /// A preset's name or file. Left out: the default settings
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,
    /// Changes one setting on top of that; may be repeated
    #[arg(long, value_name = "ID=VALUE")]
    with: Vec<String>,
    /// Latency mode
    #[arg(long, value_enum, default_value_t = Latency::Studio)]
    latency: Latency,
    /// Enhances the clean files instead, and asks how much of them is left as it was
    #[arg(long)]
    clean: bool,
    /// Prints the JSON line only, with the scores of each file
    #[arg(long)]
    json: bool,
    /// How many processes at once. Left out: one per processor core
    #[arg(long, value_name = "N")]
    jobs: Option<u16>,
}

/// The name of the Python environment that scores.
pub const VENV: &str = "score-venv";
/// What is in it: pesq builds against the NumPy that is there. The two that give the scores are pinned.
pub const STEPS: [&[&str]; 2] = [
    &["numpy", "scipy", "soundfile", "soxr", "pystoi==0.4.1", "cython", "setuptools", "wheel"],
    &["--no-build-isolation", "pesq==0.0.4"],
];

#[derive(Clone, Copy, ValueEnum)]
enum Latency {
    Live,
    Studio,
}

impl Latency {
    fn name(self) -> &'static str {
        match self {
            Latency::Live => "live",
            Latency::Studio => "studio",
        }
    }
}

/// Runs the task.
pub fn run(options: &Options) -> Result<ExitCode> {
    let manifest = options.set.join("manifest.json");
    let inputs = inputs(&manifest, options.clean)?;
    let python = python::venv(VENV, &STEPS)?;

    let mut build = Command::new(env!("CARGO"));
    system::run(build.args(["build", "--release", "--quiet", "--package", "attune-audio"]).current_dir(root()))?;

    let run = target().join("score").join(options.run_name());
    if run.exists() {
        fs::remove_dir_all(&run).with_context(|| format!("can't empty {}", run.display()))?;
    }
    fs::create_dir_all(&run)?;
    let mut enhance = Command::new(target().join("release/attune"));
    enhance.arg("enhance").args(&inputs).arg("-o").arg(&run).args(["--latency", options.latency.name()]);
    if let Some(preset) = &options.preset {
        enhance.args(["--preset", preset]);
    }
    for setting in options.method.iter().map(|method| format!("method={method}")).chain(options.with.iter().cloned()) {
        enhance.args(["--set", &setting]);
    }
    if let Some(jobs) = options.jobs {
        enhance.args(["--jobs", &jobs.to_string()]);
    }
    // Its table of results isn't ours; what went wrong is on stderr.
    if !enhance.stdout(Stdio::null()).status().context("can't run attune")?.success() {
        bail!("`attune enhance` failed");
    }

    let mut score = Command::new(python);
    score.arg(root().join("xtask/score.py")).arg("--manifest").arg(&manifest).arg("--processed").arg(&run);
    for (wanted, flag) in [(options.clean, "--clean"), (options.json, "--json")] {
        if wanted {
            score.arg(flag);
        }
    }
    if let Some(jobs) = options.jobs {
        score.args(["--jobs", &jobs.to_string()]);
    }
    let scored = score.status().context("can't run Python")?.success();
    Ok(if scored { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Options {
    /// A folder name that says what was run, so that runs can be listened to side by side.
    fn run_name(&self) -> String {
        let preset = self.preset.as_deref().map(|preset| Path::new(preset).file_stem().unwrap_or_default());
        let mut parts = vec![preset.map_or("default".into(), |name| name.to_string_lossy().into_owned())];
        parts.extend(self.method.clone());
        parts.extend(self.with.iter().map(|setting| setting.replace(['/', '\\'], "_")));
        parts.push(self.latency.name().to_owned());
        parts.extend(self.clean.then(|| "clean".to_owned()));
        parts.join(" ")
    }
}

/// The files of the set that are to be enhanced.
fn inputs(manifest: &Path, clean: bool) -> Result<Vec<PathBuf>> {
    let text = fs::read_to_string(manifest).with_context(|| format!("can't read {}", manifest.display()))?;
    let parsed: serde_json::Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", manifest.display()))?;
    let key = if clean { "clean" } else { "noisy" };
    let files: Option<Vec<PathBuf>> = parsed["items"]
        .as_array()
        .and_then(|items| items.iter().map(|item| Some(manifest.with_file_name(item[key].as_str()?))).collect());
    match files {
        Some(files) if !files.is_empty() => Ok(files),
        _ => bail!("{}: no `items` with `{key}` files", manifest.display()),
    }
}
