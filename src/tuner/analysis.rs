use super::Space;
use crate::quality::{EMBEDDING, Estimate, JUST_NOTICEABLE, Quality, Veto};
use crate::settings::{Id, Settings};
use std::fmt;

/// A window of 3 s, as it is remembered.
#[derive(Clone, Debug)]
pub struct Record {
    /// Position of its end in the stream, in samples.
    pub sample: u64,
    /// The set of settings that was heard.
    pub revision: u64,
    /// Those settings.
    pub settings: Settings,
    /// What the input was like.
    pub context: [f32; EMBEDDING],
    /// Speech, s.
    pub speech: f32,
    /// What was done to the input.
    pub quality: Quality,
    /// By how much it was better than the input, PESQ points.
    pub score: Estimate,
    /// A fault.
    pub veto: Option<Veto>,
}

/// What many windows say.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Analysis {
    /// Windows with speech; nothing else counts.
    pub windows: usize,
    /// Mean gain over the input, PESQ points.
    pub mean: f32,
    /// Change of the gain a window, with the standard error of the slope: neighbouring windows share audio, so
    /// only every third counts for it.
    pub trend: Option<Estimate>,
    /// The settings with the best mean gain: their revision, that gain, and how many windows they were heard in.
    pub best: Option<Best>,
    /// How the gain went along with a setting, -1 to 1: settings that took several values, strongest first.
    /// Trap: the input changes too; this is no cause.
    pub correlations: Vec<(&'static str, f32)>,
    /// Windows in which the output was worse than the input, or had a fault, and what they share.
    pub errors: Pattern,
    /// The best fifth of the windows, and what they share.
    pub successes: Pattern,
}

/// The best settings so far.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Best {
    /// Which set.
    pub revision: u64,
    /// Its mean gain over the input, PESQ points.
    pub gain: f32,
    /// In how many windows it was heard.
    pub windows: usize,
    /// What it is, by id, where it differs from the base.
    pub settings: Vec<(&'static str, f32)>,
}

/// Some of the windows, and what sets them apart.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Pattern {
    /// Their ends, in samples.
    pub samples: Vec<u64>,
    /// What they have in common and the others have not, in plain words, the most striking first.
    pub shared: Vec<String>,
}

impl Analysis {
    /// Of windows in their order.
    pub(super) fn of<'a>(records: impl Iterator<Item = &'a Record>, space: &Space) -> Analysis {
        let records: Vec<&Record> =
            records.filter(|record| record.speech > 0.0 && record.score.mean.is_finite()).collect();
        if records.is_empty() {
            return Analysis::default();
        }
        let gains: Vec<f32> = records.iter().map(|record| record.score.mean).collect();
        let bad = |record: &Record| record.veto.is_some() || record.score.mean < -JUST_NOTICEABLE;
        let mut order: Vec<f32> = gains.clone();
        order.sort_by(f32::total_cmp);
        let high = order[order.len() * 4 / 5];
        let good = |record: &Record| record.score.mean >= high && !bad(record) && high > order[0];
        Analysis {
            windows: records.len(),
            mean: mean(gains.iter().copied()),
            trend: trend(&gains),
            best: best(&records, space),
            correlations: correlations(&records, space, &gains),
            errors: Pattern::of(&records, bad),
            successes: Pattern::of(&records, good),
        }
    }
}

fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / f32::max(count, 1.0)
}

/// Slope of a line of least squares, and its standard error.
fn trend(gains: &[f32]) -> Option<Estimate> {
    let apart: Vec<(f32, f32)> = gains.iter().enumerate().step_by(3).map(|(i, gain)| (i as f32, *gain)).collect();
    let count = apart.len() as f32;
    if count < 4.0 {
        return None;
    }
    let (x, y) = (mean(apart.iter().map(|p| p.0)), mean(apart.iter().map(|p| p.1)));
    let spread: f32 = apart.iter().map(|p| (p.0 - x).powi(2)).sum();
    let slope = apart.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f32>() / spread;
    let rest: f32 = apart.iter().map(|p| (p.1 - y - slope * (p.0 - x)).powi(2)).sum();
    Some(Estimate { mean: slope, sigma: (rest / (count - 2.0) / spread).sqrt() })
}

