//! Outputs of many settings, as the ears hear them and as the clean reference judges them.

use super::sample::Sample;
use super::{audio, measures};
use anyhow::{Context, Result};
use attune::quality::{Audition, Ears, Take};
use attune::settings::Settings;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is heard of a recording, from and to, s: what is measured, and as little as the tuner has when it begins and in
/// each of its windows.
const HEARD: [(f32, f32); 5] = [(1.5, 7.5), (0.25, 1.0), (0.5, 2.0), (0.75, 3.0), (4.5, 7.5)];

/// For each recording five files of f32 in SET/candidates: `.context` (the embedding of the input: `[part]`), `.speech`
/// (how much there is, s: `[part]`), `.features` (`[part][output][feature]`), named in SET/features.json, `.scores`
/// (`[part][output][difference from the first, its sigma, 1 if vetoed]`), and `.measures` (`[output][STOI, ESTOI, LSD,
/// level offset, level spread]`). What is there already is kept, unless it was of other features.
pub fn write(set: &Path, ears: &Ears, sample: &Sample, jobs: usize) -> Result<()> {
    let items = audio::manifest(set)?;
    let folder = set.join("candidates");
    let names = serde_json::to_string(&attune::quality::feature_names())?;
    if fs::read_to_string(set.join("features.json")).is_ok_and(|kept| kept != names) && folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    fs::write(set.join("features.json"), names)?;
    for_each(&items, jobs, |index, item| {
        if index % 50 == 0 {
            eprintln!("outputs heard: {index} of {} recordings", items.len());
        }
        one(set, ears, item, &folder, &sample.settings(index))
    })
}

/// Works through the recordings in parallel.
pub fn for_each(
    items: &[audio::Item],
    jobs: usize,
    work: impl Fn(usize, &audio::Item) -> Result<()> + Sync,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let each = || -> Result<()> {
        while let Some((index, item)) =
            Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|i| Some((i, items.get(i)?)))
        {
            work(index, item)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(each)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
    })
}

fn one(set: &Path, ears: &Ears, item: &audio::Item, folder: &Path, settings: &[Settings]) -> Result<()> {
    let file = folder.join(Path::new(&item.noisy).file_stem().context("no name")?);
    if file.with_extension("measures").exists() {
        return Ok(());
    }
    let (rate, input) = audio::read(&set.join(&item.noisy))?;
    let (_, clean) = audio::read(&set.join(&item.clean))?;
    let outputs = settings.iter().map(|settings| audio::render_all(rate, &input, settings));
    let outputs = outputs.collect::<Result<Vec<_>>>()?;
    let (mut contexts, mut speech, mut features, mut scores) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for part in HEARD {
        let audition = Audition::new(ears, rate, audio::part(rate, &input, part));
        let takes: Vec<Take> = outputs.iter().map(|output| audition.hear(audio::part(rate, output, part))).collect();
        contexts.extend(audition.context.embedding());
        speech.push(audition.speech());
        features.extend(takes.iter().flat_map(|take| take.features));
        scores.extend(takes.iter().flat_map(|take| {
            let estimate = audition.difference(take, &takes[0]);
            [estimate.mean, estimate.sigma, f32::from(u8::from(take.veto.is_some()))]
        }));
    }
    write_floats(&file.with_extension("context"), contexts)?;
    write_floats(&file.with_extension("speech"), speech)?;
    write_floats(&file.with_extension("features"), features)?;
    write_floats(&file.with_extension("scores"), scores)?;
    let from = audio::preroll(rate);
    let measures = outputs.iter().flat_map(|output| measures::floats(&clean[from..], &output[from..], rate));
    write_floats(&file.with_extension("measures"), measures)
}

/// Writes a file of little-endian f32.
pub fn write_floats(path: &Path, floats: impl IntoIterator<Item = f32>) -> Result<()> {
    let bytes: Vec<u8> = floats.into_iter().flat_map(f32::to_le_bytes).collect();
    fs::write(path, bytes).with_context(|| format!("can't write {}", path.display()))
}
