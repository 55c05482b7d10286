//! The audio thread allocates and frees nothing, whatever the settings, rate, block size or input.

mod common;
#[path = "common/counting.rs"]
mod counting;

use attune::bridge::{Load, OffsetsBus, ParamBus, Tap};
use attune::engine::{Engine, EngineConfig, Latency};
use attune::settings::{Id, Method, Offsets, Settings};
use attune::tuner::{Companion, LoopConfig, News, Report, SideThread};
use common::*;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};
use std::time::Duration;

const BLOCKS: [usize; 6] = [1, 7, 64, 441, 1024, 8192];

/// Settings at random but for the method.
fn automation(method: Method, random: &mut Random) -> Vec<Settings> {
    (0..16).map(|_| random.settings().with(Id::Method, method as usize as f32)).collect()
}

/// A part of each channel; of mono twice the same.
fn part(sound: &Sound, range: std::ops::Range<usize>) -> [&[f32]; 2] {
    std::array::from_fn(|i| &sound[i.min(sound.len() - 1)][range.clone()])
}

/// Everything that an audio thread does, on a thread that has done nothing before.
fn calls_on_a_fresh_thread(
    mut engine: Engine,
    mut sound: Sound,
    settings: Vec<Settings>,
    block: usize,
) -> (Engine, usize) {
    let (mut writer, mut reader) = ParamBus::open(&Settings::default());
    // Small, and nobody reads: it runs over.
    let (mut sender, receiver) = Tap::open(engine.stream().rate as u32, sound.len(), 0.05);
    let (dry, mut revision) = (sound.clone(), 0);
    let audio_thread = move || {
        let (calls, ()) = counting::calls(|| {
            // Changes every few blocks, but not in every sample.
            let mut changes = settings.iter().zip(MONITORS.iter().cycle());
            let every = (sound[0].len() / settings.len()).max(1);
            let (mut next, length) = (0, sound[0].len());
            for start in (0..length).step_by(block) {
                if start >= next {
                    next += every;
                    if let Some((settings, monitor)) = changes.next() {
                        writer.publish(settings);
                        engine.set_monitor(*monitor);
                    }
                }
                if let Some((settings, newest)) = reader.poll() {
                    engine.set(&settings);
                    revision = newest;
                }
                let range = start..length.min(start + block);
                process(&mut engine, &mut sound, range.clone());
                sender.send(&part(&dry, range.clone()), &part(&sound, range), revision);
                std::hint::black_box(engine.meters());
            }
            engine.reset();
        });
        (engine, calls)
    };
    let result = std::thread::spawn(audio_thread).join().unwrap();
    assert!(receiver.dropped() > 0, "the tap never ran over");
    result
}

#[test]
fn nothing_is_allocated_or_freed() {
    let mut random = Random::new(1);
    for config in matrix() {
        let mut engine = Engine::new(config).unwrap();
        for method in Method::ALL {
            for block in BLOCKS {
                let length = (config.sample_rate as usize / 16).max(3 * block);
                let mut sound = syllables(config, length);
                for _ in 0..10 {
                    let bad = [f32::NAN, f32::INFINITY, -1e9, 1e-40][random.below(4)];
                    sound[0][random.below(length)] = bad;
                }
                let calls;
                let settings = automation(method, &mut random);
                (engine, calls) = calls_on_a_fresh_thread(engine, sound, settings, block);
                assert_eq!(calls, 0, "{config:?} {method:?} blocks of {block}");
            }
        }
    }
}

#[test]
fn nothing_is_allocated_while_hum_is_found_and_lost() {
    for sample_rate in [8000, 48_000] {
        let config = EngineConfig { sample_rate, channels: 2, latency: Latency::Live };
        let rate = sample_rate as usize;
        let mut hum: Vec<f32> = sine(sample_rate, 50.0, 6 * rate);
        hum.iter_mut().zip(sine(sample_rate, 150.0, 6 * rate)).for_each(|(x, y)| *x = 0.05 * (*x + y));
        let mut engine = engine(config, &Settings::default().with(Id::Method, 0.0));
        let (found, lost) = (vec![hum; 2], vec![vec![0.0; 6 * rate]; 2]);
        for (mut sound, hum) in [(found, true), (lost, false)] {
            let audio_thread = move || {
                let (calls, ()) = counting::calls(|| {
                    let length = sound[0].len();
                    for start in (0..length).step_by(480) {
                        process(&mut engine, &mut sound, start..length.min(start + 480));
                    }
                });
                (engine, calls)
            };
            let calls;
            (engine, calls) = std::thread::spawn(audio_thread).join().unwrap();
            assert_eq!(calls, 0, "{config:?}");
            assert_eq!(engine.meters().hum > 0.0, hum, "{config:?}");
        }
    }
}

