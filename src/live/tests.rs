//! The core with simulated clocks.

use super::*;
use crate::bridge::{Load, OffsetsBus, ParamBus, Tap};
use crate::engine::{EngineConfig, Latency};
use crate::settings::Settings;
use std::f64::consts::TAU;
use std::sync::Arc;

const RATE: u32 = 48_000;
const BLOCK: usize = 256;

/// A sine as an input that brings blocks, and an output that asks for them, each by its own clock.
struct Bench {
    inlet: Inlet,
    intake: Intake,
    /// Frames that were brought and taken, and their rates by the wall clock.
    brought: u64,
    taken: u64,
    rates: (f64, f64),
    block: usize,
    heard: Vec<f32>,
    frequency: f64,
}

impl Bench {
    fn new(from: u32, to: u32, block: usize, drift: f64) -> Bench {
        let distance = (2 * block) as f64 / f64::from(from.min(to)) + 0.005;
        let (inlet, intake) = intake(IntakeConfig { from, to, channels: 1, distance }).unwrap();
        let rates = (f64::from(from) * (1.0 + drift), f64::from(to));
        Bench { inlet, intake, brought: 0, taken: 0, rates, block, heard: Vec::new(), frequency: 1000.0 }
    }

    /// The next that happens: a block is brought or taken. What is taken is handed over with the time, s.
    fn step(&mut self, heard: &mut impl FnMut(f64, &Intake, &[f32])) {
        let brings = (self.brought + self.block as u64) as f64 / self.rates.0;
        let takes = self.taken as f64 / self.rates.1 + 0.0007;
        if brings <= takes {
            let rate = self.rates.0;
            let wave = |i: u64| (0.5 * (TAU * self.frequency * i as f64 / rate).sin()) as f32;
            let block: Vec<f32> = (self.brought..self.brought + self.block as u64).map(wave).collect();
            self.inlet.push(&block, 1, (brings * 1e9) as u64);
            self.brought += self.block as u64;
        } else {
            self.intake.look((takes * 1e9) as u64, self.block as f64 / self.rates.1);
            self.heard.clear();
            for _ in 0..self.block / CHUNK {
                self.heard.extend(self.intake.pull());
            }
            self.taken += self.block as u64;
            heard(takes, &self.intake, &self.heard);
        }
    }

    fn run(&mut self, until: f64, mut heard: impl FnMut(f64, &Intake, &[f32])) {
        while (self.taken as f64 / self.rates.1) < until {
            self.step(&mut heard);
        }
    }
}

#[test]
fn a_drift_of_200_ppm_is_followed_for_five_minutes() {
    for drift in [200e-6, -200e-6] {
        let mut bench = Bench::new(RATE, RATE, BLOCK, drift);
        let (mut least, mut most, mut last, mut step) = (f64::MAX, 0.0f64, 0.0f32, 0.0f32);
        bench.run(300.0, |time, intake, heard| {
            if time > 0.5 {
                (least, most) = (least.min(intake.delay()), most.max(intake.delay()));
                for x in heard {
                    step = step.max((x - last).abs());
                    last = *x;
                }
            } else {
                last = heard[BLOCK - 1];
            }
        });
        assert_eq!(bench.intake.faults(), [0; 3], "{drift}");
        // Stable within a buffer, and the sine never jumps: its steepest step is 0.065.
        assert!((most - least) * f64::from(RATE) < BLOCK as f64, "{drift}: {least} to {most}");
        assert!(step < 0.5 * 0.134, "{drift}: {step}");
        assert!((bench.intake.drift() - drift).abs() < 5e-6, "{drift}: {}", bench.intake.drift());
    }
}

#[test]
fn the_pitch_stays_within_a_thousandth() {
    let mut drift = Drift::default();
    for i in 0..200_000 {
        let jitter = 0.05 * f64::from((i % 7) - 3);
        let speed = drift.update(jitter + 1.0, 0.005);
        assert!((speed - 1.0).abs() <= 1e-3 + 1e-12, "{speed}");
    }
}

#[test]
fn other_rates_keep_the_tone() {
    for (from, to) in [(44_100, 48_000), (48_000, 44_100), (16_000, 48_000), (96_000, 48_000)] {
        let mut bench = Bench::new(from, to, BLOCK, 0.0);
        let mut sound = Vec::new();
        bench.run(4.0, |time, _, heard| {
            if time > 2.0 {
                sound.extend_from_slice(heard);
            }
        });
        assert_eq!(bench.intake.faults(), [0; 3], "{from} to {to}");
        // What is left when the sine is taken out: fit by least squares.
        let rate = f64::from(to) / (1.0 + 0.0);
        let n = sound.len();
        let mut best = f64::MAX;
        for ppm in -60..=60 {
            let w = TAU * 1000.0 * (1.0 + 5e-6 * f64::from(ppm)) / rate;
            let (mut c, mut s) = (0.0, 0.0);
            for (i, x) in sound.iter().enumerate() {
                c += f64::from(*x) * (w * i as f64).cos();
                s += f64::from(*x) * (w * i as f64).sin();
            }
            let power = 2.0 * (c * c + s * s) / (n as f64 * n as f64);
            best = best.min(0.125 - power);
        }
        assert!(best < 0.125 * 1e-3, "{from} to {to}: {best}");
    }
}

