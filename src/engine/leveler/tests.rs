use super::*;
use crate::engine::testing::{check, is_transparent, keeps_the_image, noise, run, sine, stream};
use crate::engine::voice::{pauses, voice};
use crate::engine::{Latency, MAX_CHANNELS};

fn make(stream: &Stream) -> Box<dyn Effect> {
    Box::new(Leveler::new(stream))
}

fn settings() -> Settings {
    Settings::default().with(Id::LevelRange, 20.0).with(Id::LevelTarget, -20.0).with(Id::LevelSpeed, 6.0)
}

fn leveler(stream: &Stream, settings: &Settings) -> Leveler {
    let mut leveler = Leveler::new(stream);
    leveler.set(settings);
    leveler
}

fn mono(rate: u32) -> Stream {
    stream(rate, 1, Latency::Studio)
}

/// Runs a signal in 20 ms blocks and notes the gain in dB after each.
fn gains(leveler: &mut Leveler, stream: &Stream, input: &[f32]) -> Vec<f32> {
    let blocks = input.chunks(stream.samples(0.02).min(stream.hop));
    blocks
        .map(|x| {
            leveler.process(&mut [x.to_vec()]);
            leveler.gain_db()
        })
        .collect()
}

fn scaled(x: &[f32], db: f32) -> Vec<f32> {
    x.iter().map(|x| x * db_to_gain(db)).collect()
}

/// Loudness of a voice by an independent meter, gated.
fn lufs(stream: &Stream, x: &[f32]) -> f32 {
    let mut meter = ebur128::EbuR128::new(1, stream.rate as u32, ebur128::Mode::I).unwrap();
    meter.add_frames_f32(x).unwrap();
    meter.loudness_global().unwrap() as f32
}

/// The voice at this loudness.
fn voice_at(stream: &Stream, seconds: f32, loudness: f32) -> Vec<f32> {
    let voice = voice(stream, seconds);
    scaled(&voice, loudness - lufs(stream, &voice))
}

#[test]
fn is_an_effect() {
    check(make, &[settings(), Settings::default()]);
    is_transparent(make, &Settings::default());
    keeps_the_image(make, &settings());
}

#[test]
fn speech_of_any_level_comes_to_the_target() {
    for rate in [8000, 44_100, 96_000] {
        let stream = mono(rate);
        for loudness in [-35.0, -15.0] {
            let x = voice_at(&stream, 16.0, loudness);
            let y = run(&mut leveler(&stream, &settings()), &[x], &[stream.hop]);
            let after = lufs(&stream, &y[0][stream.samples(8.0)..]);
            assert!((after + 20.0).abs() < 1.5, "{rate} Hz: {loudness} came to {after}");
        }
    }
}

#[test]
fn jumps_are_followed_within_the_limits() {
    let stream = mono(16_000);
    let mut x = voice_at(&stream, 10.0, -35.0);
    x.extend(voice_at(&stream, 10.0, -12.0));
    x.extend(voice_at(&stream, 14.0, -30.0));
    let mut leveler = leveler(&stream, &settings());
    let gains = gains(&mut leveler, &stream, &x);
    let at = |seconds: f32| gains[(seconds * stream.rate) as usize / stream.hop];
    assert!((at(9.9) - 15.0).abs() < 1.5, "{}", at(9.9));
    assert!((at(15.0) + 8.0).abs() < 1.5, "{}", at(15.0));
    assert!((at(33.0) - 10.0).abs() < 1.5, "{}", at(33.0));
    // From one 20 ms segment to the next: six dB a second, up to four times as fast in the
    // first second of speech and downwards.
    for (i, pair) in gains.windows(2).enumerate() {
        let up = if i * stream.hop < stream.samples(3.0) { 0.48 } else { 0.12 };
        assert!((-0.481..up + 1e-3).contains(&(pair[1] - pair[0])), "{pair:?}");
    }
    assert!(gains.iter().all(|g| g.abs() <= 20.0));
}

#[test]
fn range_is_never_left() {
    let stream = mono(16_000);
    let narrow = settings().with(Id::LevelRange, 5.0);
    let mut leveler = leveler(&stream, &narrow);
    let gains = gains(&mut leveler, &stream, &voice_at(&stream, 8.0, -40.0));
    assert!(gains.iter().all(|&g| (0.0..=5.0).contains(&g)));
    assert_eq!(leveler.gain_db(), 5.0);
}

