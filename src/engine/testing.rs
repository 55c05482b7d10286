//! Checks that every effect must pass, and the signals for them.

use super::{Effect, Engine, EngineConfig, Latency, Stream};
use crate::settings::Settings;

/// Makes the effect under test.
pub type Make = fn(&Stream) -> Box<dyn Effect>;

/// The rates at which effects are checked.
pub const RATES: [u32; 6] = [8000, 16_000, 44_100, 48_000, 96_000, 192_000];

/// The stream of a valid configuration.
pub fn stream(sample_rate: u32, channels: usize, latency: Latency) -> Stream {
    Stream::new(EngineConfig { sample_rate, channels, latency }).unwrap()
}

/// Every rate in mono and stereo, both latency modes.
pub fn streams() -> impl Iterator<Item = Stream> {
    RATES.into_iter().flat_map(|rate| {
        [(1, Latency::Live), (2, Latency::Studio)].map(|(channels, latency)| stream(rate, channels, latency))
    })
}

/// The demo recording: a voice in a café, mono, 48 kHz.
pub fn demo() -> Vec<f32> {
    let mut wav = hound::WavReader::open("assets/demo/voice-in-cafe.wav").unwrap();
    wav.samples::<i16>().map(|s| f32::from(s.unwrap()) / 32768.0).collect()
}

/// What an engine makes of such a recording, aligned with it.
pub fn enhanced(input: &[f32], settings: &Settings) -> Vec<f32> {
    let config = EngineConfig { sample_rate: 48_000, channels: 1, latency: Latency::Studio };
    let mut engine = Engine::new(config).unwrap();
    engine.set(settings);
    engine.reset();
    let mut sound = [input, &vec![0.0; engine.latency()]].concat();
    engine.process(&mut [&mut sound]);
    sound.split_off(engine.latency())
}

/// White noise, uniform within ±1, the same for the same seed.
pub fn noise(length: usize, seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / u32::MAX as f32 * 2.0 - 1.0
    };
    (0..length).map(|_| next()).collect()
}

/// A sine at full scale.
pub fn sine(stream: &Stream, frequency: f32, length: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU * f64::from(frequency) / f64::from(stream.rate);
    (0..length).map(|i| (step * i as f64).sin() as f32).collect()
}

/// Tones and noise that come and go like syllables, different in each channel.
pub fn syllables(stream: &Stream, seconds: f32) -> Vec<Vec<f32>> {
    let length = stream.samples(seconds);
    let tone = sine(stream, 220.0, length);
    (0..stream.channels)
        .map(|c| {
            let noise = noise(length, 7 + c as u32);
            let envelope = |i: usize| ((i as f32 / stream.rate * 40.0 + c as f32).sin()).max(0.0);
            (0..length).map(|i| envelope(i) * (0.4 * tone[i] + 0.2 * noise[i])).collect()
        })
        .collect()
}

/// Runs a signal through an effect in blocks of these lengths, over and over.
pub fn run(effect: &mut dyn Effect, input: &[Vec<f32>], blocks: &[usize]) -> Vec<Vec<f32>> {
    let length = input[0].len();
    let mut output = vec![Vec::with_capacity(length); input.len()];
    let mut done = 0;
    for &block in blocks.iter().cycle() {
        let end = length.min(done + block);
        let mut cut: Vec<Vec<f32>> = input.iter().map(|x| x[done..end].to_vec()).collect();
        effect.process(&mut cut);
        output.iter_mut().zip(&cut).for_each(|(y, x)| y.extend_from_slice(x));
        done = end;
        if done == length {
            break;
        }
    }
    output
}

/// The effect with these settings, all ramps finished.
pub fn settled(make: Make, stream: &Stream, settings: &Settings) -> Box<dyn Effect> {
    let mut effect = make(stream);
    effect.set(settings);
    effect.reset();
    effect
}

/// Gain in dB of a settled effect for a full-scale sine.
pub fn tone_gain(make: Make, stream: &Stream, settings: &Settings, frequency: f32) -> f32 {
    let x = sine(stream, frequency, stream.samples(1.0));
    let y = run(&mut *settled(make, stream, settings), &vec![x; stream.channels], &[stream.hop]);
    // A whole number of periods of any whole frequency.
    let half = &y[0][stream.samples(0.5)..];
    20.0 * (2.0 * magnitude(stream.rate, half, frequency) / half.len() as f32).log10()
}

/// Magnitude of the Fourier transform at one frequency.
pub fn magnitude(rate: f32, x: &[f32], frequency: f32) -> f32 {
    let step = std::f64::consts::TAU * f64::from(frequency) / f64::from(rate);
    let (re, im) = x.iter().enumerate().fold((0.0, 0.0), |(re, im), (i, &x)| {
        let (sin, cos) = (step * i as f64).sin_cos();
        (re + f64::from(x) * cos, im + f64::from(x) * sin)
    });
    re.hypot(im) as f32
}

/// What holds for every effect at every rate, mono and stereo: silence stays silence, output is
/// finite, tails leave no denormals, the cut into blocks does not matter, reset is new.
pub fn check(make: Make, settings: &[Settings]) {
    for stream in streams() {
        for settings in settings {
            silence_stays_silence(make, &stream, settings);
            output_is_finite(make, &stream, settings);
            blocks_do_not_matter(make, &stream, settings);
            reset_is_new(make, &stream, settings);
        }
    }
}

