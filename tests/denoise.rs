//! What the denoiser and the dereverberation do to sound, in both latency modes.

mod common;

use attune::engine::{EngineConfig, Latency};
use attune::settings::{Id, Method, Settings};
use common::*;

const RATE: u32 = 48_000;

fn config(latency: Latency) -> EngineConfig {
    EngineConfig { sample_rate: RATE, channels: 1, latency }
}

fn seconds(seconds: f32) -> usize {
    (seconds * RATE as f32) as usize
}

/// Only the pass under test.
fn only(method: Method) -> Settings {
    Settings::default().with(Id::Hum, 0.0).with(Id::Ceiling, 0.0).with(Id::Method, method as usize as f32)
}

fn noise(length: usize, scale: f32) -> Vec<f32> {
    let mut random = Random::new(9);
    (0..length).map(|_| scale * (2.0 * random.unit() - 1.0)).collect()
}

/// What comes out, in step with what went in; so much shorter.
fn enhance(latency: Latency, settings: &Settings, input: &[f32]) -> Vec<f32> {
    let mut engine = engine(config(latency), settings);
    run(&mut engine, &vec![input.to_vec()], &[512]).remove(0).split_off(engine.latency())
}

fn decibels(x: &[f32]) -> f32 {
    10.0 * (x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32).log10()
}

#[test]
fn steady_noise_goes_down_to_the_cap_and_no_further() {
    let input = noise(seconds(4.0), 0.02);
    for latency in LATENCIES {
        // Hiss that never had speech in it is kept by RNNoise itself; the rest is the spectral share.
        for (method, least) in [(Method::Spectral, 0.75), (Method::Neural, 0.3)] {
            for cap in [0.0, 6.0, 12.0, 20.0] {
                let output = enhance(latency, &only(method).with(Id::Reduction, cap), &input);
                let late = seconds(2.0)..output.len();
                let change = decibels(&output[late.clone()]) - decibels(&input[late]);
                let expected = -cap - 0.1..-least * cap + 0.1;
                assert!(expected.contains(&change), "{latency:?} {method:?}: {change} dB at a cap of {cap} dB");
            }
        }
    }
}

#[test]
fn without_reduction_nothing_changes() {
    let speech = speech();
    for latency in LATENCIES {
        for method in Method::ALL {
            let output = enhance(latency, &only(method).with(Id::Reduction, 0.0), &speech);
            let worst = output.iter().zip(&speech).fold(0f32, |worst, (y, x)| worst.max((y - x).abs()));
            assert!(worst < 2e-6, "{latency:?} {method:?}: {worst}");
        }
    }
}

/// Syllables in noise: each of them is kept from its first moment on, the noise between them is not.
#[test]
fn onsets_stay_and_pauses_are_quiet() {
    let length = seconds(6.0);
    let noise = noise(length, 0.003);
    // 200 ms of a buzz with formant-like weights, then 400 ms of pause.
    let sounds = |i: usize| i % seconds(0.6) < seconds(0.2);
    let buzz = |i: usize| -> f32 {
        let phase = std::f32::consts::TAU * 140.0 * (i % seconds(0.5)) as f32 / RATE as f32;
        (1..25).map(|k| 0.2 * (k as f32 * phase).sin() / k as f32).sum()
    };
    let input: Vec<f32> = (0..length).map(|i| noise[i] + if sounds(i) { buzz(i) } else { 0.0 }).collect();
    for latency in LATENCIES {
        for method in [Method::Spectral, Method::Neural] {
            let output = enhance(latency, &only(method), &input);
            let change = |range: std::ops::Range<usize>| decibels(&output[range.clone()]) - decibels(&input[range]);
            for start in (5..9).map(|k| k * seconds(0.6)) {
                let onset = change(start..start + seconds(0.02));
                assert!(onset > -3.5, "{latency:?} {method:?}: {onset} dB");
                let pause = change(start + seconds(0.4)..start + seconds(0.55));
                assert!(pause < -10.0, "{latency:?} {method:?}: {pause} dB");
            }
        }
    }
}

/// A room with a decay time of 0.6 s: its tail falls faster, the sound itself stays.
#[test]
fn late_reverberation_goes_down() {
    let length = seconds(6.0);
    let bursts = noise(length, 0.3);
    let dry = |i: usize| if i % seconds(0.8) < seconds(0.1) { bursts[i] } else { 0.0 };
    // Noise that decays by 60 dB in 0.6 s is what such a room adds, from burst to burst.
    let mut tail = 0.0;
    let decay = 10f32.powf(-3.0 / (0.6 * RATE as f32));
    let mut random = Random::new(4);
    let input: Vec<f32> = (0..length)
        .map(|i| {
            let direct = dry(i);
            tail = if direct == 0.0 { tail * decay } else { 0.12 };
            direct + tail * (2.0 * random.unit() - 1.0)
        })
        .collect();
    for latency in LATENCIES {
        for decay in [0.1, 0.6] {
            let settings = only(Method::Off).with(Id::Dereverb, 100.0).with(Id::Decay, decay);
            let output = enhance(latency, &settings, &input);
            let change = |range: std::ops::Range<usize>| decibels(&output[range.clone()]) - decibels(&input[range]);
            let start = 5 * seconds(0.8);
            let direct = change(start..start + seconds(0.1));
            let late = change(start + seconds(0.2)..start + seconds(0.5));
            assert!(direct > -2.5, "{latency:?} {decay}: {direct} dB");
            assert!((-12.1..-8.0).contains(&late), "{latency:?} {decay}: {late} dB");
        }
    }
}

#[test]
fn switched_off_and_on_again_it_works_as_before() {
    let input = noise(seconds(2.0), 0.02);
    for latency in LATENCIES {
        for method in [Method::Spectral, Method::Neural] {
            let mut engine = engine(config(latency), &only(method));
            let mut level = |settings: &Settings| {
                engine.set(settings);
                let output = run(&mut engine, &vec![input.clone()], &[512]).remove(0);
                decibels(&output[seconds(1.0)..])
            };
            let (on, off) = (level(&only(method)), level(&only(Method::Off)));
            assert!((off - decibels(&input)).abs() < 0.2, "{latency:?} {method:?}: {off} dB");
            let again = level(&only(method));
            assert!((again - on).abs() < 1.0, "{latency:?} {method:?}: {on} dB, then {again} dB");
        }
    }
}
