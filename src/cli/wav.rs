//! The RIFF/WAVE container: headers read and written.
//!
//! Field recorders write files that strict readers refuse: chunks of odd length, lengths left at 0
//! when the power went, RF64 beyond 4 GiB, channel masks, timecode. All of them are read here, and
//! the metadata that stays true (the length does not change) is carried over.

use std::io::{self, Read, Seek, SeekFrom, Write};

/// How one sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Integers of 8 (unsigned), 16, 24 or 32 bits.
    Int(u16),
    /// IEEE floats of 32 or 64 bits.
    Float(u16),
}

impl Depth {
    /// Bits per sample.
    pub fn bits(self) -> u16 {
        match self {
            Depth::Int(bits) | Depth::Float(bits) => bits,
        }
    }

    /// Bytes per sample.
    pub fn bytes(self) -> usize {
        usize::from(self.bits() / 8)
    }
}

/// A chunk of metadata, as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    id: [u8; 4],
    data: Vec<u8>,
}

/// What a header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Samples per second.
    pub rate: u32,
    /// Number of channels.
    pub channels: u16,
    /// How a sample is stored.
    pub depth: Depth,
    /// Which speaker each channel is for, where the file says so.
    pub mask: Option<u32>,
    /// Number of frames (samples per channel).
    pub frames: u64,
    /// Metadata to carry over: broadcast extension, iXML, tags, cue points.
    pub chunks: Vec<Chunk>,
}

const KEPT: [&[u8; 4]; 4] = [b"bext", b"iXML", b"LIST", b"cue "];
const KEPT_MAX: u64 = 1 << 20;
const PCM: u16 = 1;
const IEEE_FLOAT: u16 = 3;
const EXTENSIBLE: u16 = 0xfffe;
/// The tail that all sub-format GUIDs share.
const GUID_TAIL: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];

/// Reads the header and leaves the file at the first sample. The error is a reason in plain words.
pub fn read_header(file: &mut (impl Read + Seek)) -> Result<Header, String> {
    let io = |e: io::Error| format!("can't be read ({e})");
    let file_len = file.seek(SeekFrom::End(0)).map_err(io)?;
    file.seek(SeekFrom::Start(0)).map_err(io)?;
    let mut riff = [0; 12];
    file.read_exact(&mut riff).map_err(|_| "is cut off within its header; copy it again from its source")?;
    let long = &riff[..4] != b"RIFF";
    let riff_len = u64::from(u32_at(&riff, 4));

    let (mut format, mut data, mut long_data_len, mut chunks) = (None, None, None, Vec::new());
    let (mut at, mut kept_left) = (12, KEPT_MAX);
    while at + 8 <= file_len {
        file.seek(SeekFrom::Start(at)).map_err(io)?;
        let mut head = [0; 8];
        file.read_exact(&mut head).map_err(io)?;
        let id = [head[0], head[1], head[2], head[3]];
        let len = u64::from(u32_at(&head, 4));
        let start = at + 8;
        let there = file_len - start;
        let mut read = |max: u64| {
            let mut bytes = vec![0; len.min(max).min(there) as usize];
            file.read_exact(&mut bytes).map(|()| bytes).map_err(io)
        };
        let mut end = start + len;
        match &id {
            b"ds64" if long => long_data_len = read(28)?.get(8..16).map(u64_of),
            b"fmt " => format = Some(read_format(&read(64)?)?),
            b"data" if data.is_none() => {
                let frame = format.as_ref().map_or(1, |f| f.frame);
                let len = data_len(len, long_data_len.filter(|_| long), there, file_len, riff_len, frame)?;
                data = Some((start, len));
                end = start + len;
            }
            _ if KEPT.contains(&&id) && len <= kept_left && len <= there => {
                kept_left -= len;
                // Text may end in zeros: an even length spares careless readers the filler byte.
                let mut data = read(KEPT_MAX)?;
                data.resize(data.len().next_multiple_of(2), 0);
                chunks.push(Chunk { id, data });
            }
            _ => {}
        }
        at = end;
        // Chunks begin at even offsets, but some programs forget the filler byte.
        if (end - start) % 2 == 1 && at < file_len {
            file.seek(SeekFrom::Start(at)).map_err(io)?;
            let mut filler = [0; 1];
            file.read_exact(&mut filler).map_err(io)?;
            at += u64::from(filler[0] == 0);
        }
    }

    let format = format.ok_or("is a WAV file without a format description; it is damaged")?;
    let (start, len) = data.ok_or("is a WAV file without audio data; it is damaged or was cut off")?;
    file.seek(SeekFrom::Start(start)).map_err(io)?;
    let Format { rate, channels, depth, mask, frame } = format;
    Ok(Header { rate, channels, depth, mask, frames: len / frame, chunks })
}

