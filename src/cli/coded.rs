//! FLAC, MP3, Ogg Vorbis, M4A (AAC, ALAC) and AIFF, by symphonia.

use super::mp4;
use super::wav::{Depth, Header};
use std::collections::VecDeque;
use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use symphonia::core::audio::sample::SampleFormat;
use symphonia::core::audio::{AudioSpec, Channels};
use symphonia::core::codecs::CodecParameters;
use symphonia::core::codecs::audio::well_known as codec;
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;

/// A compressed file that is being decoded.
pub struct Coded {
    container: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    spec: Option<AudioSpec>,
    /// About how many frames there are, where the file tells.
    pub expected: Option<u64>,
    /// Number of frames that the file promises, where the promise is exact.
    promised: Option<u64>,
    decoded: u64,
    lost: u64,
    /// Frames to leave out before the first.
    delay: u64,
    /// Decoded, not read yet: one queue per channel.
    ready: Vec<VecDeque<f32>>,
    planes: Vec<Vec<f32>>,
}

impl Coded {
    /// Finds out what the file is and decodes its first packet.
    pub fn open(mut file: File, path: &Path) -> Result<(Coded, Header, &'static str), String> {
        let not_audio = |e: Error| match e {
            Error::IoError(e) if e.kind() != ErrorKind::UnexpectedEof => format!("can't be read ({e})"),
            _ => "is not audio that Attune reads (WAV, FLAC, MP3, Ogg Vorbis, M4A, AIFF), or it is damaged".to_owned(),
        };
        let mut hint = Hint::new();
        if let Some(extension) = path.extension().and_then(|e| e.to_str()) {
            hint.with_extension(extension);
        }
        let delay = mp4::encoder_delay(&mut file);
        let rewound = std::io::Seek::rewind(&mut file);
        rewound.map_err(|e| format!("can't be read ({e})"))?;
        let stream = MediaSourceStream::new(Box::new(file), Default::default());
        let container = symphonia::default::get_probe()
            .probe(&hint, stream, FormatOptions::default(), MetadataOptions::default())
            .map_err(not_audio)?;
        let track = container.default_track(TrackType::Audio).ok_or("holds no audio track")?;
        let params = audio_params(track)?.clone();
        let (name, lossless) = match params.codec {
            codec::CODEC_ID_FLAC => ("FLAC", true),
            codec::CODEC_ID_ALAC => ("ALAC", true),
            codec::CODEC_ID_MP3 => ("MP3", false),
            codec::CODEC_ID_AAC => ("AAC", false),
            codec::CODEC_ID_VORBIS => ("Vorbis", false),
            _ => (if container.format_info().short_name == "aiff" { "AIFF" } else { "audio" }, true),
        };
        let frames = track.num_frames;
        let mut coded = Coded {
            decoder: make_decoder(&params)?,
            track: track.id,
            container,
            spec: None,
            expected: frames,
            promised: frames.filter(|_| lossless),
            decoded: 0,
            lost: 0,
            delay: if params.codec == codec::CODEC_ID_AAC { delay } else { 0 },
            ready: Vec::new(),
            planes: Vec::new(),
        };
        while coded.spec.is_none() && coded.next_packet()? {}
        let spec = coded.spec.as_ref().ok_or("holds no audio that can be decoded")?;
        // What was lost before the first good packet keeps its place.
        for queue in &mut coded.ready {
            let audio = std::mem::replace(queue, VecDeque::from(vec![0.0; coded.lost.min(1 << 20) as usize]));
            queue.extend(audio);
        }
        let depth = match (lossless, coded.decoder.codec_params().sample_format) {
            (true, Some(SampleFormat::F32 | SampleFormat::F64)) => Depth::Float(32),
            (true, _) => {
                // ALAC tells it only in its configuration.
                let cookie = params.extra_data.as_ref().filter(|_| params.codec == codec::CODEC_ID_ALAC);
                let bits = params.bits_per_sample.or_else(|| cookie?.get(5).map(|&bits| bits.into())).unwrap_or(24);
                Depth::Int((bits.div_ceil(8).clamp(1, 4) * 8) as u16)
            }
            (false, _) => Depth::Int(24),
        };
        let header = Header {
            rate: spec.rate(),
            channels: spec.channels().count() as u16,
            depth,
            mask: speakers(spec.channels()),
            frames: coded.promised.unwrap_or(u64::MAX),
            chunks: Vec::new(),
        };
        Ok((coded, header, name))
    }

