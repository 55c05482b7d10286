//! The loop as somebody meets it who builds it into a program of their own.

use crate::session::*;
use attune::engine::{Engine, EngineConfig, Latency};
use attune::settings::{Id, Settings};
use attune::tuner::{Event, FeedbackLoop, LoopConfig, Metrics, Space, Stretch, TUNED, Tactic, What};

/// What came of a stream.
#[derive(Debug, PartialEq)]
struct Outcome {
    events: Vec<Event>,
    settings: Settings,
    records: usize,
    rounds: u64,
}

impl Outcome {
    fn count(&self, wanted: impl Fn(&What) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(&event.what)).count()
    }

    fn changes(&self) -> usize {
        self.count(|what| matches!(what, What::Deployed { .. } | What::RolledBack { .. }))
    }
}

/// Streams sound by channel through an engine and a loop, in blocks. Whatever it is, the output stays finite and the
/// settings stay where the tuner may go.
fn stream(config: LoopConfig, sound: &[Vec<f32>], block: usize) -> Outcome {
    let mut engine = Engine::new(config.engine).unwrap();
    engine.set(&config.base);
    engine.reset();
    let mut feedback_loop = FeedbackLoop::new(config).unwrap();
    let (mut events, length) = (Vec::new(), sound[0].len());
    for from in (0..length).step_by(block) {
        let input: Vec<&[f32]> = sound.iter().map(|channel| &channel[from..length.min(from + block)]).collect();
        let mut output: Vec<Vec<f32>> = input.iter().map(|channel| channel.to_vec()).collect();
        engine.process(&mut output.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>());
        let output: Vec<&[f32]> = output.iter().map(Vec::as_slice).collect();
        assert!(output.iter().flat_map(|channel| *channel).all(|x| x.is_finite() && x.abs() <= 4.0));
        feedback_loop.collect_feedback(&input, &output, &Metrics::default());
        events.extend(feedback_loop.advance());
        engine.set(feedback_loop.settings());
    }
    for id in TUNED {
        let value = feedback_loop.settings()[id];
        let (low, high) = id.spec().safe;
        let base = feedback_loop.space().base()[id];
        assert!((low - 1e-3..=high + 1e-3).contains(&value) || value == base, "{id:?} {value}");
    }
    assert!(feedback_loop.records().all(|record| record.score.mean.is_finite() && !record.score.sigma.is_nan()));
    let analysis = feedback_loop.analyze_performance(100);
    assert!(analysis.mean.is_finite(), "{analysis}");
    let (settings, rounds) = (*feedback_loop.settings(), feedback_loop.rounds());
    Outcome { events, settings, records: feedback_loop.records().count(), rounds }
}

/// The demo recording at another rate, in so many channels.
fn at_rate(rate: u32, channels: usize, seconds: usize) -> Vec<Vec<f32>> {
    let sound = recording();
    let value = |i: usize| {
        let at = i as f64 * f64::from(RATE) / f64::from(rate);
        let (index, part) = (at as usize, at.fract() as f32);
        let [a, b] = [0, 1].map(|next| sound[(index + next) % sound.len()]);
        a + part * (b - a)
    };
    vec![(0..seconds * rate as usize).map(value).collect(); channels]
}

#[test]
fn every_rate_and_channel_count() {
    for rate in [8000, 11_025, 22_050, 44_100, 96_000, 192_000] {
        for channels in [1, 2] {
            let engine = EngineConfig { sample_rate: rate, channels, latency: Latency::Live };
            let sound = at_rate(rate, channels, 6);
            let outcome = stream(LoopConfig { base: bad(), ..LoopConfig::new(engine) }, &sound, rate as usize / 20);
            // One window a second, from the second on.
            assert!((4..=5).contains(&outcome.records), "{rate} {channels}: {}", outcome.records);
            assert!(outcome.rounds > 0, "{rate} {channels}: nothing was tried");
        }
    }
}