/// How many bytes of audio there are: what the header says, unless it can't know.
fn data_len(
    declared: u64,
    long: Option<u64>,
    there: u64,
    file_len: u64,
    riff_len: u64,
    frame: u64,
) -> Result<u64, String> {
    // Written while streaming (to a pipe, or a recorder that lost power): lengths of 0, 2 or 4 GiB
    // stand for "unknown". Plain RIFF beyond 4 GiB can't hold its length at all.
    let placeholder = declared >= 0x7fff_0000 && declared > there;
    let unfinished = declared == 0 && riff_len + 8 != file_len;
    let overflown = file_len > u64::from(u32::MAX);
    match long {
        Some(declared) if declared <= there => Ok(declared),
        None if placeholder || unfinished || overflown => Ok(there),
        None if declared <= there => Ok(declared),
        _ => {
            let share = 100.0 * there as f64 / long.unwrap_or(declared) as f64;
            Err(format!(
                "is cut off: only {} of {} samples ({share:.0} %) are there. Copy it again from its source, or, to use \
                 what is there, repair it with `ffmpeg -i FILE repaired.wav`",
                there / frame,
                long.unwrap_or(declared) / frame,
            ))
        }
    }
}

struct Format {
    rate: u32,
    channels: u16,
    depth: Depth,
    mask: Option<u32>,
    frame: u64,
}

fn read_format(bytes: &[u8]) -> Result<Format, String> {
    if bytes.len() < 16 {
        return Err("has a damaged header (its format description is too short)".into());
    }
    let (mut tag, channels, rate) = (u16_at(bytes, 0), u16_at(bytes, 2), u32_at(bytes, 4));
    let (frame, mut bits) = (u16_at(bytes, 12), u16_at(bytes, 14));
    let mut mask = None;
    if tag == EXTENSIBLE && bytes.len() >= 26 {
        mask = Some(u32_at(bytes, 20));
        tag = u16_at(bytes, 24);
    }
    if channels == 0 {
        return Err("says that it has 0 channels; it is damaged".into());
    }
    // Samples stand left-justified in their container: 20 bits in 24 read as 24.
    if frame % channels == 0 && frame / channels >= bits.div_ceil(8) {
        bits = (frame / channels).saturating_mul(8);
    }
    let depth = match (tag, bits) {
        (PCM, 8 | 16 | 24 | 32) => Depth::Int(bits),
        (IEEE_FLOAT, 32 | 64) => Depth::Float(bits),
        (PCM | IEEE_FLOAT, _) => {
            return Err(format!("has samples of {bits} bits, which no WAV file should have; it is damaged"));
        }
        _ => {
            return Err(format!(
                "holds compressed audio (WAV format {tag:#06x}) that can't be read; convert it first: `ffmpeg -i FILE \
                 plain.wav`"
            ));
        }
    };
    Ok(Format { rate, channels, depth, mask, frame: depth.bytes() as u64 * u64::from(channels) })
}

/// Bytes between the start of a file and its first sample, once written.
pub struct Written {
    data_at: u64,
    long: bool,
}

/// Writes a header. Space for the long (RF64) form is kept where `header.frames` needs it.
pub fn write_header(file: &mut impl Write, header: &Header) -> io::Result<Written> {
    let Header { rate, channels, depth, .. } = *header;
    let frame = depth.bytes() as u64 * u64::from(channels);
    let extensible = channels > 2 || depth.bits() > 16 && matches!(depth, Depth::Int(_)) || header.mask.is_some();
    let tag = if matches!(depth, Depth::Int(_)) { PCM } else { IEEE_FLOAT };

    let mut format = Vec::with_capacity(40);
    format.extend(if extensible { EXTENSIBLE } else { tag }.to_le_bytes());
    format.extend(channels.to_le_bytes());
    format.extend(rate.to_le_bytes());
    format.extend(((u64::from(rate) * frame) as u32).to_le_bytes());
    format.extend((frame as u16).to_le_bytes());
    format.extend(depth.bits().to_le_bytes());
    if extensible {
        format.extend(22u16.to_le_bytes());
        format.extend(depth.bits().to_le_bytes());
        format.extend(header.mask.unwrap_or((1u32 << channels.min(18)) - 1).to_le_bytes());
        format.extend(tag.to_le_bytes());
        format.extend(GUID_TAIL);
    } else if tag == IEEE_FLOAT {
        format.extend(0u16.to_le_bytes());
    }

    let mut out = Vec::new();
    out.extend(b"RIFF\0\0\0\0WAVE");
    let long = header.frames.saturating_mul(frame) > u64::from(u32::MAX) - (8 << 20);
    if long {
        chunk(&mut out, b"JUNK", &[0; 28]);
    }
    chunk(&mut out, b"fmt ", &format);
    if tag == IEEE_FLOAT {
        chunk(&mut out, b"fact", &(header.frames.min(u64::from(u32::MAX)) as u32).to_le_bytes());
    }
    for Chunk { id, data } in &header.chunks {
        chunk(&mut out, id, data);
    }
    out.extend(b"data\0\0\0\0");
    file.write_all(&out)?;
    Ok(Written { data_at: out.len() as u64, long })
}

