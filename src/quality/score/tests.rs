use super::*;
use crate::engine::testing::{demo, enhanced};
use crate::settings::Settings;

/// From the second second on: the engine knows the noise by then.
fn heard<T>(work: impl FnOnce(&Audition, &[f32]) -> T) -> T {
    let input = demo();
    let output = enhanced(&input, &Settings::default());
    work(&Audition::new(Ears::built_in(), 48_000, &input[48_000..]), &output[48_000..])
}

#[test]
fn the_weights_are_whole_and_small() {
    let weights = |name: &str| std::fs::read(format!("assets/score/{name}.safetensors")).unwrap();
    let (reference, score) = (weights("pseudo-reference"), weights("score"));
    assert!(reference.len() + score.len() < 500_000);
    assert!(Ears::load(&reference, Some(&score)).is_ok());
    assert!(Ears::load(&reference[..1000], None).is_err());
    assert!(Ears::load(&score, None).is_err());
    assert!(Ears::load(&reference, Some(&reference)).is_err());
}

#[test]
fn enhancement_beats_noise_and_spoiling_beats_neither() {
    heard(|audition, output| {
        let honest = audition.hear(output);
        let score = audition.score(&honest);
        assert!(honest.veto.is_none() && score.mean > score.sigma, "{score:?}");

        let spoiled: [(&str, Vec<f32>); 4] = [
            ("silence", vec![0.0; output.len()]),
            ("gate", output.iter().map(|x| if x.abs() < 0.05 { 0.0 } else { *x }).collect()),
            ("clipping", output.iter().map(|x| (x * 20.0).clamp(-1.0, 1.0)).collect()),
            ("tone", output.iter().enumerate().map(|(n, x)| x + 0.02 * (n as f32 * 0.2).sin()).collect()),
        ];
        for (name, samples) in spoiled {
            let take = audition.hear(&samples);
            let difference = audition.difference(&take, &honest);
            assert!(difference.mean < -difference.sigma, "{name}: {difference:?} {:?}", take.veto);
            assert_eq!(audition.difference(&honest, &take).mean, -difference.mean, "{name}");
        }
    });
}

#[test]
fn beside_a_fault_others_still_differ_and_nothing_is_surer() {
    heard(|audition, output| {
        let honest = audition.hear(output);
        let faulty = audition.hear(&vec![0.0; output.len()]);
        let [over_faulty, untouched_over_faulty] =
            [&honest, audition.untouched()].map(|take| audition.difference(take, &faulty));
        let between = audition.score(&honest);
        assert!((over_faulty.mean - untouched_over_faulty.mean - between.mean).abs() < 1e-3);
        assert!(over_faulty.mean > FAULT / 2.0 && over_faulty.sigma > between.sigma, "{over_faulty:?} {between:?}");
    });
}

#[test]
fn the_same_sound_is_the_same_for_sure() {
    heard(|audition, output| {
        let [a, b] = [0, 1].map(|_| audition.hear(output));
        assert_eq!(a.features, b.features);
        assert_eq!(audition.difference(&a, &b), Estimate { mean: 0.0, sigma: 0.0 });
        let score = audition.score(audition.untouched());
        assert_eq!(score, Estimate { mean: 0.0, sigma: 0.0 });
    });
}

#[test]
fn without_a_score_nothing_is_known() {
    let reference = std::fs::read("assets/score/pseudo-reference.safetensors").unwrap();
    let ears = Ears::load(&reference, None).unwrap();
    let input = demo();
    let audition = Audition::new(&ears, 48_000, &input);
    assert_eq!(audition.score(&audition.hear(&enhanced(&input, &Settings::default()))).sigma, f32::INFINITY);
}

#[test]
fn odd_sounds_give_finite_numbers() {
    let click: Vec<f32> = (0..30_000).map(|n| f32::from(u8::from(n == 15_000))).collect();
    let bad: Vec<f32> = click.iter().map(|x| if *x > 0.0 { f32::NAN } else { 0.1 }).collect();
    let sounds = [vec![], vec![0.5], vec![0.0; 30_000], vec![1.0; 30_000], click, bad];
    for rate in [8000, 44_100, 192_000] {
        for input in &sounds {
            let audition = Audition::new(Ears::built_in(), rate, input);
            for output in &sounds {
                let take = audition.hear(output);
                let score = audition.score(&take);
                assert!(take.features.iter().all(|f| f.is_finite()), "{rate} {} {}", input.len(), output.len());
                assert!(score.mean.is_finite() && score.sigma.is_finite());
            }
        }
    }
}