#[test]
fn blocks_of_any_size() {
    let sound = at_rate(RATE, 1, 8);
    let live = || LoopConfig { base: bad(), ..LoopConfig::new(engine()) };
    let [single, again] = [stream(live(), &sound, 1), stream(live(), &sound, 1)];
    assert_eq!(single, again);
    // The windows end in the middle of blocks; what is found in them is the same, but heard a little later.
    let found = |outcome: &Outcome| -> Vec<String> {
        outcome.events.iter().filter(|e| matches!(e.what, What::Deployed { .. })).map(|e| e.what.to_string()).collect()
    };
    for block in [500, 1600] {
        let other = stream(live(), &sound, block);
        assert_eq!(found(&single).first(), found(&other).first(), "blocks of {block}");
    }
    // All at once: it is heard and worked on, too late for anything to change on the way.
    let whole =
        stream(LoopConfig { base: bad(), sweep: 8, ..LoopConfig::new(engine()) }, &at_rate(RATE, 1, 63), 1_000_000);
    assert!(whole.records >= 60 && whole.changes() > 0, "{}", whole.records);
}

#[test]
fn nothing_is_done_about_what_is_not_speech() {
    let seconds = 12;
    let mut random = hiss();
    let time = |i: usize| i as f32 / RATE as f32;
    let note = |i: usize| [220.0, 277.2, 329.6, 440.0][(time(i) * 2.0) as usize % 4] * time(i) * std::f32::consts::TAU;
    let mut low = 0.0;
    let sounds: [(&str, Vec<f32>); 5] = [
        ("silence", vec![0.0; seconds * SECOND]),
        ("hiss", (0..seconds * SECOND).map(|_| 0.1 * random()).collect()),
        (
            "rumble",
            (0..seconds * SECOND)
                .map(|_| {
                    low += 0.02 * (random() - low);
                    low
                })
                .collect(),
        ),
        ("hum", (0..seconds * SECOND).map(|i| 0.1 * (314.16 * time(i)).sin()).collect()),
        (
            "music",
            (0..seconds * SECOND)
                .map(|i| 0.1 * (note(i).sin() + (2.0 * note(i)).sin() + (3.0 * note(i)).sin()))
                .collect(),
        ),
    ];
    for (name, sound) in sounds {
        let outcome = stream(LoopConfig { base: bad(), ..LoopConfig::new(engine()) }, &[sound], 800);
        // Notes pass for vowels. The most that may come of it is that they are left as they are.
        let space = Space::new(bad(), &[]);
        let alone = name == "music" && space.is_untouched(&space.point(&outcome.settings));
        assert!(alone || outcome.settings == bad(), "{name}: {:?}", outcome.events);
    }
}

#[test]
fn damaged_input_does_no_damage() {
    let mut sound = at_rate(RATE, 2, 8);
    for (i, value) in [f32::NAN, f32::INFINITY, -1e30, 1e-40, f32::MAX].into_iter().cycle().take(500).enumerate() {
        sound[i % 2][i * 251] = value;
    }
    sound[0][3 * SECOND..3 * SECOND + 2000].fill(f32::NAN);
    let stereo = EngineConfig { channels: 2, ..engine() };
    let outcome = stream(LoopConfig::new(stereo), &sound, 480);
    assert!(outcome.records > 0);
    assert_eq!(outcome.count(|what| matches!(what, What::RolledBack { .. })), 0, "{:?}", outcome.events);
}

