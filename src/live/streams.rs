use super::devices::Chosen;
use super::{Core, Inlet, LiveError, Status};
use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{BufferSize, ErrorKind, FromSample, SampleFormat, SizedSample, Stream};
use crossbeam_channel::Sender;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Samples that are converted at a time.
const SCRATCH: usize = 4096;
/// How long a stream may say nothing when it is opened.
const PATIENCE: Duration = Duration::from_secs(3);
/// A pause after an error.
const BREATH: Duration = Duration::from_millis(5);

/// Opens the input: what it hears goes into the inlet. `began` is when the clock of both streams began; errors that
/// end it are sent.
pub fn open_input(
    chosen: &Chosen,
    inlet: Inlet,
    status: Arc<Status>,
    began: Instant,
    errors: Sender<String>,
) -> Result<Stream, LiveError> {
    match chosen.format {
        SampleFormat::F32 => input::<f32>(chosen, inlet, status, began, errors),
        SampleFormat::I32 => input::<i32>(chosen, inlet, status, began, errors),
        SampleFormat::I16 => input::<i16>(chosen, inlet, status, began, errors),
        _ => input::<u16>(chosen, inlet, status, began, errors),
    }
}

/// Opens the output: what it plays comes from the core.
pub fn open_output(
    chosen: &Chosen,
    core: Core,
    status: Arc<Status>,
    began: Instant,
    errors: Sender<String>,
) -> Result<Stream, LiveError> {
    match chosen.format {
        SampleFormat::F32 => output::<f32>(chosen, core, status, began, errors),
        SampleFormat::I32 => output::<i32>(chosen, core, status, began, errors),
        SampleFormat::I16 => output::<i16>(chosen, core, status, began, errors),
        _ => output::<u16>(chosen, core, status, began, errors),
    }
}

fn input<T: SizedSample>(
    chosen: &Chosen,
    mut inlet: Inlet,
    status: Arc<Status>,
    began: Instant,
    errors: Sender<String>,
) -> Result<Stream, LiveError>
where
    f32: FromSample<T>,
{
    let channels = usize::from(chosen.config.channels);
    let rate = chosen.config.sample_rate;
    let whole = SCRATCH / channels.max(1) * channels.max(1);
    let mut scratch = vec![0.0f32; SCRATCH];
    let mut urgent = Urgent::new(chosen);
    let noted = status.clone();
    let stream = chosen.device.build_input_stream(
        chosen.config,
        move |data: &[T], info| {
            urgent.ask(&noted);
            let now = began.elapsed().as_nanos() as u64;
            for part in data.chunks(whole.max(1)) {
                for (to, from) in scratch.iter_mut().zip(part) {
                    *to = from.to_sample();
                }
                inlet.push(&scratch[..part.len()], channels, now);
            }
            let frames = data.len() / channels.max(1);
            noted.heard.fetch_add(frames as u64, Relaxed);
            let stamp = info.timestamp();
            let age = stamp.callback.saturating_duration_since(stamp.capture).as_secs_f32();
            // The lump itself is counted with what waits.
            let before = (age - frames as f32 / rate as f32).clamp(0.0, 1.0);
            noted.before.store(before.to_bits(), Relaxed);
        },
        report(status, errors, "input"),
        Some(PATIENCE),
    );
    start(chosen, stream)
}

fn output<T: SizedSample + FromSample<f32>>(
    chosen: &Chosen,
    mut core: Core,
    status: Arc<Status>,
    began: Instant,
    errors: Sender<String>,
) -> Result<Stream, LiveError> {
    let channels = usize::from(chosen.config.channels);
    let whole = SCRATCH / channels.max(1) * channels.max(1);
    let mut scratch = vec![0.0f32; SCRATCH];
    let mut urgent = Urgent::new(chosen);
    let noted = status.clone();
    let stream = chosen.device.build_output_stream(
        chosen.config,
        move |data: &mut [T], info| {
            urgent.ask(&noted);
            let start = Instant::now();
            let now = start.duration_since(began).as_nanos() as u64;
            let frames = data.len() / channels.max(1);
            for part in data.chunks_mut(whole.max(1)) {
                let scratch = &mut scratch[..part.len()];
                core.process(scratch, channels, now);
                for (to, from) in part.iter_mut().zip(scratch) {
                    *to = T::from_sample(*from);
                }
            }
            let stamp = info.timestamp();
            let after = stamp.playback.saturating_duration_since(stamp.callback).as_secs_f32().clamp(0.0, 1.0);
            noted.after.store(after.to_bits(), Relaxed);
            core.took(start.elapsed().as_secs_f32(), frames);
        },
        report(status, errors, "output"),
        Some(PATIENCE),
    );
    start(chosen, stream)
}

fn start(chosen: &Chosen, stream: Result<Stream, cpal::Error>) -> Result<Stream, LiveError> {
    let problem = |error: cpal::Error| {
        let BufferSize::Fixed(frames) = chosen.config.buffer_size else { return error.to_string() };
        let cpal::StreamConfig { channels, sample_rate, .. } = chosen.config;
        format!("can't be opened with {sample_rate} Hz, {channels} channels and buffers of {frames}: {error}")
    };
    let failed = |error| LiveError::Stream { device: chosen.name.clone(), problem: problem(error) };
    let stream = stream.map_err(failed)?;
    stream.play().map_err(failed)?;
    Ok(stream)
}

/// Counts what is harmless, and sends on what ends the stream.
fn report(status: Arc<Status>, errors: Sender<String>, side: &'static str) -> impl FnMut(cpal::Error) + Send + 'static {
    move |error| match error.kind() {
        ErrorKind::Xrun => {
            status.faults[0].fetch_add(1, Relaxed);
        }
        ErrorKind::RealtimeDenied => status.realtime.store(2, Relaxed),
        _ => {
            // It may be called over and over: it must not take the processor from who could mend it.
            std::thread::sleep(BREATH);
            // It is full if nobody reads: then enough was said.
            let _ = errors.try_send(format!("the {side} failed: {error}"));
        }
    }
}

/// Asks for real-time priority, once, on the thread that needs it: that of a sound card itself. Where a sound server is
/// behind the device, its own threads would wait for ours; JACK sees to it by itself.
struct Urgent {
    asked: bool,
}

impl Urgent {
    fn new(chosen: &Chosen) -> Urgent {
        let card = ["hw:", "plughw:", "sysdefault:", "front:"].iter().any(|prefix| chosen.name.starts_with(prefix));
        Urgent { asked: !card }
    }

    fn ask(&mut self, status: &Status) {
        if std::mem::replace(&mut self.asked, true) {
            return;
        }
        #[cfg(target_os = "linux")]
        {
            use thread_priority::{
                RealtimeThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy,
                thread_native_id,
            };
            let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
            let priority = ThreadPriority::Crossplatform(60u8.try_into().expect("60 is below 100"));
            let granted = set_thread_priority_and_policy(thread_native_id(), priority, policy).is_ok();
            status.realtime.store(if granted { 1 } else { 2 }, Relaxed);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = status;
    }
}
