//! Has something changed in the input: noise, the voice, the room?

mod unsuited;

pub use unsuited::Unsuited;

use crate::quality::{EMBEDDING, Estimate};

type Embedding = [f32; EMBEDDING];

/// A change of the input.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Change {
    /// When it was noticed, samples of the stream: 2 to 4 s after it happened, 7 s if only the tone changes.
    pub sample: u64,
    /// How far the input moved, Euclidean distance of embeddings; two different recordings are 1.5 to 4 apart.
    pub size: f32,
    /// What changed, in plain words: "more noise".
    pub what: String,
}

/// Finds changes in a stream of embeddings, one per window of about 3 s, every 0.5 s or so.
///
/// Each window is compared with the mean and the variance, dimension by dimension, of what was usual (a
/// Mahalanobis distance with a diagonal covariance); a CUSUM (Page 1954) of the distance asks for
/// a change that lasts. Where it is known by how much the untouched sound is likely to beat the usual settings, that
/// is compared as well, by itself: a change of it matters even if little else changes. What is usual is learned from
/// windows that ended 3 s ago, so that a change doesn't become usual before it is noticed. In pauses of the speech only
/// what can be heard without speech is compared. After a change it learns anew, and is deaf for 8 s.
///
/// No false alarm in three minutes of a voice in a café; about one in two hours of noise that moves all
/// dimensions at random by 0.2.
///
/// Embeddings with numbers that aren't finite are ignored. Its clock is the sample count.
#[derive(Clone, Debug)]
pub struct ChangeDetector {
    rate: u32,
    usual: [Usual; EMBEDDING],
    untouched: Usual,
    /// Windows that are not yet part of what is usual.
    waiting: std::collections::VecDeque<(u64, Embedding, Option<f32>)>,
    /// When learning began and the last window ended.
    began: Option<u64>,
    last: u64,
    /// Of what is heard, and of what is expected of the untouched sound.
    sums: [f32; 2],
}

/// Running mean and variance of a dimension, and for how long it was heard.
#[derive(Clone, Copy, Debug, Default)]
struct Usual {
    seconds: f32,
    mean: f32,
    variance: f32,
}

impl Usual {
    fn learn(&mut self, value: f32, seconds: f32) {
        self.seconds += seconds;
        let share = seconds / self.seconds.min(MEMORY);
        let off = value - self.mean;
        self.mean += share * off;
        self.variance = (1.0 - share) * (self.variance + share * off * off);
    }

    /// A value against what is usual, in standard deviations; 0 as long as too little is known.
    ///
    /// What is to be expected makes up for a lack of data, and mean and variance are in doubt themselves:
    /// windows that overlap tell the same.
    fn deviation(&self, value: f32) -> f32 {
        let known = self.seconds.min(MEMORY);
        if known < LAG {
            return 0.0;
        }
        let variance = (known * self.variance + PRIOR_SECONDS * PRIOR * PRIOR) / (known + PRIOR_SECONDS);
        (value - self.mean) / (variance.max(LEAST * LEAST) * (1.0 + DOUBT / known)).sqrt()
    }

    /// The same of what isn't sure: by how much it surely deviates.
    fn surely(&self, Estimate { mean, sigma }: Estimate) -> f32 {
        let off = mean - self.mean;
        self.deviation(self.mean + off.signum() * (off.abs() - sigma).max(0.0))
    }
}

/// How long ago a window must have ended to be usual, s.
const LAG: f32 = 3.0;
/// For how long nothing is compared at first and after a change, s.
const LEARN: f32 = 8.0;
/// What is usual is learned over so long, s.
const MEMORY: f32 = 60.0;
/// The deviation of a dimension that is to be expected, and for how many seconds of data it counts.
const PRIOR: f32 = 0.25;
const PRIOR_SECONDS: f32 = 5.0;
/// The doubt of mean and variance, each of which is that of one window of 3 s.
const DOUBT: f32 = 6.0;
/// No dimension is taken to be steadier than this.
const LEAST: f32 = 0.06;
/// The most that a dimension counts, in squared deviations.
const MOST: f32 = 36.0;
/// Mean squared deviation that is no change, and the sum above it, times seconds, that is one: of what is heard, ...
const HEARD: (f32, f32) = (1.4, 1.5);
/// ... and of what is expected of the untouched sound, where it is sure.
const EXPECTED: (f32, f32) = (2.0, 2.0);
/// Share of speech below which what needs speech can't be compared.
const SPEECH: f32 = 0.2;

impl ChangeDetector {
    /// For a stream of this rate.
    pub fn new(rate: u32) -> ChangeDetector {
        ChangeDetector {
            rate: rate.max(1),
            usual: [Usual::default(); EMBEDDING],
            untouched: Usual::default(),
            waiting: Default::default(),
            began: None,
            last: 0,
            sums: [0.0; 2],
        }
    }

