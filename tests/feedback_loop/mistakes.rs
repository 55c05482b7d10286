//! Bad updates, and what the guard makes of them.

use crate::session::*;
use attune::settings::{Id, Settings};
use attune::tuner::{LoopConfig, What};

/// Updates that nobody should make, by name. The tuner reaches no further than the safe ranges, so these do not either.
fn mistakes() -> Vec<(&'static str, Settings)> {
    let settings = Settings::default;
    vec![
        (
            "muffled",
            settings().with(Id::EqPresence, -6.0).with(Id::EqAir, -6.0).with(Id::EqMid, -6.0).with(Id::EqLow, 6.0),
        ),
        ("thin", settings().with(Id::EqLow, -9.0).with(Id::LowCut, 120.0).with(Id::EqMid, -6.0)),
        ("shrill", settings().with(Id::EqAir, 8.0).with(Id::EqPresence, 6.0).with(Id::EqLow, -9.0)),
        (
            "over-suppressed",
            settings()
                .with(Id::Method, 1.0)
                .with(Id::Reduction, 24.0)
                .with(Id::Oversubtraction, 2.0)
                .with(Id::Smoothing, 20.0)
                .with(Id::Dereverb, 70.0),
        ),
        ("lisping", settings().with(Id::Deess, 10.0).with(Id::DeessFrequency, 4000.0).with(Id::EqAir, -6.0)),
        ("crushed", settings().with(Id::CompThreshold, -36.0).with(Id::CompRatio, 4.0).with(Id::LevelRange, 18.0)),
        ("pumping", settings().with(Id::CompThreshold, -36.0).with(Id::LevelRange, 18.0).with(Id::LevelSpeed, 12.0)),
        ("all at once", bad().with(Id::Method, 1.0).with(Id::Reduction, 24.0).with(Id::LowCut, 120.0)),
        ("noise let through", settings().with(Id::Method, 0.0)),
    ]
}

/// How long after a mistake it was taken back, s, if it was within 8 s; and by how much it was worse.
fn notice(audio: &[f32], at: usize, mistake: &Settings) -> (Option<f32>, f32) {
    let mut session = Session::new(LoopConfig { least_speech: f32::INFINITY, ..LoopConfig::new(engine()) });
    session.play(&audio[..at]);
    session.install(mistake);
    let after = &audio[at..audio.len().min(at + 8 * SECOND)];
    let harm =
        better(&audio[at - 2 * SECOND..at + after.len()], &Settings::default(), session.feedback_loop.settings());
    session.play(after);
    let event = session.events.iter().find(|event| matches!(event.what, What::RolledBack { .. }));
    (event.map(|event| (event.sample as f32 - at as f32) / RATE as f32), harm.map_or(0.0, |harm| harm.mean))
}

/// Harm that can't be missed, PESQ points.
const GROSS: f32 = 0.3;

#[test]
fn bad_updates_are_taken_back_within_two_seconds() {
    let audio = recording();
    let mut gross = 0;
    for (name, mistake) in mistakes() {
        let (after, harm) = notice(&audio, 5 * SECOND, &mistake);
        println!("{name}: worse by {harm:.2}, taken back after {after:?} s");
        if harm > GROSS {
            gross += 1;
            assert!(after.is_some_and(|after| after <= 2.0), "{name}: {after:?}, worse by {harm}");
        }
    }
    assert!(gross >= 2, "{gross}");
}

/// How long after a deployment it was taken back because of what became of the output, s.
fn notice_broken(harm: impl Fn(&mut [f32])) -> Option<f32> {
    let audio = recording();
    let mut session = Session::new(LoopConfig { least_speech: f32::INFINITY, ..LoopConfig::new(engine()) });
    session.play(&audio[..4 * SECOND]);
    let at = session.at;
    session.install(&Settings::default().with(Id::EqAir, 1.0));
    session.play_broken(&audio[at..at + 4 * SECOND], harm);
    let event = session.events.iter().find(|event| matches!(event.what, What::RolledBack { .. }))?;
    assert_eq!(*session.feedback_loop.settings(), Settings::default());
    Some((event.sample - at as u64) as f32 / RATE as f32)
}

#[test]
fn what_is_not_a_number_is_taken_back_at_once() {
    assert!(notice_broken(|output| output[0] = f32::NAN).is_some_and(|after| after <= 0.1));
}

#[test]
fn silent_and_clipped_output_is_taken_back_within_two_seconds() {
    let silent = notice_broken(|output| output.fill(0.0));
    let clipped = notice_broken(|output| output.iter_mut().for_each(|x| *x = (*x * 200.0).clamp(-1.0, 1.0)));
    println!("silent {silent:?}, clipped {clipped:?}");
    assert!([silent, clipped].into_iter().all(|after| after.is_some_and(|after| after <= 2.0)));
}

/// Each mistake in several recordings. Prints how many of them were noticed in time, by how much
/// worse they were.
#[test]
#[ignore = "takes minutes and needs recordings; see README, Measuring"]
fn mistakes_on_recordings() {
    let mut all = Vec::new();
    for (name, audio) in recordings().iter().take(12) {
        for (mistake, settings) in mistakes() {
            let (after, harm) = notice(audio, 8 * SECOND, &settings);
            println!("{name} {mistake}: worse by {harm:.2}, taken back after {after:?}");
            all.push((mistake, harm, after.unwrap_or(f32::INFINITY)));
        }
    }
    let within = |from: f32, to: f32, kind: Option<&str>| {
        let of =
            |(name, harm, _): &&(&str, f32, f32)| (from..to).contains(harm) && kind.is_none_or(|kind| kind == *name);
        let times: Vec<f32> = all.iter().filter(of).map(|(_, _, after)| *after).collect();
        let share = |limit| times.iter().filter(|time| **time <= limit).count();
        println!(
            "{:<20}{from:>6}..{to:<6} {:>4}, within 2 s {:>4}, 3 s {:>4}, 8 s {:>4}",
            kind.unwrap_or("all"),
            times.len(),
            share(2.0),
            share(3.0),
            share(8.0)
        );
        (times.len(), share(2.0))
    };
    for kind in mistakes() {
        within(GROSS, 9.0, Some(kind.0));
    }
    for (from, to) in [(-9.0, 0.0), (0.0, 0.1), (0.1, 0.2), (0.2, 0.3), (0.3, 0.5)] {
        within(from, to, None);
    }
    let (gross, noticed) = within(GROSS, 9.0, None);
    assert!(noticed as f32 >= 0.9 * gross as f32, "{noticed} of {gross}");
}
