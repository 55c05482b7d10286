//! Whatever the settings, however they are moved and whatever comes in: output is finite, and
//! below the ceiling unless bypassed.

mod common;

use attune::engine::{Engine, EngineConfig, Latency, Monitor};
use attune::settings::{COUNT, Id, Settings};
use common::*;
use proptest::prelude::*;

/// What a block holds.
#[derive(Clone, Copy, Debug)]
enum Content {
    Silence,
    Denormal,
    Quiet,
    Speech,
    Loud,
    FullSquare,
    Huge,
    NotANumber,
    Infinite,
    /// Each sample of another kind.
    Mixed,
}

use Content::*;

impl Content {
    fn sample(self, random: &mut Random) -> f32 {
        let x = 2.0 * random.unit() - 1.0;
        match self {
            Silence => 0.0,
            Denormal => x * 1e-39,
            Quiet => x * 1e-4,
            Speech => x * 0.2,
            Loud => x * 4.0,
            FullSquare => x.signum(),
            Huge => x.signum() * 1e9,
            NotANumber => f32::NAN,
            Infinite => x.signum() * f32::INFINITY,
            Mixed => ALL[random.below(ALL.len() - 1)].sample(random),
        }
    }
}

const ALL: [Content; 10] = [Silence, Denormal, Quiet, Speech, Loud, FullSquare, Huge, NotANumber, Infinite, Mixed];

/// A block and what is changed before it.
#[derive(Clone, Debug)]
struct Step {
    settings: Settings,
    monitor: Option<Monitor>,
    length: usize,
    content: Content,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // The ends of the ranges as often as all between them.
    let travel = prop_oneof![Just(0.0f32), Just(1.0), 0.0..=1.0f32, 0.0..=1.0f32];
    let settings =
        proptest::collection::vec(travel, COUNT).prop_map(|travels| settings_at(&std::array::from_fn(|i| travels[i])));
    let monitor = proptest::option::weighted(0.2, proptest::sample::select(MONITORS.to_vec()));
    let length = prop_oneof![1..=16usize, 17..=2048usize, 17..=2048usize];
    let step = (settings, monitor, length, proptest::sample::select(ALL.to_vec()))
        .prop_map(|(settings, monitor, length, content)| Step { settings, monitor, length, content });
    proptest::collection::vec(step, 1..24)
}

fn configs() -> impl Strategy<Value = EngineConfig> {
    proptest::sample::select(matrix().collect::<Vec<_>>())
}

/// Random sound in blocks, automated; what comes out, with whether it was ever bypassed.
fn automate(engine: &mut Engine, config: EngineConfig, steps: &[Step], seed: u64) -> (Vec<f32>, bool) {
    let mut random = Random::new(seed);
    let (mut output, mut bypassed) = (Vec::new(), false);
    for step in steps {
        engine.set(&step.settings);
        if let Some(monitor) = step.monitor {
            engine.set_monitor(monitor);
            bypassed |= monitor == Monitor::Bypass;
        }
        let mut block: Sound = vec![vec![0.0; step.length]; config.channels];
        block.iter_mut().flatten().for_each(|x| *x = step.content.sample(&mut random));
        process(engine, &mut block, 0..step.length);
        output.extend(block.into_iter().flatten());
    }
    (output, bypassed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn output_is_finite_and_below_the_ceiling(config in configs(), steps in steps(), seed: u64) {
        let mut engine = engine(config, &steps[0].settings);
        let (output, bypassed) = automate(&mut engine, config, &steps, seed);
        prop_assert!(output.iter().all(|y| y.is_finite()));
        let ceiling = steps.iter().map(|step| step.settings[Id::Ceiling]).fold(-100.0, f32::max);
        // Bypassed, whatever was not limited on the way in comes out: 36 dB above full scale.
        let bound = if bypassed { 64.0 } else { 10f32.powf(ceiling / 20.0) };
        prop_assert!(peak(&output) <= bound * (1.0 + 1e-6), "{} > {bound}", peak(&output));
        let meters = engine.meters();
        let gains = [meters.denoise, meters.deess, meters.level, meters.compressor, meters.limiter, meters.hum];
        prop_assert!(gains.iter().all(|x| x.is_finite()), "{meters:?}");
    }

    #[test]
    fn the_engine_recovers_from_anything(config in configs(), steps in steps(), seed: u64) {
        let mut engine = engine(config, &Settings::default());
        automate(&mut engine, config, &steps, seed);
        engine.set(&Settings::default());
        engine.set_monitor(Monitor::Enhanced);
        // One second later speech is heard again: at a level within 20 dB of that of a fresh engine.
        let length = 2 * config.sample_rate as usize;
        let input: Sound = syllables(config, length).into_iter().collect();
        let output = run(&mut engine, &input, &[512]);
        let fresh = run(&mut Engine::new(config).unwrap(), &input, &[512]);
        let energy = |x: &Sound| x.iter().flat_map(|x| &x[length / 2..]).map(|x| x * x).sum::<f32>();
        let db = 10.0 * (energy(&output) / energy(&fresh)).log10();
        prop_assert!(db.abs() < 20.0, "{db} dB");
    }

    #[test]
    fn the_cut_into_blocks_does_not_matter(config in configs(), steps in steps(), seed: u64, cut in 1..999usize) {
        let mut random = Random::new(seed);
        let (mut whole, mut pieces) = (Engine::new(config).unwrap(), Engine::new(config).unwrap());
        for step in &steps {
            let mut block: Sound = vec![vec![0.0; step.length]; config.channels];
            block.iter_mut().flatten().for_each(|x| *x = step.content.sample(&mut random));
            for engine in [&mut whole, &mut pieces] {
                engine.set(&step.settings);
                engine.set_monitor(step.monitor.unwrap_or_default());
            }
            let piecewise = run(&mut pieces, &block, &[cut, 1, 3]);
            process(&mut whole, &mut block, 0..step.length);
            prop_assert_eq!(piecewise, block);
        }
    }
}

/// The worst that a limiter sees: from silence to far above, and squares at any phase.
#[test]
fn bursts_stay_below_the_ceiling() {
    for config in matrix() {
        for (ceiling, latency) in [(-18.0, Latency::Live), (0.0, Latency::Studio)] {
            let config = EngineConfig { latency, ..config };
            let mut input: Sound = vec![vec![0.0; config.sample_rate as usize / 4]; config.channels];
            for (i, x) in input.iter_mut().flat_map(|x| x.iter_mut().enumerate()) {
                let loud = [0.0, 1e9, 1.0, 30.0][i / 500 % 4];
                *x = if i / (1 + i / 300) % 2 == 0 { loud } else { -loud };
            }
            let settings =
                Settings::default().with(Id::Ceiling, ceiling).with(Id::OutputGain, 24.0).with(Id::Method, 0.0);
            let output = run(&mut engine(config, &settings), &input, &[512]);
            let bound = 10f32.powf(ceiling / 20.0) * (1.0 + 1e-6);
            assert!(output.iter().all(|y| peak(y) <= bound), "{config:?} {ceiling}");
            assert!(output.iter().any(|y| peak(y) > 0.5 * bound), "{config:?}: there is something to limit");
        }
    }
}
