use super::*;
use crate::engine::smooth::db_to_gain;
use crate::engine::testing::{noise, stream};
use crate::engine::{Latency, voice};
use std::f32::consts::{PI, TAU};

const RATE: u32 = 48_000;

/// A synthetic voice at -25 dB while it speaks.
fn speech(rate: u32, seconds: f32) -> Vec<f32> {
    let voice = voice::voice(&stream(rate, 1, Latency::Studio), seconds);
    voice.iter().map(|x| x * db_to_gain(-25.0)).collect()
}

fn add(a: &[f32], b: &[f32], db: f32) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + b * db_to_gain(db)).collect()
}

fn with_noise(rate: u32, seconds: f32, db: f32) -> Vec<f32> {
    let speech = speech(rate, seconds);
    // Uniform noise of power 1.
    let noise: Vec<f32> = noise(speech.len(), 7).iter().map(|x| x * 3f32.sqrt()).collect();
    add(&speech, &noise, db)
}

fn hum(rate: u32, length: usize, frequency: f32) -> Vec<f32> {
    let at = |i: usize| f64::from(frequency) * i as f64 / f64::from(rate);
    (0..length).map(|i| [1.0, 2.0, 3.0].map(|k| ((k * at(i)).fract() as f32 * TAU).sin()).iter().sum()).collect()
}

/// Filters with a windowed sinc of 401 taps.
fn low_pass(x: &[f32], rate: u32, cutoff: f32) -> Vec<f32> {
    let share = 2.0 * cutoff / rate as f32;
    let tap = |i: i32| {
        let t = PI * share * i as f32;
        let sinc = if i == 0 { 1.0 } else { t.sin() / t };
        share * sinc * (0.42 + 0.5 * (PI * i as f32 / 200.0).cos() + 0.08 * (TAU * i as f32 / 200.0).cos())
    };
    let taps: Vec<f32> = (-200..=200).map(tap).collect();
    let padded: Vec<f32> = [&[0.0; 200], x, &[0.0; 200]].concat();
    padded.windows(401).map(|w| w.iter().zip(&taps).map(|(x, h)| x * h).sum()).collect()
}

/// All contexts of a stream that comes in blocks of these lengths.
fn listen(rate: u32, channels: &[&[f32]], blocks: &[usize]) -> Vec<Heard> {
    let mut listener = Listener::new(rate, channels.len());
    let (mut all, mut done) = (Vec::new(), 0);
    for length in blocks.iter().cycle() {
        let end = (done + length).min(channels[0].len());
        let block: Vec<&[f32]> = channels.iter().map(|c| &c[done..end]).collect();
        listener.push(&block, |heard| all.push(heard));
        done = end;
        if done == channels[0].len() {
            break;
        }
    }
    all
}

fn last(rate: u32, samples: &[f32]) -> Context {
    listen(rate, &[samples], &[4800]).pop().unwrap().context
}

fn distance(a: &Context, b: &Context) -> f32 {
    a.embedding().iter().zip(b.embedding()).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt()
}

#[test]
fn blocks_do_not_matter() {
    for rate in [11_025, 44_100] {
        let (left, right) = (with_noise(rate, 4.2, -55.0), with_noise(rate, 4.2, -45.0));
        let channels = [&left[..], &right];
        let whole = listen(rate, &channels, &[left.len()]);
        let parts = listen(rate, &channels, &[1, 7, 4801, 333]);
        let seen = |all: &[Heard]| all.iter().map(|heard| (heard.end, heard.context)).collect::<Vec<_>>();
        assert_eq!(seen(&whole), seen(&parts));
        let ends: Vec<u64> = whole.iter().map(|heard| heard.end).collect();
        assert_eq!(ends, [30, 35, 40].map(|steps| steps * u64::from(rate / 10)));
    }
}

