//! The neural model: equal to nnnoiseless, deaf to how a stream is cut, and fit for the audio thread.

#[path = "common/counting.rs"]
mod counting;

use attune::engine::neural::{Analyser, BANDS, FRAME, RnNoise};
use attune::engine::{EngineConfig, Latency, Stream};
use proptest::prelude::*;
use std::f32::consts::TAU;

/// White noise, ±1.
fn noise(seed: u32) -> impl Iterator<Item = f32> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    })
}

/// Syllables of a gliding voice with formants, four a second, with pauses in each third second.
fn voice(rate: u32, seconds: f32) -> Vec<f32> {
    let mut phase = 0.0;
    let sample = |i: usize| {
        let t = i as f32 / rate as f32;
        let pitch = 130.0 + 40.0 * (TAU * 0.7 * t).sin();
        phase = (phase + pitch / rate as f32) % 1.0;
        let syllable = if t % 3.0 < 2.0 { (TAU * 2.0 * t).sin().abs() } else { 0.0 };
        let first = 500.0 + 250.0 * (TAU * 1.3 * t).sin();
        let formant = |f: f32, center: f32, width: f32| 1.0 / (1.0 + ((f - center) / width).powi(2));
        let harmonic = |k: usize| {
            let f = k as f32 * pitch;
            let level = formant(f, first, 120.0) + 0.5 * formant(f, 1500.0, 200.0) + 0.2 * formant(f, 2600.0, 300.0);
            level * (TAU * k as f32 * phase).sin()
        };
        0.15 * syllable * (1..24).map(harmonic).sum::<f32>()
    };
    (0..(seconds * rate as f32) as usize).map(sample).collect()
}

/// A voice in noise of this level.
fn noisy(rate: u32, seconds: f32, level: f32) -> Vec<f32> {
    voice(rate, seconds).iter().zip(noise(7)).map(|(voice, noise)| voice + level * noise).collect()
}

fn stream(sample_rate: u32, channels: usize) -> Stream {
    Stream::new(EngineConfig { sample_rate, channels, latency: Latency::Live }).unwrap()
}

#[test]
fn equals_nnnoiseless() {
    let fading = noise(3).take(96_000).enumerate().map(|(i, x)| x * (-(i as f32) / 4000.0).exp());
    // The share of frames that may differ by more than 2e-5: the comb filter has a step where the
    // periodicity equals the gain, and near a perfect pitch the last bit decides.
    let signals = [
        ("voice in noise", 0.01, noisy(48_000, 6.0, 0.05)),
        ("voice in faint noise", 0.01, noisy(48_000, 6.0, 0.001)),
        ("clean voice", 0.5, voice(48_000, 4.0)),
        ("noise", 0.01, noise(1).take(96_000).map(|x| 0.3 * x).collect()),
        ("fading into silence and back", 0.01, fading.chain(noisy(48_000, 1.0, 0.02)).collect()),
        ("overload", 0.01, noisy(48_000, 2.0, 0.1).iter().map(|x| (x * 20.0).clamp(-2.0, 2.0)).collect()),
    ];
    for (name, share, signal) in signals {
        let (mut model, mut reference) = (RnNoise::new(), nnnoiseless::DenoiseState::new());
        let (mut output, mut expected) = ([0.0; FRAME], [0.0; FRAME]);
        let (mut worst, mut far) = (0.0f32, 0);
        let frames = signal.as_chunks::<FRAME>().0;
        for frame in frames {
            let voice = reference.process_frame(&mut expected, &frame.map(|x| x * 32768.0));
            let found = model.process(frame, &mut output);
            assert!((found.voice - voice).abs() < 1e-4, "{name}: {found:?} {voice}");
            let pairs = output.iter().zip(&expected);
            let error = pairs.map(|(y, expected)| (y - expected / 32768.0).abs()).fold(0.0, f32::max);
            worst = worst.max(error);
            far += usize::from(error > 2e-5);
        }
        assert!(worst < 2e-3 && far as f32 <= share * frames.len() as f32, "{name}: {worst:e} {far}");
    }
}

#[test]
fn keeps_voice_and_removes_noise() {
    let (voice, noisy) = (voice(48_000, 6.0), noisy(48_000, 6.0, 0.02));
    let mut model = RnNoise::new();
    let mut output = [0.0; FRAME];
    let (mut during, mut pauses) = ([0.0; 2], [0.0; 2]);
    let mut before = [0.0; FRAME];
    for (clean, frame) in voice.as_chunks::<FRAME>().0.iter().zip(noisy.as_chunks::<FRAME>().0) {
        model.process(frame, &mut output);
        // The output is one frame late.
        let power = |x: &[f32]| x.iter().map(|x| x * x).sum::<f32>();
        let sums = if power(&before) > 0.1 { &mut during } else { &mut pauses };
        sums[0] += power(&before);
        sums[1] += power(&output);
        before = *clean;
    }
    assert!((0.7..1.3).contains(&(during[1] / during[0])), "{during:?}");
    let noise = 0.02f32.powi(2) / 3.0 * 48_000.0 * 2.0;
    assert!(pauses[1] < 0.1 * (noise + pauses[0]), "{pauses:?} {noise}");
}

