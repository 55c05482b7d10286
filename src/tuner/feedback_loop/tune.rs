//! Deciding: what to try when, and what of it is heard.

use super::FeedbackLoop;
use crate::quality::{Estimate, JUST_NOTICEABLE, Quality, Take};
use crate::settings::Settings;
use crate::tuner::change::Unsuited;
use crate::tuner::event::{ParameterUpdate, What};
use crate::tuner::feedback::Taste;
use crate::tuner::hearing::Window;
use crate::tuner::judge::{Judge, Rules, Verdict};
use crate::tuner::search::Round;
use crate::tuner::{Goals, Opening, Stretch, Tactic};
use std::sync::Arc;

/// The base is left for a set that promises so much more, PESQ points: half of what is noticed.
const WORTHWHILE: f32 = 0.025;
/// Once it is left, what is heard makes way for a set that promises so much more, PESQ points: what is gained little by
/// little adds up to what is noticed.
const BETTER: f32 = 0.01;
/// When this much was heard of the input, the doubt is held against a candidate twice, s; and with more, in proportion
/// less. Few sounds tell little, and of many candidates some do well on them by chance. On recordings of which
/// nothing was known, half of the harm was done for want of this.
const HASTE: f32 = 3.0;
/// Before so much was heard of the input, only openings are tried, s: two windows, with a little to spare.
const SEARCH: f32 = 1.9;
/// Once so much was heard of the input there is nothing to begin with any more: what is heard says more than what is known
/// of other recordings, s.
pub(super) const FAMILIAR: f32 = 8.9;
/// A search goes through the strategies at most so often: which of two is preferred need not give an order of many.
const SWEEPS: usize = 5;
/// Small steps at the end of a search. More would follow the errors of the score: on recordings
/// whose voices it never heard, three times as many lost a fifth of the gain.
const STEPS: usize = 80;

/// How far the search has come on what there is to judge on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// Strategies and small steps that were tried.
    strategies: usize,
    steps: usize,
    /// Whether the last round found something new, and whether anything was deployed.
    found: bool,
    deployed: bool,
    /// Once all was tried: for how long the input has to be like this for another search, samples.
    rests_until: Option<u64>,
}

/// What a round of the search does: who proposes, how many candidates, and whether each that is better is taken
/// over at once.
#[derive(Clone, Copy)]
struct Plan {
    tactic: Tactic,
    slots: usize,
    eager: bool,
}

impl Plan {
    /// Only what was found before is compared again.
    const REST: Plan = Plan { tactic: Tactic::Ensemble, slots: 0, eager: false };

    fn is_rest(&self) -> bool {
        self.slots == 0
    }
}

/// How far a round may go from what is heard.
#[derive(Clone, Copy)]
struct Reach {
    /// How many settings may change; openings change any.
    changes: usize,
    /// By how much a setting may change, as a share of its range; openings by any amount.
    step: f32,
    /// For how long the input was heard, s.
    seconds: f32,
}

/// A round, how what is heard did in it, what would be gained over that, and whether the gain is sure.
struct Done {
    round: Round,
    heard: Verdict,
    gain: Estimate,
    sure: bool,
}

impl FeedbackLoop {
    /// One round: tries candidates on the newest audio in the shadow, and deploys the best if it is surely
    /// better than what is heard. Returns what was changed; nothing where there is no speech to judge on.
    pub fn update_parameters(&mut self, tactic: Tactic) -> Vec<ParameterUpdate> {
        self.shadow.set(self.recent.stretches(&self.hearing, self.config.steady));
        if !self.can_judge() {
            return Vec::new();
        }
        if self.plan().is_rest() {
            self.search_anew();
        }
        let plan = match tactic {
            Tactic::Ensemble => self.plan(),
            alone => Plan { tactic: alone, slots: self.config.slots, eager: alone.is_local() },
        };
        let round = self.round(plan, self.reach());
        self.deploy_best(vec![round])
    }