#[test]
fn a_stall_is_counted_bridged_without_a_click_and_forgotten() {
    for late_input in [true, false] {
        let mut bench = Bench::new(RATE, RATE, BLOCK, 0.0);
        let (mut last, mut step, mut delay) = (0.0f32, 0.0f32, 0.0);
        let mut hear = |_: f64, intake: &Intake, heard: &[f32]| {
            for x in heard {
                step = step.max((x - last).abs());
                last = *x;
            }
            delay = intake.delay();
        };
        bench.run(1.0, &mut hear);
        // One side does nothing for 0.2 s; what it had to bring is lost, what it had to take waits.
        if late_input {
            let until = bench.brought + u64::from(RATE) / 5;
            bench.rates.0 = 1.0;
            let taken = bench.taken;
            while bench.taken < taken + u64::from(RATE) / 5 {
                bench.step(&mut hear);
            }
            bench.rates.0 = f64::from(RATE);
            bench.brought = until;
        } else {
            bench.taken += u64::from(RATE) / 5;
        }
        bench.run(6.0, &mut hear);
        let faults = bench.intake.faults();
        assert!((1..=2).contains(&faults.iter().sum::<u64>()), "{late_input}: {faults:?}");
        assert!(step < 0.134 * 0.5 + 0.05, "{late_input}: {step}");
        let distance = (2 * BLOCK) as f64 / f64::from(RATE) + 0.005;
        assert!((delay - distance).abs() < 0.012, "{late_input}: {delay}");
    }
}

fn core(channels: usize) -> (Inlet, Core, Arc<Status>, crate::bridge::TapReceiver) {
    let engine = EngineConfig { sample_rate: RATE, channels, latency: Latency::Live };
    let distance = (2 * BLOCK) as f64 / f64::from(RATE) + 0.005;
    let (inlet, intake) = intake(IntakeConfig { from: RATE, to: RATE, channels, distance }).unwrap();
    let (_, base) = ParamBus::open(&Settings::default());
    let (_, offsets) = OffsetsBus::open();
    let (sender, receiver) = Tap::open(RATE, channels, 10.0);
    let status = Arc::new(Status::default());
    let rescue = Rescue::new(engine).unwrap();
    let parts = Parts {
        intake,
        rescue,
        base,
        offsets,
        taps: vec![sender],
        probe: None,
        status: status.clone(),
        load: Load::default(),
    };
    (inlet, Core::new(parts), status, receiver)
}

/// Plays a tone through it in blocks; the output of its first channel. `each` may meddle before each block.
fn play(inlet: &mut Inlet, core: &mut Core, from: u64, blocks: u64, mut each: impl FnMut(u64, &mut Core)) -> Vec<f32> {
    let mut sound = Vec::new();
    for block in from..from + blocks {
        let now = block * BLOCK as u64 * 1_000_000_000 / u64::from(RATE);
        let wave = |i: u64| (0.3 * (TAU * 440.0 * i as f64 / f64::from(RATE)).sin()) as f32;
        let input: Vec<f32> = (block * BLOCK as u64..(block + 1) * BLOCK as u64).map(wave).collect();
        inlet.push(&input, 1, now);
        each(block, core);
        let mut output = vec![0.0; 2 * BLOCK];
        core.process(&mut output, 2, now);
        sound.extend(output.chunks_exact(2).map(|frame| frame[0]));
    }
    sound
}

fn steepest(sound: &[f32]) -> f32 {
    sound.windows(2).fold(0.0, |most, pair| most.max((pair[1] - pair[0]).abs()))
}

#[test]
fn a_late_engine_is_replaced_by_the_untouched_sound_at_the_same_delay() {
    let (mut inlet, mut core, status, _tap) = core(1);
    status.set_monitor(crate::engine::Monitor::Bypass);
    let blocks = u64::from(RATE) * 4 / BLOCK as u64;
    let mut rescued = 0;
    let sound = play(&mut inlet, &mut core, 0, blocks, |block, core| {
        core.took(if (200..203).contains(&block) { 0.02 } else { 0.001 }, BLOCK);
        rescued += u64::from(status.read().rescued);
    });
    let length = rescued as f32 * BLOCK as f32 / RATE as f32;
    assert!((1.4..1.8).contains(&length), "{length} s");
    assert_eq!(status.read().faults.late, 3);
    assert!(!status.read().rescued, "it is well again");
    // The bypassed engine and the rescue sound the same: the tone goes on as if nothing had happened.
    let settled = &sound[24_000..];
    assert!(steepest(settled) < 0.3 * 0.0577, "{}", steepest(settled));
    let quiet = settled.chunks(480).map(|part| part.iter().fold(0.0f32, |peak, x| peak.max(x.abs())));
    assert!(quiet.fold(1.0f32, f32::min) > 0.29);
}

#[test]
fn it_fades_in_and_out_and_tells_the_loop_of_gaps() {
    let (mut inlet, mut core, status, mut tap) = core(1);
    let sound = play(&mut inlet, &mut core, 0, 200, |block, core| {
        if block == 150 {
            core.status.close();
        }
    });
    assert!(status.is_closed() && sound[190 * BLOCK..].iter().all(|x| *x == 0.0));
    assert!(steepest(&sound) < 0.05, "{}", steepest(&sound));
    let (mut first, mut lost) = (None, 0);
    while let Some(block) = tap.receive() {
        first.get_or_insert(block.first);
        lost += block.lost;
    }
    assert!(first.is_some_and(|first| first > 0) && lost > 0, "what came before the input is no input");
    let reading = status.read();
    assert!(reading.input > -12.0 && reading.output < 0.0 && reading.faults == Faults::default(), "{reading:?}");
    assert!((10.0..60.0).contains(&reading.latency), "{} ms", reading.latency);
}