    /// Hears of a window that ended at this sample (see [`crate::quality::Context::embedding`]), and by how much the
    /// untouched sound is likely to beat the usual settings in it, PESQ points, if that is known.
    pub fn push(&mut self, sample: u64, embedding: &Embedding, untouched: Option<Estimate>) -> Option<Change> {
        if embedding.iter().any(|x| !x.is_finite()) {
            return None;
        }
        let began = *self.began.get_or_insert(sample);
        let seconds = self.seconds(self.last.max(began), sample).clamp(0.1, 1.0);
        self.last = self.last.max(sample);
        let untouched = untouched.filter(|expected| expected.mean.is_finite() && expected.sigma.is_finite());
        while let Some((then, ..)) = self.waiting.front()
            && self.seconds(*then, sample) >= LAG
        {
            let (_, old, untouched) = self.waiting.pop_front()?;
            heard(&old).for_each(|i| self.usual[i].learn(old[i], seconds));
            untouched.into_iter().for_each(|mean| self.untouched.learn(mean, seconds));
        }
        self.waiting.push_back((sample, *embedding, untouched.map(|expected| expected.mean)));
        if self.seconds(began, sample) < LEARN {
            return None;
        }
        let untouched = untouched.map(|expected| self.untouched.surely(expected));
        let worth = untouched.map_or(EXPECTED.0, |deviation| deviation.powi(2).min(MOST));
        let distances = [(self.distance(embedding), HEARD), (worth, EXPECTED)];
        let mut risen = false;
        for (sum, (distance, (reference, threshold))) in self.sums.iter_mut().zip(distances) {
            *sum = (*sum + seconds * (distance - reference)).max(0.0);
            risen |= *sum > threshold;
        }
        risen.then(|| {
            let change = self.describe(sample, embedding, untouched);
            *self = ChangeDetector { last: self.last, ..ChangeDetector::new(self.rate) };
            change
        })
    }

    fn seconds(&self, from: u64, to: u64) -> f32 {
        to.saturating_sub(from) as f32 / self.rate as f32
    }

    /// Mean squared deviation of what can be compared.
    fn distance(&self, embedding: &Embedding) -> f32 {
        let squares = heard(embedding).map(|i| self.usual[i].deviation(embedding[i]).powi(2).min(MOST));
        let (sum, count) = squares.fold((0.0, 0), |(sum, count), square| (sum + square, count + 1));
        sum / count.max(1) as f32
    }

    /// Says what changed; `untouched` is the deviation of what is expected of the untouched sound.
    fn describe(&self, sample: u64, embedding: &Embedding, untouched: Option<f32>) -> Change {
        let known = heard(embedding).filter(|i| self.usual[*i].seconds >= LAG);
        let size = known.map(|i| (embedding[i] - self.usual[i].mean).powi(2)).sum::<f32>().sqrt();
        // Of each pair of words the evidence for and against.
        let mut found: Vec<(f32, &str)> = WORDS
            .iter()
            .map(|(more, less, dimensions)| {
                let signed = dimensions.iter().map(|(i, sign)| {
                    let deviation = sign * self.usual[*i].deviation(embedding[*i]);
                    deviation.signum() * deviation.powi(2).min(MOST)
                });
                let evidence: f32 = signed.sum();
                (evidence.abs(), if evidence > 0.0 { *more } else { *less })
            })
            .chain(
                untouched.map(|deviation| (deviation.powi(2).min(MOST), if deviation > 0.0 { NEED.0 } else { NEED.1 })),
            )
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let clear = found.iter().enumerate().filter(|(i, (evidence, _))| *i == 0 || *evidence > 0.6 * found[0].0);
        let words: Vec<&str> = clear.map(|(_, (_, words))| *words).take(2).collect();
        Change { sample, size, what: words.join(" and ") }
    }
}

/// The dimensions of an embedding that can be compared: whether there is speech is not one of them.
fn heard(embedding: &Embedding) -> impl Iterator<Item = usize> + use<> {
    let speech = (embedding[0] + 1.0) / 2.0 >= SPEECH;
    (1..EMBEDDING).filter(move |i| speech || WITHOUT_SPEECH.contains(i))
}

/// The dimensions that can be heard in pauses: noise, hum and clipping.
const WITHOUT_SPEECH: [usize; 6] = [3, 4, 8, 9, 10, 23];

/// Words for what is expected of the untouched sound.
const NEED: (&str, &str) = ("less need of enhancement", "more need of enhancement");

/// Words for up, words for down, and the dimensions that say so: their sign and how much they matter.
type Words = (&'static str, &'static str, &'static [(usize, f32)]);

/// What it means when dimensions of the embedding go up, and when they go down. That there is noise matters more
/// than what it is like.
const WORDS: [Words; 15] = [
    ("more noise", "less noise", &[(1, -1.0), (2, -1.0), (3, 1.0)]),
    ("brighter noise", "darker noise", &[(4, 0.6)]),
    ("steadier noise", "less steady noise", &[(5, 0.6)]),
    ("a more reverberant room", "a drier room", &[(6, -0.7), (7, 1.0)]),
    ("more hum", "less hum", &[(8, 1.0), (10, 1.0)]),
    ("hum of a higher frequency", "hum of a lower frequency", &[(9, 0.6)]),
    ("more bandwidth", "less bandwidth", &[(11, 1.0)]),
    ("a brighter sound", "a duller sound", &[(12, 1.0), (16, 0.7), (17, 1.0)]),
    ("a fuller sound", "a thinner sound", &[(14, 1.0), (15, 1.0)]),
    ("a louder input", "a quieter input", &[(18, 1.0)]),
    ("a less even level", "a more even level", &[(19, 0.5), (20, 1.0), (21, 1.0), (22, 0.5)]),
    ("clipping", "no more clipping", &[(23, 1.0)]),
    ("sharper sibilants", "softer sibilants", &[(24, 1.0)]),
    ("traces of other processing", "fewer traces of other processing", &[(25, 1.0), (26, 1.0)]),
    ("a higher voice", "a lower voice", &[(27, 1.0)]),
];

#[cfg(test)]
mod tests;
