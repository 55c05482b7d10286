//! An engine with a loop beside it, and what it hears.

pub use crate::common::speech_at_16k as recording;
use attune::engine::{Engine, EngineConfig, Latency};
use attune::quality::{Ears, Estimate};
use attune::settings::{Id, Settings};
use attune::tuner::{Event, FeedbackLoop, LoopConfig, Metrics, ParameterUpdate, Shadow, Stretch, What};
use std::path::PathBuf;
use std::sync::Arc;

pub const RATE: u32 = 16_000;
pub const SECOND: usize = RATE as usize;

/// The same through a microphone without treble.
pub fn muffled(sound: &[f32]) -> Vec<f32> {
    let mut low = [0.0f32; 2];
    let pass = |x: &f32| {
        low[0] += 0.25 * (x - low[0]);
        low[1] += 0.25 * (low[0] - low[1]);
        low[1]
    };
    sound.iter().map(pass).collect()
}

/// White noise, half of full scale at most.
pub fn hiss() -> impl FnMut() -> f32 {
    let mut seed = 1u32;
    move || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed as f32 / u32::MAX as f32 - 0.5
    }
}

/// Recordings of 24 bits, mono, 16 kHz, in the folder that ATTUNE_RECORDINGS names, by name: for the long tests.
pub fn recordings() -> Vec<(String, Vec<f32>)> {
    let folder = std::env::var_os("ATTUNE_RECORDINGS").map(PathBuf::from);
    let folder = folder.expect("ATTUNE_RECORDINGS: a folder as xtask/ears/mixtures.py makes it, with --rate 16000");
    let files = std::fs::read_dir(folder.join("noisy")).expect("the folder `noisy` in it");
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let read = |file: PathBuf| {
        let mut wav = hound::WavReader::open(&file).unwrap();
        assert_eq!((wav.spec().sample_rate, wav.spec().channels), (RATE, 1), "{}", file.display());
        let samples = wav.samples::<i32>().map(|s| s.unwrap() as f32 / (1 << 23) as f32).collect();
        (file.file_stem().unwrap().to_string_lossy().into_owned(), samples)
    };
    files.into_iter().map(read).collect()
}

pub fn engine() -> EngineConfig {
    EngineConfig { sample_rate: RATE, channels: 1, latency: Latency::Studio }
}

/// As offline, but with fewer candidates, so that the tests are quick.
pub fn config(base: Settings) -> LoopConfig {
    LoopConfig { base, slots: 4, stretches: 3, ..LoopConfig::offline(engine()) }
}

/// An engine with a loop beside it.
pub struct Session {
    pub engine: Engine,
    pub feedback_loop: FeedbackLoop,
    pub events: Vec<Event>,
    pub at: usize,
}

impl Session {
    pub fn new(config: LoopConfig) -> Session {
        let mut engine = Engine::new(config.engine).unwrap();
        engine.set(&config.base);
        engine.reset();
        Session { engine, feedback_loop: FeedbackLoop::new(config).unwrap(), events: Vec::new(), at: 0 }
    }

    /// Streams some audio through it in blocks.
    pub fn play(&mut self, input: &[f32]) {
        self.play_broken(input, |_| ());
    }

    /// The same with something done to the output.
    pub fn play_broken(&mut self, input: &[f32], harm: impl Fn(&mut [f32])) {
        for block in input.chunks(800) {
            let mut output = block.to_vec();
            self.engine.process(&mut [&mut output]);
            assert!(output.iter().all(|sample| sample.is_finite()));
            harm(&mut output);
            self.feedback_loop.collect_feedback(&[block], &[&output], &Metrics::default());
            self.events.extend(self.feedback_loop.advance());
            self.engine.set(self.feedback_loop.settings());
            self.at += block.len();
        }
    }

    /// Deploys settings from outside.
    pub fn install(&mut self, settings: &Settings) {
        self.feedback_loop.install(settings, "from outside");
        self.engine.set(self.feedback_loop.settings());
    }

    pub fn deployments(&self) -> impl Iterator<Item = (&Event, &[ParameterUpdate])> {
        self.events.iter().filter_map(|event| match &event.what {
            What::Deployed { updates, .. } => Some((event, updates.as_slice())),
            _ => None,
        })
    }

    pub fn rollbacks(&self) -> usize {
        self.events.iter().filter(|event| matches!(event.what, What::RolledBack { .. })).count()
    }
}

/// What nobody would choose: muffled and boomy, with far too much noise reduction.
pub fn bad() -> Settings {
    Settings::default()
        .with(Id::EqPresence, -12.0)
        .with(Id::EqAir, -15.0)
        .with(Id::EqLow, 9.0)
        .with(Id::Oversubtraction, 4.0)
}

/// By how much one set of settings is better than another on some audio, PESQ points, as the ears hear it; `None`
/// if there is no speech.
pub fn better(audio: &[f32], one: &Settings, other: &Settings) -> Option<Estimate> {
    let mut shadow = Shadow::new(engine()).unwrap();
    let stretches = audio.chunks_exact(6 * SECOND).chain((audio.len() < 6 * SECOND).then_some(audio));
    let stretch = |part: &[f32]| Arc::new(Stretch::new(Ears::built_in(), RATE, vec![part.to_vec()], part.len() / 4));
    shadow.set(stretches.map(stretch).collect());
    if shadow.speech() < 0.5 {
        return None;
    }
    let [one, other] = [one, other].map(|settings| shadow.hear(settings));
    shadow.difference(&one, &other)
}

/// The middle one.
pub fn median(mut values: Vec<f32>) -> f32 {
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f32::NAN)
}
