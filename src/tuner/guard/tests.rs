use super::*;
use crate::settings::{Id, Offsets};
use crate::tuner::Rng;
use rand_distr::{Distribution, StandardNormal};

const RATE: u32 = 48_000;
const HERE: [f32; EMBEDDING] = [0.0; EMBEDDING];
const ELSEWHERE: [f32; EMBEDDING] = [1.0; EMBEDDING];

fn space() -> Space {
    Space::new(Settings::default(), &[])
}

fn at(seconds: f64) -> u64 {
    (seconds * f64::from(RATE)) as u64
}

/// Differs from all others by its low cut.
fn snapshot(revision: u64, seconds: f64, context: [f32; EMBEDDING]) -> Snapshot {
    let settings = Settings::default().with(Id::LowCut, 20.0 + revision as f32);
    Snapshot {
        revision,
        sample: at(seconds),
        settings,
        offsets: Offsets::between(&Settings::default(), &settings),
        context,
        evidence: Estimate { mean: 0.1, sigma: 0.05 },
        reason: "a test".into(),
    }
}

fn guard() -> Guard {
    Guard::new(GuardConfig::new(RATE), snapshot(0, 0.0, HERE))
}

/// Paired differences whose noise is correlated as that of windows of 3 s is: a moving average.
struct Noise {
    last: Vec<f64>,
    rng: Rng,
}

impl Noise {
    fn new(seed: u64, hop: f64) -> Noise {
        let mut rng = Rng::new(seed.into(), 7);
        let last = (0..(3.0 / hop).round() as usize).map(|_| StandardNormal.sample(&mut rng)).collect();
        Noise { last, rng }
    }

    /// Of variance 1.
    fn next(&mut self) -> f64 {
        self.last.rotate_left(1);
        *self.last.last_mut().unwrap() = StandardNormal.sample(&mut self.rng);
        self.last.iter().sum::<f64>() / (self.last.len() as f64).sqrt()
    }
}

/// Feeds differences of this mean from `start` on; the time of the alarm after `start`, s.
fn alarm(guard: &mut Guard, noise: &mut Noise, hop: f64, (mean, sigma): (f64, f64), from: f64, to: f64) -> Option<f64> {
    let steps = ((to - from) / hop) as usize;
    (0..steps).map(|i| from + i as f64 * hop).find_map(|now| {
        let difference = Estimate { mean: (mean + sigma * noise.next()) as f32, sigma: sigma as f32 };
        guard.rival(at(now), &HERE);
        guard.watch(at(now), difference).map(|_| now - from)
    })
}

fn watch(guard: &mut Guard, second: u32, mean: f32, sigma: f32) -> Option<Reason> {
    guard.rival(at(second.into()), &HERE);
    guard.watch(at(second.into()), Estimate { mean, sigma })
}

/// Snapshot 1 does well until 20 s; then comparisons of 9.5 to its disadvantage, one a second: a hard bound is broken.
fn vetoed(guard: &mut Guard, sigma: f32) -> Vec<Option<Reason>> {
    guard.keep(snapshot(1, 1.0, HERE));
    for second in 2..20 {
        assert_eq!(watch(guard, second, -0.2, sigma), None);
    }
    (20..24).map(|second| watch(guard, second, 9.5, sigma)).collect()
}

#[test]
fn a_veto_of_what_did_well_has_to_last() {
    let alarms = vetoed(&mut guard(), 0.05);
    assert_eq!(alarms[..3], [None; 3], "the windows share audio");
    assert_eq!(alarms[3], Some(Reason::Sudden { by: 9.5, sigma: 0.05 }));

    let mut guard = guard();
    guard.keep(snapshot(1, 1.0, HERE));
    for second in 2..60 {
        let mean = if second % 4 == 0 { 9.5 } else { -0.2 };
        assert_eq!(watch(&mut guard, second, mean, 0.05), None, "it never lasts");
    }
}

#[test]
fn a_veto_is_no_surer_than_the_score() {
    let alarms = vetoed(&mut guard(), 0.2);
    assert!(alarms.iter().all(|alarm| !matches!(alarm, Some(Reason::Sudden { .. }))), "{alarms:?}");
}