    /// Reads up to `max` frames; 0 at the end.
    pub fn read(&mut self, block: &mut [Vec<f32>], max: usize, lost: &mut u64) -> Result<usize, String> {
        while self.delay > 0 && self.next_packet()? {
            let early = self.ready.first().map_or(0, VecDeque::len).min(self.delay as usize);
            self.ready.iter_mut().for_each(|queue| drop(queue.drain(..early)));
            self.delay -= early as u64;
        }
        while self.ready.first().is_some_and(|queue| queue.len() < max) && self.next_packet()? {}
        let count = self.ready.first().map_or(0, VecDeque::len).min(max);
        for (samples, queue) in block.iter_mut().zip(&mut self.ready) {
            samples.clear();
            samples.extend(queue.drain(..count));
        }
        *lost = self.lost;
        if count == 0 {
            self.check_end()?;
        }
        Ok(count)
    }

    fn check_end(&self) -> Result<(), String> {
        if self.lost * 2 > self.decoded {
            return Err("is damaged: most of it can't be decoded".into());
        }
        match self.promised {
            Some(promised) if self.decoded < promised => Err(format!(
                "is cut off or damaged: only {} of {promised} samples are there. Copy it again from its source, or, to \
                 use what is there, convert it with `ffmpeg -i FILE repaired.wav`",
                self.decoded
            )),
            _ => Ok(()),
        }
    }

    /// Decodes one packet into `ready`; false at the end of the file.
    fn next_packet(&mut self) -> Result<bool, String> {
        let packet = match self.container.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => return Ok(false),
            Err(Error::IoError(e)) if e.kind() == ErrorKind::UnexpectedEof => return Ok(false),
            Err(Error::ResetRequired) => {
                // Chained Ogg: another stream follows.
                let track =
                    self.container.default_track(TrackType::Audio).ok_or("changes its kind of content midway")?;
                self.track = track.id;
                self.decoder = make_decoder(audio_params(track)?)?;
                return Ok(true);
            }
            Err(e) => return Err(format!("can't be read to its end ({e})")),
        };
        if packet.track_id != self.track {
            return Ok(true);
        }
        match self.decoder.decode(&packet) {
            Ok(buffer) => {
                match &self.spec {
                    None => {
                        self.spec = Some(buffer.spec().clone());
                        self.ready = vec![VecDeque::new(); buffer.spec().channels().count()];
                    }
                    Some(spec) if spec != buffer.spec() => {
                        return Err("changes its sample rate or channels midway".into());
                    }
                    Some(_) => {}
                }
                buffer.copy_to_vecs_planar(&mut self.planes);
                self.decoded += buffer.frames() as u64;
                for (queue, plane) in self.ready.iter_mut().zip(&self.planes) {
                    queue.extend(plane);
                }
            }
            // A damaged packet: silence keeps the rest in its place.
            Err(Error::DecodeError(_) | Error::IoError(_)) => {
                let frames = packet.dur.get().min(1 << 16);
                self.lost += frames;
                self.decoded += frames;
                for queue in &mut self.ready {
                    queue.extend(std::iter::repeat_n(0.0, frames as usize));
                }
            }
            Err(e) => return Err(format!("can't be decoded ({e})")),
        }
        Ok(true)
    }
}

fn audio_params(track: &Track) -> Result<&AudioCodecParameters, String> {
    track
        .codec_params
        .as_ref()
        .and_then(CodecParameters::audio)
        .ok_or_else(|| "holds audio of an unknown kind".to_owned())
}

fn make_decoder(params: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, String> {
    let kind = if params.codec == codec::CODEC_ID_OPUS { "Opus audio" } else { "audio of a kind" };
    symphonia::default::get_codecs()
        .make_audio_decoder(params, &AudioDecoderOptions::default())
        .map_err(|_| format!("holds {kind} that Attune can't decode; convert it first: `ffmpeg -i FILE plain.wav`"))
}

/// The WAV channel mask. Symphonia's positions have the same bits in the same order.
fn speakers(channels: &Channels) -> Option<u32> {
    match channels {
        Channels::Positioned(positions) if positions.bits().count_ones() > 2 => {
            u32::try_from(positions.bits()).ok().filter(|bits| bits >> 18 == 0)
        }
        _ => None,
    }
}
