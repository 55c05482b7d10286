//! Audio files out: WAV, written to a temporary neighbour and renamed when complete.

use super::wav::{self, Depth, Header, Written};
use crc32fast::Hasher;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A WAV file in the making. Dropped before [`Sink::finish`], it leaves nothing behind.
pub struct Sink {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
    depth: Depth,
    written: Written,
    frames: u64,
    data_len: u64,
    bytes: Vec<u8>,
    dither: Dither,
    checksum: Hasher,
    /// Samples that were beyond full scale and had to be cut.
    pub clipped: u64,
}

impl Sink {
    /// Begins a file of this shape. The error is a reason in plain words.
    pub fn create(path: &Path, header: &Header) -> Result<Sink, String> {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = temporary(folder).map_err(|e| explain(&e))?;
        let mut file = BufWriter::with_capacity(1 << 16, file);
        let written = wav::write_header(&mut file, header).map_err(|e| explain(&e))?;
        let (depth, dither) = (header.depth, Dither::new());
        Ok(Sink {
            file,
            path: path.to_owned(),
            depth,
            written,
            frames: 0,
            data_len: 0,
            bytes: Vec::new(),
            dither,
            checksum: Hasher::new(),
            clipped: 0,
        })
    }

    /// Appends the frames `from..to` of the block.
    pub fn write(&mut self, block: &[Vec<f32>], from: usize, to: usize) -> Result<(), String> {
        self.bytes.clear();
        for i in from..to {
            for samples in block {
                let sample = samples.get(i).copied().unwrap_or(0.0);
                match self.depth {
                    Depth::Float(_) => self.bytes.extend(sample.to_le_bytes()),
                    Depth::Int(bits) => {
                        let value = self.quantise(sample, bits);
                        match bits {
                            8 => self.bytes.push((value + 128) as u8),
                            _ => self.bytes.extend(&value.to_le_bytes()[..usize::from(bits / 8)]),
                        }
                    }
                }
            }
        }
        self.file.write_all(&self.bytes).map_err(|e| explain(&e))?;
        self.checksum.update(&self.bytes);
        self.data_len += self.bytes.len() as u64;
        self.frames += (to - from) as u64;
        Ok(())
    }

    /// To an integer, dithered unless the sample lies exactly on a step: so untouched audio stays
    /// what it was, bit for bit, and digital silence silent.
    fn quantise(&mut self, sample: f32, bits: u16) -> i32 {
        let full = f64::from(1u32 << (bits - 1));
        let exact = f64::from(sample) * full;
        let value = if exact.fract() == 0.0 { exact } else { (exact + self.dither.next()).round() };
        // Full scale itself is one step too high for an integer; that is no clipping.
        self.clipped += u64::from(exact > full + 0.5 || exact < -full - 0.5);
        value.clamp(-full, full - 1.0) as i32
    }

    /// Completes the file and moves it to its place. Returns the CRC-32 of its samples, as they are stored.
    pub fn finish(mut self) -> Result<u32, String> {
        wav::finish_header(&mut self.file, &self.written, self.data_len, self.frames).map_err(|e| explain(&e))?;
        let file = self.file.into_inner().map_err(|e| explain(e.error()))?;
        persist(file, &self.path)?;
        Ok(self.checksum.finalize())
    }
}

/// A temporary file in `folder` with the permissions of any new file.
pub fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".attune-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder)
}

/// Moves a complete temporary file to its place.
pub fn persist(file: NamedTempFile, path: &Path) -> Result<(), String> {
    file.persist(path).map_err(|e| explain(&e.error))?;
    Ok(())
}

/// Why writing failed, in plain words.
pub fn explain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "can't be written: the disk is full".into(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "can't be written: the folder is read-only; choose another with -o".into()
        }
        _ => format!("can't be written ({error})"),
    }
}

/// Noise of triangular distribution, ±1 step, from a fixed seed: the same input gives the same file.
struct Dither(u32);

impl Dither {
    fn new() -> Dither {
        Dither(0x9e37_79b9)
    }

    fn next(&mut self) -> f64 {
        let mut uniform = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 17;
            self.0 ^= self.0 << 5;
            f64::from(self.0) / 4_294_967_296.0
        };
        uniform() - uniform()
    }
}
