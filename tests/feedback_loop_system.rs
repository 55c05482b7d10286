//! The feedback loop as a whole, on a real recording.

mod common;
#[path = "feedback_loop/conditions.rs"]
mod conditions;
#[path = "feedback_loop/mistakes.rs"]
mod mistakes;
#[path = "feedback_loop/robustness.rs"]
mod robustness;
#[path = "feedback_loop/session.rs"]
mod session;

use attune::engine::Engine;
use attune::quality::JUST_NOTICEABLE;
use attune::settings::{Id, Settings};
use attune::tuner::{Dislike, Event, Feedback, FeedbackLoop, LoopConfig, Metrics, Stretch, Style, Tactic, What};
use session::*;

#[test]
fn test_quality_tracking() {
    let input = recording();
    // The engine's own output, and the same distorted.
    let listen = |distort: bool| {
        let mut engine = Engine::new(engine()).unwrap();
        let mut feedback_loop = FeedbackLoop::new(config(Settings::default())).unwrap();
        feedback_loop.pause();
        for block in input.chunks(800) {
            let mut output = block.to_vec();
            engine.process(&mut [&mut output]);
            if distort {
                output.iter_mut().for_each(|sample| *sample = sample.clamp(-0.02, 0.02) * 4.0);
            }
            feedback_loop.collect_feedback(&[block], &[&output], &Metrics::default());
        }
        assert!(feedback_loop.advance().iter().all(|event| matches!(event.what, What::InputChanged { .. })));
        feedback_loop
    };
    let [good, worse] = [listen(false), listen(true)];
    // One window every second.
    let expected = input.len() as f32 / RATE as f32;
    let records: Vec<_> = good.records().collect();
    assert!((records.len() as f32 - expected).abs() <= 1.5, "{} {expected}", records.len());
    assert!(records.windows(2).all(|pair| pair[1].sample - pair[0].sample == u64::from(RATE)));
    assert_eq!(records[0].sample, u64::from(RATE));
    let [good, worse] = [&good, &worse].map(|feedback_loop| feedback_loop.analyze_performance(100));
    assert!(good.mean > worse.mean + 0.3, "{good} | {worse}");
    assert!(good.windows > 4 && worse.errors.samples.len() > good.errors.samples.len(), "{worse}");
    assert!(good.best.unwrap().revision == 1 && good.correlations.is_empty());
}

#[test]
fn test_parameter_adjustment() {
    let base = bad();
    let mut session = Session::new(LoopConfig { locked: vec![Id::EqLow], ..config(base) });
    session.play(&recording());
    session.play(&recording());
    assert!(session.deployments().count() > 0);
    // The updates lead from the base to what is heard now.
    let mut settings = base;
    for (event, updates) in session.deployments() {
        for update in updates {
            let id = Id::from_name(&update.id).unwrap();
            assert_eq!(settings[id], update.old, "{event:?}");
            assert!(update.predicted.mean > 0.0 && !update.reason.is_empty());
            let (low, high) = id.spec().safe;
            let back = update.new == base[id];
            assert!(back || (low - 1e-3..=high + 1e-3).contains(&update.new), "{update:?}");
            settings.set(id, update.new);
        }
    }
    assert_eq!(session.rollbacks(), 0);
    assert_eq!(settings, *session.feedback_loop.settings());
    assert_eq!(settings[Id::EqLow], base[Id::EqLow], "locked");
    let told = session.feedback_loop.explain();
    assert!(told.iter().any(|event| matches!(event.what, What::Measured { .. })), "{told:?}");
    // Each line of the log can be read back.
    for event in told {
        assert_eq!(serde_json::from_str::<Event>(&event.json()).unwrap(), *event);
    }
}

