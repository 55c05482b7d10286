use super::judge::{Judge, Verdict};
use super::proposers::{Outcome, Proposer, Rng, Scene};
use super::{Point, Space};
use crate::quality::{EMBEDDING, Estimate};

/// A candidate is taken over if it promises so much more, PESQ points. Steps any smaller follow the errors of
/// the score rather than the sound.
const STEP: f32 = 0.01;
/// Points nearer than this are not worth being kept both.
const APART: f32 = 0.03;
/// Why a candidate of an earlier round is taken.
const AGAIN: &str = "better on what was heard since";
/// So many of the next best are tried on top of the best.
const ADDED: usize = 3;

/// Looks for better settings in the shadow. Nobody hears what it tries.
pub struct Search {
    rng: Rng,
    round: u64,
    best: Point,
    /// The next best of the last rounds: they are judged again when there is more audio.
    board: Vec<Point>,
    /// How many of them, and of the openings.
    most: usize,
    openings: usize,
}

/// What a round came to.
pub struct Round {
    /// The best that is known, on the audio of this round.
    pub best: Verdict,
    /// What was changed on the way there, in a few plain words each, in order.
    pub finds: Vec<String>,
    /// Whether another one was the best before.
    pub moved: bool,
    /// The candidates that were heard to the end, and what they are worth over the base.
    pub judged: Vec<(Point, f32)>,
}

impl Search {
    /// From a point on. In every round so many openings are judged, the most promising, and the `most` next best
    /// candidates of before: for audio that goes on.
    pub fn new(from: Point, rng: Rng, openings: usize, most: usize) -> Search {
        Search { rng, round: 0, best: from, board: Vec::new(), most, openings }
    }

    /// The audio is the same in all rounds: nothing needs to be judged twice.
    pub fn stay(&mut self) {
        self.most = 0;
        self.board.clear();
    }

    /// The space is another one: begins anew from a point of it.
    pub fn move_to(&mut self, point: Point) {
        self.best = point;
        self.board.clear();
    }

    /// Goes on from somewhere else.
    pub fn go_to(&mut self, point: Point) {
        self.best = point;
    }

    /// Judges so many candidates on one stretch of audio, all of them steps from where the search stands,
    /// and takes over the best, with what the next best add to it. Or, if it is `eager`, takes over each that is better
    /// at once, and goes on from there: for small steps. `heard` is what is heard at present. `limits` gives the
    /// nearest point to another that may be heard, if there is one.
    pub fn round(
        &mut self,
        judge: &mut Judge,
        proposer: &mut dyn Proposer,
        (space, context): (&Space, &[f32; EMBEDDING]),
        heard: &Verdict,
        (slots, eager): (usize, bool),
        limits: &dyn Fn(&[f32]) -> Option<Point>,
    ) -> Round {
        self.round += 1;
        let mut best = judge.judge(&self.best);
        // What was best on other audio need not be so on this.
        if best.vetoed || !judge.prefers(&best, heard, 0.0) {
            best = heard.clone();
        }
        if best.vetoed || best.bound < 0.0 {
            best = judge.judge(space.origin());
        }
        let (mut better, mut finds) = (Vec::new(), Vec::new());
        let mut ranked: Vec<(f32, Point)> = Vec::new();
        let mut judged: Vec<(Point, f32)> = Vec::new();
        let openings = &judge.openings()[..self.openings.min(judge.openings().len())];
        let before = std::mem::take(&mut self.board).into_iter().map(|point| (AGAIN, point));
        for (reason, point) in openings.iter().map(|opening| (opening.name, opening.point.clone())).chain(before) {
            let Some(point) = limits(&point).filter(|point| *point != best.point) else { continue };
            let verdict = judge.race(&point, &best);
            if verdict.vetoed {
                continue;
            }
            ranked.push((verdict.bound, point));
            if verdict.whole && judge.prefers(&verdict, &best, STEP) {
                finds.push(reason.to_owned());
                best = verdict;
            }
        }
        for _ in 0..slots {
            let incumbent = best.point.clone();
            let scene = Scene { context, space, incumbent: &incumbent, round: self.round };
            let Some(proposal) = proposer.propose(&scene, &mut self.rng) else { break };
            let Some(point) = limits(&proposal.point).filter(|point| *point != best.point) else {
                let gain = Estimate { mean: 0.0, sigma: 0.0 };
                proposer.learn(&scene, &Outcome { point: proposal.point, gain, value: best.value, vetoed: false });
                continue;
            };
            let verdict = judge.race(&point, &best);
            let gain = judge.gain(&verdict, &best);
            let (value, vetoed) = (verdict.value, verdict.vetoed);
            proposer.learn(&scene, &Outcome { point: proposal.point, gain, value, vetoed });
            if !vetoed {
                ranked.push((verdict.bound, verdict.point.clone()));
            }
            if vetoed || !verdict.whole {
                continue;
            }
            judged.push((verdict.point.clone(), verdict.bound));
            if !judge.prefers(&verdict, &best, if eager { 0.0 } else { STEP }) {
                continue;
            }
            if eager {
                finds.push(proposal.reason);
                best = verdict;
            } else {
                better.push((verdict, proposal.reason));
            }
        }
        let incumbent = best.point.clone();
        // The best one, and what the next best add to it.
        better.sort_by(|a, b| b.0.bound.total_cmp(&a.0.bound));
        for (verdict, reason) in better.into_iter().take(1 + ADDED) {
            let candidate = match finds.is_empty() {
                true => verdict,
                false => {
                    let moved = verdict.point.iter().zip(&incumbent).map(|(to, from)| to - from);
                    let sum: Point = best.point.iter().zip(moved).map(|(x, step)| (x + step).clamp(0.0, 1.0)).collect();
                    let Some(sum) = limits(&sum) else { continue };
                    judge.race(&sum, &best)
                }
            };
            if candidate.whole && !candidate.vetoed && judge.prefers(&candidate, &best, STEP) {
                best = candidate;
                finds.push(reason);
            }
        }
        // Simpler is better, if it is as good.
        let tidy = space.tidy(&best.point, &heard.point);
        if let Some(tidy) = limits(&tidy).filter(|tidy| *tidy != best.point) {
            let tidied = judge.judge(&tidy);
            if !tidied.vetoed && tidied.bound > best.bound - STEP {
                best = tidied;
            }
        }
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        for (_, point) in ranked {
            let others = openings.iter().map(|opening| &opening.point).chain(&self.board).chain([&best.point]);
            let known = others.into_iter().any(|other| space.distance(other, &point) < APART);
            if !known && self.board.len() < self.most {
                self.board.push(point);
            }
        }
        let moved = self.best != best.point;
        self.best.clone_from(&best.point);
        Round { best, finds, moved, judged }
    }
}
