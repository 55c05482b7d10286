//! No switch of a setting, a method, a preset or the monitor makes a click.
//!
//! What comes out around a switch is compared with what comes out without one, before and after:
//!
//! - *Sines*: all but the sine is taken out by a filter with zeros at its frequency. What is left
//!   may be little more than what a gain does that moves by the whole amplitude within 20 ms: at
//!   997 Hz and 48 kHz a jump of 0.4 % of the amplitude shows. The steps of the sine itself, which
//!   would hide jumps of up to 13 %, do not count.
//! - *Speech*: no step from sample to sample is larger than those nearby in the same speech, coming
//!   in or going out, by more than a quarter.

mod common;

use attune::engine::{Engine, EngineConfig, Latency, Monitor};
use attune::settings::{Id, Kind, Method, Preset, Settings, TABLE};
use common::*;
use std::collections::HashMap;
use std::f64::consts::TAU;

/// Seconds before and after the switch.
const BEFORE: f32 = 0.5;
const AFTER: f32 = 0.25;

/// All that is chosen from outside.
#[derive(Clone, Copy, PartialEq)]
struct Choice {
    settings: Settings,
    monitor: Monitor,
}

impl Choice {
    fn enhanced(settings: Settings) -> Choice {
        Choice { settings, monitor: Monitor::Enhanced }
    }

    fn choose(&self, engine: &mut Engine) {
        engine.set(&self.settings);
        engine.set_monitor(self.monitor);
    }

    fn key(&self) -> Vec<u32> {
        self.settings.as_array().iter().map(|value| value.to_bits()).chain([self.monitor as u32]).collect()
    }
}

/// A switch, there and back.
struct Switch {
    name: String,
    choices: [Choice; 2],
}

/// All settings at work, so that a change of any of them is heard.
fn busy(method: Method) -> Settings {
    *Settings::default()
        .set(Id::Method, method as usize as f32)
        .set(Id::Dereverb, 50.0)
        .set(Id::LowCut, 80.0)
        .set(Id::EqMid, 9.0)
        .set(Id::Deess, 8.0)
        .set(Id::LevelRange, 15.0)
        .set(Id::CompThreshold, -30.0)
}

/// Each setting from end to end, to and from its value here, and between all choices.
fn switches_of_settings(base: Settings) -> Vec<Switch> {
    let mut switches = Vec::new();
    for spec in TABLE {
        let mut values = match spec.kind {
            Kind::Choice(names) => (0..names.len()).map(|i| i as f32).collect(),
            Kind::Number => vec![spec.min, spec.max, base[spec.key]],
        };
        values.sort_by(f32::total_cmp);
        values.dedup();
        for (i, a) in values.iter().enumerate() {
            for b in &values[..i] {
                let choices = [a, b].map(|value| Choice::enhanced(base.with(spec.key, *value)));
                switches.push(Switch { name: format!("{} {a} {b}", spec.id), choices });
            }
        }
    }
    switches
}

fn switches_of_presets() -> Vec<Switch> {
    let presets = Preset::built_in();
    let pairs = presets.iter().enumerate().flat_map(|(i, a)| presets[..i].iter().map(move |b| [a, b]));
    pairs
        .map(|pair| Switch {
            name: pair.map(|preset| preset.name.as_str()).join(" "),
            choices: pair.map(|preset| Choice::enhanced(preset.settings)),
        })
        .collect()
}

fn switches_of_monitors(settings: Settings) -> Vec<Switch> {
    let pairs = [(0, 1), (0, 2), (1, 2)].map(|(a, b)| [MONITORS[a], MONITORS[b]]);
    let switch = |monitors: [Monitor; 2]| Switch {
        name: format!("{monitors:?}"),
        choices: monitors.map(|monitor| Choice { settings, monitor }),
    };
    pairs.into_iter().map(switch).collect()
}

/// The sound before, after and through a switch, from just before the switch on.
struct Heard {
    steady: [Vec<f32>; 2],
    switched: Vec<f32>,
    input: Vec<f32>,
}

/// One switch.
const ONCE: &[f32] = &[0.0];
/// On and off, while the last fade still goes on (s).
const FLICKER: &[f32] = &[0.0, 0.007, 0.013, 0.036, 0.04];