#[test]
fn test_learning_convergence() {
    let input = recording();
    let stretch = || Stretch::new(attune::quality::Ears::built_in(), RATE, vec![input.clone()], RATE as usize);
    let mut feedback_loop = FeedbackLoop::new(config(bad())).unwrap();
    let updates = feedback_loop.study(vec![stretch()], 100, &mut |_| true);
    let converged = feedback_loop.explain().iter().any(|event| matches!(event.what, What::Converged { .. }));
    assert!(converged && feedback_loop.rounds() < 40 && !updates.is_empty());
    let gain = updates[0].predicted;
    assert!(gain.mean > 0.1 && gain.least(1.0) > JUST_NOTICEABLE, "{gain:?}");
    // Nothing is left to gain from there by much.
    let found = *feedback_loop.settings();
    let mut again = FeedbackLoop::new(config(found)).unwrap();
    let more = again.study(vec![stretch()], 100, &mut |_| true);
    assert!(more.first().is_none_or(|update| update.predicted.mean < 0.5 * gain.mean), "{more:?}");
    // No speech, nothing to learn from.
    let mut silence = FeedbackLoop::new(config(bad())).unwrap();
    let stretch = Stretch::new(attune::quality::Ears::built_in(), RATE, vec![vec![0.0; 100_000]], RATE as usize);
    assert_eq!(silence.study(vec![stretch], 100, &mut |_| true), []);
}

#[test]
fn test_adaptation_speed() {
    let input = recording();
    let mut session = Session::new(config(bad()));
    session.play(&input);
    session.play(&input);
    let first = session.deployments().next().expect("something to improve").0.sample;
    assert!(first < 13 * u64::from(RATE), "after {} s", first as f32 / RATE as f32);
    // The microphone becomes a muffled one: what was steady is opened again, and something is done.
    let (before, rounds) = (session.at as u64, session.feedback_loop.rounds());
    let muffled = muffled(&input);
    let mut seconds = muffled.chunks(RATE as usize);
    let noticed = seconds.by_ref().take(10).any(|second| {
        session.play(second);
        session.events.iter().any(|e| e.sample > before && matches!(e.what, What::InputChanged { .. }))
    });
    assert!(noticed, "not in 10 s");
    // The search begins anew then, once a little was heard.
    let anew = session.feedback_loop.rounds();
    seconds.take(2).for_each(|second| session.play(second));
    let later = session.feedback_loop.rounds();
    assert!(anew < later && later < rounds, "{anew} {later} {rounds}");
}

#[test]
fn what_suited_other_input_is_taken_back() {
    let noisy = recording();
    let mut engine = Engine::new(engine()).unwrap();
    let mut clean = noisy.clone();
    engine.process(&mut [&mut clean]);
    // Nothing but a change makes it look for something else.
    let mut session = Session::new(LoopConfig { interval: 60, ..config(Settings::default()) });
    session.play(&clean);
    let untouched = Settings::default().with(Id::Method, 0.0).with(Id::Hum, 0.0);
    session.feedback_loop.choose(&untouched, "it is clean");
    session.engine.set(&untouched);
    // Machines start, and the voice pauses: there is too little speech to judge anything else on.
    let mut random = hiss();
    let mut louder = noisy[..26 * SECOND / 10].to_vec();
    louder.resize(8 * SECOND, 0.0);
    louder.iter_mut().for_each(|x| *x += 0.1 * random());
    session.play(&louder);
    let noticed = session.events.iter().find(|event| matches!(event.what, What::InputChanged { .. }));
    let noticed = noticed.expect("another input").sample;
    let back = session.deployments().last().filter(|(event, _)| event.sample < noticed + u64::from(RATE));
    assert!(back.is_some() && *session.feedback_loop.settings() == Settings::default(), "{:?}", session.events);
}

#[test]
fn test_stability_checks() {
    let input = recording();
    let run = |seed| {
        let mut session = Session::new(LoopConfig { seed, ..config(Settings::default()) });
        session.play(&input);
        assert_eq!(session.rollbacks(), 0, "{:?}", session.events);
        session.events
    };
    let first = run(1);
    assert_eq!(first, run(1), "the same input and seed give the same");
    // How the stream is cut into blocks makes no difference to what is heard in it.
    let mut windows = Vec::new();
    for size in [160, 7_777] {
        let mut feedback_loop = FeedbackLoop::new(config(Settings::default())).unwrap();
        feedback_loop.pause();
        for block in input.chunks(size) {
            feedback_loop.collect_feedback(&[block], &[block], &Metrics::default());
        }
        feedback_loop.advance();
        windows.push(feedback_loop.records().map(|record| (record.sample, record.context)).collect::<Vec<_>>());
    }
    assert_eq!(windows[0], windows[1]);
    // Nothing is done about silence, nor about noise alone.
    let mut quiet = Session::new(config(bad()));
    quiet.play(&vec![0.0; 6 * RATE as usize]);
    let mut noise = 1u32;
    let hiss = (0..6 * RATE).map(|_| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        0.05 * (noise as f32 / u32::MAX as f32 - 0.5)
    });
    quiet.play(&hiss.collect::<Vec<_>>());
    assert_eq!(quiet.deployments().count(), 0);
}

