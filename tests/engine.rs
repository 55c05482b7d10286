//! The whole chain over rates, latency modes and channels.

mod common;

use attune::engine::{Engine, EngineConfig, Latency, Monitor};
use attune::settings::{Id, Method, Preset, Settings};
use common::*;

/// Every effect at work, with this method.
fn busy(method: Method) -> Settings {
    *Settings::default()
        .set(Id::Method, method as usize as f32)
        .set(Id::Dereverb, 60.0)
        .set(Id::LowCut, 90.0)
        .set(Id::EqLow, -4.0)
        .set(Id::EqMid, 5.0)
        .set(Id::EqPresence, 3.0)
        .set(Id::EqAir, 6.0)
        .set(Id::Deess, 9.0)
        .set(Id::LevelRange, 15.0)
        .set(Id::CompThreshold, -30.0)
        .set(Id::OutputGain, 12.0)
        .set(Id::Mix, 80.0)
}

/// Nothing is changed but peaks above full scale.
fn neutral() -> Settings {
    Settings::default().with(Id::Method, 0.0).with(Id::Hum, 0.0).with(Id::Ceiling, 0.0)
}

/// The first place where two sounds differ in a bit: channel, sample.
fn difference(a: &Sound, b: &Sound) -> Option<(usize, usize)> {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).enumerate().find_map(|(channel, (a, b))| {
        assert_eq!(a.len(), b.len());
        Some((channel, a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits())?))
    })
}

/// Settings and monitor that change on the way, in blocks of these lengths.
fn automated(engine: &mut Engine, input: &Sound, blocks: &[usize]) -> Sound {
    let part = input[0].len().div_ceil(6);
    let mut output = vec![Vec::new(); input.len()];
    for step in 0..6 {
        engine.set(&busy(Method::ALL[step % 3]));
        engine.set_monitor(MONITORS[step / 2]);
        let range = step * part..input[0].len().min((step + 1) * part);
        let cut = input.iter().map(|x| x[range.clone()].to_vec()).collect();
        output.iter_mut().zip(run(engine, &cut, blocks)).for_each(|(y, cut)| y.extend(cut));
    }
    output
}

#[test]
fn the_cut_into_blocks_does_not_matter() {
    let mut random = Random::new(2);
    for config in matrix() {
        let input = syllables(config, config.sample_rate as usize / 3);
        let with_blocks = |blocks: &[usize]| automated(&mut Engine::new(config).unwrap(), &input, blocks);
        let whole = with_blocks(&[8192]);
        let odd: Vec<usize> = (0..50).map(|_| 1 + random.below(1000)).collect();
        // 0: calls with nothing in them.
        for blocks in [&[1][..], &odd, &[64, 0, 7]] {
            assert_eq!(difference(&whole, &with_blocks(blocks)), None, "{config:?} {blocks:?}");
        }
    }
}

#[test]
fn reset_is_new() {
    for config in matrix() {
        let input = syllables(config, config.sample_rate as usize / 4);
        for method in Method::ALL {
            let mut fresh = Engine::new(config).unwrap();
            fresh.set(&busy(method));
            fresh.reset();
            let mut used = Engine::new(config).unwrap();
            automated(&mut used, &input, &[333]);
            used.set(&busy(method));
            used.set_monitor(Monitor::Enhanced);
            // In the middle of a frame and of all ramps.
            run(&mut used, &vec![vec![f32::NAN; 77]; config.channels], &[7]);
            assert_eq!(used.meters().bad_samples, 77 * config.channels as u64);
            used.reset();
            assert_eq!(used.meters(), fresh.meters());
            let (a, b) = (run(&mut fresh, &input, &[480]), run(&mut used, &input, &[480]));
            assert_eq!(difference(&a, &b), None, "{config:?} {method:?}");
            assert_eq!(used.meters(), fresh.meters());
        }
    }
}

#[test]
fn new_has_the_default_settings() {
    for config in matrix() {
        let input = syllables(config, config.sample_rate as usize / 8);
        let mut new = Engine::new(config).unwrap();
        let mut set = engine(config, &Settings::default());
        assert_eq!(difference(&run(&mut new, &input, &[480]), &run(&mut set, &input, &[480])), None, "{config:?}");
    }
}

#[test]
fn deterministic() {
    for config in matrix() {
        let input = syllables(config, config.sample_rate as usize / 4);
        let once = || automated(&mut Engine::new(config).unwrap(), &input, &[512]);
        assert_eq!(difference(&once(), &once()), None, "{config:?}");
    }
}