#[test]
fn good_settings_are_never_rolled_back() {
    let mut alarms = 0;
    for seed in 0..200 {
        let hop = if seed % 2 == 0 { 0.5 } else { 1.0 };
        let mut noise = Noise::new(seed, hop);
        let mut guard = guard();
        // An hour with a deployment every two minutes.
        for deployment in 0..30 {
            let now = 120.0 * f64::from(deployment);
            guard.keep(snapshot(1 + deployment as u64, now, HERE));
            alarms += usize::from(alarm(&mut guard, &mut noise, hop, (-0.05, 0.1), now + hop, now + 120.0).is_some());
        }
    }
    assert_eq!(alarms, 0);
}

#[test]
fn a_bad_update_is_noticed() {
    // Cost, sigma, and by when at least 95 % and all of them are noticed, s.
    for (cost, sigma, most, all) in [
        (0.3, 0.03, 0.0, 0.5),
        (0.3, 0.05, 1.5, 5.0),
        (0.3, 0.1, 16.0, 25.0),
        (0.6, 0.1, 2.0, 10.0),
        (0.2, 0.1, 40.0, 120.0),
    ] {
        let mut delays: Vec<f64> = (0..200)
            .map(|seed| {
                let mut noise = Noise::new(seed, 0.5);
                let mut guard = guard();
                guard.keep(snapshot(1, 0.0, HERE));
                assert_eq!(alarm(&mut guard, &mut noise, 0.5, (-0.05, sigma), 0.5, 60.0), None);
                guard.keep(snapshot(2, 60.0, HERE));
                alarm(&mut guard, &mut noise, 0.5, (cost, sigma), 60.5, 300.0).unwrap()
            })
            .collect();
        delays.sort_by(f64::total_cmp);
        println!(
            "cost {cost} ± {sigma}: noticed after {} s, 95 % {} s, at the latest {} s",
            delays[100], delays[190], delays[199]
        );
        assert!(delays[190] <= most && delays[199] <= all, "{cost} {sigma}: {} {}", delays[190], delays[199]);
    }
}

#[test]
fn one_veto_suffices_for_what_nothing_spoke_for_and_one_in_doubt_does_not() {
    let mut guard = guard();
    assert_eq!(guard.watch(at(0.5), Estimate { mean: 10.0, sigma: 0.0 }), None, "there is nothing older");
    guard.keep(Snapshot { evidence: Estimate { mean: 0.0, sigma: 0.0 }, ..snapshot(1, 1.0, HERE) });
    for (mean, sigma) in [(9.0, 5.0), (f32::NAN, 0.1), (1.0, f32::INFINITY), (1.0, f32::NAN), (1.0, -1.0)] {
        assert_eq!(guard.watch(at(1.5), Estimate { mean, sigma }), None);
    }
    let reason = guard.watch(at(2.0), Estimate { mean: 10.0, sigma: 0.0 }).unwrap();
    assert!(reason.to_string().contains("better by 10.00"), "{reason}");
    assert_eq!(guard.should_rollback(), Some(&reason));
    assert_eq!(guard.rollback(at(2.0)).unwrap().revision, 0);
    assert_eq!(guard.should_rollback(), None);
    assert_eq!(guard.rollback(at(2.0)), None, "there is nothing older");
}

#[test]
fn faults_go_back_at_once_and_what_failed_is_shunned_here() {
    let (space, mut guard) = (space(), guard());
    guard.keep(snapshot(1, 1.0, HERE));
    let failed = space.point(&snapshot(1, 1.0, HERE).settings);
    assert!(guard.allows(at(1.0), &space, &failed, &HERE));
    let reason = guard.fault(at(1.1), Fault::Swallowed);
    assert_eq!(reason.to_string(), "the output was silent where the input had speech");
    assert_eq!(guard.rollback(at(1.1)).unwrap().revision, 0);
    assert_eq!((guard.last_good().unwrap().revision, guard.snapshots().count()), (0, 1));

    let mut far = failed.clone();
    far.fill(1.0);
    assert!(!guard.allows(at(11.0), &space, &far, &HERE), "cool-down");
    assert!(guard.allows(at(11.2), &space, &far, &HERE));
    assert!(!guard.allows(at(11.2), &space, &failed, &HERE), "shunned");
    assert!(guard.allows(at(11.2), &space, &failed, &ELSEWHERE), "but not in another context");
    assert!(guard.allows(at(302.0), &space, &failed, &HERE), "and not for ever");

    guard.input_changed(at(1.05));
    assert!(!guard.allows(at(5.0), &space, &far, &HERE), "it changed before the rollback");
    guard.input_changed(at(4.0));
    assert!(guard.allows(at(5.0), &space, &far, &HERE), "other input");
    assert!(!guard.allows(at(5.0), &space, &failed, &HERE), "still shunned");
}