#[test]
fn analysis_alone_gives_the_same_frames() {
    let (mut all, mut part) = (RnNoise::new(), RnNoise::new());
    let mut output = [0.0; FRAME];
    for frame in noisy(48_000, 2.0, 0.03).as_chunks::<FRAME>().0 {
        assert_eq!(all.process(frame, &mut output), part.analyse(frame));
    }
}

#[test]
fn reset_equals_new() {
    let signal = noisy(48_000, 1.0, 0.03);
    let run = |model: &mut RnNoise| {
        let mut output = vec![[0.0; FRAME]; signal.len() / FRAME];
        let pairs = signal.as_chunks::<FRAME>().0.iter().zip(&mut output);
        let frames: Vec<_> = pairs.map(|(x, y)| *model.process(x, y)).collect();
        (output, frames)
    };
    let mut model = RnNoise::new();
    let first = run(&mut model);
    model.reset();
    assert_eq!(model.frame(), RnNoise::new().frame());
    assert!(run(&mut model) == first);

    for rate in [44_100, 48_000] {
        let stream = stream(rate, 1);
        let mut analyser = Analyser::new(&stream);
        let run = |analyser: &mut Analyser| {
            let listen = |block: &[f32]| {
                analyser.push(&[block.to_vec()]);
                (*analyser.frame(), analyser.age())
            };
            signal.chunks(stream.hop).map(listen).collect::<Vec<_>>()
        };
        let first = run(&mut analyser);
        analyser.reset();
        assert!(run(&mut analyser) == first, "{rate}");
    }
}

#[test]
fn never_allocates_even_on_a_fresh_thread() {
    let mut model = RnNoise::new();
    let mut analysers: Vec<_> = [8000, 12_345, 44_100, 48_000, 192_000]
        .into_iter()
        .flat_map(|rate| [1, 2].map(|channels| stream(rate, channels)))
        .map(|stream| (Analyser::new(&stream), vec![noisy(48_000, 0.5, 0.1); stream.channels], vec![0.0; 4000]))
        .collect();
    let signal = noisy(48_000, 0.5, 0.1);
    let mut run = move || {
        let mut output = [0.0; FRAME];
        for frame in signal.as_chunks::<FRAME>().0 {
            model.process(frame, &mut output);
            model.analyse(frame);
        }
        model.reset();
        for (analyser, block, gains) in &mut analysers {
            analyser.push(block);
            analyser.bin_gains(gains);
            analyser.reset();
        }
    };
    // What it owns is dropped after the count.
    assert_eq!(std::thread::spawn(move || counting::calls(&mut run).0).join().unwrap(), 0);
}

#[test]
fn does_not_depend_on_how_the_stream_is_cut() {
    for (rate, channels) in [(8000, 1), (12_345, 1), (16_000, 2), (44_100, 2), (48_000, 1), (96_000, 1), (192_000, 2)] {
        let stream = stream(rate, channels);
        let sound: Vec<Vec<f32>> = (0..channels).map(|c| noisy(rate, 1.0, 0.02 + 0.1 * c as f32)).collect();
        let run = |lengths: &[usize]| {
            let mut analyser = Analyser::new(&stream);
            let (mut frames, mut start) = (Vec::new(), 0);
            for length in lengths.iter().cycle() {
                let end = (start + length).min(sound[0].len());
                let block: Vec<Vec<f32>> = sound.iter().map(|x| x[start..end].to_vec()).collect();
                if analyser.push(&block) {
                    frames.push((end - analyser.age(), *analyser.frame()));
                }
                start = end;
                if start == sound[0].len() {
                    return frames;
                }
            }
            unreachable!()
        };
        let whole = run(&[stream.hop]);
        assert!(whole.len().abs_diff(100) <= 2, "{}", whole.len());
        assert!(whole == run(&[1]) && whole == run(&[7, stream.hop - 1, 3, 1]), "{rate}");
    }
}

