use super::*;
use rand_distr::{Distribution, StandardNormal, Uniform};

const RATE: u32 = 1000;

fn config(seed: u64) -> ExperimentConfig {
    ExperimentConfig::new(RATE, seed, Measure::Scores)
}

/// Scores every second: a slow drift that hits both, correlated noise, and B better by `gain`.
/// Stops at the first decision, looked for at every score.
fn run(seed: u64, gain: f64, minutes: u64) -> (Decision, Experiment) {
    let mut rng = Rng::new(seed.into(), 9);
    let mut draw = || -> f64 { StandardNormal.sample(&mut rng) };
    let mut experiment = Experiment::new(config(seed), 0);
    let (mut noise, mut drift) = (draw(), 0.0);
    for second in 1..60 * minutes {
        let sample = second * u64::from(RATE);
        noise = 0.8 * noise + 0.6 * draw();
        drift += 0.02 * draw();
        let heard = if experiment.variant(sample) == Variant::B { gain } else { 0.0 };
        experiment.score(sample, (3.0 + drift + heard + 0.2 * noise) as f32);
        let decision = experiment.decision(sample);
        if decision.standing != Standing::Open {
            return (decision, experiment);
        }
    }
    (experiment.decision(60 * minutes * u64::from(RATE)), experiment)
}

#[test]
fn peeking_does_no_harm_where_nothing_differs() {
    let seeds = 400;
    let wrong = (0..seeds).filter(|seed| matches!(run(*seed, 0.0, 60).0.standing, Standing::Better(_))).count();
    println!("false verdicts within an hour, looked at every second: {wrong} of {seeds}");
    assert!(wrong as f64 <= 0.05 * seeds as f64);
}

#[test]
fn the_sequence_covers_the_mean_at_all_times() {
    // Two-point, uniform and nearly constant observations; a mean that is not 1/2, too.
    let mut rng = Rng::new(3, 3);
    let uniform = Uniform::new(0.0, 1.0).unwrap();
    type Draw = (&'static str, f64, fn(f64) -> f64);
    let draws: [Draw; 4] = [
        ("coin", 0.5, |u| f64::from(u < 0.5)),
        ("rare", 0.05, |u| f64::from(u < 0.05)),
        ("uniform", 0.5, |u| u),
        ("narrow", 0.62, |u| 0.6 + 0.04 * u),
    ];
    for (name, mean, draw) in draws {
        let missed = (0..1000).filter(|_| {
            let mut sequence = ConfidenceSequence::new(0.02);
            (0..100).any(|_| {
                sequence.push(draw(uniform.sample(&mut rng)));
                let (low, high) = sequence.interval(0.05);
                !(low..=high).contains(&mean)
            })
        });
        let missed = missed.count();
        println!("{name}: missed in {missed} of 1000");
        // 50 are allowed; chance in the test itself adds three deviations of 7.
        assert!(missed <= 71, "{name} {missed}");
    }
}

#[test]
fn the_better_one_is_found() {
    for (gain, better) in [(0.15, Variant::B), (-0.15, Variant::A)] {
        let mut minutes: Vec<f64> = Vec::new();
        let mut stopped = 0;
        for seed in 0..60 {
            let (decision, _) = run(seed, gain, 120);
            match decision.standing {
                Standing::Better(found) => {
                    assert_eq!(found, better);
                    minutes.push(decision.seconds / 60.0);
                }
                Standing::Harm => stopped += 1,
                other => panic!("{other:?}"),
            }
        }
        minutes.sort_by(f64::total_cmp);
        let median = minutes.get(minutes.len() / 2);
        println!("{gain:+}: median {median:?} min, {stopped} of 60 stopped for harm");
        // Harm is stopped before it is proved.
        assert!(if gain < 0.0 { stopped > 50 } else { stopped <= 6 && *median.unwrap() < 30.0 });
    }
    let (decision, _) = run(1, 0.3, 120);
    let text = decision.to_string();
    assert!(text.starts_with("B is better by 0.") && text.contains("(95 %), after"), "{text}");
}

#[test]
fn blocks_alternate_at_random_within_pairs() {
    let experiment = Experiment::new(config(4), 500);
    let at = |block: u64| experiment.variant(500 + block * 20_000 + 7);
    let mut first_a = 0;
    for pair in 0..400 {
        assert_ne!(at(2 * pair), at(2 * pair + 1));
        first_a += usize::from(at(2 * pair) == Variant::A);
    }
    assert!((160..240).contains(&first_a), "{first_a}");
    assert!(!experiment.counts(500) && !experiment.counts(4499) && experiment.counts(4500));
    assert!(!experiment.counts(20_500));
}

#[test]
fn what_is_not_heard_as_planned_is_not_valid() {
    // B is heard in one block of three only: it crashes, say.
    let mut experiment = Experiment::new(config(1), 0);
    let mut found = Standing::Open;
    for block in 0..200u64 {
        let sample = block * 20_000 + 10_000;
        if experiment.variant(sample) == Variant::A || block % 6 < 2 {
            experiment.score(sample, 3.0);
        }
        found = experiment.decision(sample).standing;
    }
    assert!(matches!(found, Standing::Mismatch { .. }), "{found:?}");
    // Against tables of the binomial distribution.
    assert!((chance([2, 8]) - 0.109375).abs() < 1e-9 && chance([5, 5]) == 1.0 && chance([0, 0]) == 1.0);
    assert!((chance([0, 10]) - 2.0 / 1024.0).abs() < 1e-12);
    assert!(chance([100_000, 100_000]) > 0.99 && chance([90_000, 110_000]) < 1e-9);
}

#[test]
fn people_may_choose() {
    let mut experiment = Experiment::new(ExperimentConfig { measure: Measure::Choices, ..config(1) }, 0);
    let mut choices = 0;
    let decision = loop {
        choices += 1;
        // Nine of ten prefer B.
        experiment.choice(choices * 1000, if choices % 10 == 0 { Variant::A } else { Variant::B });
        let decision = experiment.decision(choices * 1000);
        if decision.standing != Standing::Open {
            break decision;
        }
    };
    assert_eq!(decision.standing, Standing::Better(Variant::B));
    // A fixed test of five in a row would do at 5 %; looking always costs something.
    assert!((5..20).contains(&choices), "{choices}");
    assert!(decision.to_string().contains("choices"), "{decision}");
    experiment.score(choices * 1000, 4.0);
}

#[test]
fn it_ends_can_be_saved_and_takes_any_input() {
    let (decision, experiment) = run(2, 0.0, 121);
    assert!(matches!(decision.standing, Standing::Undecided | Standing::Harm), "{decision}");
    let back: Experiment = serde_json::from_str(&serde_json::to_string(&experiment).unwrap()).unwrap();
    assert_eq!(back.interval(), experiment.interval());
    let mut odd = Experiment::new(ExperimentConfig { rate: 0, block: f32::NAN, ..config(1) }, 9);
    for score in [f32::NAN, f32::INFINITY, 1e30, -1e30] {
        odd.score(0, score);
        odd.score(u64::MAX, score);
        odd.score(5, score);
        let _ = odd.decision(3).to_string();
    }
}