#[test]
fn nothing_is_allocated_when_offsets_are_applied() {
    let mut random = Random::new(3);
    let (mut writer, mut reader) = OffsetsBus::open();
    for _ in 0..100 {
        let (base, learned) = (random.settings(), random.settings());
        let amount = random.unit();
        writer.publish(&Offsets::between(&base, &learned));
        let (calls, heard) = counting::calls(|| reader.poll().map(|(offsets, _)| offsets.apply(&base, amount)));
        assert_eq!(calls, 0);
        assert!(heard.is_some_and(|heard| Settings::from_array(heard.as_array()) == heard));
    }
}

#[test]
fn nothing_is_allocated_while_the_loop_is_at_work() {
    const RATE: usize = 16_000;
    let config = EngineConfig { sample_rate: RATE as u32, channels: 1, latency: Latency::Live };
    // Something to be improved.
    let base =
        Settings::default().with(Id::CompThreshold, -36.0).with(Id::CompRatio, 4.0).with(Id::Oversubtraction, 4.0);
    let mut engine = engine(config, &base);
    let (writer, mut reader) = OffsetsBus::open();
    let (mut sender, receiver) = Tap::open(config.sample_rate, 1, 4.0);
    let companion = Companion::new(LoopConfig { base, ..LoopConfig::new(config) }, writer, Load::default()).unwrap();
    let side = SideThread::spawn(receiver, companion, 1.0).unwrap();
    let heard = Arc::new(AtomicU64::new(0));
    let voice = speech_at_16k();
    let progress = heard.clone();
    let audio_thread = move || {
        counting::calls(|| {
            let mut block = [[0.0; 160]];
            let (mut revision, mut done) = (0, 0);
            for dry in voice.chunks_exact(160).cycle().take(40 * RATE / 160) {
                // As in life: the side thread is never left behind by more than the tap holds.
                while done > progress.load(Relaxed) + 7 * RATE as u64 / 2 {
                    std::thread::sleep(Duration::from_millis(1));
                }
                if let Some((offsets, newest)) = reader.poll() {
                    engine.set(&offsets.apply(&base, 1.0));
                    revision = newest;
                }
                block[0].copy_from_slice(dry);
                engine.process(&mut [&mut block[0]]);
                sender.send(&[dry], &block, revision);
                done += 160;
            }
            // They are dropped elsewhere.
            (revision, (voice, reader, sender, engine, progress))
        })
    };
    let audio_thread = std::thread::spawn(audio_thread);
    while !audio_thread.is_finished() {
        for report in side.reports().try_iter() {
            if let Report::Event(News::Window { seconds, .. }) = report {
                heard.store((seconds * RATE as f64) as u64, Relaxed);
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let (calls, (revision, _)) = audio_thread.join().unwrap();
    assert!(side.load() > 0.0 && revision > 0, "nothing was deployed: {revision}");
    assert_eq!(calls, 0);
}

#[cfg(feature = "live")]
#[test]
fn nothing_is_allocated_live_whatever_happens() {
    use attune::bridge::Load;
    use attune::live::{Core, IntakeConfig, Parts, Rescue, Status, intake};
    for (from, channels) in [(48_000, 1), (44_100, 2)] {
        let (inlet, source) = intake(IntakeConfig { from, to: 48_000, channels, distance: 0.02 }).unwrap();
        let engine = EngineConfig { sample_rate: 48_000, channels, latency: Latency::Live };
        let (_, base) = ParamBus::open(&Settings::default());
        let (mut writer, offsets) = OffsetsBus::open();
        // Small, and nobody reads: it runs over.
        let (tap, _receiver) = Tap::open(48_000, channels, 0.5);
        let status = std::sync::Arc::new(Status::default());
        let rescue = Rescue::new(engine).unwrap();
        let (probe, display) = attune::editor::display::open();
        display.watch(true);
        let parts = Parts {
            intake: source,
            rescue,
            base,
            offsets,
            taps: vec![tap],
            probe: Some(probe),
            status,
            load: Load::default(),
        };
        let (mut inlet, mut core) = (inlet, Core::new(parts));
        let learned = Offsets::between(&Settings::default(), &Settings::default().with(Id::EqLow, -3.0));
        let input = vec![0.1; 2 * 480];
        let audio_thread = move || {
            let mut output = vec![0.0; 2 * 480];
            let (calls, ()) = counting::calls(|| {
                for block in 0..1000u64 {
                    // A drift, stalls of the input, late blocks, and new offsets.
                    if !(300..330).contains(&block) {
                        inlet.push(&input[..2 * (480 - usize::from(block % 7 == 0))], 2, block * 10_000_000);
                    }
                    if block % 50 == 0 {
                        writer.publish(&learned);
                    }
                    core.process(&mut output, 2, block * 10_000_000);
                    core.took(if (600..610).contains(&block) { 0.02 } else { 0.001 }, 480);
                }
            });
            (core, calls)
        };
        let (_core, calls) = std::thread::spawn(audio_thread).join().unwrap();
        assert_eq!(calls, 0, "{from} Hz, {channels} channels");
    }
}
