//! What every effect and the whole chain cost on a real recording, beside RNNoise (nnnoiseless) on
//! the same audio: `cargo bench`. Criterion's statistics first, then one table of lower quartiles,
//! which other load on the machine disturbs least; the last line is one JSON object.

use attune::bridge::Tap;
use attune::engine::{
    Compressor, Deess, Effect, Engine, EngineConfig, Eq, Hum, Latency, Leveler, Limiter, LowCut, MAX_CHANNELS,
    SpectralPass, Stream,
};
use attune::settings::{Id, Method, Preset, Settings};
use criterion::Criterion;
use nnnoiseless::DenoiseState;
use std::hint::black_box;
use std::time::{Duration, Instant};

const RATE: u32 = 48_000;
/// 10 ms.
const FRAME: usize = RATE as usize / 100;
/// The name of the yardstick in the table.
const PEER: &str = "nnnoiseless";

/// What is measured, and its cost for 10 ms of audio, in µs.
struct Row {
    name: String,
    cost: f64,
}

/// Measures passes over the whole recording, so that pauses and speech have their true share.
struct Bench {
    criterion: Criterion,
    recording: Vec<f32>,
    rows: Vec<Row>,
}

impl Bench {
    fn measure(&mut self, name: &str, mut pass: impl FnMut(&[f32])) {
        let frames = (self.recording.len() / FRAME) as f64;
        let mut costs: Vec<f64> = Vec::new();
        self.criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|passes| {
                let start = Instant::now();
                for _ in 0..passes {
                    pass(&self.recording);
                }
                let time = start.elapsed();
                costs.push(time.as_secs_f64() * 1e6 / passes as f64 / frames);
                time
            });
        });
        costs.sort_by(f64::total_cmp);
        // Nothing was measured if the name doesn't match the filter that was typed.
        if let Some(&cost) = costs.get(costs.len() / 4) {
            self.rows.push(Row { name: name.to_owned(), cost });
        }
    }

    fn effect(&mut self, name: &str, stream: &Stream, settings: &Settings, mut effect: impl Effect) {
        let mut block = stream.block(stream.hop);
        effect.set(settings);
        self.measure(name, |recording| {
            for samples in recording.chunks_exact(block[0].len()) {
                block[0].copy_from_slice(samples);
                effect.process(black_box(&mut block));
            }
        });
    }

    fn chain(&mut self, name: &str, channels: usize, latency: Latency, settings: &Settings) {
        let mut engine = Engine::new(EngineConfig { sample_rate: RATE, channels, latency }).expect("a common stream");
        let mut block = vec![vec![0.0; FRAME]; channels];
        engine.set(settings);
        self.measure(name, |recording| {
            for samples in recording.chunks_exact(FRAME) {
                block.iter_mut().for_each(|channel| channel.copy_from_slice(samples));
                let [left, right @ ..] = block.as_mut_slice() else { return };
                match right {
                    [right] => engine.process(black_box(&mut [left, right])),
                    _ => engine.process(black_box(&mut [left])),
                }
            }
        });
    }

    /// What the loop costs the audio thread: handing over what goes in and what comes out.
    fn tap(&mut self, name: &str, channels: usize) {
        let (mut sender, mut receiver) = Tap::open(RATE, channels, 2.0);
        self.measure(name, |recording| {
            for samples in recording.chunks_exact(FRAME) {
                let side = [samples; MAX_CHANNELS];
                sender.send(black_box(&side[..channels]), &side[..channels], 1);
                receiver.skip();
            }
        });
        assert_eq!(receiver.dropped(), 0);
    }

    /// RNNoise as its crate offers it. It wants the range of 16 bits.
    fn peer(&mut self) {
        let mut state = DenoiseState::new();
        let (mut input, mut output) = ([0.0; FRAME], [0.0; FRAME]);
        self.measure(PEER, |recording| {
            for samples in recording.chunks_exact(FRAME) {
                for (scaled, sample) in input.iter_mut().zip(samples) {
                    *scaled = sample * 32768.0;
                }
                state.process_frame(black_box(&mut output), &input);
            }
        });
    }

    fn cost(&self, name: &str) -> Option<f64> {
        self.rows.iter().find(|row| row.name == name).map(|row| row.cost)
    }

    fn summary(&self) {
        let peer = self.cost(PEER);
        println!("{:<36}{:>12}{:>14}{:>16}", "mono 48 kHz, one core", "µs / 10 ms", "x real time", "/ nnnoiseless");
        for Row { name, cost } in &self.rows {
            let ratio = peer.map_or("-".to_owned(), |peer| format!("{:.2}", cost / peer));
            println!("{name:<36}{cost:>12.2}{:>14.0}{ratio:>16}", 1e4 / cost);
        }
        let ratio = |name| Some(self.cost(name)? / peer?);
        if let (Some(chain), Some(denoise), Some(cost)) =
            (ratio("chain, spectral"), ratio("denoise, spectral"), self.cost("chain, spectral"))
        {
            println!(
                "{{\"chain_to_peer\":{chain:.3},\"denoise_to_peer\":{denoise:.3},\"chain_us\":{cost:.2},\"chain_x_realtime\":{:.0}}}",
                1e4 / cost
            );
        }
    }
}