#[test]
fn hears_the_same_at_every_rate() {
    // The gains over time at 48 kHz and at another rate, on the same voice in the same tones of noise.
    let run = |rate: u32, channels: usize| {
        let mut sound = voice(rate, 4.0);
        for (i, x) in sound.iter_mut().enumerate() {
            let t = i as f32 / rate as f32;
            *x += 0.004 * (1..60).map(|k| (TAU * (53.7 * k as f32 * t + (k * k) as f32 * 0.37)).sin()).sum::<f32>();
        }
        let stream = stream(rate, channels);
        let mut analyser = Analyser::new(&stream);
        let mut frames = Vec::new();
        for block in sound.chunks(stream.hop) {
            if analyser.push(&vec![block.to_vec(); channels]) {
                frames.push(*analyser.frame());
            }
        }
        frames
    };
    let expected = run(48_000, 1);
    assert!(expected == run(48_000, 2), "two equal channels are one");
    for rate in [16_000, 44_100, 96_000, 192_000] {
        let found = run(rate, 1);
        // Up to 5 kHz, after the start.
        let pairs = || expected.iter().zip(&found).skip(50).flat_map(|(a, b)| a.gains.iter().zip(&b.gains).take(14));
        let mean = pairs().map(|(a, b)| (a - b).abs()).sum::<f32>() / pairs().count() as f32;
        assert!(mean < 0.12, "{rate}: {mean}");
    }
}

#[test]
fn gains_lie_on_lines_between_the_bands() {
    const EDGES: [f32; BANDS] = [
        0.0, 200.0, 400.0, 600.0, 800.0, 1000.0, 1200.0, 1400.0, 1600.0, 2000.0, 2400.0, 2800.0, 3200.0, 4000.0,
        4800.0, 5600.0, 6800.0, 8000.0, 9600.0, 12_000.0, 15_600.0, 20_000.0,
    ];
    for rate in [8000, 44_100, 48_000, 192_000] {
        let stream = stream(rate, 1);
        let mut analyser = Analyser::new(&stream);
        let mut gains = vec![0.0; stream.window / 2 + 1];
        analyser.bin_gains(&mut gains);
        assert!(gains.iter().all(|&g| g == 1.0), "open before the first frame");

        analyser.push(&[noisy(rate, 1.3, 0.02)]);
        analyser.bin_gains(&mut gains);
        let bands = analyser.frame().gains;
        assert!(bands.iter().any(|&g| g < 0.5));
        for (bin, gain) in gains.iter().enumerate() {
            let f = bin as f32 * stream.rate / stream.window as f32;
            let expected = match EDGES.iter().rposition(|&edge| edge <= f) {
                Some(band) if band + 1 < BANDS => {
                    let way = (f - EDGES[band]) / (EDGES[band + 1] - EDGES[band]);
                    bands[band] * (1.0 - way) + bands[band + 1] * way
                }
                _ => bands[BANDS - 1],
            };
            assert!((gain - expected).abs() < 1e-4, "{rate}: {f} Hz {gain} {expected}");
        }
        // Too short or too long an answer is no accident.
        analyser.bin_gains(&mut gains[..5]);
        analyser.bin_gains(&mut vec![0.0; 100_000]);
        analyser.bin_gains(&mut []);
    }
}

#[test]
fn odd_blocks_are_no_accident() {
    let mut analyser = Analyser::new(&stream(44_100, 2));
    assert!(!analyser.push(&[]));
    assert!(!analyser.push(&[vec![], vec![0.5]]));
    assert_eq!(analyser.age(), 0);
    analyser.push(&[vec![0.5; 100], vec![0.5; 90]]);
    assert_eq!(analyser.age(), 90);
    assert!(analyser.push(&[vec![0.5; 10_000]]));
}

fn level() -> impl Strategy<Value = f32> {
    prop_oneof![Just(0.0), Just(1e-42), Just(1e-30), Just(1e-6), Just(0.1), Just(1.0), Just(1e9), Just(f32::MAX)]
}

fn oddity() -> impl Strategy<Value = f32> {
    prop_oneof![Just(0.0), Just(f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY), Just(1e-45), Just(-1e9)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn stays_finite(frames in prop::collection::vec((level(), level(), oddity(), any::<u32>()), 1..60)) {
        let (mut model, mut analyser) = (RnNoise::new(), Analyser::new(&stream(44_100, 1)));
        let mut output = [0.0; FRAME];
        for (hiss, tone, odd, seed) in frames {
            let mut frame = [0.0; FRAME];
            for (i, (x, noise)) in frame.iter_mut().zip(noise(seed)).enumerate() {
                *x = hiss * noise + tone * (i as f32 * 0.05).sin();
            }
            frame[seed as usize % FRAME] = odd;
            let voiced = *model.process(&frame, &mut output);
            analyser.push(&[frame.to_vec()]);
            prop_assert!(output.iter().all(|y| y.abs() < 50.0));
            for frame in [voiced, *analyser.frame()] {
                prop_assert!((0.0..=1.0).contains(&frame.voice));
                prop_assert!(frame.gains.iter().all(|g| (0.0..=1.0).contains(g)));
            }
        }
    }
}