    /// Learns on a whole recording: rounds on these stretches until there is nothing left to gain, or `rounds`
    /// are over. `progress` hears of each round and says whether to go on. What is best is deployed.
    pub fn study(
        &mut self,
        stretches: Vec<Stretch>,
        rounds: u64,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Vec<ParameterUpdate> {
        self.shadow.set(stretches.into_iter().map(Arc::new).collect());
        self.context = self.shadow.context();
        self.search.stay();
        if !self.can_judge() {
            return Vec::new();
        }
        // Nobody hears the way there, so all settings may change, and by any amount.
        let reach = Reach { changes: self.space.len(), step: 1.0, seconds: f32::INFINITY };
        let mut done = Vec::new();
        while !self.plan().is_rest() && self.rounds < rounds && progress(self.rounds) {
            done.push(self.round(self.plan(), reach));
        }
        let updates = self.deploy_best(done);
        self.tell(What::Converged { rounds: self.rounds });
        updates
    }

    /// Looks for better settings, as far as that has not been done on what there is to judge on: once all was
    /// tried, again when there is half as much more. In between what is heard is compared with the next best.
    pub(super) fn tune(&mut self) {
        self.shadow.set(self.recent.stretches(&self.hearing, self.config.steady));
        if !self.can_judge() {
            return;
        }
        let age = self.recent.age(self.heard);
        if self.progress.rests_until.is_some_and(|until| age >= until) {
            self.search_anew();
        }
        let reach = self.reach();
        let early = (age as f32) < SEARCH * self.config.engine.sample_rate as f32;
        if early || self.progress.rests_until.is_some() {
            if self.recent.grows() {
                let done = self.round(Plan::REST, reach);
                self.deploy_best(vec![done]);
            }
            return;
        }
        let mut done = Vec::new();
        while !self.plan().is_rest() && (done.len() as u64) < self.config.rounds.max(1) {
            done.push(self.round(self.plan(), reach));
        }
        self.deploy_best(done);
        if self.plan().is_rest() {
            self.progress.rests_until = Some(age * 3 / 2);
            if !self.progress.deployed {
                self.tell(What::Converged { rounds: self.rounds });
            }
        }
    }

    /// The input is another one, for which what is heard was not found: back to the base, if that is surely better on the
    /// newest window. A round has to wait until enough was heard of the new input.
    pub(super) fn doubt(&mut self, window: &Window, takes: &[(Settings, Take)]) {
        let doubt = self.config.style.doubt();
        if let Some(gain) = self.gain_of_base(window, takes).filter(|gain| gain.least(doubt) > 0.0) {
            self.go_back(gain);
        }
    }

    /// Deploys the base, from which this is gained.
    fn go_back(&mut self, gain: Estimate) -> Vec<ParameterUpdate> {
        let base = self.space.origin().clone();
        self.search.go_to(base.clone());
        self.deploy(base, "back to what was set".into(), gain)
    }

    /// Deploys what the last of these rounds found, if it is surely better than what is heard. What is heard is never
    /// expected to be worse than the base on what was heard of the input: then the base it is.
    fn deploy_best(&mut self, rounds: Vec<Done>) -> Vec<ParameterUpdate> {
        let finds: Vec<String> = rounds.iter().flat_map(|done| done.round.finds.iter().cloned()).collect();
        let Some(Done { round, heard, gain, sure }) = rounds.into_iter().last() else { return Vec::new() };
        if !sure && heard.value.mean < 0.0 {
            let Estimate { mean, sigma } = heard.value;
            return self.go_back(Estimate { mean: -mean, sigma });
        }
        if !sure || round.best.point == self.deployed.point {
            return Vec::new();
        }
        self.progress.deployed = true;
        let reason = if finds.is_empty() { "found before".to_owned() } else { words(&finds) };
        self.deploy(round.best.point, reason, gain)
    }

    /// One round of the search.
    fn round(&mut self, plan: Plan, reach: Reach) -> Done {
        let context = self.context;
        let (taste, goals) = (&self.taste, &self.config.goals);
        let wanted = |quality: &Quality| wanted(taste, goals, quality);
        let doubt = self.config.style.doubt();
        let (space, guard, position) = (&self.space, &self.guard, self.position);
        let openings = match reach.seconds < FAMILIAR {
            true => Opening::all(space, &self.shadow.impression(space.base()), doubt),
            false => Vec::new(),
        };
        let caution = doubt * (1.0 + HASTE / reach.seconds);
        let rules = Rules { caution, doubt, openings: &openings, wanted: &wanted };
        let deployed = &self.deployed.point;
        let stride = (reach.step, reach.changes);
        let limits = |point: &[f32]| {
            let known = openings.iter().any(|opening| opening.expected.is_some() && opening.point == point);
            let point = match known || space.is_untouched(point) {
                true => point.to_vec(),
                false => space.stride(&space.held(point, deployed, reach.seconds), deployed, stride),
            };
            guard.allows(position, space, &point, &context).then_some(point)
        };
        let mut judge = Judge::new(&mut self.shadow, space, rules);
        let heard = judge.judge(deployed);
        let proposer = self.team.get(plan.tactic);
        let slots = (plan.slots, plan.eager);
        let round = self.search.round(&mut judge, proposer, (space, &context), &heard, slots, &limits);
        let gain = judge.gain(&round.best, &heard);
        match plan.eager {
            true => self.progress.steps += plan.slots,
            false => self.progress.strategies += plan.slots,
        }
        self.rounds += u64::from(!plan.is_rest());
        round.judged.iter().for_each(|(point, bound)| self.convergence.evaluated(point, *bound));
        if plan.eager {
            self.convergence.advance(&round.best.point, round.best.bound, None);
        }
        self.progress.found = round.moved && !round.finds.is_empty();
        let best = &round.best;
        let least = match judge.knows(&best.point) && judge.knows(&heard.point) {
            true => JUST_NOTICEABLE,
            false if heard.point == *space.origin() => WORTHWHILE,
            false => BETTER,
        };
        let sure = judge.prefers(best, &heard, least);
        Done { round, heard, gain, sure }
    }

    fn reach(&self) -> Reach {
        let age = self.recent.age(self.heard) as f32 / self.config.engine.sample_rate as f32;
        let style = self.config.style;
        Reach { changes: style.changes(), step: style.step(), seconds: age.max(HASTE) }
    }

    /// What the next round does: first whole strategies, the best of them and what adds to it; then small steps from
    /// there, each that is better taken over at once.
    fn plan(&self) -> Plan {
        let Progress { strategies, steps, found, .. } = self.progress;
        let all = self.team.strategies();
        match (strategies < all, found && steps == 0 && strategies < SWEEPS * all) {
            (true, _) => Plan { tactic: Tactic::Ucb, slots: self.config.sweep, eager: false },
            (_, true) => Plan { tactic: Tactic::Ucb, slots: self.config.slots, eager: false },
            _ if steps < STEPS && !self.convergence.converged() => {
                Plan { tactic: Tactic::Ensemble, slots: self.config.slots, eager: true }
            }
            _ => Plan::REST,
        }
    }

    /// Whether there is enough speech to judge on, and anything to change.
    fn can_judge(&self) -> bool {
        self.shadow.speech() >= self.config.least_speech && !self.space.is_empty()
    }

    /// The search is open again.
    pub(super) fn begin_anew(&mut self) {
        self.rounds = 0;
        self.unsuited = Unsuited::new();
        self.search_anew();
    }

    fn search_anew(&mut self) {
        self.progress = Progress::default();
        self.convergence.reset();
    }
}

/// What is wanted of a quality besides the score, PESQ points.
pub(super) fn wanted(taste: &Taste, goals: &Goals, quality: &Quality) -> f32 {
    taste.bonus(quality) - goals.cost(&quality.into())
}

/// Reasons in a row, each once.
fn words(reasons: &[String]) -> String {
    let mut once: Vec<&str> = Vec::new();
    for reason in reasons {
        if !once.contains(&reason.as_str()) {
            once.push(reason);
        }
    }
    once.join(", ")
}
