//! One file: read, enhanced, measured and written, block by block.

use super::adapt::{self, Adapt, Adaptation, Companion};
use super::analysis::{Analysis, Levels};
use super::columns::{COLUMNS, Columns, Merge};
use super::decode::Source;
use super::encode::Sink;
use super::plan::Job;
use super::wav::{Depth, Header};
use crate::engine::{Engine, EngineConfig, Latency, MAX_CHANNELS, Meters, Monitor};
use crate::settings::Settings;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How to enhance.
#[derive(Clone, Debug)]
pub struct Options {
    /// The settings.
    pub settings: Settings,
    /// The latency mode.
    pub latency: Latency,
    /// What is written.
    pub monitor: Monitor,
    /// Whether spectrograms and curves are gathered too.
    pub picture: bool,
    /// Whether, and how, it gets better on the way.
    pub adapt: Option<Adapt>,
}

/// What is known of a file before it is enhanced.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The input's format.
    pub format: &'static str,
    /// Samples per second.
    pub rate: u32,
    /// Number of channels.
    pub channels: usize,
    /// How a sample of the output is stored.
    pub depth: Depth,
    /// Number of frames, where it is known beforehand.
    pub frames: Option<u64>,
    /// About how many there are, where that can be told.
    pub expected: Option<u64>,
    /// Delay of the engine in frames; the output is shifted back by it.
    pub latency: usize,
}

/// What became of a job.
pub struct Done {
    /// The job.
    pub job: Job,
    /// Its result.
    pub result: Result<Outcome, Failure>,
}

/// What was done to a file.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What the file is; `frames` is known now.
    pub facts: Facts,
    /// Number of frames, of the input and of the output.
    pub frames: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Numbers of the input and the output.
    pub levels: [Levels; 2],
    /// Fundamental of the hum that was removed, Hz.
    pub hum: Option<f64>,
    /// Samples of the input that were not finite.
    pub bad_samples: u64,
    /// Frames of the input that could not be decoded.
    pub lost_frames: u64,
    /// Samples of the output that were cut at full scale.
    pub clipped: u64,
    /// CRC-32 of the output's samples, as they are stored.
    pub checksum: u32,
    /// What the loop did: once for mono and stereo, else by channel. Empty without `--adapt`.
    pub adaptations: Vec<Adaptation>,
}

/// What a report draws.
pub struct Picture {
    /// Input and output over time.
    pub sides: [Analysis; 2],
    /// Gains over time.
    pub gains: Columns<Gains>,
}

impl Outcome {
    /// Length in seconds.
    pub fn seconds(&self) -> f64 {
        self.frames as f64 / f64::from(self.facts.rate)
    }

    /// Times faster than real time.
    pub fn speed(&self) -> f64 {
        self.seconds() / self.elapsed.as_secs_f64().max(1e-9)
    }
}

/// How far a file is.
pub enum Progress<'a> {
    /// It is learned on before it is enhanced: so many rounds are done, of at most so many.
    Learning(u64, u64),
    /// So many frames are read.
    Read(&'a Facts, u64),
}

/// Why a file failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Something is wrong with the input.
    Input(String),
    /// The output can't be written.
    Output(String),
    /// The person asked to stop.
    Interrupted,
}

/// Gains of the engine over a stretch of time: sums in dB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gains {
    sums: [f64; Gains::NAMES.len()],
    count: u64,
}

