use super::*;
use crate::quality::{Excerpt, Frames, Veto};
use std::f32::consts::TAU;

const RATE: u32 = 48_000;

/// Three seconds of a voice in a café.
fn voice() -> Vec<f32> {
    let mut file = hound::WavReader::open("assets/demo/voice-in-cafe.wav").unwrap();
    let spec = file.spec();
    assert_eq!(spec.sample_rate, RATE);
    let scale = 0.5f32.powi(i32::from(spec.bits_per_sample) - 1);
    let samples = file.samples::<i32>().step_by(usize::from(spec.channels)).map(|s| s.unwrap() as f32 * scale);
    samples.skip(RATE as usize).take(3 * RATE as usize).collect()
}

fn noise(length: usize, amplitude: f32) -> Vec<f32> {
    let mut seed = 7u32;
    (0..length)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((seed >> 8) as f32 / (1 << 23) as f32 - 1.0) * amplitude
        })
        .collect()
}

fn sine(hertz: f32, amplitude: f32) -> impl Fn(usize) -> f32 {
    move |n| (TAU * hertz * n as f32 / RATE as f32).sin() * amplitude
}

/// What becomes of the voice when each sample is changed.
fn changed(change: impl Fn(usize, f32) -> f32) -> Quality {
    let input = voice();
    let output: Vec<f32> = input.iter().enumerate().map(|(n, s)| change(n, *s)).collect();
    Quality::of(&Excerpt::new(RATE, &input), &output)
}

/// A gain for each sample from one for each frame.
fn shaped(input: &[f32], hop: usize, gain: impl Fn(usize) -> f32) -> Vec<f32> {
    input.iter().enumerate().map(|(n, s)| s * gain((n / hop).saturating_sub(1))).collect()
}

#[test]
fn nothing_done_is_nothing_measured() {
    let q = changed(|_, s| s);
    let none = [
        q.noise_attenuation,
        q.noise_fluctuation,
        q.pumping,
        q.log_kurtosis_ratio,
        q.level_change,
        q.speech_attenuation,
        q.gain_fluctuation,
        q.speech_lost,
        q.over_suppression,
        q.speech_distortion,
        q.foreign,
        q.tone_distance,
        q.modulation_change,
        q.loudness_change,
    ];
    assert!(none.iter().all(|value| value.abs() < 1e-3), "{q:?}");
    assert_eq!(q.veto(), None);
}

#[test]
fn a_gain_is_a_change_of_level_only() {
    let (before, after) = (changed(|_, s| s), changed(|_, s| s * 0.5));
    let lower = [after.level_change, after.loudness_change, after.peak_change];
    assert!(lower.iter().all(|change| (change + 6.02).abs() < 0.1), "{after:?}");
    let level = ["level_change", "loudness", "loudness_error", "true_peak", "hum"];
    for ((name, before), after) in FEATURE_NAMES.iter().zip(before.features()).zip(after.features()) {
        assert!(level.contains(name) || (before - after).abs() < 0.1, "{name}: {before} {after}");
    }
    assert_eq!(after.veto(), None);
}

#[test]
fn quieter_pauses_are_noise_attenuation() {
    let input = voice();
    let excerpt = Excerpt::new(RATE, &input);
    assert!(excerpt.speaking.len() > 40 && excerpt.pauses.len() > 10, "{:?}", excerpt.pauses);
    let output =
        shaped(
            &input,
            excerpt.frames.hop,
            |f| if excerpt.speech.get(f).is_some_and(|&p| p < 0.5) { 0.25 } else { 1.0 },
        );
    let q = Quality::of(&excerpt, &output);
    assert!((q.noise_attenuation - 12.0).abs() < 2.0, "{}", q.noise_attenuation);
    assert!(q.level_change.abs() < 0.5 && q.speech_attenuation.abs() < 1.0 && q.foreign < 0.03, "{q:?}");
    assert_eq!(q.veto(), None);
}

#[test]
fn swallowed_speech_is_seen() {
    let input = voice();
    let excerpt = Excerpt::new(RATE, &input);
    let third = excerpt.speaking[excerpt.speaking.len() / 3];
    let half = excerpt.speaking[excerpt.speaking.len() / 2];
    let q = Quality::of(
        &excerpt,
        &shaped(&input, excerpt.frames.hop, |f| if (third..half).contains(&f) { 0.05 } else { 1.0 }),
    );
    assert!((0.1..0.25).contains(&q.speech_lost), "{}", q.speech_lost);
    assert!(matches!(changed(|_, _| 0.0).veto(), Some(Veto::Swallowed(_))));
    let rest = Quality::of(&excerpt, &shaped(&input, excerpt.frames.hop, |f| if f < half { 1.0 } else { 0.0 }));
    assert!(matches!(rest.veto(), Some(Veto::Swallowed(_))), "{rest:?}");
}

