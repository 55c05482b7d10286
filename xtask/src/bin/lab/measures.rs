//! What an output is worth beside its clean reference.

use super::audio;
use anyhow::{Result, bail};
use attune::quality::intrusive;
use std::path::{Path, PathBuf};

/// STOI, ESTOI, LSD, level offset, level spread; `None` where there is nothing to measure.
pub fn of(clean: &[f32], output: &[f32], rate: u32) -> [Option<f64>; 5] {
    let intelligibility = intrusive::stoi(clean, output, rate);
    let level = intrusive::level_error(clean, output, rate);
    [
        intelligibility.map(|i| i.stoi),
        intelligibility.map(|i| i.estoi),
        intrusive::lsd(clean, output, rate),
        level.map(|l| l.offset),
        level.map(|l| l.spread),
    ]
}

/// The same for a file of f32: NaN where there is nothing to measure.
pub fn floats(clean: &[f32], output: &[f32], rate: u32) -> [f32; 5] {
    of(clean, output, rate).map(|measure| measure.unwrap_or(f64::NAN) as f32)
}

/// Part of a recording: from which second to which.
pub type Part = (f64, f64);

/// Reads `FROM:TO`.
pub fn part(text: &str) -> Result<Part, String> {
    let part = text.split_once(':').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    part.filter(|(from, to)| from < to).ok_or_else(|| "write it as FROM:TO, in seconds".to_owned())
}

/// Prints the measures of each output, a line each, for each part.
pub fn print(clean: &Path, outputs: &[PathBuf], parts: &[Part]) -> Result<()> {
    let (rate, clean) = audio::read(clean)?;
    let cut = |samples: &[f32], (from, to): Part| {
        let [from, to] = [from, to].map(|second| (second * f64::from(rate)) as usize);
        samples[from.min(samples.len())..to.min(samples.len())].to_vec()
    };
    for file in outputs {
        let (output_rate, output) = audio::read(file)?;
        if (output_rate, output.len()) != (rate, clean.len()) {
            bail!("{}: not of the reference's rate and length", file.display());
        }
        let rows: Vec<_> = parts.iter().map(|&part| of(&cut(&clean, part), &cut(&output, part), rate)).collect();
        println!("{}", serde_json::to_string(&rows)?);
    }
    Ok(())
}