fn best(records: &[&Record], space: &Space) -> Option<Best> {
    let mut revisions: Vec<u64> = records.iter().map(|record| record.revision).collect();
    revisions.sort_unstable();
    revisions.dedup();
    let of = |revision: u64| records.iter().filter(move |record| record.revision == revision);
    let gain = |revision: u64| mean(of(revision).map(|record| record.score.mean));
    let revision = revisions.into_iter().max_by(|a, b| gain(*a).total_cmp(&gain(*b)))?;
    let settings = &of(revision).next()?.settings;
    let differs = |id: &&Id| settings[**id] != space.base()[**id];
    Some(Best {
        revision,
        gain: gain(revision),
        windows: of(revision).count(),
        settings: space.ids().iter().filter(differs).map(|id| (id.spec().id, settings[*id])).collect(),
    })
}

fn correlations(records: &[&Record], space: &Space, gains: &[f32]) -> Vec<(&'static str, f32)> {
    let of = |id: &Id| {
        let values: Vec<f32> = records.iter().map(|record| id.spec().normalise(record.settings[*id])).collect();
        let (x, y) = (mean(values.iter().copied()), mean(gains.iter().copied()));
        let pairs = || values.iter().zip(gains).map(|(a, b)| (a - x, b - y));
        let size = |part: fn((f32, f32)) -> f32| pairs().map(part).sum::<f32>().sqrt();
        let scale = size(|(a, _)| a * a) * size(|(_, b)| b * b);
        (scale > 1e-6).then(|| (id.spec().id, pairs().map(|(a, b)| a * b).sum::<f32>() / scale))
    };
    let mut all: Vec<_> = space.ids().iter().filter_map(of).collect();
    all.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()));
    all
}

/// What some numbers of the embedding stand for: less of it, more of it.
const MEANING: [(usize, &str, &str); 12] = [
    (1, "more noise", "less noise"),
    (5, "unsteady noise", "steady noise"),
    (7, "a dry room", "a reverberant room"),
    (8, "no hum", "hum"),
    (11, "a narrow band", "a wide band"),
    (14, "thin sound", "boomy sound"),
    (16, "little presence", "much presence"),
    (17, "dull sound", "sharp sound"),
    (18, "low level", "high level"),
    (20, "steady level", "jumping level"),
    (23, "no clipping", "clipping"),
    (27, "a low voice", "a high voice"),
];
/// Differences from so many standard deviations on are striking.
const STRIKING: f32 = 0.8;

impl Pattern {
    fn of(records: &[&Record], belongs: impl Fn(&Record) -> bool) -> Pattern {
        let (these, others): (Vec<&Record>, Vec<&Record>) = records.iter().copied().partition(|r| belongs(r));
        let samples = these.iter().map(|record| record.sample).collect();
        if these.is_empty() || others.is_empty() {
            return Pattern { samples, shared: Vec::new() };
        }
        let mut found: Vec<(f32, &str)> = Vec::new();
        for (dimension, less, more) in MEANING {
            let at = |records: &[&Record]| mean(records.iter().map(|record| record.context[dimension]));
            let centre = at(records);
            let spread = mean(records.iter().map(|record| (record.context[dimension] - centre).powi(2))).sqrt();
            let apart = (at(&these) - at(&others)) / spread.max(0.05);
            if apart.abs() > STRIKING {
                found.push((apart.abs(), if apart < 0.0 { less } else { more }));
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        Pattern { samples, shared: found.into_iter().take(3).map(|(_, words)| words.to_owned()).collect() }
    }
}

impl fmt::Display for Analysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.windows == 0 {
            return write!(f, "no speech was heard yet");
        }
        write!(f, "{} windows, on average {:+.2} over the input", self.windows, self.mean)?;
        if let Some(Estimate { mean, sigma }) = self.trend {
            let clear = if mean.abs() > 2.0 * sigma { if mean > 0.0 { "rising" } else { "falling" } } else { "steady" };
            write!(f, ", {clear}")?;
        }
        if let Some(best) = &self.best {
            write!(f, "; best so far: settings {} with {:+.2}", best.revision, best.gain)?;
        }
        for (name, pattern) in [("worse than the input", &self.errors), ("best", &self.successes)] {
            if !pattern.samples.is_empty() {
                write!(f, "; {name} in {} windows", pattern.samples.len())?;
            }
            if !pattern.shared.is_empty() {
                write!(f, " ({})", pattern.shared.join(", "))?;
            }
        }
        Ok(())
    }
}
