use super::{Point, Shadow, Space, Trial};
use crate::quality::{Estimate, Quality};

/// What the judge thinks of a candidate.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The candidate.
    pub point: Point,
    /// By how much it is better than the base, PESQ points, goals included.
    pub value: Estimate,
    /// The least that it is better than the base, all doubt held against it.
    pub bound: f32,
    /// Whether a hard bound was broken.
    pub vetoed: bool,
    /// How it was heard.
    pub trial: Trial,
}

/// Judges candidates on the shadow's stretches: hard bounds first, then the surest gain over the base.
///
/// The doubt that is held against a candidate is that of its difference from the base, so that many small
/// steps, each of them sure, can't add up to something unsure.
pub struct Judge<'a> {
    shadow: &'a mut Shadow,
    space: &'a Space,
    rules: Rules<'a>,
    /// All that was heard so far, the base first: what comes again isn't rendered again.
    trials: Vec<Trial>,
}

/// What the judge goes by.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// How many sigmas of doubt are held against a candidate.
    pub caution: f32,
    /// What is wanted besides the score, PESQ points: of the quality of a take.
    pub wanted: &'a dyn Fn(&Quality) -> f32,
}

impl<'a> Judge<'a> {
    /// Hears the base on all stretches.
    pub fn new(shadow: &'a mut Shadow, space: &'a Space, rules: Rules<'a>) -> Judge<'a> {
        let trials = vec![shadow.hear(space.base())];
        Judge { shadow, space, rules, trials }
    }

    /// Hears a candidate.
    pub fn judge(&mut self, point: &Point) -> Verdict {
        let settings = self.space.settings(point);
        let known = self.trials.iter().position(|trial| trial.settings == settings);
        let index = known.unwrap_or_else(|| {
            self.trials.push(self.shadow.hear(&settings));
            self.trials.len() - 1
        });
        let trial = self.trials[index].clone();
        let value = self.compare(&trial, &self.trials[0]);
        let vetoed = trial.veto().is_some();
        Verdict { point: point.clone(), value, bound: value.least(self.rules.caution), vetoed, trial }
    }

    /// By how much one candidate is better than another.
    pub fn gain(&self, one: &Verdict, other: &Verdict) -> Estimate {
        self.compare(&one.trial, &other.trial)
    }

    fn compare(&self, one: &Trial, other: &Trial) -> Estimate {
        // Without speech nothing is known, and nothing wins.
        let unknown = Estimate { mean: 0.0, sigma: f32::INFINITY };
        let score = self.shadow.difference(one, other).unwrap_or(unknown);
        let wanted = |trial: &Trial| {
            let qualities =
                self.shadow.stretches().iter().zip(&trial.takes).map(|(stretch, take)| (take.quality, stretch.speech));
            (self.rules.wanted)(&Quality::mean(qualities))
        };
        Estimate { mean: score.mean + wanted(one) - wanted(other), ..score }
    }
}