#[test]
fn gaps_and_odd_calls() {
    let sound = recording();
    let mut feedback_loop = FeedbackLoop::new(LoopConfig { base: bad(), ..LoopConfig::new(engine()) }).unwrap();
    let metrics = Metrics::default();
    // Nothing, too many channels, too few, and lengths that differ.
    feedback_loop.collect_feedback(&[], &[], &metrics);
    feedback_loop.collect_feedback(&[&[]], &[&[]], &metrics);
    feedback_loop.collect_feedback(&[&sound[..800]; 5], &[&sound[..800]; 5], &metrics);
    feedback_loop.collect_feedback(&[&sound[..800]], &[&sound[..500]], &metrics);
    feedback_loop.collect_feedback(&[&sound[..800]], &[], &metrics);
    feedback_loop.collect_feedback(&[&sound[..800]], &[&sound[..800]], &Metrics { load: f32::NAN });
    feedback_loop.advance();
    feedback_loop.gap(0);
    assert!(feedback_loop.update_parameters(Tactic::Ensemble).is_empty() && feedback_loop.rollback().is_empty());
    // No window spans a gap.
    for i in 0..4u64 {
        feedback_loop.gap(10 * u64::from(RATE));
        for block in sound[..7 * SECOND / 8].chunks(800) {
            feedback_loop.collect_feedback(&[block], &[block], &metrics);
            assert!(feedback_loop.advance().is_empty(), "after gap {i}");
        }
    }
    assert_eq!(feedback_loop.records().count(), 0);
    for block in sound.chunks(800) {
        feedback_loop.collect_feedback(&[block], &[block], &metrics);
        feedback_loop.advance();
    }
    assert!(feedback_loop.records().count() > 5);
    let samples: Vec<u64> = feedback_loop.records().map(|record| record.sample).collect();
    assert!(samples.is_sorted() && samples[0] > 40 * u64::from(RATE));
}

#[test]
fn nothing_moves_if_all_is_locked() {
    let config = || LoopConfig { base: bad(), locked: Id::all().collect(), ..LoopConfig::new(engine()) };
    let outcome = stream(config(), &at_rate(RATE, 1, 8), 800);
    assert_eq!((outcome.changes(), outcome.settings), (0, bad()));
    let mut feedback_loop = FeedbackLoop::new(config()).unwrap();
    assert!(feedback_loop.install(&Settings::default(), "from outside").is_empty());
    let ears = attune::quality::Ears::built_in();
    let stretch = Stretch::new(ears, RATE, vec![recording()], SECOND);
    assert!(feedback_loop.study(vec![stretch], 5, &mut |_| true).is_empty());
    assert_eq!(*feedback_loop.settings(), bad());
}

#[test]
fn odd_configurations() {
    let none = LoopConfig { slots: 0, sweep: 0, kept: 0, interval: 0, stretches: 0, ..LoopConfig::new(engine()) };
    let wild = LoopConfig {
        learning_rate: f32::NAN,
        least_speech: f32::NAN,
        rounds: u64::MAX,
        kept: 100,
        stretches: 100,
        base: Settings::from_array(&[f32::MAX; attune::settings::COUNT]),
        ..LoopConfig::new(engine())
    };
    for config in [none, wild] {
        stream(config, &at_rate(RATE, 1, 6), 800);
    }
    for (sample_rate, channels) in [(0, 1), (1000, 1), (400_000, 1), (48_000, 0), (48_000, 3)] {
        let engine = EngineConfig { sample_rate, channels, latency: Latency::Live };
        let error = FeedbackLoop::new(LoopConfig::new(engine)).err().expect("not supported");
        assert!(!error.to_string().is_empty());
    }
}

/// Over hours nothing is kept for ever but what was done.
#[test]
#[ignore = "takes minutes; see README, Measuring"]
fn only_an_hour_is_remembered() {
    let slow = EngineConfig { sample_rate: 8000, ..engine() };
    let mut feedback_loop = FeedbackLoop::new(LoopConfig::new(slow)).unwrap();
    let silence = vec![0.0; 80_000];
    for _ in 0..370 {
        feedback_loop.collect_feedback(&[&silence], &[&silence], &Metrics::default());
        feedback_loop.advance();
    }
    assert!(feedback_loop.records().count() <= 3600 && feedback_loop.explain().len() < 10);
}
