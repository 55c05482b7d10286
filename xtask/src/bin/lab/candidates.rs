//! Outputs of many settings, measured.

use super::{audio, sample};
use anyhow::{Context, Result};
use attune::quality::{Frames, intrusive};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Levels are stored in half decibels above -120 dB.
fn stored(level: f32) -> u8 {
    ((level + 120.0) * 2.0).round().clamp(0.0, 255.0) as u8
}

/// For each recording a file of levels (u8, `[input, reference, outputs..][frame][band]`) and one of
/// measures (f32, `[output][STOI, ESTOI, LSD, level offset, level spread]`).
pub fn write(set: &Path, count: usize, seed: u64, jobs: usize) -> Result<()> {
    let items = audio::manifest(set)?;
    let folder = set.join("candidates");
    fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let work = || -> Result<()> {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(index) else { return Ok(()) };
                if index % 50 == 0 {
                    eprintln!("candidates: {index} of {} recordings", items.len());
                }
                one(set, item, &folder, &sample::settings(count, seed + index as u64))?;
            }
        };
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no panic"))
    })
}

fn one(set: &Path, item: &audio::Item, folder: &Path, settings: &[attune::settings::Settings]) -> Result<()> {
    let (rate, input) = audio::read(&set.join(&item.noisy))?;
    let (_, clean) = audio::read(&set.join(&item.clean))?;
    let from = audio::preroll(rate);
    let clean = &clean[from..];
    let mut levels = Vec::new();
    let mut add = |samples: &[f32]| {
        let all = Frames::new(rate, samples).levels();
        levels.extend((0..FRAMES).flat_map(|frame| all[frame.min(all.len() - 1)]).map(stored));
    };
    add(&input[from..]);
    add(clean);
    let mut measures = Vec::new();
    for settings in settings {
        let output = audio::render(rate, &input, settings)?;
        add(&output);
        let intelligibility = intrusive::stoi(clean, &output, rate);
        let level = intrusive::level_error(clean, &output, rate);
        let numbers = [
            intelligibility.map(|i| i.stoi),
            intelligibility.map(|i| i.estoi),
            intrusive::lsd(clean, &output, rate),
            level.map(|l| l.offset),
            level.map(|l| l.spread),
        ];
        measures.extend(numbers.iter().flat_map(|n| (n.unwrap_or(f64::NAN) as f32).to_le_bytes()));
    }
    let name = Path::new(&item.noisy).file_stem().context("no name")?;
    fs::write(folder.join(name).with_extension("levels"), levels)?;
    fs::write(folder.join(name).with_extension("measures"), measures)?;
    Ok(())
}

/// Frames in six seconds.
const FRAMES: usize = 374;
