//! A whole recording, before and after.

use super::{Audition, Ears, Estimate, Quality, Veto};
use std::fmt;
use std::ops::Range;

/// About how long the passages are, s: an [`Audition`] is made for 3 to 10 s.
const PASSAGE: f64 = 6.0;
/// A passage with less speech has none: so many seconds, and this share of it.
const LEAST_SPEECH: (f32, f32) = (0.2, 0.1);
/// How much alike the errors of the score are from one passage of a recording to another: the correlation
/// that is assumed. The same voice in the same noise, put through the same, is misjudged in the same way
/// again and again, so that a mean is little surer than its parts, however many they are.
const ALIKE: f32 = 0.7;
/// By how much quality differs from one passage of a recording to another, whatever the errors of the score:
/// what is surer than that counts no more, PESQ points.
const APART: f32 = 0.2;
/// The least difference of quality that is noticed, PESQ points.
pub const JUST_NOTICEABLE: f32 = 0.05;

/// Some seconds of a recording, heard before and after.
#[derive(Clone, Debug, PartialEq)]
pub struct Passage {
    /// Its samples.
    pub samples: Range<usize>,
    /// How much speech there is, s.
    pub speech: f32,
    /// What was done to it.
    pub quality: Quality,
    /// A fault that no score can outweigh.
    pub veto: Option<Veto>,
    /// By how much it is better than it was, PESQ points. `None` without speech.
    pub score: Option<Estimate>,
}

impl Passage {
    /// Where the passages of a recording begin and end: equal parts of about 6 s; up to 9 s are one.
    pub fn cut(rate: u32, length: usize) -> impl ExactSizeIterator<Item = Range<usize>> {
        let count = (length as f64 / (f64::from(rate) * PASSAGE)).round().max(1.0) as usize;
        (0..count).map(move |i| i * length / count..(i + 1) * length / count)
    }

    /// Hears a passage of mono input and output, aligned and of one rate and length.
    pub fn hear(ears: &Ears, rate: u32, samples: Range<usize>, input: &[f32], output: &[f32]) -> Passage {
        let audition = Audition::new(ears, rate, &input[samples.clone()]);
        let take = audition.hear(&output[samples.clone()]);
        let speech = audition.speech();
        let least = LEAST_SPEECH.0.max(LEAST_SPEECH.1 * samples.len() as f32 / rate as f32);
        let score = (speech >= least).then(|| audition.score(&take));
        Passage { samples, speech, quality: take.quality, veto: take.veto, score }
    }
}

/// What was done to a recording, and whether it is better for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Passage by passage.
    pub passages: Vec<Passage>,
    /// What was done: the mean of the passages, weighed by their speech.
    pub quality: Quality,
    /// By how much it is better than it was, PESQ points: the mean of the passages with speech, weighed
    /// by it. `None` where there is none. A passage with a fault counts -10.
    pub score: Option<Estimate>,
}

impl Comparison {
    /// Compares mono input and output, aligned and of one rate; what lies beyond the shorter one is not
    /// looked at. Takes about 20 ms for each second of it.
    pub fn new(ears: &Ears, rate: u32, input: &[f32], output: &[f32]) -> Comparison {
        let length = input.len().min(output.len());
        let hear = |samples| Passage::hear(ears, rate, samples, input, output);
        Comparison::of(Passage::cut(rate, length).map(hear).collect())
    }

    /// Sums up passages that were heard one by one.
    pub fn of(passages: Vec<Passage>) -> Comparison {
        let quality = Quality::mean(passages.iter().map(|passage| (passage.quality, passage.speech)));
        let score = Estimate::pooled(passages.iter().filter_map(|p| Some((p.speech, p.score?))));
        Comparison { passages, quality, score }
    }

    /// The faults, with where they are.
    pub fn vetoes(&self) -> impl Iterator<Item = (&Passage, Veto)> {
        self.passages.iter().filter_map(|passage| Some((passage, passage.veto?)))
    }
}

/// What an [`Estimate`] of a difference comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// Noticeably better, with two sigmas to spare.
    ClearlyBetter,
    /// Noticeably better, if the estimate is right to within a sigma.
    Better,
    /// No difference that would be noticed.
    Same,
    /// Noticeably worse, if the estimate is right to within a sigma.
    Worse,
    /// Noticeably worse, with two sigmas to spare.
    ClearlyWorse,
    /// The estimate is too unsure.
    CantTell,
}

impl Estimate {
    /// The mean of estimates of one thing on several stretches of a recording, by their weights and by how sure
    /// they are; `None` where there is no weight. Sigma takes the errors of any two to be correlated by 0.7.
    pub fn pooled(parts: impl Iterator<Item = (f32, Estimate)>) -> Option<Estimate> {
        let (mut total, mut mean, mut alike, mut apart) = (0.0, 0.0, 0.0, 0.0);
        for (weight, part) in parts {
            let weight = weight / (part.sigma.powi(2) + APART.powi(2));
            total += weight;
            mean += weight * part.mean;
            alike += weight * part.sigma;
            apart += (weight * part.sigma).powi(2);
        }
        (total > 0.0).then(|| Estimate {
            mean: mean / total,
            sigma: (ALIKE * alike * alike + (1.0 - ALIKE) * apart).sqrt() / total,
        })
    }