#[test]
fn nothing_is_joined_across_a_gap() {
    let rate = 16_000;
    let (before, after) = (with_noise(rate, 3.4, -30.0), with_noise(rate, 3.0, -60.0));
    let mut listener = Listener::new(rate, 1);
    let mut all = Vec::new();
    listener.push(&[&before], |heard| all.push(heard));
    listener.gap();
    listener.push(&[&after], |heard| all.push(heard));
    assert_eq!(all.iter().map(|heard| heard.end).collect::<Vec<_>>(), [48_000, 102_400]);
    let fresh = last(rate, &after);
    let heard = all[1].context;
    assert_eq!((heard.noise_level, heard.short_term, heard.pitch), (fresh.noise_level, fresh.short_term, fresh.pitch));
    assert!(heard.integrated != fresh.integrated);
    listener.reset();
    let mut again = Vec::new();
    listener.push(&[&after], |heard| again.push(heard.context));
    assert_eq!(again, [fresh]);
}

#[test]
fn in_a_hurry_the_first_window_is_shorter() {
    let rate = 16_000;
    let input = with_noise(rate, 4.1, -40.0);
    let [mut usual, mut early] = [Vec::new(), Vec::new()];
    Listener::new(rate, 1).push(&[&input], |heard| usual.push(heard));
    let mut listener = Listener::new(rate, 1).early();
    listener.push(&[&input], |heard| early.push(heard));
    let ends = |all: &[Heard]| all.iter().map(|heard| (heard.end, heard.length)).collect::<Vec<_>>();
    assert_eq!(ends(&usual), [(48_000, 48_000), (56_000, 48_000), (64_000, 48_000)]);
    let short = [(16_000, 16_000), (24_000, 24_000), (32_000, 32_000), (40_000, 40_000)];
    assert_eq!(ends(&early), [&short, &ends(&usual)[..]].concat());
    let first = Excerpt::new(rate, &input[..16_000]);
    assert_eq!(early[0].context, Context::of(&first, &[&input[..16_000]]));
    // Of the slow things it knows as much, and of the rest the same.
    assert_eq!(early[4].context.noise_level, usual[0].context.noise_level);
    listener.reset();
    let mut again = Vec::new();
    listener.push(&[&input], |heard| again.push(heard.context));
    assert_eq!(again, early.iter().map(|heard| heard.context).collect::<Vec<_>>());
}

#[test]
fn always_finite() {
    for rate in [8000, 11_025, 192_000] {
        let length = 3 * rate as usize + 10;
        let mut click = vec![0.0; length];
        click[length / 2] = 1.0;
        let mut wild = vec![1e-30; length];
        wild[5] = f32::NAN;
        wild[6] = f32::INFINITY;
        for input in [vec![0.0; length], vec![1.0; length], click, wild, noise(length, 3)] {
            for heard in listen(rate, &[&input], &[length]) {
                assert!(heard.context.values().iter().all(|v| v.is_finite()), "{rate} {:?}", heard.context);
                assert!(heard.context.embedding().iter().all(|v| v.abs() <= 1.5));
                heard.context.findings();
            }
        }
        for length in [0, 1, 500] {
            let crumb = vec![0.5; length];
            let context = Context::of(&Excerpt::new(rate, &crumb), &[&crumb]);
            assert!(context.values().iter().chain(&context.embedding()).all(|v| v.is_finite()), "{context:?}");
        }
    }
    assert_eq!(Context::median(&[]), Context::default());
}

#[test]
fn noise_is_measured() {
    let quiet = last(RATE, &with_noise(RATE, 6.0, -65.0));
    let loud = last(RATE, &with_noise(RATE, 6.0, -35.0));
    assert!((quiet.noise_level + 65.0).abs() < 3.0 && (loud.noise_level + 35.0).abs() < 2.0, "{quiet:?} {loud:?}");
    // The voice pauses for a part of the time.
    assert!((25.0..45.0).contains(&quiet.snr) && (4.0..13.0).contains(&loud.snr), "{} {}", quiet.snr, loud.snr);
    assert!((loud.wada_snr - 8.0).abs() < 5.0 && (loud.tracked_snr - 8.0).abs() < 3.0, "{loud:?}");
    assert!(loud.noise_tilt.abs() < 0.7 && loud.noise_stationarity > 0.85, "{loud:?}");
    assert!(quiet.modulation > loud.modulation && quiet.speech > 0.4);
}

