use std::f32::consts::TAU;

use super::*;
use crate::engine::smooth::db_to_gain;
use crate::engine::testing::{check, is_transparent, magnitude, noise, run, stream};
use crate::engine::voice::{pauses, voice};
use crate::engine::{Latency, MAX_CHANNELS};

fn make(stream: &Stream) -> Box<dyn Effect> {
    Box::new(Hum::new(stream))
}

fn mono(rate: u32) -> Stream {
    stream(rate, 1, Latency::Studio)
}

/// A note: harmonics of these amplitudes on a fundamental that may change with time.
fn note(stream: &Stream, seconds: f32, amplitudes: &[f32], frequency: impl Fn(f32) -> f32) -> Vec<f32> {
    let mut phase = 0.0f64;
    (0..stream.samples(seconds))
        .map(|i| {
            phase = (phase + f64::from(frequency(i as f32 / stream.rate) / stream.rate)).fract();
            let partial = |(k, a): (usize, &f32)| a * ((k + 1) as f32 * TAU * phase as f32 + k as f32).sin();
            amplitudes.iter().enumerate().map(partial).sum()
        })
        .collect()
}

/// Ten harmonics of hum, the second the strongest: -40 dBFS or so.
const HUM: [f32; 10] = [0.006, 0.01, 0.005, 0.003, 0.004, 0.002, 0.002, 0.001, 0.001, 0.001];

fn mix(a: &[f32], b: &[f32]) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn scaled(x: &[f32], db: f32) -> Vec<f32> {
    x.iter().map(|x| x * db_to_gain(db)).collect()
}

/// A voice at -25 dBFS in faint noise.
fn speech(stream: &Stream, seconds: f32) -> Vec<f32> {
    let voice = scaled(&voice(stream, seconds), -25.0);
    mix(&voice, &scaled(&noise(voice.len(), 9), -65.0))
}

fn power(x: &[f32]) -> f32 {
    x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32
}

/// Level of the second signal below the first in pauses and anywhere, both in the last 3 s, in dB.
fn reduction(stream: &Stream, hum: &[f32], rest: &[f32]) -> (f32, f32) {
    let from = hum.len() - stream.samples(3.0);
    let level = |x: &[f32], pick: &dyn Fn(usize) -> bool| {
        power(&(from..x.len()).filter(|&i| pick(i)).map(|i| x[i]).collect::<Vec<_>>())
    };
    let db = |pick: &dyn Fn(usize) -> bool| 10.0 * (level(hum, pick) / level(rest, pick)).log10();
    (db(&|i| pauses(stream, i)), db(&|_| true))
}

fn assert_untouched(stream: &Stream, x: Vec<f32>, what: &str) {
    let y = run(&mut Hum::new(stream), std::slice::from_ref(&x), &[stream.hop]);
    assert!(y[0] == x, "{what}");
}

#[test]
fn is_an_effect() {
    check(make, &[Settings::default(), Settings::default().with(Id::Hum, 0.0)]);
    is_transparent(make, &Settings::default());
}

#[test]
fn hum_goes_and_speech_stays() {
    for (rate, mains) in [(8000, 50.07), (11_025, 59.95), (44_100, 49.9), (96_000, 60.0)] {
        let stream = mono(rate);
        let speech = speech(&stream, 12.0);
        let hum = note(&stream, 12.0, &HUM, |_| mains);
        let mut effect = Hum::new(&stream);
        let y = run(&mut effect, &[mix(&speech, &hum)], &[stream.hop]);
        assert!((effect.frequency() - mains).abs() < 0.02, "{mains}: {}", effect.frequency());
        assert!(effect.notches().count() >= 8, "{}", effect.notches().count());
        let rest: Vec<f32> = y[0].iter().zip(&speech).map(|(y, x)| y - x).collect();
        let (pauses, all) = reduction(&stream, &hum, &rest);
        assert!(pauses > 16.0 && all > 12.0, "{rate} Hz: {pauses} dB in pauses, {all} dB in all");
    }
}

#[test]
fn without_hum_nothing_is_touched() {
    let stream = mono(16_000);
    assert_untouched(&stream, speech(&stream, 20.0), "speech");
    assert_untouched(&stream, scaled(&noise(stream.samples(20.0), 1), -20.0), "noise");
    // Sustained notes next to the mains, fans and engines beside it.
    let partials = [0.05, 0.03, 0.02, 0.015, 0.01, 0.01];
    for frequency in [43.0, 48.0, 49.0, 51.0, 52.4, 55.0, 58.27, 61.74, 65.4, 87.3, 98.0, 110.0, 123.5, 146.8] {
        assert_untouched(&stream, note(&stream, 10.0, &partials, |_| frequency), &format!("{frequency} Hz"));
    }
    // On the mains frequency, but it does not last; or it glides through.
    let short = note(&stream, 2.0, &partials, |_| 50.0);
    let faint = scaled(&noise(stream.samples(8.0), 2), -60.0);
    assert_untouched(&stream, [&faint[..48_000], &short, &faint].concat(), "a short note");
    assert_untouched(&stream, note(&stream, 10.0, &partials, |t| 45.0 + 1.2 * t), "a glide");
}

