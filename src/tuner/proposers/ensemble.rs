//! Several proposers that share the shadow.

use super::pending::Pending;
use super::{
    CmaEs, CmaEsConfig, Evolution, Outcome, Proposal, Proposer, Recall, RecallConfig, Rng, Scene, Spsa, SpsaConfig,
    Thompson, ThompsonConfig, Ucb, UcbConfig, Winner,
};
use crate::tuner::{Point, Strategy};

/// How [`Ensemble`] shares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EnsembleConfig {
    /// What every proposer gets at least, share of the proposals; brought within 0 and an equal share.
    pub floor: f64,
    /// What is left of the credit after each outcome; 1 never forgets.
    pub decay: f64,
}

impl Default for EnsembleConfig {
    fn default() -> Self {
        Self { floor: 0.08, decay: 0.99 }
    }
}

/// Every proposer starts as if it had had this many trials with this gain, PESQ points.
const FIRST_TRIALS: f64 = 4.0;
const FIRST_GAIN: f64 = 0.05;
/// How often in a row a proposer may come up with what is known already.
const PATIENCE: usize = 4;

/// Gives the proposals to whoever earns them.
///
/// A bandit by probability matching with a floor (Goldberg 1990; Thierens 2005, "An adaptive pursuit
/// strategy for allocating operator probabilities"), discounted: each proposer's share is in proportion
/// to the mean of what its proposals gained over the incumbent for sure (a standard deviation below
/// the mean, and at least 0). Proposals go to whoever is furthest behind its share, as many in a row as
/// it wants to compare ([`Proposer::batch`]).
///
/// Everybody hears of everybody's outcomes. What one proposes and another has proposed in
/// the same round is judged once, and both learn of it.
pub struct Ensemble {
    config: EnsembleConfig,
    members: Vec<Member>,
    round: u64,
    /// Whose turn it is, and for how many more.
    turn: (usize, usize),
    /// Who proposed it, the first one first.
    asked: Pending<Vec<usize>>,
    /// The outcomes of this round.
    judged: Vec<Outcome>,
}

struct Member {
    proposer: Box<dyn Proposer>,
    trials: f64,
    credit: f64,
    /// Proposals that it made, discounted.
    given: f64,
}

impl Ensemble {
    /// Of any proposers.
    pub fn new(members: Vec<Box<dyn Proposer>>, config: EnsembleConfig) -> Ensemble {
        let member = |proposer| Member { proposer, trials: 0.0, credit: 0.0, given: 0.0 };
        Ensemble {
            config,
            members: members.into_iter().map(member).collect(),
            round: 0,
            turn: (0, 0),
            asked: Pending::default(),
            judged: Vec::new(),
        }
    }

    /// One of each kind.
    pub fn standard(strategies: &[Strategy], learning_rate: f64, winners: &[Winner]) -> Ensemble {
        let members: Vec<Box<dyn Proposer>> = vec![
            Box::new(Recall::new(winners.iter().cloned(), RecallConfig::default())),
            Box::new(Ucb::new(strategies.to_vec(), UcbConfig { contextual: true, ..UcbConfig::default() })),
            Box::new(Thompson::new(strategies.to_vec(), ThompsonConfig::default())),
            Box::new(Spsa::new(SpsaConfig { learning_rate, ..SpsaConfig::default() })),
            Box::new(CmaEs::new(CmaEsConfig::default())),
            Box::new(Evolution::default()),
        ];
        Ensemble::new(members, EnsembleConfig::default())
    }

    /// Each proposer's share of the proposals, in the order in which they were given; together 1.
    pub fn shares(&self) -> Vec<(&'static str, f64)> {
        let n = self.members.len().max(1) as f64;
        let floor = self.config.floor.clamp(0.0, 1.0 / n);
        let worth = |m: &Member| (m.credit + FIRST_TRIALS * FIRST_GAIN) / (m.trials + FIRST_TRIALS);
        let total: f64 = self.members.iter().map(worth).sum();
        let share = |m: &Member| floor + (1.0 - n * floor) * worth(m) / total;
        self.members.iter().map(|m| (m.proposer.name(), share(m))).collect()
    }

