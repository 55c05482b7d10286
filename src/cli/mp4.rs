//! The encoder delay of an MP4 file, which symphonia does not apply.

use std::io::{Read, Seek, SeekFrom};

/// A box: its kind, and where its content begins and ends.
type Boxed = ([u8; 4], u64, u64);

/// How many frames at the start of the sound are the encoder's run-in: the media time of the first
/// edit of the audio track (ISO/IEC 14496-12, `elst`). AAC players skip them, and so do we, or the
/// sound would come 20 to 50 ms late against the picture.
pub fn encoder_delay(file: &mut (impl Read + Seek)) -> u64 {
    delay(file).unwrap_or(0)
}

fn delay(file: &mut (impl Read + Seek)) -> Option<u64> {
    let end = file.seek(SeekFrom::End(0)).ok()?;
    let movie = child(file, (*b"file", 0, end), b"moov")?;
    for track in children(file, movie).into_iter().filter(|(kind, ..)| kind == b"trak") {
        let media = child(file, track, b"mdia")?;
        let handler = child(file, media, b"hdlr").and_then(|handler| content(file, handler, 12))?;
        if &handler[8..12] == b"soun" {
            let edits = child(file, track, b"edts")?;
            let list = child(file, edits, b"elst")?;
            // Version 0 has times of 32 bits, version 1 of 64; -1 is a pause before the sound.
            let time = match content(file, list, 16)? {
                first if first[0] == 0 => i64::from(i32::from_be_bytes(first[12..16].try_into().ok()?)),
                _ => i64::from_be_bytes(content(file, list, 24)?[16..24].try_into().ok()?),
            };
            return u64::try_from(time).ok().filter(|&frames| frames < 1 << 16);
        }
    }
    None
}

fn children(file: &mut (impl Read + Seek), (_, mut at, end): Boxed) -> Vec<Boxed> {
    let mut found = Vec::new();
    while let Some(head) = content(file, (*b"head", at, end), 8) {
        let kind = [head[4], head[5], head[6], head[7]];
        let (start, length) = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
            0 => (at + 8, end - at),
            1 => match content(file, (*b"size", at + 8, end), 8).and_then(|size| size.try_into().ok()) {
                Some(size) => (at + 16, u64::from_be_bytes(size)),
                None => break,
            },
            length => (at + 8, u64::from(length)),
        };
        let Some(next) = at.checked_add(length).filter(|&next| next >= start && next <= end) else { break };
        found.push((kind, start, next));
        at = next;
    }
    found
}

fn child(file: &mut (impl Read + Seek), parent: Boxed, kind: &[u8; 4]) -> Option<Boxed> {
    children(file, parent).into_iter().find(|(found, ..)| found == kind)
}

fn content(file: &mut (impl Read + Seek), (_, start, end): Boxed, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    (start + length as u64 <= end).then_some(())?;
    file.seek(SeekFrom::Start(start)).ok()?;
    file.read_exact(&mut bytes).ok()?;
    Some(bytes)
}