/// Fills in the lengths after `data_len` bytes of samples.
pub fn finish_header(file: &mut (impl Write + Seek), written: &Written, data_len: u64, frames: u64) -> io::Result<()> {
    if data_len % 2 == 1 {
        file.seek(SeekFrom::End(0))?;
        file.write_all(&[0])?;
    }
    let riff_len = written.data_at - 8 + data_len + data_len % 2;
    let fits = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    if u32::try_from(riff_len).is_err() {
        if !written.long {
            return Err(io::Error::other("the audio is longer than a plain WAV file can hold"));
        }
        let mut ds64 = Vec::with_capacity(28);
        ds64.extend(riff_len.to_le_bytes());
        ds64.extend(data_len.to_le_bytes());
        ds64.extend(frames.to_le_bytes());
        ds64.extend([0; 4]);
        file.seek(SeekFrom::Start(0))?;
        file.write_all(b"RF64")?;
        file.seek(SeekFrom::Start(12))?;
        file.write_all(b"ds64")?;
        file.seek(SeekFrom::Start(20))?;
        file.write_all(&ds64)?;
    }
    file.seek(SeekFrom::Start(4))?;
    file.write_all(&fits(riff_len))?;
    file.seek(SeekFrom::Start(written.data_at - 4))?;
    file.write_all(&fits(data_len))
}

fn chunk(out: &mut Vec<u8>, id: &[u8; 4], data: &[u8]) {
    out.extend(id);
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    out.extend(&[0][..data.len() % 2]);
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_of(bytes: &[u8]) -> u64 {
    u64::from(u32_at(bytes, 0)) | u64::from(u32_at(bytes, 4)) << 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn header(frames: u64) -> Header {
        let chunks = vec![Chunk { id: *b"bext", data: vec![7; 602] }];
        Header { rate: 48_000, channels: 4, depth: Depth::Int(24), mask: Some(0x33), frames, chunks }
    }

    #[test]
    fn what_is_written_is_read() {
        for (channels, depth) in [(1, Depth::Int(8)), (2, Depth::Int(16)), (3, Depth::Int(24)), (1, Depth::Float(32))] {
            let header = Header { channels, depth, mask: None, ..header(5) };
            let mut file = Cursor::new(Vec::new());
            let written = write_header(&mut file, &header).unwrap();
            let data = 5 * depth.bytes() * usize::from(channels);
            file.write_all(&vec![1; data]).unwrap();
            finish_header(&mut file, &written, data as u64, 5).unwrap();
            let length = file.get_ref().len();
            assert!(length.is_multiple_of(2) && u32_at(file.get_ref(), 4) as usize == length - 8);
            let again = read_header(&mut file).unwrap();
            assert_eq!(again.mask.is_some(), channels > 2 || depth == Depth::Int(24));
            assert_eq!(Header { mask: None, ..again }, header);
            assert_eq!(file.get_ref()[file.position() as usize..][..data], vec![1; data]);
        }
    }

    #[test]
    fn beyond_4_gib_it_is_rf64() {
        let header = header(500_000_000);
        let mut file = tempfile::tempfile().unwrap();
        let written = write_header(&mut file, &header).unwrap();
        let start = file.stream_position().unwrap();
        // Sparse: takes no space on the disk.
        file.set_len(start + 6_000_000_000).unwrap();
        finish_header(&mut file, &written, 6_000_000_000, 500_000_000).unwrap();
        assert_eq!(read_header(&mut file).unwrap(), header);
        let mut magic = [0; 4];
        file.rewind().unwrap();
        file.read_exact(&mut magic).unwrap();
        assert_eq!(&magic, b"RF64");
    }

    #[test]
    fn an_unknown_length_keeps_room_for_both_forms() {
        let mut file = Cursor::new(Vec::new());
        let written = write_header(&mut file, &header(u64::MAX)).unwrap();
        file.write_all(&[0; 24]).unwrap();
        finish_header(&mut file, &written, 24, 2).unwrap();
        assert_eq!(&file.get_ref()[..4], b"RIFF");
        assert_eq!(read_header(&mut file).unwrap(), header(2));
    }

    #[test]
    fn no_damage_makes_it_panic() {
        let mut file = Cursor::new(Vec::new());
        let written = write_header(&mut file, &header(2)).unwrap();
        file.write_all(&[0; 24]).unwrap();
        finish_header(&mut file, &written, 24, 2).unwrap();
        let good = file.into_inner();
        for at in 0..good.len() {
            for value in [0, 1, 127, 255] {
                let mut bad = good.clone();
                bad[at] = value;
                let _ = read_header(&mut Cursor::new(&bad[..]));
            }
            let _ = read_header(&mut Cursor::new(&good[..at]));
        }
    }
}
