//! Band levels for the training of the pseudo-reference.

use super::audio;
use anyhow::{Context, Result};
use attune::quality::{Frames, LOW_BANDS};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// For each recording: the number of frames (u32), then the levels in dB below 8 kHz as f32, frame by
/// frame, first of the noisy, then of the clean side. Little-endian.
pub fn write(set: &Path) -> Result<()> {
    let path = set.join("levels.f32");
    let mut out = BufWriter::new(File::create(&path).with_context(|| format!("can't write {}", path.display()))?);
    for item in audio::manifest(set)? {
        let sides = [&item.noisy, &item.clean].map(|file| -> Result<Frames> {
            let (rate, samples) = audio::read(&set.join(file))?;
            Ok(Frames::new(rate, &samples))
        });
        let [noisy, clean] = sides;
        let (noisy, clean) = (noisy?.levels(), clean?.levels());
        let count = noisy.len().min(clean.len());
        out.write_all(&(count as u32).to_le_bytes())?;
        for level in [noisy, clean].iter().flat_map(|side| &side[..count]).flat_map(|bands| &bands[..LOW_BANDS]) {
            out.write_all(&level.to_le_bytes())?;
        }
    }
    Ok(out.flush()?)
}