fn silence_stays_silence(make: Make, stream: &Stream, settings: &Settings) {
    let mut effect = make(stream);
    effect.set(settings);
    let output = run(&mut *effect, &stream.block(stream.samples(0.1)), &[stream.hop]);
    assert!(output.iter().flatten().all(|&y| y == 0.0), "{stream:?}");
}

fn output_is_finite(make: Make, stream: &Stream, settings: &Settings) {
    let mut effect = settled(make, stream, settings);
    let signal = syllables(stream, 0.1);
    for scale in [1e-40, 1.0, 1e4, 1e9, 1.0] {
        let scaled: Vec<Vec<f32>> = signal.iter().map(|x| x.iter().map(|x| x * scale).collect()).collect();
        let output = run(&mut *effect, &scaled, &[stream.hop]);
        assert!(output.iter().flatten().all(|y| y.is_finite()), "{scale} {stream:?}");
    }
    let output = run(&mut *effect, &stream.block(stream.samples(1.0)), &[stream.hop]);
    assert!(output.iter().flatten().all(|y| y.is_finite() && !y.is_subnormal()), "{stream:?}");
}

fn blocks_do_not_matter(make: Make, stream: &Stream, settings: &Settings) {
    let input = syllables(stream, 0.1);
    let with_blocks = |blocks: &[usize]| {
        let mut effect = make(stream);
        effect.set(settings);
        let mut output = run(&mut *effect, &input, blocks);
        // Change back on the way, so that ramps are cut too.
        effect.set(&Settings::default());
        let rest = run(&mut *effect, &input, blocks);
        output.iter_mut().zip(rest).for_each(|(y, rest)| y.extend(rest));
        output
    };
    let whole = with_blocks(&[stream.hop]);
    for blocks in [&[1][..], &[7], &[stream.hop, 3, 1]] {
        let cut = with_blocks(blocks);
        for (channel, (a, b)) in whole.iter().zip(&cut).enumerate() {
            let differs = a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits());
            assert_eq!(differs, None, "{blocks:?} channel {channel} {stream:?}");
        }
    }
}

fn reset_is_new(make: Make, stream: &Stream, settings: &Settings) {
    let input = syllables(stream, 0.1);
    let fresh = run(&mut *settled(make, stream, settings), &input, &[stream.hop]);
    let mut effect = make(stream);
    run(&mut *effect, &input, &[stream.hop, 5]);
    effect.set(settings);
    run(&mut *effect, &input, &[7]);
    effect.reset();
    assert!(run(&mut *effect, &input, &[stream.hop]) == fresh, "{stream:?}");
}

/// With these settings, input comes out unchanged, to the bit, later by the latency.
pub fn is_transparent(make: Make, settings: &Settings) {
    for stream in streams() {
        let input = syllables(&stream, 0.2);
        let mut effect = settled(make, &stream, settings);
        let latency = effect.latency();
        for (x, y) in input.iter().zip(run(&mut *effect, &input, &[stream.hop])) {
            assert!(y[..latency].iter().all(|&y| y == 0.0), "{stream:?}");
            assert!(y[latency..] == x[..x.len() - latency], "{stream:?}");
        }
    }
}

/// Both channels get the same gain: a right channel that is half the left stays so.
pub fn keeps_the_image(make: Make, settings: &Settings) {
    for rate in RATES {
        let stream = stream(rate, 2, Latency::Studio);
        let mut input = syllables(&stream, 0.2);
        input[1] = input[0].iter().map(|x| 0.5 * x).collect();
        let output = run(&mut *settled(make, &stream, settings), &input, &[stream.hop]);
        assert!(output[0].iter().zip(&output[1]).all(|(l, r)| (0.5 * l - r).abs() < 1e-6), "{stream:?}");
    }
}

/// Full-scale sines through a change of settings, there and back: no step from sample to sample is
/// more than a quarter above the largest step of the settled sound before or after, plus a change
/// of the full amplitude within 20 ms.
pub fn changes_without_a_click(make: Make, from: &Settings, to: &Settings) {
    for stream in streams() {
        let part = stream.samples(0.5);
        for frequency in [110.0, 997.0, 3500.0] {
            let x = sine(&stream, frequency, 3 * part);
            let mut effect = settled(make, &stream, from);
            let mut y = Vec::with_capacity(x.len());
            for (x, settings) in x.chunks(part).zip([from, to, from]) {
                effect.set(settings);
                y.extend_from_slice(&run(&mut *effect, &vec![x.to_vec(); stream.channels], &[stream.hop])[0]);
            }
            let (mut own, mut peak) = (0f32, 0f32);
            for settled in y.chunks(part).map(|y| &y[part / 2..]) {
                own = own.max(step(settled));
                peak = settled.iter().fold(peak, |peak, y| peak.max(y.abs()));
            }
            let bound = 1.25 * own + peak / (0.02 * stream.rate);
            let changing = step(&y[part / 2..]);
            assert!(changing <= bound, "{frequency} Hz: {changing} > {bound} {stream:?}");
        }
    }
}

/// The largest step from sample to sample.
fn step(x: &[f32]) -> f32 {
    x.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
}
