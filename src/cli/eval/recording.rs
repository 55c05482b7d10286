//! A recording as a whole.

use super::super::analysis::{Analysis, Levels};
use super::super::decode::Source;
use super::super::workers::STOP;
use crate::quality::{Context, Survey};
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

/// What is wanted of a recording besides the facts: what isn't, costs neither time nor memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// The samples.
    pub mono: bool,
    /// What is wrong with it.
    pub context: bool,
    /// A spectrogram.
    pub picture: bool,
}

/// One recording.
pub struct Recording {
    /// What is known of it.
    pub facts: Facts,
    /// Mean of the channels, where wanted.
    pub mono: Vec<f32>,
    /// Whether that is silent.
    pub silent: bool,
    /// What is wrong with it, where wanted.
    pub context: Option<Context>,
    /// What is drawn of it.
    pub analysis: Analysis,
    /// What a person should know although it was read.
    pub warnings: Vec<String>,
}

impl Recording {
    /// Reads a file; `progress` hears about what share is done. The error is a reason that names the
    /// file; `None` when interrupted.
    pub fn read(path: &Path, wanted: Wanted, progress: impl Fn(f64)) -> Result<Option<Recording>, String> {
        Recording::try_read(path, wanted, progress).map_err(|reason| format!("{}: {reason}", path.display()))
    }

    fn try_read(path: &Path, wanted: Wanted, progress: impl Fn(f64)) -> Result<Option<Recording>, String> {
        let mut source = Source::open(path)?;
        let (rate, channels) = (source.header.rate, usize::from(source.header.channels));
        if !RATES.contains(&rate) {
            return Err(format!("has a sample rate of {rate} Hz; 8 to 192 kHz can be measured"));
        }
        let expected = source.expected.unwrap_or(u64::MAX).max(1) as f64;
        let mut analysis = Analysis::new(rate, channels, wanted.picture)?;
        let mut survey = wanted.context.then(|| Survey::new(rate, if channels > 2 { 1 } else { channels }));
        let mut block = vec![Vec::new(); channels];
        let (mut mono, mut mixed) = (Vec::new(), Vec::new());
        let (mut frames, mut silent) = (0, true);
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
            mixed.clear();
            mixed.resize(count, 0f32);
            for samples in &slices {
                mixed.iter_mut().zip(*samples).for_each(|(sum, s)| *sum += s * scale);
            }
            if let Some(survey) = &mut survey {
                match channels {
                    1 | 2 => survey.push(&slices),
                    _ => survey.push(&[&mixed]),
                }
            }
            frames += count;
            silent &= mixed.iter().all(|&s| s == 0.0);
            if wanted.mono {
                mono.extend_from_slice(&mixed);
            }
            progress((frames as f64 / expected).min(1.0));
        }
        let levels = analysis.finish();
        let mut warnings = Vec::new();
        for (count, what) in [(source.bad_samples, "no numbers (NaN or infinite)"), (source.lost_frames, "damaged")] {
            if count > 0 {
                warnings.push(format!("{}: {count} samples are {what} and were read as silence", path.display()));
            }
        }
        let facts = Facts { rate, channels, frames, levels };
        Ok(Some(Recording { facts, mono, silent, context: survey.map(Survey::finish), analysis, warnings }))
    }
}