impl Gains {
    /// Which gains there are.
    pub const NAMES: [&'static str; 5] = ["Noise and room", "De-esser", "Leveler", "Compressor", "Limiter"];

    /// The index of the noise and room reduction.
    pub const NOISE: usize = 0;

    fn of(meters: &Meters) -> Gains {
        let m = meters;
        let sums = [m.denoise, m.deess, m.level, m.compressor, m.limiter].map(f64::from);
        Gains { sums, count: 1 }
    }

    /// Mean gains in dB, in the order of [`Gains::NAMES`].
    pub fn mean(&self) -> [f64; Gains::NAMES.len()] {
        self.sums.map(|sum| sum / self.count.max(1) as f64)
    }
}

impl Merge for Gains {
    fn merge(&mut self, next: &Gains) {
        self.sums.iter_mut().zip(next.sums).for_each(|(sum, more)| *sum += more);
        self.count += next.count;
    }
}

/// One engine for mono and stereo; one for each channel beyond that, since recorders of many
/// channels hold independent microphones.
struct Chain {
    engines: Vec<Engine>,
    /// The loop beside each engine.
    companions: Vec<Companion>,
    /// What the loops hear where the engines make something else.
    listened: Vec<Engine>,
    /// The input of a block, for the loop.
    input: Vec<Vec<f32>>,
    each: usize,
    hop: usize,
    hum: (f64, u64, u64),
}

impl Chain {
    fn new(rate: u32, channels: usize, options: &Options) -> Result<Chain, String> {
        let (count, each) = if channels <= MAX_CHANNELS { (1, channels) } else { (channels, 1) };
        let config = EngineConfig { sample_rate: rate, channels: each, latency: options.latency };
        let mut engines = Vec::with_capacity(count);
        let (mut listened, mut companions) = (Vec::new(), Vec::new());
        let engine = |monitor| {
            let mut engine = Engine::new(config).map_err(|e| format!("can't be processed: {e}"))?;
            engine.set(&options.settings);
            engine.set_monitor(monitor);
            engine.reset();
            Ok::<_, String>(engine)
        };
        for _ in 0..count {
            if let Some(adapt) = &options.adapt {
                companions.push(Companion::new(config, options, adapt)?);
                if options.monitor != Monitor::Enhanced {
                    listened.push(engine(Monitor::Enhanced)?);
                }
            }
            engines.push(engine(options.monitor)?);
        }
        let hop = engines[0].stream().hop;
        Ok(Chain { engines, companions, listened, input: Vec::new(), each, hop, hum: (0.0, 0, 0) })
    }

    /// Begins with what was learned.
    fn adopt(&mut self) {
        for engines in [&mut self.engines, &mut self.listened] {
            for (engine, companion) in engines.iter_mut().zip(&self.companions) {
                engine.set(companion.settings());
                engine.reset();
            }
        }
    }

    /// Processes one block of the recording in place; the loops hear it. Tells the mean gains.
    fn process_and_learn(&mut self, block: &mut [Vec<f32>]) -> Gains {
        if self.companions.is_empty() {
            return self.process(block);
        }
        let mut input = std::mem::take(&mut self.input);
        input.resize(block.len(), Vec::new());
        input.iter_mut().zip(block.iter()).for_each(|(kept, samples)| kept.clone_from(samples));
        let gains = self.process(block);
        let mut heard = if self.listened.is_empty() { Vec::new() } else { input.clone() };
        for (engine, channels) in self.listened.iter_mut().zip(heard.chunks_mut(self.each)) {
            process(engine, channels);
        }
        let heard = if heard.is_empty() { &*block } else { &heard };
        let sides = input.chunks(self.each).zip(heard.chunks(self.each));
        for (index, (companion, (before, after))) in self.companions.iter_mut().zip(sides).enumerate() {
            if let Some(settings) =
                companion.hear(&slices(before, 0, before[0].len()), &slices(after, 0, after[0].len()))
            {
                for engines in [&mut self.engines, &mut self.listened] {
                    engines.iter_mut().skip(index).take(1).for_each(|engine| engine.set(settings));
                }
            }
        }
        self.input = input;
        gains
    }

    fn latency(&self) -> usize {
        self.engines[0].latency()
    }

    /// Processes one block in place and tells the mean gains.
    fn process(&mut self, block: &mut [Vec<f32>]) -> Gains {
        let mut gains = Gains::default();
        for (engine, channels) in self.engines.iter_mut().zip(block.chunks_mut(self.each)) {
            process(engine, channels);
            let meters = engine.meters();
            gains.merge(&Gains::of(&meters));
            let (sum, active, all) = &mut self.hum;
            *all += 1;
            if meters.hum > 0.0 {
                *sum += f64::from(meters.hum);
                *active += 1;
            }
        }
        gains
    }