#[test]
fn hum_is_found_under_speech() {
    for (rate, frequency) in [(8000, 50.06), (44_100, 59.94)] {
        let speech = with_noise(rate, 6.0, -70.0);
        assert_eq!(last(rate, &speech).hum_frequency, 0.0);
        let context = last(rate, &add(&speech, &hum(rate, speech.len(), frequency), -50.0));
        assert!((context.hum_frequency - frequency).abs() < 0.03, "{rate} {context:?}");
        // Three lines of half the square of their amplitude.
        assert!((context.hum_level + 48.2).abs() < 1.0 && context.hum_harmonics >= 3.0, "{rate} {context:?}");
        let text = format!("hum at {frequency:.0} Hz, -48 dB: {} harmonics", context.hum_harmonics);
        assert!(context.findings().iter().any(|finding| finding.text == text), "{:?}", context.findings());
    }
}

#[test]
fn clipping_is_found_at_any_level() {
    let speech = with_noise(RATE, 4.0, -60.0);
    assert!(last(RATE, &speech).clipping < 1e-4);
    let peak = speech.iter().fold(0f32, |peak, x| peak.max(x.abs()));
    for gain in [1.0, 0.1] {
        let clipped: Vec<f32> = speech.iter().map(|x| x.clamp(-0.4 * peak, 0.4 * peak) * gain).collect();
        let window = &speech[speech.len() - 3 * RATE as usize..];
        let truth = window.iter().filter(|x| x.abs() > 0.4 * peak).count() as f32 / window.len() as f32;
        let found = last(RATE, &clipped).clipping;
        assert!((0.5..1.5).contains(&(found / truth)), "{found} {truth}");
    }
}

#[test]
fn the_end_of_the_band_is_found() {
    let speech = with_noise(RATE, 4.0, -80.0);
    let context = last(RATE, &low_pass(&speech, RATE, 3400.0));
    assert!((3250.0..=4000.0).contains(&context.bandwidth), "{}", context.bandwidth);
    assert!(context.findings().iter().any(|finding| finding.text.starts_with("no speech above 3.")));
}

#[test]
fn colour_is_that_of_the_filter() {
    let speech = with_noise(RATE, 4.0, -80.0);
    let flat = last(RATE, &speech);
    // 1 + 3 times all below 300 Hz: up to 12 dB.
    let boomy = last(RATE, &add(&speech, &low_pass(&speech, RATE, 300.0), 9.54));
    assert!((8.0..13.0).contains(&(boomy.bass - flat.bass)), "{} {}", boomy.bass, flat.bass);
    let dull = add(&low_pass(&speech, RATE, 2000.0), &speech, -20.0);
    let dull = last(RATE, &dull);
    assert!((dull.presence - flat.presence + 20.0).abs() < 3.0, "{} {}", dull.presence, flat.presence);
    assert!(dull.tilt < flat.tilt - 2.0 && dull.findings().iter().any(|f| f.text.starts_with("dull")));
}

#[test]
fn a_room_rings() {
    let rate = 16_000;
    let speech = with_noise(rate, 8.0, -75.0);
    let ring = |seconds: f32| {
        // Exponentially decaying noise, with the direct sound as strong as all of it.
        let length = (seconds * rate as f32) as usize;
        let mut tail: Vec<f32> =
            noise(length, 5).iter().enumerate().map(|(i, x)| x * 10f32.powf(-3.0 * i as f32 / length as f32)).collect();
        tail[0] = tail.iter().map(|x| x * x).sum::<f32>().sqrt();
        tail.reverse();
        let padded: Vec<f32> = [&vec![0.0; length - 1], &speech[..]].concat();
        let rung: Vec<f32> =
            padded.windows(length).map(|w| w.iter().zip(&tail).map(|(x, h)| x * h).sum::<f32>() * 0.3).collect();
        last(rate, &rung)
    };
    let (dry, small, large) = (last(rate, &speech), ring(0.3), ring(0.9));
    assert!(dry.decay_time < large.decay_time && small.decay_time < large.decay_time, "{dry:?} {small:?} {large:?}");
    assert!(
        (large.decay_time - 0.9).abs() < 0.35 && (small.decay_time - 0.3).abs() < 0.2,
        "{} {}",
        small.decay_time,
        large.decay_time
    );
    assert!(large.modulation < dry.modulation);
}