#[test]
fn the_cool_down_doubles_and_decays() {
    let mut guard = guard();
    let mut rest = |now: f64, revision| {
        guard.keep(snapshot(revision, now - 0.5, HERE));
        guard.fault(at(now), Fault::Clipping);
        guard.rollback(at(now)).unwrap();
        guard.rests_until() as f64 / f64::from(RATE) - now
    };
    let rests: Vec<f64> = (1..=7).map(|i| rest(i as f64, i).round()).collect();
    assert_eq!(rests, [10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 320.0]);
    // Six doublings; two minutes undo one, and this rollback adds one again.
    assert_eq!(rest(7.0 + 4.5 * 120.0, 8).round(), 80.0);
    assert_eq!(rest(2000.0, 9).round(), 10.0);
}

#[test]
fn a_snapshot_proves_good_by_being_watched() {
    let mut guard = guard();
    guard.keep(snapshot(1, 0.0, HERE));
    assert_eq!(guard.last_good().unwrap().revision, 0);
    guard.watch(at(4.0), Estimate { mean: -0.1, sigma: 0.1 });
    assert_eq!(guard.last_good().unwrap().revision, 0);
    guard.watch(at(6.0), Estimate { mean: -0.1, sigma: 0.1 });
    assert_eq!(guard.last_good().unwrap().revision, 1);
    // An unproven one in between isn't gone back to.
    guard.keep(snapshot(2, 7.0, HERE));
    guard.keep(snapshot(3, 8.0, HERE));
    assert_eq!(guard.rival(at(8.5), &HERE).unwrap().revision, 1);
}

#[test]
fn the_winners_of_other_contexts_are_not_forgotten() {
    let mut guard = guard();
    guard.keep(snapshot(1, 1.0, ELSEWHERE));
    guard.watch(at(7.0), Estimate { mean: -0.2, sigma: 0.1 });
    for revision in 2..200 {
        let now = 10.0 * revision as f64;
        guard.keep(snapshot(revision, now, HERE));
        if revision % 2 == 0 {
            guard.watch(at(now + 6.0), Estimate { mean: -0.2, sigma: 0.1 });
        }
    }
    assert_eq!(guard.snapshots().count(), 32);
    assert_eq!(guard.recall(&ELSEWHERE).unwrap().revision, 1);
    assert_eq!(guard.recall(&[-1.0; EMBEDDING]), None);
    // The winner of this context is compared with, and gone back to.
    guard.fault(at(2001.0), Fault::Deadline);
    assert_eq!(guard.rival(at(2001.0), &ELSEWHERE).map(|s| s.revision), Some(1));
    guard.watch(at(2001.5), Estimate { mean: 1.0, sigma: 0.1 });
    assert_eq!(guard.rollback(at(2002.0)).unwrap().revision, 1);
    // What was good here and failed there is still known as good here.
    guard.keep(snapshot(300, 2100.0, HERE));
    guard.watch(at(2106.0), Estimate { mean: -0.2, sigma: 0.1 });
    guard.rival(at(2107.0), &ELSEWHERE);
    guard.fault(at(2107.0), Fault::Deadline);
    assert_eq!(guard.rollback(at(2107.0)).unwrap().revision, 1);
    assert_eq!(guard.recall(&HERE).unwrap().revision, 300);
}

#[test]
fn faults_are_heard() {
    let speech: Vec<f32> = (0..4800).map(|i| 0.2 * (i as f32 * 0.05).sin()).collect();
    let scaled = |gain: f32| speech.iter().map(|x| (x * gain).clamp(-1.0, 1.0)).collect::<Vec<_>>();
    let mut broken = speech.clone();
    broken[7] = f32::NAN;
    assert_eq!(Fault::of(&speech, &speech, true), None);
    assert_eq!(Fault::of(&speech, &broken, true), Some(Fault::NonFinite));
    assert_eq!(Fault::of(&speech, &scaled(20.0), true), Some(Fault::Clipping));
    assert_eq!(Fault::of(&scaled(20.0), &scaled(20.0), true), None, "not the engine's doing");
    assert_eq!(Fault::of(&speech, &scaled(0.0), true), Some(Fault::Swallowed));
    assert_eq!(Fault::of(&speech, &scaled(0.0), false), None);
    assert_eq!(Fault::of(&scaled(0.001), &scaled(0.0), true), None, "hardly there before");
    assert_eq!(Fault::of(&speech, &scaled(0.05), true), None, "a leveler may do that");
    assert_eq!(Fault::of(&[], &[], true), None);
}