#[test]
fn an_impulse_comes_out_at_the_latency() {
    for config in matrix() {
        let mut engine = engine(config, &neutral());
        let (latency, at) = (engine.latency(), 1234);
        let mut input = vec![vec![0.0; at + 3 * latency]; config.channels];
        input.iter_mut().for_each(|x| x[at] = 0.9);
        let output = run(&mut engine, &input, &[100]);
        for (i, y) in output.iter().flat_map(|y| y.iter().enumerate()) {
            let expected = if i == at + latency { 0.9 } else { 0.0 };
            assert!((y - expected).abs() < 2e-6, "{config:?}: {y} at {i}, latency {latency}");
        }
    }
}

#[test]
fn neutral_settings_change_nothing() {
    for config in matrix() {
        let input = syllables(config, config.sample_rate as usize / 4);
        let mut engine = engine(config, &neutral());
        let latency = engine.latency();
        for (x, y) in input.iter().zip(run(&mut engine, &input, &[480])) {
            let worst = x.iter().zip(&y[latency..]).fold(0f32, |worst, (x, y)| worst.max((x - y).abs()));
            assert!(worst < 2e-6, "{config:?}: {worst}");
        }
    }
}

#[test]
fn bypass_is_the_input_to_the_bit() {
    for config in matrix() {
        let input = syllables(config, config.sample_rate as usize / 4);
        let mut engine = Engine::new(config).unwrap();
        engine.set(&busy(Method::Neural));
        engine.set_monitor(Monitor::Bypass);
        engine.reset();
        let latency = engine.latency();
        let output = run(&mut engine, &input, &[333]);
        let late = input.iter().map(|x| [&vec![0.0; latency], &x[..x.len() - latency]].concat()).collect();
        assert_eq!(difference(&output, &late), None, "{config:?}");
    }
}

#[test]
fn delta_is_what_is_missing() {
    for config in matrix() {
        let input: Sound = syllables(config, config.sample_rate as usize / 4);
        // Below the ceiling, for the limiter comes after the difference.
        let input: Sound = input.iter().map(|x| x.iter().map(|x| 0.3 * x).collect()).collect();
        let with_monitor = |monitor| {
            let mut engine = engine(config, &Settings::default());
            engine.set_monitor(monitor);
            engine.reset();
            run(&mut engine, &input, &[480])
        };
        let [enhanced, delta, bypass] = MONITORS.map(with_monitor);
        for channel in 0..config.channels {
            let sums = enhanced[channel].iter().zip(&delta[channel]).map(|(x, y)| x + y);
            let worst = sums.zip(&bypass[channel]).fold(0f32, |worst, (x, y)| worst.max((x - y).abs()));
            assert!(worst < 1e-6, "{config:?}: {worst}");
        }
    }
}

#[test]
fn enhanced_speech_is_in_step() {
    for config in matrix() {
        let input = syllables(config, config.sample_rate as usize / 2);
        let mut engine = engine(config, &Settings::default());
        let output = run(&mut engine, &input, &[480]);
        let correlation = |lag: usize| {
            let pairs = input[0].iter().zip(&output[0][lag..]);
            pairs.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum::<f64>()
        };
        let latency = engine.latency();
        let lags = latency - 100..=latency + 100;
        let best = lags.max_by(|a, b| correlation(*a).total_cmp(&correlation(*b))).unwrap();
        assert_eq!(best, latency, "{config:?}");
    }
}

#[test]
fn latency_is_that_of_the_mode_whatever_the_settings() {
    let mut random = Random::new(3);
    for sample_rate in RATES.into_iter().chain([11_025, 22_050, 24_000, 32_000, 37_123, 88_200, 176_400]) {
        for latency in LATENCIES {
            let mut engine = Engine::new(EngineConfig { sample_rate, channels: 1, latency }).unwrap();
            let samples = engine.latency();
            // Few samples make a hop at low rates, so it can't be cut as fine.
            let (low, high) = match (latency, sample_rate) {
                (Latency::Live, 16_000..) => (5.0, 11.5),
                (Latency::Live, _) => (5.0, 13.0),
                (Latency::Studio, 16_000..) => (21.0, 43.5),
                (Latency::Studio, _) => (21.0, 47.0),
            };
            let milliseconds = samples as f32 / sample_rate as f32 * 1000.0;
            assert!((low..=high).contains(&milliseconds), "{sample_rate} {latency:?}: {milliseconds} ms");
            for settings in (0..20).map(|_| random.settings()).chain(Preset::built_in().iter().map(|p| p.settings)) {
                engine.set(&settings);
                process(&mut engine, &mut [vec![0.1; 100]], 0..100);
                assert_eq!(engine.latency(), samples);
            }
            engine.reset();
            assert_eq!(engine.latency(), samples);
        }
    }
}

#[test]
fn silence_stays_silence() {
    for config in matrix() {
        let silence = vec![vec![0.0; config.sample_rate as usize / 5]; config.channels];
        for preset in Preset::built_in() {
            let mut engine = Engine::new(config).unwrap();
            engine.set(&preset.settings);
            let output = run(&mut engine, &silence, &[512]);
            assert!(output.iter().flatten().all(|y| *y == 0.0), "{config:?} {}", preset.name);
        }
    }
}

