use super::{Opening, Point, Shadow, Space, Trial};
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
    /// Whether it was heard on all stretches: otherwise it fell too far behind on the first ones.
    pub whole: bool,
    /// How it was heard.
    pub trial: Trial,
}

/// Judges candidates on the shadow's stretches: hard bounds first, then the surest gain over the base.
///
/// The doubt that is held against a candidate is that of its difference from the base, so that many small
/// steps, each of them sure, can't add up to something unsure. What is heard of an opening is weighed with what is
/// expected of it.
pub struct Judge<'a> {
    shadow: &'a mut Shadow,
    space: &'a Space,
    rules: Rules<'a>,
    base: Trial,
}

/// What the judge goes by.
#[derive(Clone, Copy)]
pub struct Rules<'a> {
    /// How many sigmas of doubt are held against a candidate.
    pub caution: f32,
    /// The same against an opening; less if something is expected of it.
    pub doubt: f32,
    /// The openings, the most promising first.
    pub openings: &'a [Opening],
    /// What is wanted besides the score, PESQ points: of the quality of a take.
    pub wanted: &'a dyn Fn(&Quality) -> f32,
}

impl<'a> Judge<'a> {
    /// Hears the base on all stretches.
    pub fn new(shadow: &'a mut Shadow, space: &'a Space, rules: Rules<'a>) -> Judge<'a> {
        let base = shadow.hear(space.base());
        Judge { shadow, space, rules, base }
    }

    /// Hears a candidate.
    pub fn judge(&mut self, point: &Point) -> Verdict {
        let trial = self.shadow.hear(&self.space.settings(point));
        self.verdict(point, trial)
    }

    /// Hears a candidate for as long as it can still be better than another one: stretch after stretch, and no
    /// more once it lies behind by more than the other stretches are likely to make up for. A Hoeffding race
    /// (Maron and Moore 1994), with the spread that was seen in place of the bound.
    pub fn race(&mut self, point: &Point, rival: &Verdict) -> Verdict {
        let mut trial = Trial { settings: self.space.settings(point), takes: Vec::new() };
        let all = self.shadow.stretches().len() as f32;
        while self.shadow.hear_on(&mut trial) {
            let heard = trial.takes.len();
            let first = Trial { settings: rival.trial.settings, takes: rival.trial.takes[..heard].to_vec() };
            let bound = self.value(point, &trial).least(self.caution(point));
            let ahead = self.value(&rival.point, &first).least(self.caution(&rival.point));
            if trial.veto().is_some() || ahead - bound > SPREAD * (1.0 / heard as f32 - 1.0 / all).sqrt() {
                break;
            }
        }
        self.verdict(point, trial)
    }

    /// By how much one candidate is better than another.
    pub fn gain(&self, one: &Verdict, other: &Verdict) -> Estimate {
        if other.point == *self.space.origin() { one.value } else { self.compare(&one.trial, &other.trial, None) }
    }

    fn verdict(&self, point: &Point, trial: Trial) -> Verdict {
        let value = self.value(point, &trial);
        let (bound, vetoed) = (value.least(self.caution(point)), trial.veto().is_some());
        let whole = trial.takes.len() == self.shadow.stretches().len();
        Verdict { point: point.clone(), value, bound, vetoed, whole, trial }
    }

    /// How many sigmas of doubt are held against a candidate.
    pub fn caution(&self, point: &[f32]) -> f32 {
        match self.opening(point) {
            Some(Opening { expected: Some(_), .. }) => TRUST * self.rules.doubt,
            Some(_) => self.rules.doubt,
            None => self.rules.caution,
        }
    }

    /// The openings, the most promising first.
    pub fn openings(&self) -> &'a [Opening] {
        self.rules.openings
    }

    /// Whether it is an opening.
    pub fn knows(&self, point: &[f32]) -> bool {
        self.opening(point).is_some()
    }

    fn opening(&self, point: &[f32]) -> Option<&Opening> {
        let same = |opening: &&Opening| {
            opening.point == point || self.space.is_untouched(&opening.point) && self.space.is_untouched(point)
        };
        self.rules.openings.iter().find(same)
    }

    fn value(&self, point: &[f32], trial: &Trial) -> Estimate {
        self.compare(trial, &self.base, self.opening(point).and_then(|opening| opening.expected))
    }

    fn compare(&self, one: &Trial, other: &Trial, expected: Option<Estimate>) -> Estimate {
        // Without speech nothing is known, and nothing wins.
        let unknown = Estimate { mean: 0.0, sigma: f32::INFINITY };
        let weigh = |score: Estimate| expected.map_or(score, |expected| score.weighed(expected));
        let score = self.shadow.difference(one, other).map_or(unknown, weigh);
        let heard = one.takes.len().min(other.takes.len());
        let wanted = |trial: &Trial| {
            let qualities = self.shadow.stretches().iter().zip(&trial.takes[..heard]);
            (self.rules.wanted)(&Quality::mean(qualities.map(|(stretch, take)| (take.quality, stretch.speech))))
        };
        Estimate { mean: score.mean + wanted(one) - wanted(other), ..score }
    }
}

/// The share of the doubt that is held against an opening of which something is expected.
const TRUST: f32 = 0.7;
/// By how much a difference between two candidates varies from stretch to stretch, and half as much again, PESQ points.
const SPREAD: f32 = 0.2;
