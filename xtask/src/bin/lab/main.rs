//! What the training and the checks need from the engine and the ears, as fast as they are: renders
//! recordings through many settings, and measures what came out. `cargo xtask train-score`,
//! `check-score` and `score-loop` run it.

mod adversary;
mod audio;
mod candidates;
mod context;
mod levels;
mod measures;
mod openings;
mod sample;

use anyhow::{Context, Result, bail};
use attune::quality::Ears;
use attune::settings::Settings;
use clap::{Parser, Subcommand};
use sample::Sample;
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Parser)]
#[command(name = "lab")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Renders one recording through many settings: f32 samples on stdout, one render after the other
    Render {
        /// A mono WAV file
        file: PathBuf,
        #[command(flatten)]
        sample: Sample,
    },
    /// The same through the factory default and the tuner's openings
    RenderOpenings {
        /// A mono WAV file
        file: PathBuf,
    },
    /// Renders a set through the tuner's openings and measures the outputs, into SET/openings
    Openings {
        /// A folder made by mixtures.py
        set: PathBuf,
        /// The folder of the trained weights
        #[arg(long)]
        weights: PathBuf,
        /// How many threads
        #[arg(long, default_value_t = 2)]
        jobs: usize,
    },
    /// Renders a set through many settings and measures the outputs, into SET/candidates
    Candidates {
        /// A folder made by mixtures.py
        set: PathBuf,
        #[command(flatten)]
        sample: Sample,
        /// The folder of the trained weights
        #[arg(long)]
        weights: PathBuf,
        /// How many threads
        #[arg(long, default_value_t = 2)]
        jobs: usize,
    },
    /// Scores spoiled outputs of a set, into SET/adversaries.json
    Adversaries {
        /// A folder made by mixtures.py
        set: PathBuf,
        /// The folder of the trained weights
        #[arg(long)]
        weights: PathBuf,
        /// How many threads
        #[arg(long, default_value_t = 2)]
        jobs: usize,
    },
    /// Prints the errors of what is estimated of the inputs of a set
    Context {
        /// A folder with a manifest.json
        set: PathBuf,
        /// How many threads
        #[arg(long, default_value_t = 2)]
        jobs: usize,
    },
    /// Prints settings to try, one a line, as `id=value` with spaces between
    Sample(Sample),
    /// Compares outputs with their clean reference: a line of JSON for each output, an array for each part,
    /// of STOI, ESTOI, LSD, level offset, level spread
    Measures {
        /// The clean reference, a mono WAV file
        clean: PathBuf,
        /// The outputs, each of the reference's rate and aligned with it
        #[arg(required = true)]
        outputs: Vec<PathBuf>,
        /// From which second to which; may be repeated
        #[arg(long, value_name = "FROM:TO", required = true, value_parser = measures::part)]
        part: Vec<measures::Part>,
    },
    /// Writes the band levels of a set's recordings, noisy and clean, to SET/levels.f32
    Levels {
        /// A folder made by mixtures.py
        set: PathBuf,
    },
}

fn main() -> Result<()> {
    match Cli::parse().task {
        Task::Render { file, sample } => render(&file, &sample.settings(0)),
        Task::RenderOpenings { file } => render(&file, &openings::all()),
        Task::Openings { set, weights, jobs } => openings::write(&set, &ears(&weights)?, jobs),
        Task::Candidates { set, sample, weights, jobs } => candidates::write(&set, &ears(&weights)?, &sample, jobs),
        Task::Adversaries { set, weights, jobs } => adversary::write(&set, &ears(&weights)?, jobs),
        Task::Context { set, jobs } => context::check(&set, jobs),
        Task::Sample(sample) => {
            sample.settings(0).iter().for_each(|settings| println!("{}", sample::text(settings)));
            Ok(())
        }
        Task::Measures { clean, outputs, part } => measures::print(&clean, &outputs, &part),
        Task::Levels { set } => levels::write(&set),
    }
}

/// What the settings make of a file, to stdout.
fn render(file: &Path, chosen: &[Settings]) -> Result<()> {
    let (rate, input) = audio::read(file)?;
    if input.len() <= audio::preroll(rate) {
        bail!("{}: shorter than the pre-roll", file.display());
    }
    let mut out = std::io::stdout().lock();
    for settings in chosen {
        for sample in audio::render(rate, &input, settings)? {
            out.write_all(&sample.to_le_bytes())?;
        }
    }
    Ok(out.flush()?)
}

/// What was trained so far: the score comes last.
fn ears(weights: &Path) -> Result<Ears> {
    let read = |name: &str| {
        let path = weights.join(name);
        std::fs::read(&path).with_context(|| format!("can't read {}", path.display()))
    };
    Ok(Ears::load(&read("pseudo-reference.safetensors")?, read("score.safetensors").ok().as_deref())?)
}
