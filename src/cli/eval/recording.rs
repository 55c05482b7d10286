//! A recording as a whole, in memory.

use super::super::analysis::{Analysis, Levels};
use super::super::decode::Source;
use super::super::workers::STOP;
use std::path::Path;
use std::sync::atomic::Ordering;

/// The rates that can be measured, Hz.
const RATES: std::ops::RangeInclusive<u32> = 8000..=192_000;
const BLOCK: usize = 4096;

/// What is known of a recording.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// Samples per second.
    pub rate: u32,
    /// Number of channels.
    pub channels: usize,
    /// Number of frames.
    pub frames: usize,
    /// Loudness and peak of all channels.
    pub levels: Levels,
}

impl Facts {
    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.rate)
    }
}

/// One recording.
pub struct Recording {
    /// What is known of it.
    pub facts: Facts,
    /// Mean of the channels.
    pub mono: Vec<f32>,
    /// What is drawn of it.
    pub analysis: Analysis,
    /// What a person should know although it was read.
    pub warnings: Vec<String>,
}

impl Recording {
    /// Reads a file. The error is a reason that names it; `None` when interrupted.
    pub fn read(path: &Path, picture: bool) -> Result<Option<Recording>, String> {
        Recording::try_read(path, picture).map_err(|reason| format!("{}: {reason}", path.display()))
    }

    fn try_read(path: &Path, picture: bool) -> Result<Option<Recording>, String> {
        let mut source = Source::open(path)?;
        let (rate, channels) = (source.header.rate, usize::from(source.header.channels));
        if !RATES.contains(&rate) {
            return Err(format!("has a sample rate of {rate} Hz; 8 to 192 kHz can be measured"));
        }
        let mut analysis = Analysis::new(rate, channels, picture)?;
        let mut block = vec![Vec::new(); channels];
        let mut mono = Vec::new();
        let scale = 1.0 / channels as f32;
        loop {
            if STOP.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let count = source.read(&mut block, BLOCK)?;
            if count == 0 {
                break;
            }
            let slices: Vec<&[f32]> = block.iter().map(|samples| &samples[..count]).collect();
            analysis.add(&slices);
            let from = mono.len();
            mono.resize(from + count, 0.0);
            for samples in slices {
                mono[from..].iter_mut().zip(samples).for_each(|(sum, s)| *sum += s * scale);
            }
        }
        let levels = analysis.finish();
        let mut warnings = Vec::new();
        for (count, what) in [(source.bad_samples, "no numbers (NaN or infinite)"), (source.lost_frames, "damaged")] {
            if count > 0 {
                warnings.push(format!("{}: {count} samples are {what} and were read as silence", path.display()));
            }
        }
        let facts = Facts { rate, channels, frames: mono.len(), levels };
        Ok(Some(Recording { facts, mono, analysis, warnings }))
    }

    /// Whether there is nothing to hear.
    pub fn silent(&self) -> bool {
        self.mono.iter().all(|&s| s == 0.0)
    }
}
