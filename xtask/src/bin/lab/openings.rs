//! What the tuner's openings are worth on many recordings, and what can be known of these before much is heard.

use super::{audio, candidates, measures};
use anyhow::{Context as _, Result};
use attune::quality::{Audition, Ears, IMPRESSION};
use attune::settings::Settings;
use attune::tuner;
use std::fs;
use std::path::Path;

/// What is heard of a recording, from and to, s: the tuner begins early, and again after a change.
const HEARD: [(f32, f32); 12] = [
    (0.0, 1.0),
    (0.0, 2.0),
    (0.0, 3.0),
    (0.0, 4.5),
    (0.0, 6.0),
    (1.0, 2.0),
    (2.0, 4.0),
    (3.5, 5.5),
    (1.5, 4.5),
    (3.0, 6.0),
    (2.0, 6.0),
    (1.5, 7.5),
];

/// The factory default and the openings around it.
pub fn all() -> Vec<Settings> {
    let base = Settings::default();
    [base].into_iter().chain(tuner::openings(&base).map(|(_, settings)| settings)).collect()
}

/// For each recording two files of f32 in SET/openings: `.heard` (what the ears hear of the factory default on parts of
/// the input: `[part][impression]`) and `.measures` (`[output][STOI, ESTOI, LSD, level offset, level spread]`). What is
/// there already is kept.
pub fn write(set: &Path, ears: &Ears, jobs: usize) -> Result<()> {
    let items = audio::manifest(set)?;
    let folder = set.join("openings");
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    candidates::for_each(&items, jobs, |index, item| {
        if index % 50 == 0 {
            eprintln!("openings: {index} of {} recordings", items.len());
        }
        let file = folder.join(Path::new(&item.noisy).file_stem().context("no name")?);
        let (heard, measured) = (file.with_extension("heard"), file.with_extension("measures"));
        if heard.exists() && measured.exists() {
            return Ok(());
        }
        let (rate, input) = audio::read(&set.join(&item.noisy))?;
        let (_, clean) = audio::read(&set.join(&item.clean))?;
        let outputs = all().into_iter().map(|settings| audio::render_all(rate, &input, &settings));
        let outputs = outputs.collect::<Result<Vec<_>>>()?;
        let impressions = HEARD.into_iter().flat_map(|part| impression(ears, rate, &input, &outputs[0], part));
        candidates::write_floats(&heard, impressions)?;
        let from = audio::preroll(rate);
        let measures = outputs.iter().flat_map(|output| measures::floats(&clean[from..], &output[from..], rate));
        candidates::write_floats(&measured, measures)
    })
}

/// What came before it is the engine's pre-roll.
fn impression(ears: &Ears, rate: u32, input: &[f32], output: &[f32], part: (f32, f32)) -> [f32; IMPRESSION] {
    let [input, output] = [input, output].map(|samples| audio::part(rate, samples, part));
    let audition = Audition::new(ears, rate, input);
    audition.impression(&audition.hear(output).features)
}