/// Runs all switches in both directions, at these times; `check` says what is wrong, if anything.
fn listen(
    config: EngineConfig,
    input: &[f32],
    switches: &[Switch],
    times: &[f32],
    check: impl Fn(&Heard, &str) -> Option<String>,
) {
    let rate = config.sample_rate as f32;
    let at = (BEFORE * rate) as usize + 13;
    let from = at - (0.005 * rate) as usize;
    let input = &input[..at + (AFTER * rate) as usize];
    let latency = Engine::new(config).unwrap().latency();
    let play = |before: &Choice, after: &Choice| {
        let mut engine = Engine::new(config).unwrap();
        before.choose(&mut engine);
        engine.reset();
        let mut output = Vec::with_capacity(input.len());
        let mut play_until = |engine: &mut Engine, end: usize| {
            output.extend(run(engine, &vec![input[output.len()..end].to_vec()], &[512]).remove(0));
        };
        for (time, choice) in times.iter().zip([after, before].iter().cycle()) {
            play_until(&mut engine, at + (time * rate) as usize);
            choice.choose(&mut engine);
        }
        play_until(&mut engine, input.len());
        output.split_off(from)
    };
    let mut steady: HashMap<Vec<u32>, Vec<f32>> = HashMap::new();
    let mut wrong = Vec::new();
    for Switch { name, choices: [a, b] } in switches {
        for [before, after] in [[a, b], [b, a]] {
            let mut alone =
                |choice: &Choice| steady.entry(choice.key()).or_insert_with(|| play(choice, choice)).clone();
            let heard = Heard {
                steady: [alone(before), alone(after)],
                switched: play(before, after),
                input: input[from - latency..input.len() - latency].to_vec(),
            };
            if let Some(complaint) = check(&heard, name) {
                let arrow = if before == a { "->" } else { "<-" };
                wrong.push(format!("{name} {arrow}: {complaint}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{config:?}\n{}", wrong.join("\n"));
}

/// All but the sine: what a filter with two zeros at its frequency leaves.
fn residue(x: &[f32], angle: f64) -> f64 {
    let middle = 2.0 * angle.cos();
    let left = |w: &[f32]| (f64::from(w[0]) - middle * f64::from(w[1]) + f64::from(w[2])).abs();
    x.windows(3).map(left).fold(0.0, f64::max)
}

/// What is wrong with the sine after a switch.
fn check_sine(rate: u32, frequency: f64, heard: &Heard, name: &str) -> Option<String> {
    let angle = TAU * frequency / f64::from(rate);
    let [a, b] = heard.steady.each_ref().map(|x| residue(x, angle));
    let amplitude = heard.steady.iter().chain([&heard.switched]).map(|x| peak(x)).fold(0.0, f32::max);
    // The whole amplitude in 20 ms: the kinks at the ends of such a ramp, and the ramp itself.
    let ramp = f64::from(amplitude) / (0.02 * f64::from(rate)) * (1.0 + 2.0 * angle.sin());
    // 48 dB up, the rise is over in a tenth of the ramp, and the limiter has to stop it.
    let steepness = if name.starts_with(Id::OutputGain.spec().id) { 6.0 } else { 3.0 };
    let (found, bound) = (residue(&heard.switched, angle), 1.25 * a.max(b) + steepness * ramp);
    (found > bound).then(|| format!("{found:.5} > {bound:.5} at {frequency} Hz"))
}

/// What is wrong with speech after a switch.
fn check_speech(rate: u32, heard: &Heard) -> Option<String> {
    let steps = |x: &[f32]| -> Vec<f32> { x.windows(2).map(|w| (w[1] - w[0]).abs()).collect() };
    let reach = (0.005 * rate as f32) as usize;
    let nearby = |steps: &[f32], i: usize| peak(&steps[i.saturating_sub(reach)..steps.len().min(i + reach)]);
    let own = [&heard.steady[0], &heard.steady[1], &heard.input].map(|x| steps(x));
    let too_large = |&(i, step): &(usize, f32)| {
        // Most steps are small in any case; what is nearby is looked for only where it matters.
        step > 1e-3 && step > 1e-3 + 1.25 * own.iter().map(|own| nearby(own, i)).fold(0.0, f32::max)
    };
    let switched = steps(&heard.switched);
    let (i, step) = switched[..switched.len() - reach].iter().copied().enumerate().find(too_large)?;
    Some(format!("a step of {step}, {:.1} ms after the switch", 1000.0 * i as f32 / rate as f32 - 5.0))
}

fn sines(config: EngineConfig, switches: &[Switch], times: &[f32]) {
    let rate = config.sample_rate;
    for frequency in [100.0, 997.0] {
        let input = sine(rate, frequency, rate as usize);
        listen(config, &input, switches, times, |heard, name| check_sine(rate, frequency, heard, name));
    }
}

fn speeches(config: EngineConfig, switches: &[Switch], times: &[f32]) {
    let speech = speech();
    for second in [1.0, 6.1] {
        let start = (second * config.sample_rate as f32) as usize;
        listen(config, &speech[start..], switches, times, |heard, _| check_speech(config.sample_rate, heard));
    }
}

fn mono(sample_rate: u32, latency: Latency) -> EngineConfig {
    EngineConfig { sample_rate, channels: 1, latency }
}

#[test]
fn settings_and_sines_live() {
    sines(mono(48_000, Latency::Live), &switches_of_settings(busy(Method::Spectral)), ONCE);
    sines(mono(48_000, Latency::Live), &switches_of_settings(Settings::default()), ONCE);
    sines(mono(8000, Latency::Live), &switches_of_settings(busy(Method::Spectral)), ONCE);
}

#[test]
fn settings_and_sines_studio() {
    sines(mono(48_000, Latency::Studio), &switches_of_settings(busy(Method::Spectral)), ONCE);
    sines(mono(8000, Latency::Studio), &switches_of_settings(busy(Method::Neural)), ONCE);
}

#[test]
fn settings_and_speech_live() {
    speeches(mono(48_000, Latency::Live), &switches_of_settings(busy(Method::Neural)), ONCE);
}

#[test]
fn settings_and_speech_studio() {
    speeches(mono(48_000, Latency::Studio), &switches_of_settings(busy(Method::Spectral)), ONCE);
}

#[test]
fn presets_and_monitors() {
    for latency in LATENCIES {
        let config = mono(48_000, latency);
        let mut switches = switches_of_presets();
        switches.extend(switches_of_monitors(busy(Method::Neural)));
        switches.extend(switches_of_monitors(Settings::default()));
        sines(config, &switches, ONCE);
        sines(config, &switches, FLICKER);
        speeches(config, &switches, ONCE);
    }
}

#[test]
fn settings_that_flicker() {
    let switches = switches_of_settings(busy(Method::Spectral));
    sines(mono(48_000, Latency::Live), &switches, FLICKER);
    sines(mono(16_000, Latency::Studio), &switches, FLICKER);
}

/// Hum is only removed after seconds, so its switches need a longer past.
#[test]
fn hum_that_is_removed() {
    let rate = 48_000;
    let settings = Settings::default().with(Id::Method, 0.0);
    let input: Vec<f32> = sine(rate, 100.0, 14 * rate as usize).iter().map(|x| 0.5 * x).collect();
    let mut engine = engine(mono(rate, Latency::Live), &settings);
    let (mut output, mut found) = (Vec::new(), Vec::new());
    let changes =
        [(0, settings), (6, settings.with(Id::Hum, 0.0)), (7, settings), (13, settings.with(Id::HumFrequency, 2.0))];
    for (i, (second, settings)) in changes.iter().enumerate() {
        engine.set(settings);
        let end = changes.get(i + 1).map_or(14, |next| next.0);
        output.extend(
            run(&mut engine, &vec![input[second * rate as usize..end * rate as usize].to_vec()], &[512]).remove(0),
        );
        found.push(engine.meters().hum > 0.0);
    }
    assert_eq!(found, [true, false, true, false]);
    let settled = output.split_off(rate as usize / 10);
    let left = residue(&settled, TAU * 100.0 / f64::from(rate));
    assert!(left < 1.5 / (0.02 * f64::from(rate)), "{left}");
}

/// What the two checks find when the sound is cut over from one setting to another at once.
#[test]
fn a_click_would_be_found() {
    let config = mono(48_000, Latency::Live);
    let base = busy(Method::Spectral);
    let switches = [(Id::EqMid, -15.0), (Id::Mix, 0.0), (Id::OutputGain, -24.0)].map(|(id, value)| Switch {
        name: "cut over".to_owned(),
        choices: [base, base.with(id, value)].map(Choice::enhanced),
    });
    // Where the two are furthest apart.
    let cut_over = |heard: &Heard| {
        let [a, b] = &heard.steady;
        let gap = |i: usize| (a[i] - b[i]).abs();
        let at = (0..a.len()).max_by(|i, j| gap(*i).total_cmp(&gap(*j))).unwrap();
        Heard { steady: heard.steady.clone(), switched: [&a[..at], &b[at..]].concat(), input: heard.input.clone() }
    };
    let missed = |found: bool| (!found).then(|| "missed".to_owned());
    for frequency in [100.0, 997.0] {
        listen(config, &sine(48_000, frequency, 48_000), &switches, ONCE, |heard, name| {
            missed(check_sine(48_000, frequency, &cut_over(heard), name).is_some())
        });
    }
    listen(config, &speech()[48_000..], &switches, ONCE, |heard, _| {
        missed(check_speech(48_000, &cut_over(heard)).is_some())
    });
}
