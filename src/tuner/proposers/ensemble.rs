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
        Self { floor: 0.04, decay: 0.99 }
    }
}

/// Every proposer starts as if it had had this many trials with the gain that is expected of it.
const FIRST_TRIALS: f64 = 8.0;
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
    /// The gain that is expected of its proposals at first, PESQ points.
    first: f64,
    trials: f64,
    credit: f64,
    /// Proposals that it made, discounted.
    given: f64,
}

impl Ensemble {
    /// Of any proposers, with the gain that is expected of their proposals at first, PESQ points.
    pub fn new(members: Vec<(Box<dyn Proposer>, f64)>, config: EnsembleConfig) -> Ensemble {
        let member = |(proposer, first)| Member { proposer, first, trials: 0.0, credit: 0.0, given: 0.0 };
        Ensemble {
            config,
            members: members.into_iter().map(member).collect(),
            round: 0,
            turn: (0, 0),
            asked: Pending::default(),
            judged: Vec::new(),
        }
    }

    /// One of each kind. What worked before where it sounded alike is expected to gain most, then whole
    /// strategies, then small steps.
    pub fn standard(strategies: &[Strategy], learning_rate: f64, winners: &[Winner]) -> Ensemble {
        let ucb = UcbConfig { contextual: true, ..UcbConfig::default() };
        let members: Vec<(Box<dyn Proposer>, f64)> = vec![
            (Box::new(Recall::new(winners.iter().cloned(), RecallConfig::default())), 0.2),
            (Box::new(Ucb::new(strategies.to_vec(), ucb)), 0.1),
            (Box::new(Thompson::new(strategies.to_vec(), ThompsonConfig::default())), 0.02),
            (Box::new(Spsa::new(SpsaConfig { learning_rate, ..SpsaConfig::default() })), 0.01),
            (Box::new(CmaEs::new(CmaEsConfig::default())), 0.01),
            (Box::new(Evolution::default()), 0.03),
        ];
        Ensemble::new(members, EnsembleConfig::default())
    }

    /// Each proposer's share of the proposals, in the order in which they were given; together 1.
    pub fn shares(&self) -> Vec<(&'static str, f64)> {
        let n = self.members.len().max(1) as f64;
        let floor = self.config.floor.clamp(0.0, 1.0 / n);
        let worth = |m: &Member| (m.credit + FIRST_TRIALS * m.first) / (m.trials + FIRST_TRIALS);
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::super::testing::{Loop, bowl, survives_nonsense, top};
    use super::*;
    use crate::settings::{Id, Settings};
    use crate::tuner::Space;

    /// Moves one coordinate a little; notes what it hears.
    struct Mover {
        name: &'static str,
        by: f32,
        heard: Arc<Mutex<Vec<(bool, Point)>>>,
    }

    impl Proposer for Mover {
        fn name(&self) -> &'static str {
            self.name
        }
        fn propose(&mut self, scene: &Scene, _rng: &mut Rng) -> Option<Proposal> {
            let mut point = scene.incumbent.clone();
            point[3] = (point[3] + self.by).clamp(0.0, 1.0);
            Some(Proposal { point, reason: String::new() })
        }
        fn learn(&mut self, _scene: &Scene, outcome: &Outcome) {
            self.heard.lock().unwrap().push((true, outcome.point.clone()));
        }
        fn observe(&mut self, _scene: &Scene, outcome: &Outcome) {
            self.heard.lock().unwrap().push((false, outcome.point.clone()));
        }
    }

    type Heard = Arc<Mutex<Vec<(bool, Point)>>>;

    fn movers(by: &[f32]) -> (Ensemble, Vec<Heard>) {
        let heard: Vec<Heard> = by.iter().map(|_| Arc::default()).collect();
        let names = ["a", "b", "c"];
        let mover = |(i, by): (usize, &f32)| {
            let mover = Mover { name: names[i], by: *by, heard: heard[i].clone() };
            (Box::new(mover) as Box<dyn Proposer>, 0.05)
        };
        (Ensemble::new(by.iter().enumerate().map(mover).collect(), EnsembleConfig::default()), heard)
    }

