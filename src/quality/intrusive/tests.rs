//! Against the numbers of other programs, and against what must be so.

use super::*;
use std::path::Path;

const RATE: u32 = 48_000;

/// The first five seconds of the demo recording.
fn voice() -> Vec<f32> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo/voice-in-cafe.wav");
    let mut reader = hound::WavReader::open(path).unwrap();
    let spec = reader.spec();
    let scale = (1u32 << (spec.bits_per_sample - 1)) as f32;
    reader.samples::<i32>().take(5 * RATE as usize).map(|s| s.unwrap() as f32 / scale).collect()
}

/// Even noise within ±0.5.
fn noise(count: usize) -> impl Iterator<Item = f32> {
    let mut state = 1u32;
    (0..count).map(move |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(state >> 8) / f64::from(1 << 24) - 0.5) as f32
    })
}

fn noisy(x: &[f32]) -> Vec<f32> {
    x.iter().zip(noise(x.len())).map(|(x, noise)| x + 0.1 * noise).collect()
}

/// A third is digital silence.
fn gated(x: &[f32]) -> Vec<f32> {
    x.iter().enumerate().map(|(i, &x)| if i / 1000 % 3 == 0 { 0.0 } else { x }).collect()
}

fn dull(x: &[f32]) -> Vec<f32> {
    let mut state = 0f32;
    let pole = |&x: &f32| {
        state += 0.1 * (x - state);
        state
    };
    x.iter().map(pole).collect()
}

fn scaled(x: &[f32], gain: f32) -> Vec<f32> {
    x.iter().map(|x| x * gain).collect()
}

#[track_caller]
fn near(value: Option<f64>, wanted: f64, tolerance: f64) {
    assert!(value.is_some_and(|value| (value - wanted).abs() <= tolerance), "{value:?} is not {wanted}");
}

#[test]
fn intelligibility_is_that_of_pystoi() {
    // pystoi 0.4.1 on the same signals: of each rate, (STOI, ESTOI) of noisy, gated, dull.
    let known = [
        (48_000, 1, [(0.737953, 0.644175), (0.688619, 0.696828), (0.999285, 0.998915)]),
        (44_100, 1, [(0.720959, 0.628798), (0.671376, 0.686594), (0.999244, 0.998840)]),
        (16_000, 3, [(0.642933, 0.523873), (0.614699, 0.637270), (0.997905, 0.996513)]),
        (8000, 6, [(0.587046, 0.454819), (0.583922, 0.630720), (0.996837, 0.994186)]),
    ];
    let voice = voice();
    for (rate, step, wanted) in known {
        let x: Vec<f32> = voice.iter().copied().step_by(step).collect();
        for (y, (wanted, extended)) in [noisy(&x), gated(&x), dull(&x)].iter().zip(wanted) {
            let found = stoi(&x, y, rate);
            near(found.map(|i| i.stoi), wanted, 1e-4);
            near(found.map(|i| i.estoi), extended, 1e-4);
        }
    }
}

#[test]
fn ratios_are_those_of_the_published_definitions() {
    // By xtask/score.py, and a transcription of comp_fwseg to NumPy: (SI-SDR, SSNR, fwSSNR).
    let x: Vec<f32> = voice().into_iter().step_by(3).collect();
    let known = [
        (noisy(&x), 4.429066, -1.298588, 5.037606),
        (gated(&x), 6.272244, 20.680413, 22.500055),
        (dull(&x), -2.006947, 3.690335, 7.810073),
    ];
    for (y, wanted_si_sdr, wanted_ssnr, wanted_fw_ssnr) in known {
        near(si_sdr(&x, &y), wanted_si_sdr, 1e-3);
        near(ssnr(&x, &y, 16_000), wanted_ssnr, 1e-3);
        near(fw_ssnr(&x, &y, 16_000), wanted_fw_ssnr, 1e-3);
    }
}

#[test]
fn level_matters_where_it_should_and_nowhere_else() {
    let x = voice();
    let same = measure(&x, &x, RATE);
    let softer = measure(&x, &scaled(&x, 0.5), RATE);
    for measures in [same, softer] {
        near(measures.stoi, 1.0, 1e-6);
        near(measures.estoi, 1.0, 1e-6);
        near(measures.fw_ssnr, 35.0, 0.1);
        near(measures.lsd, 0.0, 1e-3);
        assert!(measures.si_sdr.unwrap() > 80.0, "{measures:?}");
    }
    near(same.ssnr, 35.0, 1e-9);
    near(softer.ssnr, 6.0, 0.1);
    near(same.loudness_error, 0.0, 1e-9);
    near(softer.loudness_error, -6.02, 0.02);
    let error = level_error(&x, &scaled(&x, 0.5), RATE).unwrap();
    assert!((error.offset + 6.02).abs() < 0.02 && error.spread < 0.02, "{error:?}");
}