#[test]
fn drift_is_followed() {
    let stream = mono(16_000);
    let speech = speech(&stream, 16.0);
    let hum = note(&stream, 16.0, &HUM, |t| 50.0 + 0.3 * (TAU * t / 20.0).sin());
    let y = run(&mut Hum::new(&stream), &[mix(&speech, &hum)], &[stream.hop]);
    let rest: Vec<f32> = y[0].iter().zip(&speech).map(|(y, x)| y - x).collect();
    let (pauses, _) = reduction(&stream, &hum, &rest);
    assert!(pauses > 10.0, "{pauses}");
}

#[test]
fn notches_end_at_the_noise() {
    let stream = mono(16_000);
    let noise = scaled(&noise(stream.samples(12.0), 4), -45.0);
    let hum = note(&stream, 12.0, &[0.0, 0.003, 0.003], |_| 50.0);
    let y = run(&mut Hum::new(&stream), &[mix(&noise, &hum)], &[stream.hop]);
    let last = &y[0][stream.samples(8.0)..];
    let at = |frequency: f32| magnitude(stream.rate, last, frequency).powi(2);
    let beside = (0..40).map(|i| at(105.0 + i as f32)).sum::<f32>() / 40.0;
    for line in [100.0, 150.0] {
        let db = 10.0 * (at(line) / beside).log10();
        assert!((-12.0..12.0).contains(&db), "{line} Hz: {db} dB");
    }
}

#[test]
fn amount_limits_the_depth() {
    let stream = mono(8000);
    let hum = note(&stream, 10.0, &HUM, |_| 60.0);
    for (amount, depth) in [(100.0, -40.0), (50.0, -20.0)] {
        let mut effect = Hum::new(&stream);
        effect.set(&Settings::default().with(Id::Hum, amount));
        let y = run(&mut effect, std::slice::from_ref(&hum), &[stream.hop]);
        let last = stream.samples(8.0);
        let got = 10.0 * (power(&y[0][last..]) / power(&hum[last..])).log10();
        assert!((got - depth).abs() < 5.0, "{amount} %: {got} dB");
        assert!(effect.notches().all(|(_, gain)| gain > depth - 0.1));
    }
}

#[test]
fn only_the_chosen_mains_frequency() {
    let stream = mono(8000);
    let hum = note(&stream, 6.0, &HUM, |_| 50.0);
    for (choice, found) in [(0.0, 50.0), (1.0, 50.0), (2.0, 0.0)] {
        let mut effect = Hum::new(&stream);
        effect.set(&Settings::default().with(Id::HumFrequency, choice));
        run(&mut effect, std::slice::from_ref(&hum), &[stream.hop]);
        assert!((effect.frequency() - found).abs() < 0.02);
    }
}

#[test]
fn channels_out_of_phase_and_any_cut_into_blocks() {
    let stream = stream(8000, MAX_CHANNELS, Latency::Studio);
    let speech = speech(&stream, 8.0);
    let hum = note(&stream, 8.0, &HUM, |_| 50.0);
    let input = [mix(&speech, &hum), mix(&speech, &scaled(&hum, 0.0).iter().map(|x| -x).collect::<Vec<_>>())];
    let mut effect = Hum::new(&stream);
    let whole = run(&mut effect, &input, &[stream.hop]);
    assert!(effect.notches().count() >= 6);
    assert!(whole == run(&mut Hum::new(&stream), &input, &[1, 5, stream.hop, 31]));
    effect.reset();
    assert!(effect.frequency() == 0.0);
    assert!(whole == run(&mut effect, &input, &[stream.hop]));
}

#[test]
fn comes_and_goes_without_a_trace() {
    let stream = mono(16_000);
    let hum = note(&stream, 8.0, &HUM, |_| 50.0);
    let faint = scaled(&noise(stream.samples(16.0), 8), -70.0);
    let mut x = faint.clone();
    x.iter_mut().zip(&hum).for_each(|(x, hum)| *x += hum);
    let y = run(&mut Hum::new(&stream), &[x.clone()], &[stream.hop]);
    // What is removed begins and fades smoothly: no faster than the hum itself.
    let steepest = |x: &[f32]| x.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
    let removed: Vec<f32> = x.iter().zip(&y[0]).map(|(x, y)| x - y).collect();
    assert!(power(&removed[stream.samples(6.0)..stream.samples(8.0)]) > 0.9 * power(&hum));
    assert!(steepest(&removed) < 1.1 * steepest(&hum));
    // Rings out, and then nothing is touched any more.
    assert!(power(&removed[stream.samples(9.0)..stream.samples(9.5)]) < 0.01 * power(&hum));
    assert!(y[0][stream.samples(12.0)..] == x[stream.samples(12.0)..]);
}

#[test]
fn a_blow_does_not_ring() {
    let stream = mono(16_000);
    let hum = note(&stream, 9.0, &HUM, |_| 50.0);
    let mut x = hum.clone();
    let blow = stream.samples(7.0)..stream.samples(7.2);
    for (x, n) in x[blow].iter_mut().zip(noise(stream.samples(0.2), 6)) {
        *x += n;
    }
    let y = run(&mut Hum::new(&stream), &[x], &[stream.hop]);
    let after = power(&y[0][stream.samples(7.25)..stream.samples(7.75)]);
    assert!(after < power(&hum), "{after}");
}