#[test]
fn what_is_heard_while_it_rests_is_not_held_against_what_it_deployed() {
    for paused in [true, false] {
        let mut feedback_loop = FeedbackLoop::new(config(Settings::default())).unwrap();
        feedback_loop.install(&Settings::default().with(Id::Reduction, 12.0), "a try");
        if paused {
            feedback_loop.pause();
        }
        let block = vec![0.1; 800];
        feedback_loop.collect_feedback(&[&block], &[&[f32::NAN; 800]], &Metrics::default());
        feedback_loop.resume();
        assert_eq!(feedback_loop.should_rollback(), !paused);
    }
}

#[test]
fn test_rollback_mechanism() {
    let input = recording();
    let mut session = Session::new(LoopConfig { least_speech: f32::INFINITY, ..config(Settings::default()) });
    session.play(&input[..6 * RATE as usize]);
    assert!(!session.feedback_loop.should_rollback());
    let updates = session.feedback_loop.install(&bad().with(Id::Method, 1.0).with(Id::Reduction, 40.0), "a mistake");
    session.engine.set(session.feedback_loop.settings());
    assert!(!updates.is_empty() && *session.feedback_loop.settings() != Settings::default());
    let (injected, revision) = (session.at, session.feedback_loop.revision());
    session.play(&input[6 * RATE as usize..9 * RATE as usize]);
    let rolled_back = session.events.iter().find(|event| matches!(event.what, What::RolledBack { .. }));
    let event = rolled_back.expect("the mistake is noticed");
    let after = (event.sample as f32 - injected as f32) / RATE as f32;
    assert!(after <= 2.0, "after {after} s");
    assert_eq!(*session.feedback_loop.settings(), Settings::default());
    assert!(session.feedback_loop.revision() > revision);
    // What is asked for is done too, and said so.
    let mut asked = FeedbackLoop::new(config(Settings::default())).unwrap();
    asked.install(&bad(), "to compare");
    assert_eq!(asked.snapshots().count(), 2);
    assert!(!asked.rollback().is_empty() && *asked.settings() == Settings::default());
    assert!(asked.explain().iter().any(|event| event.what.to_string().contains("asked for")));
    // There is nothing before the base.
    assert_eq!(asked.rollback(), []);
}

#[test]
fn test_hard_faults() {
    let input = recording();
    let broken = |output: &[f32], load: f32| {
        let mut feedback_loop = FeedbackLoop::new(config(Settings::default())).unwrap();
        feedback_loop.install(&Settings::default().with(Id::Reduction, 12.0), "to be taken back");
        feedback_loop.collect_feedback(&[&input[..800]], &[output], &Metrics { load });
        feedback_loop.advance();
        *feedback_loop.settings() == Settings::default()
    };
    assert!(broken(&[f32::NAN; 800], 0.1), "no numbers");
    assert!(broken(&input[..800], 1.2), "too slow");
    assert!(!broken(&input[..800], 0.1));
}

#[test]
fn test_human_feedback() {
    let mut session = Session::new(LoopConfig { style: Style::Greedy, ..config(Settings::default()) });
    session.play(&recording()[..5 * RATE as usize]);
    session.feedback_loop.install(&bad(), "to be judged");
    let disliked = *session.feedback_loop.settings();
    session.feedback_loop.record(Feedback::Rating(3));
    assert_eq!(*session.feedback_loop.settings(), disliked, "so-so changes nothing");
    session.feedback_loop.record(Feedback::Dislike(Dislike::Dull));
    assert_ne!(*session.feedback_loop.settings(), disliked, "taken back at once");
    let revision = session.feedback_loop.revision();
    session.feedback_loop.record(Feedback::Choice { better: 1, worse: revision });
    assert_eq!(*session.feedback_loop.settings(), Settings::default(), "chosen");
    let said = session.feedback_loop.explain().iter().filter(|e| matches!(e.what, What::Feedback { .. })).count();
    assert_eq!(said, 3);
    // Each way of looking for something better can be asked for by itself.
    for tactic in Tactic::ALL {
        session.feedback_loop.update_parameters(tactic);
    }
}
