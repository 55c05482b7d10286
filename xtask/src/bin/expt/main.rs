//! experiment
#![allow(dead_code, missing_docs)]
#[path = "../lab/audio.rs"]
mod audio;
#[path = "../lab/candidates.rs"]
mod candidates;
#[path = "../lab/measures.rs"]
mod measures;
#[path = "../lab/sample.rs"]
mod sample;
mod search;
use anyhow::{Context, Result};
use attune::quality::Ears;
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
#[derive(Parser)]
struct Cli { #[command(subcommand)] task: Task }
#[derive(Subcommand)]
enum Task {
    Causal { set: PathBuf, #[arg(long)] weights: PathBuf, #[arg(long)] ids: PathBuf, #[arg(long)] variant: Vec<String>, #[arg(long)] out: PathBuf },
    Search { set: PathBuf, #[arg(long)] weights: PathBuf, #[arg(long)] ids: PathBuf, #[arg(long)] variant: Vec<String> },
}
fn main() -> Result<()> {
    match Cli::parse().task {
        Task::Causal { set, weights, ids, variant, out } => {
            let ids: Vec<String> = serde_json::from_str(&std::fs::read_to_string(ids)?)?;
            search::causal(&set, Box::leak(Box::new(ears(&weights)?)), &ids, &variant, &out, 2)
        }
        Task::Search { set, weights, ids, variant } => {
            let ids: Vec<String> = serde_json::from_str(&std::fs::read_to_string(ids)?)?;
            search::run(&set, Box::leak(Box::new(ears(&weights)?)), &ids, &variant, 2)
        }
    }
}
fn ears(weights: &Path) -> Result<Ears> {
    let read = |name: &str| { let path = weights.join(name); std::fs::read(&path).with_context(|| format!("can't read {}", path.display())) };
    Ok(Ears::load(&read("pseudo-reference.safetensors")?, read("score.safetensors").ok().as_deref())?)
}
