//! Audio files in: one streaming source for all formats.

use super::coded::Coded;
use super::wav::{self, Depth, Header};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Extensions of the files that are picked up from folders.
pub const EXTENSIONS: [&str; 11] = ["wav", "wave", "bwf", "flac", "mp3", "ogg", "oga", "m4a", "mp4", "aif", "aiff"];

/// More channels than any recorder has; a header that says more is damaged.
const MAX_CHANNELS: u16 = 64;

/// An audio file that is read in blocks.
pub struct Source {
    /// Rate, channels, depth, metadata; `frames` is `u64::MAX` where it is not known beforehand.
    pub header: Header,
    /// About how many frames there are, for progress, where it can be told.
    pub expected: Option<u64>,
    /// The format's name.
    pub format: &'static str,
    /// Samples that were not finite; they are read as silence.
    pub bad_samples: u64,
    /// Frames that could not be decoded; they are read as silence.
    pub lost_frames: u64,
    kind: Kind,
}

enum Kind {
    Wav { file: BufReader<File>, left: u64, bytes: Vec<u8> },
    Coded(Box<Coded>),
}

impl Source {
    /// Opens a file by its content, whatever its name. The error is a reason in plain words.
    pub fn open(path: &Path) -> Result<Source, String> {
        let cant_open = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::NotFound => "does not exist; check the name".to_owned(),
            std::io::ErrorKind::PermissionDenied => "may not be read (permission denied)".to_owned(),
            _ => format!("can't be opened ({e})"),
        };
        let file = File::open(path).map_err(cant_open)?;
        if !file.metadata().map_err(cant_open)?.is_file() {
            return Err("is not a regular file".into());
        }
        let mut file = BufReader::with_capacity(1 << 16, file);
        let mut magic = Vec::new();
        file.by_ref().take(12).read_to_end(&mut magic).map_err(cant_open)?;
        if magic.is_empty() {
            return Err("is empty (0 bytes)".into());
        }
        file.seek(SeekFrom::Start(0)).map_err(cant_open)?;
        let riff = matches!(magic.get(..4), Some(b"RIFF" | b"RF64" | b"BW64"));
        let source = if riff && magic.get(8..).is_none_or(|form| form == b"WAVE") {
            let header = wav::read_header(&mut file)?;
            let left = header.frames;
            let kind = Kind::Wav { file, left, bytes: Vec::new() };
            Source { header, expected: Some(left), format: "WAV", bad_samples: 0, lost_frames: 0, kind }
        } else {
            let (coded, header, format) = Coded::open(file.into_inner(), path)?;
            let expected = coded.expected;
            Source { header, expected, format, bad_samples: 0, lost_frames: 0, kind: Kind::Coded(Box::new(coded)) }
        };
        if source.header.channels > MAX_CHANNELS {
            return Err(format!(
                "says that it has {} channels; up to {MAX_CHANNELS} can be read",
                source.header.channels
            ));
        }
        if source.header.frames == 0 {
            return Err("holds no audio (0 samples)".into());
        }
        Ok(source)
    }

    /// Reads up to `max` frames, one vector per channel, ±1 full scale. Returns how many; 0 at the end.
    pub fn read(&mut self, block: &mut [Vec<f32>], max: usize) -> Result<usize, String> {
        let count = match &mut self.kind {
            Kind::Wav { file, left, bytes } => {
                let count = (*left).min(max as u64) as usize;
                let depth = self.header.depth;
                bytes.resize(count * depth.bytes() * block.len(), 0);
                file.read_exact(bytes).map_err(|e| format!("can't be read to its end ({e})"))?;
                *left -= count as u64;
                unpack(bytes, depth, block);
                count
            }
            Kind::Coded(coded) => coded.read(block, max, &mut self.lost_frames)?,
        };
        for sample in block.iter_mut().flatten() {
            if !sample.is_finite() {
                *sample = 0.0;
                self.bad_samples += 1;
            }
        }
        Ok(count)
    }
}

/// Interleaved little-endian samples to one vector per channel.
fn unpack(bytes: &[u8], depth: Depth, block: &mut [Vec<f32>]) {
    fn each<const N: usize>(bytes: &[u8], block: &mut [Vec<f32>], convert: impl Fn([u8; N]) -> f32) {
        let channels = block.len();
        for (channel, samples) in block.iter_mut().enumerate() {
            samples.clear();
            let (all, _) = bytes.as_chunks::<N>();
            samples.extend(all.iter().skip(channel).step_by(channels).map(|&b| convert(b)));
        }
    }
    match depth {
        Depth::Int(8) => each(bytes, block, |[a]| (f32::from(a) - 128.0) / 128.0),
        Depth::Int(16) => each(bytes, block, |b| f32::from(i16::from_le_bytes(b)) / 32768.0),
        Depth::Int(24) => each(bytes, block, |[a, b, c]| (i32::from_le_bytes([0, a, b, c]) >> 8) as f32 / 8_388_608.0),
        Depth::Int(_) => each(bytes, block, |b| i32::from_le_bytes(b) as f32 / 2_147_483_648.0),
        Depth::Float(32) => each(bytes, block, f32::from_le_bytes),
        Depth::Float(_) => each(bytes, block, |b| f64::from_le_bytes(b) as f32),
    }
}