#[test]
fn what_is_not_speech_is_not_lifted() {
    let stream = mono(16_000);
    let length = stream.samples(8.0);
    let noise = scaled(&noise(length, 11), -40.0);
    // Brown noise; a hum that is switched on; breaths; a whistle that comes and goes.
    let mut sum = 0.0;
    let brown: Vec<f32> = noise
        .iter()
        .map(|x| {
            sum = 0.99 * sum + x;
            sum
        })
        .collect();
    let hum: Vec<f32> =
        sine(&stream, 120.0, length).iter().enumerate().map(|(i, x)| if i < 40_000 { 0.0 } else { 0.02 * x }).collect();
    let now_and_then = |i: usize| (i as f32 / stream.rate * 4.0).sin().max(0.0).powi(2);
    let breaths: Vec<f32> = noise.iter().enumerate().map(|(i, x)| x * (0.01 + now_and_then(i))).collect();
    let whistle: Vec<f32> =
        sine(&stream, 1100.0, length).iter().enumerate().map(|(i, x)| 0.01 * x * now_and_then(i)).collect();
    for (name, x) in
        [("noise", noise.clone()), ("brown", brown), ("hum", hum), ("breaths", breaths), ("whistle", whistle)]
    {
        let y = run(&mut leveler(&stream, &settings()), std::slice::from_ref(&x), &[stream.hop]);
        assert!(y[0] == x, "{name}");
    }
}

#[test]
fn pauses_and_breaths_keep_the_gain() {
    let stream = mono(16_000);
    let mut x = voice_at(&stream, 10.0, -35.0);
    let floor = scaled(&noise(stream.samples(16.0), 3), -65.0);
    x.resize(floor.len(), 0.0);
    let breath = stream.samples(11.0)..stream.samples(11.4);
    let loud = scaled(&noise(breath.len(), 5), -48.0);
    for (x, breath) in x[breath].iter_mut().zip(loud) {
        *x += breath;
    }
    x.iter_mut().zip(&floor).for_each(|(x, n)| *x += n);
    let mut leveler = leveler(&stream, &settings());
    let gains = gains(&mut leveler, &stream, &x);
    let (spoken, silent) = gains.split_at(stream.samples(10.3) / stream.hop);
    let last = spoken[spoken.len() - 1];
    assert!(last > 13.0);
    assert!(silent.iter().all(|&g| g == last));
    // Nor in the pauses between phrases.
    for (i, pair) in spoken.windows(2).enumerate() {
        let inside = pauses(&stream, i * stream.hop) && pauses(&stream, (i + 1) * stream.hop);
        assert!(!inside || pair[0] == pair[1], "{i} {pair:?}");
    }
}

#[test]
fn first_words_are_not_overshot() {
    let stream = mono(48_000);
    let x = voice_at(&stream, 8.0, -32.0);
    let gains = gains(&mut leveler(&stream, &settings()), &stream, &x);
    let highest = gains.iter().copied().fold(0.0, f32::max);
    assert!(highest < 13.5, "{highest}");
    assert!(gains[stream.samples(3.0) / stream.hop] > 8.0);
}

#[test]
fn settled_gain_rests() {
    let stream = mono(16_000);
    let x = voice_at(&stream, 20.0, -28.0);
    let gains = gains(&mut leveler(&stream, &settings()), &stream, &x);
    let (low, high) = gains[stream.samples(8.0) / stream.hop..]
        .iter()
        .fold((f32::MAX, f32::MIN), |(low, high), &g| (low.min(g), high.max(g)));
    assert!(high - low <= DEAD_ZONE, "{low} to {high}");
}

#[test]
fn channels_are_linked_and_blocks_do_not_matter_while_it_works() {
    let stream = stream(16_000, MAX_CHANNELS, Latency::Studio);
    let left = voice(&stream, 4.0);
    let left = scaled(&left, -40.0);
    let input = [left.clone(), scaled(&left, -6.0)];
    let whole = run(&mut leveler(&stream, &settings()), &input, &[stream.hop]);
    let cut = run(&mut leveler(&stream, &settings()), &input, &[1, 17, stream.hop, 90]);
    assert!(whole == cut);
    assert!(whole[0][60_000..] != input[0][60_000..]);
    assert!(whole[0].iter().zip(&whole[1]).all(|(l, r)| (l * db_to_gain(-6.0) - r).abs() < 1e-6));
    let mut used = leveler(&stream, &settings());
    run(&mut used, &input, &[33]);
    used.reset();
    assert!(run(&mut used, &input, &[stream.hop]) == whole);
}

#[test]
fn switching_does_not_click() {
    let stream = mono(48_000);
    let voice = voice_at(&stream, 6.0, -34.0);
    let mut leveler = leveler(&stream, &settings());
    gains(&mut leveler, &stream, &voice);
    let before = leveler.gain_db();
    assert!(before > 10.0);
    // The gain is heard on a constant: it may change by no more than its whole way in 15 ms.
    leveler.set(&Settings::default());
    let y = run(&mut leveler, &[vec![0.1; 4800]], &[stream.hop]);
    let step = 0.1 * (db_to_gain(before) - 1.0) / (0.015 * stream.rate);
    assert!(y[0].windows(2).all(|w| (w[1] - w[0]).abs() < step));
    assert!(y[0][4000..] == [0.1; 800]);
}
