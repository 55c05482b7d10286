use super::LiveError;
use crate::bridge::{Tap, TapReceiver, TapSender};
use hound::{SampleFormat, WavSpec, WavWriter};
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Writes what goes in and what comes out to two WAV files of the same length, `input.wav` and `output.wav`, on a thread
/// of its own. Ends when it is dropped.
pub struct Recorder {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<u64, String>>>,
}

/// How often what was heard is written.
const EVERY: Duration = Duration::from_millis(100);

type Writer = WavWriter<BufWriter<File>>;

impl Recorder {
    /// Begins in a folder, which is made if need be. Recordings that are there already are kept: the new ones get a
    /// number. The sender is for the audio thread.
    pub fn start(folder: &Path, rate: u32, channels: usize) -> Result<(Recorder, TapSender), LiveError> {
        let problem = |problem: String| LiveError::Record { folder: folder.display().to_string(), problem };
        fs::create_dir_all(folder).map_err(|error| problem(error.to_string()))?;
        let path = |side: &str, number: u32| match number {
            1 => folder.join(format!("{side}.wav")),
            _ => folder.join(format!("{side}-{number}.wav")),
        };
        let free = |number: &u32| !path("input", *number).exists() && !path("output", *number).exists();
        let number = (1..).find(free).unwrap_or(1);
        let spec = WavSpec {
            channels: channels as u16,
            sample_rate: rate,
            bits_per_sample: 32,
            sample_format: SampleFormat::Float,
        };
        let create = |path: PathBuf| Writer::create(path, spec).map_err(|error| problem(error.to_string()));
        let writers = [create(path("input", number))?, create(path("output", number))?];
        let (sender, receiver) = Tap::open(rate, channels, 10.0);
        let stop = Arc::new(AtomicBool::new(false));
        let until = stop.clone();
        let body = move || write(receiver, writers, &until).map_err(|error| error.to_string());
        let thread = Builder::new().name("attune-record".into()).spawn(body).map_err(|e| problem(e.to_string()))?;
        Ok((Recorder { stop, thread: Some(thread) }, sender))
    }

    /// Ends it; how many frames were written, or what went wrong.
    pub fn finish(mut self) -> Result<u64, String> {
        self.end().unwrap_or(Ok(0))
    }

    fn end(&mut self) -> Option<Result<u64, String>> {
        self.stop.store(true, Relaxed);
        let thread = self.thread.take()?;
        Some(thread.join().unwrap_or_else(|_| Err("the recorder failed".into())))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end();
    }
}

fn write(mut tap: TapReceiver, mut writers: [Writer; 2], stop: &AtomicBool) -> Result<u64, hound::Error> {
    let mut frames = 0;
    loop {
        let last = stop.load(Relaxed);
        while let Some(block) = tap.receive() {
            for (writer, side) in writers.iter_mut().zip([&block.input, &block.output]) {
                // What was lost is silence, so that both files and the clock agree.
                for _ in 0..block.lost * side.len() as u64 {
                    writer.write_sample(0.0f32)?;
                }
                for i in 0..side.first().map_or(0, Vec::len) {
                    for channel in side {
                        writer.write_sample(channel[i])?;
                    }
                }
            }
            frames += block.lost + block.input.first().map_or(0, Vec::len) as u64;
        }
        if last {
            for writer in writers {
                writer.finalize()?;
            }
            return Ok(frames);
        }
        std::thread::sleep(EVERY);
    }
}