#[test]
fn a_gate_is_found() {
    let noisy = with_noise(RATE, 6.0, -55.0);
    let voice = speech(RATE, 6.0);
    let gated: Vec<f32> = noisy
        .iter()
        .enumerate()
        .map(|(i, x)| if voice[i..voice.len().min(i + 480)].iter().any(|v| v.abs() > 0.003) { *x } else { 0.0 })
        .collect();
    let (open, shut) = (last(RATE, &noisy), last(RATE, &gated));
    assert!(open.gating == 0.0 && shut.gating > 0.4, "{} {}", open.gating, shut.gating);
}

#[test]
fn islands_are_not_noise() {
    let noisy = with_noise(RATE, 4.0, -45.0);
    let clean = last(RATE, &noisy).holes;
    // Tones that come and go for 32 ms in faint noise.
    let mut state = 1u32;
    let mut frequency = 0.0;
    let islands: Vec<f32> = (0..noisy.len())
        .map(|i| {
            if i % 768 == 0 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                frequency = 200.0 + (state >> 16) as f32 / 9.0;
            }
            let hann = (PI * (i % 768) as f32 / 768.0).sin();
            [1.0, 1.37, 0.61].map(|k| (TAU * k * frequency * i as f32 / RATE as f32).sin() * hann).iter().sum()
        })
        .collect();
    let musical = last(RATE, &add(&with_noise(RATE, 4.0, -75.0), &islands, -45.0)).holes;
    assert!(clean < 0.1 && musical > 0.35, "{clean} {musical}");
}

#[test]
fn the_pitch_is_that_of_the_voice() {
    for rate in [8000, 44_100] {
        let context = last(rate, &with_noise(rate, 4.0, -60.0));
        assert!((context.pitch - 120.0).abs() < 12.0, "{context:?}");
        assert!(context.pitch_low > 88.0 && context.pitch_high < 155.0 && context.pitch_low < context.pitch_high);
    }
}

#[test]
fn loudness_is_that_of_the_standard() {
    let mut speech = with_noise(RATE, 9.0, -60.0);
    speech[4 * RATE as usize..].iter_mut().for_each(|x| *x *= 0.1);
    let context = last(RATE, &speech);
    let mut meter = ebur128::EbuR128::new(1, RATE, ebur128::Mode::all()).unwrap();
    meter.add_frames_f32(&speech).unwrap();
    assert!((f64::from(context.integrated) - meter.loudness_global().unwrap()).abs() < 0.1, "{}", context.integrated);
    assert!((f64::from(context.short_term) - meter.loudness_shortterm().unwrap()).abs() < 0.01);
    assert!((f64::from(context.momentary) - meter.loudness_momentary().unwrap()).abs() < 0.01);
    // The level fell by 20 dB; a mean over both sides of a pause sees a bit more or less.
    assert!((context.level_jump - 20.0).abs() < 4.0 && context.level_range > 12.0, "{context:?}");
    assert!((10.0..30.0).contains(&context.crest));
}

#[test]
fn likes_are_near_each_other() {
    let speech = with_noise(RATE, 6.0, -55.0);
    let whole = last(RATE, &speech);
    let soft = last(RATE, &speech.iter().map(|x| x * 0.3).collect::<Vec<_>>());
    let hum = |frequency, db| last(RATE, &add(&speech, &hum(RATE, speech.len(), frequency), db));
    let (hums, other) = (hum(50.0, -40.0), hum(49.95, -45.0));
    let dull = last(RATE, &add(&low_pass(&speech, RATE, 1500.0), &speech, -25.0));
    assert!(distance(&whole, &soft) < 0.4, "{}", distance(&whole, &soft));
    assert!(distance(&whole, &soft) < 0.5 * distance(&whole, &dull));
    assert!(distance(&hums, &other) < 0.7 * distance(&hums, &dull));
    assert!(distance(&hums, &other) < distance(&hums, &whole));
}

#[test]
fn the_median_of_each_field() {
    let of = |snr, pitch| Context { snr, pitch, ..Context::default() };
    let median = Context::median(&[of(1.0, 300.0), of(5.0, 100.0), of(2.0, 200.0)]);
    assert_eq!((median.snr, median.pitch), (2.0, 200.0));
}
