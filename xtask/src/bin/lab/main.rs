//! What the training of the score needs from the engine and the ears, as fast as they are: renders
//! recordings through many settings, and measures what came out. `cargo xtask train-score` and
//! `check-score` run it.

mod audio;
mod sample;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use std::io::Write;
use std::path::PathBuf;

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
        /// How many settings
        #[arg(long)]
        settings: usize,
        /// Which settings
        #[arg(long)]
        seed: u64,
    },
}

fn main() -> Result<()> {
    match Cli::parse().task {
        Task::Render { file, settings, seed } => {
            let (rate, input) = audio::read(&file)?;
            if input.len() <= audio::preroll(rate) {
                bail!("{}: shorter than the pre-roll", file.display());
            }
            let mut out = std::io::stdout().lock();
            for settings in sample::settings(settings, seed) {
                for sample in audio::render(rate, &input, &settings)? {
                    out.write_all(&sample.to_le_bytes())?;
                }
            }
            Ok(out.flush()?)
        }
    }
}