#[test]
fn a_mono_voice_stays_in_the_middle() {
    for config in matrix().filter(|config| config.channels == 2) {
        let mut input = syllables(config, config.sample_rate as usize / 4);
        input[1] = input[0].iter().map(|x| 0.5 * x).collect();
        for method in Method::ALL {
            let output = run(&mut engine(config, &busy(method)), &input, &[512]);
            let worst = output[0].iter().zip(&output[1]).fold(0f32, |worst, (l, r)| worst.max((0.5 * l - r).abs()));
            assert!(worst < 2e-6, "{config:?} {method:?}: {worst}");
        }
    }
}

#[test]
fn a_loud_past_leaves_no_denormals() {
    for config in matrix().filter(|config| config.sample_rate <= 48_000) {
        let rate = config.sample_rate as usize;
        for settings in Method::ALL.map(busy) {
            let mut engine = engine(config, &settings);
            let mut input = syllables(config, rate / 2);
            input.iter_mut().flatten().for_each(|x| *x *= 3.0);
            // Hum, so that the notches have something to forget too.
            run(&mut engine, &input, &[512]);
            let output = run(&mut engine, &vec![vec![0.0; 10 * rate]; config.channels], &[512]);
            assert!(!output.iter().flatten().any(|y| y.is_subnormal()), "{config:?}");
            assert!(output.iter().all(|y| y[9 * rate..].iter().all(|y| *y == 0.0)), "{config:?}");
        }
    }
}

#[test]
fn a_fading_input_leaves_no_denormals() {
    for config in matrix() {
        let mut input = syllables(config, config.sample_rate as usize / 5);
        // From just above what is silence down to denormals.
        let length = input[0].len() as f32;
        let scale = |i: usize| 10f32.powf(-10.0 - 30.0 * i as f32 / length);
        input.iter_mut().flat_map(|x| x.iter_mut().enumerate()).for_each(|(i, x)| *x *= scale(i));
        for (method, monitor) in Method::ALL.into_iter().flat_map(|method| MONITORS.map(|monitor| (method, monitor))) {
            let mut engine = Engine::new(config).unwrap();
            engine.set(&busy(method));
            engine.set_monitor(monitor);
            let output = run(&mut engine, &input, &[512]);
            assert!(!output.iter().flatten().any(|y| y.is_subnormal()), "{config:?} {method:?} {monitor:?}");
        }
    }
}

#[test]
fn bad_samples_are_silence_and_counted() {
    for config in matrix() {
        let clean = syllables(config, config.sample_rate as usize / 4);
        let (mut bad, mut mute) = (clean.clone(), clean);
        for (n, i) in (100..bad[0].len()).step_by(997).enumerate() {
            bad[0][i] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][n % 3];
            mute[0][i] = 0.0;
        }
        let count = bad[0].iter().filter(|x| !x.is_finite()).count() as u64;
        let (mut one, mut other) = (Engine::new(config).unwrap(), Engine::new(config).unwrap());
        assert_eq!(difference(&run(&mut one, &bad, &[480]), &run(&mut other, &mute, &[480])), None, "{config:?}");
        assert_eq!((one.meters().bad_samples, other.meters().bad_samples), (count, 0));
    }
}

#[test]
fn too_few_or_too_many_channels_do_no_harm() {
    let config = EngineConfig { sample_rate: 48_000, channels: 2, latency: Latency::Live };
    let (mut x, mut y, mut z) = (vec![0.5; 4800], vec![0.5; 4800], vec![0.5; 4800]);
    let mut engine = Engine::new(config).unwrap();
    engine.process(&mut [&mut x]);
    engine.process(&mut [&mut x, &mut y, &mut z]);
    engine.process(&mut []);
    assert!(z.iter().all(|z| *z == 0.5), "a channel that the engine does not have");
    assert!(x.iter().chain(&y).all(|y| y.is_finite()));
    assert!(Engine::new(EngineConfig { sample_rate: 7999, ..config }).is_err());
    assert!(Engine::new(EngineConfig { channels: 3, ..config }).is_err());
}

/// Ardour makes plugins' engines on its audio thread, whose stack has 512 KiB, much of it used already.
#[test]
fn an_engine_needs_little_stack() {
    for config in matrix() {
        let use_it = move || {
            let mut engine = Box::new(Engine::new(config).unwrap());
            engine.set(&busy(Method::Neural));
            let mut sound = vec![vec![0.1; 8192]; config.channels];
            process(&mut engine, &mut sound, 0..8192);
        };
        std::thread::Builder::new().stack_size(192 * 1024).spawn(use_it).unwrap().join().unwrap();
    }
}