fn main() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/voice-in-cafe.wav");
    let mut wav = hound::WavReader::open(path).expect("the demo recording");
    let criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let mut bench = Bench {
        criterion,
        recording: wav.samples::<i16>().map(|s| f32::from(s.expect("whole file")) / 32768.0).collect(),
        rows: Vec::new(),
    };

    let stream =
        Stream::new(EngineConfig { sample_rate: RATE, channels: 1, latency: Latency::Studio }).expect("common");
    let with = |method: Method| Settings::default().with(Id::Method, method as usize as f32);
    let (spectral, neural) = (with(Method::Spectral), with(Method::Neural));
    // Every effect at work.
    let mut busy = spectral;
    for (id, value) in [
        (Id::LowCut, 80.0),
        (Id::EqLow, -3.0),
        (Id::EqMid, -2.0),
        (Id::EqPresence, 2.0),
        (Id::EqAir, 3.0),
        (Id::Deess, 6.0),
        (Id::LevelRange, 12.0),
        (Id::CompThreshold, -30.0),
        (Id::OutputGain, 12.0),
    ] {
        busy.set(id, value);
    }
    bench.effect("low cut", &stream, &busy, LowCut::new(&stream));
    bench.effect("hum", &stream, &busy, Hum::new(&stream));
    bench.effect("denoise, spectral", &stream, &spectral, SpectralPass::new(&stream));
    bench.effect(
        "denoise and dereverb, spectral",
        &stream,
        &spectral.with(Id::Dereverb, 50.0),
        SpectralPass::new(&stream),
    );
    bench.effect("denoise, neural", &stream, &neural, SpectralPass::new(&stream));
    bench.effect("equaliser", &stream, &busy, Eq::new(&stream));
    bench.effect("de-esser", &stream, &busy, Deess::new(&stream));
    bench.effect("leveler", &stream, &busy, Leveler::new(&stream));
    bench.effect("compressor", &stream, &busy, Compressor::new(&stream));
    bench.effect("limiter", &stream, &busy, Limiter::new(&stream));

    let podcast = Preset::find("podcast").expect("it ships with Attune").settings;
    bench.chain("chain, spectral", 1, Latency::Studio, &spectral);
    bench.chain("chain, neural (default)", 1, Latency::Studio, &neural);
    bench.chain("chain, podcast", 1, Latency::Studio, &podcast);
    bench.chain("chain, spectral, everything at work", 1, Latency::Studio, &busy.with(Id::Dereverb, 50.0));
    bench.chain("chain, spectral, live", 1, Latency::Live, &spectral);
    bench.chain("chain, neural, live", 1, Latency::Live, &neural);
    bench.chain("chain, neural, stereo", 2, Latency::Studio, &neural);
    bench.tap("tap, stereo", 2);
    bench.peer();
    bench.criterion.final_summary();
    bench.summary();
}