#[test]
fn adversaries_are_vetoed() {
    let level = (voice().iter().map(|s| s * s).sum::<f32>() / 144_000.0).sqrt();
    let random = noise(144_000, 1.0);
    let beep = sine(3000.0, level * 0.2);
    let swell = sine(4.0, 1.0);
    let veto = |change: &dyn Fn(usize, f32) -> f32| changed(change).veto();
    assert!(matches!(veto(&|n, s| s + beep(n)), Some(Veto::Foreign(_))));
    assert!(matches!(veto(&|n, s| s + random[n] * level * (1.0 + swell(n))), Some(Veto::Foreign(_))));
    assert!(matches!(veto(&|n, s| if n == 5 { f32::NAN } else { s }), Some(Veto::Broken)));
    let peak = voice().iter().fold(0.0f32, |peak, s| peak.max(s.abs()));
    assert!(matches!(veto(&|_, s| s / peak * 4.0), Some(Veto::Overload(_))));
    assert!(matches!(veto(&|_, s| (s / peak).clamp(-0.3, 0.3)), Some(Veto::Clipped(_))));

    let input = voice();
    let excerpt = Excerpt::new(RATE, &input);
    let gate =
        shaped(&input, excerpt.frames.hop, |f| if excerpt.speech.get(f).is_some_and(|&p| p < 0.5) { 0.0 } else { 1.0 });
    assert!(matches!(Quality::of(&excerpt, &gate).veto(), Some(Veto::Gated(_))));
    let mut dull = input.clone();
    for _ in 0..6 {
        dull.iter_mut().fold(0.0, |last, s| {
            *s = last + 0.2 * (*s - last);
            *s
        });
    }
    let q = Quality::of(&excerpt, &dull);
    assert!(q.high_loss > 10.0 && matches!(q.veto(), Some(Veto::LowPassed(_) | Veto::Tone(_))), "{q:?}");
}

#[test]
fn hum_stands_out() {
    let hum = changed(|n, s| s + [50.0, 100.0, 150.0, 250.0].map(|f| sine(f, 0.02)(n)).iter().sum::<f32>());
    let none = changed(|_, s| s);
    assert!(hum.hum > 10.0 && none.hum < 5.0, "{} {}", hum.hum, none.hum);
}

#[test]
fn single_bins_in_the_pauses_are_musical_noise() {
    let input = noise(96_000, 0.05);
    let excerpt = Excerpt::new(RATE, &input);
    let mut output = Frames::new(RATE, &input);
    let smooth = noise::log_kurtosis_ratio(&Pair::new(&excerpt, &output));
    for (bin, power) in output.power.iter_mut().enumerate().filter(|(bin, _)| bin % 11 > 0) {
        *power *= if bin % 2 == 0 { 0.01 } else { 0.02 };
    }
    let peaks = noise::log_kurtosis_ratio(&Pair::new(&excerpt, &output));
    assert!(smooth.abs() < 1e-3 && peaks > 0.9, "{smooth} {peaks}");
}

#[test]
fn loudness_agrees_with_the_time_domain() {
    for rate in [16_000, 44_100, 48_000] {
        let tone = (0..3 * rate).map(|n| (TAU * 100.0 * n as f32 / rate as f32).sin() * 0.1);
        for samples in [noise(3 * rate as usize, 0.1), tone.collect()] {
            let mut meter = ebur128::EbuR128::new(1, rate, ebur128::Mode::I).unwrap();
            meter.add_frames_f32(&samples).unwrap();
            let ours = Levels::of(&Frames::new(rate, &samples), &samples).loudness;
            let theirs = meter.loudness_global().unwrap() as f32;
            assert!((ours - theirs).abs() < 0.2, "{rate}: {ours} {theirs}");
        }
    }
}

#[test]
fn anything_has_finite_features_within_range() {
    let inputs =
        [vec![], vec![0.3], vec![0.0; 48_000], vec![0.9; 48_000], noise(48_000, 1.0), vec![f32::INFINITY; 9000]];
    for rate in [8000, 48_000, 192_000] {
        for input in &inputs {
            let excerpt = Excerpt::new(rate, input);
            for output in &inputs {
                let features = Quality::of(&excerpt, output).features();
                assert!(features.iter().all(|value| value.is_finite()), "{features:?}");
            }
        }
    }
}
