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
    /// The same against an opening.
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
        if other.point == *self.space.origin() {
            return one.value;
        }
        let expected = self.expected(&one.point).zip(self.expected(&other.point));
        self.compare(&one.trial, &other.trial, expected.map(|(one, other)| difference(one, other)))
    }

    /// Whether one candidate should be heard rather than another, as it is better by so many PESQ points. It has to be
    /// better in itself, as a candidate can be surer than another and yet be worse. Besides, the surer comes first, but of
    /// two openings that both surely beat the base the better one, if they are apart.
    pub fn prefers(&self, one: &Verdict, other: &Verdict, by: f32) -> bool {
        let gain = self.gain(one, other).mean;
        match self.knows(&one.point) && self.knows(&other.point) {
            true => gain > by.max(APART) && one.bound > by,
            false => gain > 0.0 && one.bound > other.bound + by,
        }
    }

    fn verdict(&self, point: &Point, trial: Trial) -> Verdict {
        let value = self.value(point, &trial);
        let (bound, vetoed) = (value.least(self.caution(point)), trial.veto().is_some());
        let whole = trial.takes.len() == self.shadow.stretches().len();
        Verdict { point: point.clone(), value, bound, vetoed, whole, trial }
    }

    /// How many sigmas of doubt are held against a candidate.
    pub fn caution(&self, point: &[f32]) -> f32 {
        if self.knows(point) { self.rules.doubt } else { self.rules.caution }
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

    fn expected(&self, point: &[f32]) -> Option<Estimate> {
        self.opening(point).and_then(|opening| opening.expected)
    }

    fn value(&self, point: &[f32], trial: &Trial) -> Estimate {
        self.compare(trial, &self.base, self.expected(point))
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

/// By how much one opening is expected to be better than another. Where the base does too much, it does so beside both:
/// half of what is expected wrongly of one is expected of the other.
fn difference(one: Estimate, other: Estimate) -> Estimate {
    let (a, b) = (one.sigma, other.sigma);
    Estimate { mean: one.mean - other.mean, sigma: (a * a + b * b - a * b).sqrt() }
}

/// Two openings that differ by less are as good as each other, PESQ points: half of what is noticed.
const APART: f32 = 0.025;
/// By how much a difference between two candidates varies from stretch to stretch, and half as much again, PESQ points.
const SPREAD: f32 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::demo;
    use crate::engine::{EngineConfig, Latency};
    use crate::quality::Ears;
    use crate::settings::{Id, Settings};
    use crate::tuner::Stretch;
    use std::sync::Arc;

    #[test]
    fn of_two_the_better_is_preferred_if_it_is_sure_enough() {
        let engine = EngineConfig { sample_rate: 48_000, channels: 1, latency: Latency::Studio };
        let mut shadow = Shadow::new(engine).unwrap();
        shadow.set(vec![Arc::new(Stretch::new(Ears::built_in(), 48_000, vec![demo()], 48_000))]);
        let space = Space::new(Settings::default(), &[]);
        let [less, more] =
            [6.0, 16.0].map(|reduction| space.point(&Settings::default().with(Id::Reduction, reduction)));
        let opening = |point: &Point| Opening { name: "", point: point.clone(), expected: None };
        let openings = [opening(&less), opening(&more)];
        for known in [&[][..], &openings] {
            let rules = Rules { caution: 0.7, doubt: 0.7, openings: known, wanted: &|_| 0.0 };
            let mut judge = Judge::new(&mut shadow, &space, rules);
            let [less, more] = [&less, &more].map(|point| judge.judge(point));
            let gain = judge.gain(&more, &less).mean;
            assert!(gain > 0.02, "in a noisy café: {gain}");
            let with = |verdict: &Verdict, bound| Verdict { bound, ..verdict.clone() };
            assert!(judge.prefers(&with(&more, 0.2), &with(&less, 0.1), 0.01));
            assert!(!judge.prefers(&with(&less, 0.2), &with(&more, 0.1), 0.01), "surer, but worse");
            let unsure = judge.prefers(&with(&more, 0.1), &with(&less, 0.2), 0.01);
            assert_eq!(unsure, !known.is_empty(), "better and less sure: only an opening");
            let poor = judge.prefers(&with(&more, -0.1), &with(&less, -0.2), 0.01);
            assert_eq!(poor, known.is_empty(), "an opening has to beat the base");
            assert!(!judge.prefers(&with(&more, 0.2), &with(&less, 0.1), 2.0 * gain.max(0.1)), "not worth it");
        }
    }
}
