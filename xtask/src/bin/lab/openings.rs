//! What the tuner's openings are worth on many recordings, and what can be known of these before much is heard.

use super::{audio, candidates, measures};
use anyhow::{Context as _, Result};
use attune::quality::{Context, EMBEDDING, Excerpt};
use attune::settings::Settings;
use attune::tuner;
use std::fs;
use std::path::Path;

/// How much is heard of a recording, s: the tuner begins early.
const HEARD: [f32; 4] = [2.0, 3.0, 4.0, 6.0];

/// The factory default and the openings around it.
pub fn all() -> Vec<Settings> {
    let base = Settings::default();
    [base].into_iter().chain(tuner::openings(&base).map(|(_, settings)| settings)).collect()
}

/// For each recording two files of f32 in SET/openings: `.contexts` (the embedding of so much of the input, heard
/// from its beginning) and `.measures` (`[output][STOI, ESTOI, LSD, level offset, level spread]`). What is there
/// already is kept.
pub fn write(set: &Path, jobs: usize) -> Result<()> {
    let items = audio::manifest(set)?;
    let folder = set.join("openings");
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    candidates::for_each(&items, jobs, |index, item| {
        if index % 50 == 0 {
            eprintln!("openings: {index} of {} recordings", items.len());
        }
        let file = folder.join(Path::new(&item.noisy).file_stem().context("no name")?);
        if file.with_extension("measures").exists() {
            return Ok(());
        }
        let (rate, input) = audio::read(&set.join(&item.noisy))?;
        let (_, clean) = audio::read(&set.join(&item.clean))?;
        let mut measured = Vec::new();
        for settings in all() {
            let output = audio::render(rate, &input, &settings)?;
            measured.extend(measures::floats(&clean[audio::preroll(rate)..], &output, rate));
        }
        let contexts = HEARD.into_iter().flat_map(|seconds| embedding(rate, &input, seconds));
        candidates::write_floats(&file.with_extension("contexts"), contexts)?;
        candidates::write_floats(&file.with_extension("measures"), measured)
    })
}

/// Without the pre-roll, as the tuner's first stretch has it.
fn embedding(rate: u32, input: &[f32], seconds: f32) -> [f32; EMBEDDING] {
    let to = ((seconds * rate as f32) as usize).min(input.len());
    let heard = &input[audio::preroll(rate).min(to / 4)..to];
    Context::of(&Excerpt::new(rate, heard), &[heard]).embedding()
}
