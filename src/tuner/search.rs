use super::judge::{Judge, Verdict};
use super::proposers::{Outcome, Proposer, Rng, Scene};
use super::{Point, Space};
use crate::quality::{EMBEDDING, Estimate};

/// A candidate is taken over if it promises so much more, PESQ points.
const STEP: f32 = 0.005;

/// Looks for better settings in the shadow. Nobody hears what it tries.
pub struct Search {
    rng: Rng,
    round: u64,
    best: Point,
}

/// An improvement that a round found.
#[derive(Clone, Debug, PartialEq)]
pub struct Find {
    /// What was changed, in a few plain words.
    pub reason: String,
    /// By how much it is better than what it started from.
    pub gain: Estimate,
}

/// What a round came to.
pub struct Round {
    /// The best that is known, on the audio of this round.
    pub best: Verdict,
    /// How it came to be, in order.
    pub finds: Vec<Find>,
    /// Every candidate that was judged: its point and its bound over the base.
    pub tried: Vec<(Point, f32)>,
}

impl Search {
    /// From a point on.
    pub fn new(from: Point, rng: Rng) -> Search {
        Search { rng, round: 0, best: from }
    }

    /// Where the search stands.
    pub fn best(&self) -> &Point {
        &self.best
    }

    /// Goes on from somewhere else.
    pub fn go_to(&mut self, point: Point) {
        self.best = point;
    }

    /// Judges so many candidates on one stretch of audio, and takes over what is better. `allowed` may
    /// rule out points beforehand.
    pub fn round(
        &mut self,
        judge: &mut Judge,
        proposer: &mut dyn Proposer,
        (space, context): (&Space, &[f32; EMBEDDING]),
        slots: usize,
        allowed: &dyn Fn(&Point) -> bool,
    ) -> Round {
        self.round += 1;
        let mut best = judge.judge(&self.best);
        // What was best on other audio need not be better than the base on this.
        if best.vetoed || best.bound < 0.0 {
            best = judge.judge(space.origin());
        }
        let (mut finds, mut tried) = (Vec::new(), Vec::new());
        for _ in 0..slots {
            let incumbent = best.point.clone();
            let scene = Scene { context, space, incumbent: &incumbent, round: self.round };
            let Some(proposal) = proposer.propose(&scene, &mut self.rng) else { break };
            if !allowed(&proposal.point) {
                let gain = Estimate { mean: 0.0, sigma: 0.0 };
                proposer.learn(&scene, &Outcome { point: proposal.point, gain, value: best.value, vetoed: true });
                continue;
            }
            let verdict = judge.judge(&proposal.point);
            let gain = judge.gain(&verdict, &best);
            let (value, vetoed) = (verdict.value, verdict.vetoed);
            proposer.learn(&scene, &Outcome { point: proposal.point, gain, value, vetoed });
            tried.push((verdict.point.clone(), verdict.bound));
            if !vetoed && verdict.bound > best.bound + STEP {
                finds.push(Find { reason: proposal.reason, gain });
                best = verdict;
            }
        }
        self.best.clone_from(&best.point);
        Round { best, finds, tried }
    }
}