    /// The mean frequency, if hum was removed for a twentieth of the time.
    fn hum(&self) -> Option<f64> {
        let (sum, active, all) = self.hum;
        (active > 0 && active * 20 >= all).then(|| sum / active as f64)
    }
}

fn process(engine: &mut Engine, channels: &mut [Vec<f32>]) {
    match channels {
        [mono] => engine.process(&mut [mono]),
        [left, right] => engine.process(&mut [left, right]),
        _ => {}
    }
}

/// Opens a file and says what it is, without enhancing it.
pub fn check(input: &Path, options: &Options) -> Result<Facts, Failure> {
    open(input, options).map(|(_, _, facts)| facts).map_err(Failure::Input)
}

fn open(input: &Path, options: &Options) -> Result<(Source, Chain, Facts), String> {
    let source = Source::open(input)?;
    let header = &source.header;
    let channels = usize::from(header.channels);
    let chain = Chain::new(header.rate, channels, options)?;
    let frames = (header.frames < u64::MAX).then_some(header.frames);
    let (format, rate, depth, latency) = (source.format, header.rate, header.depth, chain.latency());
    let expected = source.expected;
    Ok((source, chain, Facts { format, rate, channels, depth: stored(depth), frames, expected, latency }))
}

/// The engine works in 32-bit floats; more would only be zeros.
fn stored(depth: Depth) -> Depth {
    match depth {
        Depth::Float(_) => Depth::Float(32),
        int => int,
    }
}

/// Enhances one file; `progress` hears how far it is.
pub fn enhance(
    input: &Path,
    output: &Path,
    options: &Options,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Outcome, Picture), Failure> {
    let begun = Instant::now();
    let (mut source, mut chain, facts) = open(input, options).map_err(Failure::Input)?;
    if options.adapt.as_ref().is_some_and(|adapt| adapt.two_pass) {
        adapt::learn(input, &mut chain.companions, chain.each, stop, &mut |round, most| {
            progress(Progress::Learning(round, most))
        })?;
        chain.adopt();
    }
    progress(Progress::Read(&facts, 0));
    let Facts { rate, channels, latency, .. } = facts;
    let measure = || Analysis::new(rate, channels, options.picture).map_err(Failure::Input);
    let mut sides = [measure()?, measure()?];
    let mut gains = Columns::new(COLUMNS);
    let header = Header { depth: facts.depth, ..source.header.clone() };
    let mut sink = Sink::create(output, &header).map_err(Failure::Output)?;

    let mut block = vec![Vec::new(); channels];
    let (mut read, mut processed, mut written) = (0u64, 0u64, 0u64);
    let mut gain = Gains::default();
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted);
        }
        let mut count = source.read(&mut block, chain.hop).map_err(Failure::Input)?;
        read += count as u64;
        let ended = count == 0;
        if ended {
            // The end: silence pushes out what the engine still holds.
            if written == read {
                break;
            }
            count = chain.hop;
            block.iter_mut().for_each(|samples| *samples = vec![0.0; chain.hop]);
        } else {
            sides[0].add(&slices(&block, 0, count));
            progress(Progress::Read(&facts, read));
        }
        let latest = if ended { chain.process(&mut block) } else { chain.process_and_learn(&mut block) };
        // What was done to that silence is not what was done to the sound.
        gain = if ended { gain } else { latest };
        processed += count as u64;
        // The first `latency` samples are the engine's delay; dropped, the output is aligned.
        let ready = processed.saturating_sub(latency as u64).min(read);
        let fresh = (ready - written) as usize;
        if fresh > 0 {
            let skip = (latency as u64).saturating_sub(processed - count as u64) as usize;
            sides[1].add(&slices(&block, skip, skip + fresh));
            sink.write(&block, skip, skip + fresh).map_err(Failure::Output)?;
            gains.push(gain);
            written = ready;
        }
    }
    let levels = [sides[0].finish(), sides[1].finish()];
    let clipped = sink.clipped;
    let checksum = sink.finish().map_err(Failure::Output)?;
    let outcome = Outcome {
        facts,
        frames: read,
        elapsed: begun.elapsed(),
        levels,
        hum: chain.hum(),
        bad_samples: source.bad_samples,
        lost_frames: source.lost_frames,
        clipped,
        checksum,
        adaptations: chain.companions.into_iter().map(Companion::finish).collect(),
    };
    Ok((outcome, Picture { sides, gains }))
}

fn slices(block: &[Vec<f32>], from: usize, to: usize) -> Vec<&[f32]> {
    block.iter().map(|samples| &samples[from..to]).collect()
}