    /// Weighed with what another, whose errors are its own, says of the same thing: the surer counts more.
    pub fn weighed(self, other: Estimate) -> Estimate {
        let [own, others] = [self, other].map(|estimate| estimate.sigma.powi(2));
        if own == 0.0 || !(own + others).is_finite() {
            return self;
        }
        let share = others / (own + others);
        Estimate { mean: share * self.mean + (1.0 - share) * other.mean, sigma: (share * own).sqrt() }
    }

    /// The least that it promises if so many sigmas of doubt are held against it.
    pub fn least(&self, doubt: f32) -> f32 {
        self.mean - doubt * self.sigma
    }

    /// What it comes down to.
    pub fn opinion(&self) -> Opinion {
        let Estimate { mean, sigma } = *self;
        match mean.abs() {
            size if size - 2.0 * sigma > JUST_NOTICEABLE && mean > 0.0 => Opinion::ClearlyBetter,
            size if size - 2.0 * sigma > JUST_NOTICEABLE => Opinion::ClearlyWorse,
            size if size > JUST_NOTICEABLE && size > sigma && mean > 0.0 => Opinion::Better,
            size if size > JUST_NOTICEABLE && size > sigma => Opinion::Worse,
            size if size <= JUST_NOTICEABLE && sigma <= 2.0 * JUST_NOTICEABLE => Opinion::Same,
            _ => Opinion::CantTell,
        }
    }
}

impl fmt::Display for Opinion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Opinion::ClearlyBetter => "clearly better",
            Opinion::Better => "better",
            Opinion::Same => "about the same",
            Opinion::Worse => "worse",
            Opinion::ClearlyWorse => "clearly worse",
            Opinion::CantTell => "can't tell",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(speech: f32, score: Option<(f32, f32)>) -> Passage {
        let score = score.map(|(mean, sigma)| Estimate { mean, sigma });
        let quality = Quality { noise_attenuation: score.map_or(30.0, |s| s.mean), ..Quality::default() };
        Passage { samples: 0..1, speech, quality, veto: None, score }
    }

    #[test]
    fn the_surer_counts_more_and_together_they_are_surer_than_either() {
        let [vague, sure] = [(0.5, 0.4), (0.1, 0.1)].map(|(mean, sigma)| Estimate { mean, sigma });
        let both = vague.weighed(sure);
        assert!(both.mean > 0.1 && both.mean < 0.15 && both.sigma < 0.1, "{both:?}");
        assert!((sure.weighed(vague).mean - both.mean).abs() < 1e-6);
        let unknown = Estimate { mean: 0.0, sigma: f32::INFINITY };
        assert_eq!(unknown.weighed(sure), unknown, "what nobody heard is not believed on hearsay");
        let certain = Estimate { mean: 0.0, sigma: 0.0 };
        assert_eq!(certain.weighed(vague), certain);
    }

    #[test]
    fn passages_cover_the_recording_and_suit_an_audition() {
        for seconds in [0.0, 0.1, 3.0, 8.9, 9.1, 15.1, 100.0] {
            let rate = 8000;
            let length = (seconds * f64::from(rate)) as usize;
            let passages: Vec<_> = Passage::cut(rate, length).collect();
            assert_eq!((passages[0].start, passages[passages.len() - 1].end), (0, length));
            assert!(passages.windows(2).all(|pair| pair[0].end == pair[1].start));
            let least = if seconds < 9.0 { length } else { 3 * rate as usize };
            assert!(passages.iter().all(|p| p.len() >= least && p.len() <= 9 * rate as usize), "{passages:?}");
        }
    }

    #[test]
    fn speech_weighs_and_many_passages_are_little_surer_than_one() {
        let of = |passages: &[Passage]| Comparison::of(passages.to_vec());
        let two = of(&[passage(1.0, Some((0.1, 0.2))), passage(3.0, Some((0.5, 0.2))), passage(0.1, None)]);
        let score = two.score.unwrap();
        assert!((score.mean - 0.4).abs() < 1e-6 && score.sigma < 0.2, "{score:?}");
        assert!((two.quality.noise_attenuation - 4.6 / 4.1).abs() < 1e-5, "{:?}", two.quality);
        let many = of(&vec![passage(2.0, Some((0.3, 0.2))); 1000]).score.unwrap();
        assert!((many.mean - 0.3).abs() < 1e-3 && (0.15..0.18).contains(&many.sigma), "{many:?}");
        assert_eq!(of(&[passage(0.0, None)]).score, None);
    }

    #[test]
    fn opinions() {
        let of = |mean, sigma| Estimate { mean, sigma }.opinion();
        assert_eq!(of(0.3, 0.1), Opinion::ClearlyBetter);
        assert_eq!(of(0.2, 0.1), Opinion::Better);
        assert_eq!(of(0.2, 0.3), Opinion::CantTell);
        assert_eq!(of(0.02, 0.03), Opinion::Same);
        assert_eq!(of(0.0, f32::INFINITY), Opinion::CantTell);
        assert_eq!(of(-0.2, 0.1), Opinion::Worse);
        assert_eq!(of(-10.0, 0.0), Opinion::ClearlyWorse);
    }
}