    /// One of the proposers, by its name.
    pub fn member(&mut self, name: &str) -> Option<&mut (dyn Proposer + 'static)> {
        let member = self.members.iter_mut().find(|member| member.proposer.name() == name)?;
        Some(member.proposer.as_mut())
    }

    /// Who proposed a point, as long as nothing was heard of it.
    pub fn author(&self, point: &Point) -> Option<&'static str> {
        let by = *self.asked.get(point)?.first()?;
        Some(self.members[by].proposer.name())
    }

    /// The one furthest behind its share, but those that have nothing to propose.
    fn next(&self, idle: &[usize]) -> Option<usize> {
        let total: f64 = 1.0 + self.members.iter().map(|m| m.given).sum::<f64>();
        let shares = self.shares();
        let behind = |i: usize| shares[i].1 * total - self.members[i].given;
        (0..self.members.len())
            .filter(|i| !idle.contains(i))
            .rev() // Of equals, the first.
            .max_by(|a, b| behind(*a).total_cmp(&behind(*b)))
    }

    /// A proposal of one member that nobody made in this round.
    fn ask(&mut self, by: usize, scene: &Scene, rng: &mut Rng) -> Option<Proposal> {
        for _ in 0..PATIENCE {
            let proposal = self.members[by].proposer.propose(scene, rng)?;
            if let Some(authors) = self.asked.get_mut(&proposal.point) {
                authors.push(by);
            } else if let Some(known) = self.judged.iter().find(|known| known.point == proposal.point) {
                self.members[by].proposer.learn(scene, known);
            } else {
                self.asked.push(&proposal.point, vec![by]);
                return Some(proposal);
            }
        }
        None
    }
}

impl Proposer for Ensemble {
    fn name(&self) -> &'static str {
        "ensemble"
    }

    fn propose(&mut self, scene: &Scene, rng: &mut Rng) -> Option<Proposal> {
        if self.round != scene.round {
            self.round = scene.round;
            self.turn.1 = 0;
            self.asked.clear();
            self.judged.clear();
        }
        let mut idle = Vec::new();
        loop {
            if self.turn.1 == 0 {
                let next = self.next(&idle)?;
                self.turn = (next, self.members[next].proposer.batch().max(1));
            }
            let by = self.turn.0;
            if let Some(proposal) = self.ask(by, scene, rng) {
                self.turn.1 -= 1;
                self.members.iter_mut().for_each(|m| m.given *= self.config.decay);
                self.members[by].given += 1.0;
                return Some(proposal);
            }
            self.turn.1 = 0;
            idle.push(by);
        }
    }

    fn learn(&mut self, scene: &Scene, outcome: &Outcome) {
        let authors = self.asked.take(&outcome.point).unwrap_or_default();
        if let Some(first) = authors.first() {
            for member in &mut self.members {
                member.trials *= self.config.decay;
                member.credit *= self.config.decay;
            }
            self.members[*first].trials += 1.0;
            self.members[*first].credit += outcome.sure_gain().max(0.0);
        }
        for (i, member) in self.members.iter_mut().enumerate() {
            match authors.contains(&i) {
                true => member.proposer.learn(scene, outcome),
                false => member.proposer.observe(scene, outcome),
            }
        }
        if scene.round == self.round {
            self.judged.push(outcome.clone());
        }
    }

    fn observe(&mut self, scene: &Scene, outcome: &Outcome) {
        self.members.iter_mut().for_each(|member| member.proposer.observe(scene, outcome));
    }

    fn remember(&mut self, winner: &Winner) {
        self.members.iter_mut().for_each(|member| member.proposer.remember(winner));
    }
}
