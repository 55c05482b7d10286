//! Engines, signals and random numbers for the tests of the whole chain.

// Each test binary uses a part of it.
#![allow(dead_code)]

use attune::engine::{Engine, EngineConfig, Latency, Monitor};
use attune::settings::{COUNT, Settings, TABLE};
use std::f64::consts::TAU;
use std::path::Path;

/// The rates of the matrix.
pub const RATES: [u32; 6] = [8000, 16_000, 44_100, 48_000, 96_000, 192_000];
/// Both latency modes.
pub const LATENCIES: [Latency; 2] = [Latency::Live, Latency::Studio];
/// All that can be heard.
pub const MONITORS: [Monitor; 3] = [Monitor::Enhanced, Monitor::Delta, Monitor::Bypass];

/// One vector of samples per channel.
pub type Sound = Vec<Vec<f32>>;

/// Rates x latency modes x channels.
pub fn matrix() -> impl Iterator<Item = EngineConfig> {
    RATES.into_iter().flat_map(|sample_rate| {
        LATENCIES
            .into_iter()
            .flat_map(move |latency| [1, 2].map(|channels| EngineConfig { sample_rate, channels, latency }))
    })
}

/// An engine with these settings, all ramps finished.
pub fn engine(config: EngineConfig, settings: &Settings) -> Engine {
    let mut engine = Engine::new(config).unwrap();
    engine.set(settings);
    engine.reset();
    engine
}

/// Processes a part of a sound in place, in one call.
pub fn process(engine: &mut Engine, sound: &mut [Vec<f32>], range: std::ops::Range<usize>) {
    // As much on the stack as there may be channels: this runs under the allocation guard too.
    match sound {
        [mono] => engine.process(&mut [&mut mono[range]]),
        [left, right] => engine.process(&mut [&mut left[range.clone()], &mut right[range]]),
        _ => panic!("neither mono nor stereo"),
    }
}

/// Processes a sound in blocks of these lengths, over and over.
pub fn run(engine: &mut Engine, input: &Sound, blocks: &[usize]) -> Sound {
    let mut sound = input.clone();
    let (mut done, length) = (0, input[0].len());
    for block in blocks.iter().cycle() {
        let end = length.min(done + block);
        process(engine, &mut sound, done..end);
        done = end;
        if done == length {
            break;
        }
    }
    sound
}

/// Random numbers, the same for the same seed (xorshift).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 40) as f32 / (1 << 24) as f32
    }

    /// Uniform in 0..n.
    pub fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f32) as usize
    }

    /// Anywhere in the ranges, often at one of their ends.
    pub fn settings(&mut self) -> Settings {
        let mut travels = [0.0; COUNT];
        travels.fill_with(|| (self.unit() * 1.4 - 0.2).clamp(0.0, 1.0));
        settings_at(&travels)
    }
}

/// Settings from the travel of each control, 0 to 1.
pub fn settings_at(travels: &[f32; COUNT]) -> Settings {
    Settings::from_array(&std::array::from_fn(|i| TABLE[i].denormalise(travels[i])))
}

/// A sine at full scale.
pub fn sine(rate: u32, frequency: f64, length: usize) -> Vec<f32> {
    (0..length).map(|i| (TAU * frequency * i as f64 / f64::from(rate)).sin() as f32).collect()
}

/// A voiced tone and noise that come and go like syllables, different in each channel.
pub fn syllables(config: EngineConfig, length: usize) -> Sound {
    let rate = f64::from(config.sample_rate);
    (0..config.channels)
        .map(|channel| {
            let mut random = Random::new(channel as u64);
            let sample = |i: usize| {
                let t = i as f64 / rate;
                let envelope = (TAU * 6.0 * t + 0.5 * channel as f64).sin().max(0.0).powi(2);
                let voice: f64 = (1..=6).map(|k| (TAU * 150.0 * f64::from(k) * t).sin() / f64::from(k)).sum();
                (envelope * (0.3 * voice + 0.15 * f64::from(random.unit() - 0.5))) as f32 + 0.01 * (random.unit() - 0.5)
            };
            (0..length).map(sample).collect()
        })
        .collect()
}

/// Real speech in a cafe: 11 s, mono, 48 kHz.
pub fn speech() -> Vec<f32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/voice-in-cafe.wav");
    let samples = hound::WavReader::open(path).unwrap().into_samples::<i16>();
    samples.map(|x| f32::from(x.unwrap()) / 32_768.0).collect()
}

/// The same at 16 kHz.
pub fn speech_at_16k() -> Vec<f32> {
    speech().chunks_exact(3).map(|three| three.iter().sum::<f32>() / 3.0).collect()
}

/// Greatest magnitude.
pub fn peak(x: &[f32]) -> f32 {
    x.iter().fold(0.0, |peak, x| peak.max(x.abs()))
}