    #[test]
    fn who_earns_more_gets_more_and_nobody_gets_nothing() {
        let (mut ensemble, heard) = movers(&[-0.1, 0.1, -0.2]);
        let mut lane = Loop::new(|_: &Space, p: &Point| 3.0 * p[3], 1);
        for _ in 0..300 {
            lane.incumbent = vec![0.5; lane.space.len()];
            lane.round(&mut ensemble, 1);
        }
        let shares = ensemble.shares();
        assert!((shares.iter().map(|s| s.1).sum::<f64>() - 1.0).abs() < 1e-9);
        assert!(shares[1].1 > 0.7, "{shares:?}");
        let made = heard.iter().map(|h| h.lock().unwrap()[200..].iter().filter(|(own, _)| *own).count());
        let made: Vec<usize> = made.collect();
        assert_eq!(made.iter().sum::<usize>(), 100);
        assert!(made[1] > 65 && made[0] >= 3 && made[2] >= 3, "{made:?}");
    }

    #[test]
    fn each_hears_of_its_own_and_of_the_others() {
        let (mut ensemble, heard) = movers(&[-0.1, 0.1, 0.1]);
        let mut lane = Loop::new(|_: &Space, _: &Point| 0.0, 1);
        lane.incumbent = vec![0.5; lane.space.len()];
        let points = lane.round(&mut ensemble, 8);
        assert_eq!(points.len(), 2, "the second and the third propose the same: it is judged once");
        let heard: Vec<Vec<(bool, f32)>> =
            heard.iter().map(|h| h.lock().unwrap().iter().map(|(own, p)| (*own, p[3])).collect()).collect();
        assert_eq!(heard[0], [(true, 0.4), (false, 0.6)]);
        assert_eq!(heard[1], [(false, 0.4), (true, 0.6)]);
        assert_eq!(heard[2], heard[1]);
    }

    /// A problem with something for everybody: a method that is wrong, boom, and a bowl.
    fn mixed() -> Loop<impl FnMut(&Space, &Point) -> f32> {
        let space = Space::new(Settings::default(), &[]);
        let bowl = bowl(top(&space, 3), |i| if i % 2 == 0 { 0.4 } else { 0.05 });
        let value = move |space: &Space, p: &Point| {
            let settings = space.settings(p);
            let method = if settings[Id::Method] == 1.0 { 0.25 } else { 0.0 };
            let hum = 0.002 * settings[Id::Hum];
            method + hum + bowl(space, p)
        };
        Loop::new(value, 1)
    }

    #[test]
    fn together_they_get_further_than_most_of_them_alone() {
        let arms = Strategy::built_in();
        let gain = |proposer: &mut dyn Proposer| {
            let mut lane = mixed();
            lane.noise = 0.01;
            let before = lane.height();
            (0..40).for_each(|_| drop(lane.round(proposer, 8)));
            lane.height() - before
        };
        let mut alone: Vec<f32> = vec![
            gain(&mut Ucb::new(arms.clone(), UcbConfig::default())),
            gain(&mut Ucb::new(arms.clone(), UcbConfig { contextual: true, ..UcbConfig::default() })),
            gain(&mut Thompson::new(arms.clone(), ThompsonConfig::default())),
            gain(&mut Spsa::new(SpsaConfig::default())),
            gain(&mut CmaEs::new(CmaEsConfig::default())),
        ];
        let together = gain(&mut Ensemble::standard(&arms, 0.01, &[]));
        alone.sort_by(f32::total_cmp);
        assert!(together > alone[3], "{together} {alone:?}");
    }

    #[test]
    fn the_same_seed_gives_the_same_proposals() {
        let run = || {
            let (mut lane, mut ensemble) = (mixed(), Ensemble::standard(&Strategy::built_in(), 0.01, &[]));
            ensemble.remember(&Winner {
                context: [0.5; 28],
                settings: Settings::default().with(Id::Hum, 50.0),
                gain: 0.2,
            });
            (0..10).flat_map(|_| lane.round(&mut ensemble, 8)).collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
    }

    #[test]
    fn nonsense_is_survived() {
        survives_nonsense(&mut Ensemble::standard(&Strategy::built_in(), 0.01, &[]));
        survives_nonsense(&mut Ensemble::new(Vec::new(), EnsembleConfig::default()));
    }
}