#[test]
fn the_spectral_distance_counts_decibels() {
    // The second half louder by 12 dB: after alignment, all frames are 6 dB off.
    let steady: Vec<f32> = noise(4 * RATE as usize).map(|s| 0.1 * s).collect();
    let (soft, loud) = steady.split_at(steady.len() / 2);
    let jump = [soft, &scaled(loud, 10f32.powf(12.0 / 20.0))].concat();
    near(lsd(&steady, &jump, RATE), 6.0, 0.05);
    // What is lost above 8 kHz is heard at 48 kHz only.
    let x = voice();
    let [low, wide] = [16_000, RATE].map(|rate| resample(&resample(&x, RATE, rate), rate, RATE).into_owned());
    assert!(lsd(&x, &low, RATE).unwrap() > lsd(&x, &wide, RATE).unwrap() + 1.0);
    assert!(lsd(&x, &dull(&x), RATE).unwrap() > 3.0);
}

#[test]
fn silence_is_never_good() {
    let x = voice();
    let nothing = vec![0.0; x.len()];
    let measures = measure(&x, &nothing, RATE);
    near(measures.stoi, 0.0, 1e-6);
    near(measures.estoi, 0.0, 1e-6);
    near(measures.si_sdr, -100.0, 1e-9);
    near(measures.ssnr, 0.0, 0.1);
    near(measures.fw_ssnr, 0.0, 0.1);
    assert!(measures.lsd.unwrap() > 15.0, "{measures:?}");
    assert!(measures.loudness_error.unwrap() < -20.0, "{measures:?}");
    // Without speech in the reference there is nothing to measure.
    assert_eq!(measure(&nothing, &x, RATE), Measures::default());
}

#[test]
fn delays_are_found_either_way_also_in_noise() {
    let x = voice();
    for rate in [8000, 16_000, 44_100, 48_000] {
        let x = &resample(&x, RATE, rate);
        let most = (f64::from(rate) * LONGEST_DELAY) as isize;
        for wanted in [0, 1, 37, most / 2, most] {
            let late = [&vec![0.0; wanted as usize], &**x].concat();
            let inverted = scaled(&noisy(&late), -0.3);
            assert_eq!(delay(x, &late, rate), wanted, "{rate}");
            assert_eq!(delay(&late, x, rate), -wanted, "{rate}");
            assert_eq!(delay(x, &inverted, rate), wanted, "{rate}");
            let (clean, processed) = aligned(x, &late, wanted);
            assert_eq!(clean, processed);
        }
    }
}

#[test]
fn the_pitch_of_a_voice_is_no_delay() {
    // 8 ms between pulses, a resonance, and as much noise as voice.
    let mut state = [0f32; 2];
    let buzz: Vec<f32> = (0..2 * RATE as usize)
        .map(|i| {
            let pulse = if i % 384 == 0 { 1.0 } else { 0.0 };
            state = [pulse + 1.9 * state[0] - 0.95 * state[1], state[0]];
            0.1 * state[0]
        })
        .collect();
    let mut late = vec![0.0; 240];
    late.extend(buzz.iter().zip(noise(buzz.len())).map(|(x, noise)| x + 0.3 * noise));
    assert_eq!(delay(&buzz, &late, RATE), 240);
}

#[test]
fn resampling_keeps_place_length_and_level() {
    for (from, to) in [(48_000, 16_000), (44_100, 16_000), (8000, 16_000), (192_000, 16_000), (11_025, 48_000)] {
        let tone = |rate: u32| -> Vec<f32> {
            let step = std::f64::consts::TAU * 997.0 / f64::from(rate);
            (0..rate + 77).map(|i| (f64::from(i) * step).sin() as f32).collect()
        };
        let (x, wanted) = (tone(from), tone(to));
        let y = resample(&x, from, to);
        assert_eq!(y.len(), (x.len() * to as usize).div_ceil(from as usize));
        let middle = y.len() / 4..y.len() * 3 / 4;
        let off = y[middle.clone()].iter().zip(&wanted[middle]).fold(0f32, |most, (y, w)| most.max((y - w).abs()));
        assert!(off < 2e-3, "{from} to {to}: {off}");
    }
    assert!(resample(&[], 8000, 16_000).is_empty());
}

#[test]
fn whatever_comes_the_numbers_are_finite() {
    for rate in [8000, 11_025, 48_000, 192_000] {
        let second = rate as usize;
        let mut click = vec![0.0; second];
        click[second / 2] = 1.0;
        let faint: Vec<f32> = noise(second).map(|s| 1e-30 * s).collect();
        let loud: Vec<f32> = noise(second).map(|s| 1e9 * s).collect();
        let signals =
            [vec![], vec![0.5], vec![0.1; second / 50], vec![0.0; second], vec![0.7; second], click, faint, loud];
        for x in &signals {
            for y in &signals {
                let m = measure(x, y, rate);
                let all = [m.stoi, m.estoi, m.si_sdr, m.ssnr, m.fw_ssnr, m.lsd, m.loudness_error];
                let level = level_error(x, y, rate).map(|e| e.offset + e.spread);
                assert!(all.iter().flatten().chain(&level).all(|value| value.is_finite()), "{rate}: {m:?}");
                assert!(delay(x, y, rate).unsigned_abs() <= second / 10);
            }
        }
    }
}
