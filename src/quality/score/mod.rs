//! One number for a candidate: by how much it is better than the untouched input.

mod distance;
mod dynamics;
mod envelope;
mod model;
mod tone;
mod yardstick;

use super::measures::{FEATURE_NAMES, FEATURES, Quality};
use super::reference::Network;
use super::weights::{Tensors, WeightsError};
use super::{Context, EMBEDDING, Excerpt, Frames, PseudoReference, Veto};
use distance::{DISTANCES, distances};
use dynamics::{DYNAMICS, dynamics};
use model::{Model, Verdict};
use std::sync::LazyLock;
use tone::{TONE, tone};
use yardstick::Yardstick;

/// What was learned: the pseudo-reference's network, and the score.
pub struct Ears {
    network: Network,
    model: Option<Model>,
}

impl std::fmt::Debug for Ears {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ears").finish_non_exhaustive()
    }
}

static BUILT_IN: LazyLock<Ears> = LazyLock::new(|| {
    let (reference, score) = (
        include_bytes!("../../../assets/score/pseudo-reference.safetensors"),
        include_bytes!("../../../assets/score/score.safetensors"),
    );
    Ears::load(reference, Some(score)).expect("the built-in weights are whole: a test loads them")
});

impl Ears {
    /// Those that ship with Attune. The first call takes a few milliseconds: not on the audio thread.
    pub fn built_in() -> &'static Ears {
        &BUILT_IN
    }

    /// From the files in assets/score; without a score, takes can be described but not compared.
    ///
    /// # Errors
    /// When a file isn't whole.
    pub fn load(reference: &[u8], score: Option<&[u8]>) -> Result<Ears, WeightsError> {
        let network = Network::load(&Tensors::read(reference)?)?;
        let model = score.map(|bytes| Model::load(&Tensors::read(bytes)?)).transpose()?;
        Ok(Ears { network, model })
    }
}

/// How many numbers describe a take.
pub const SCORE_FEATURES: usize = FEATURES + DISTANCES.len() + TONE.len() + DYNAMICS.len() + 2;

/// How many numbers the score hears of a take; see [`Audition::impression`].
pub const IMPRESSION: usize = 2 * SCORE_FEATURES + EMBEDDING;

/// What the numbers of [`Take::features`] are.
pub fn feature_names() -> Vec<&'static str> {
    let correlations = ["correlation as in STOI", "correlation as in ESTOI"];
    [&FEATURE_NAMES[..], &DISTANCES, &TONE, &DYNAMICS, &correlations].concat()
}

/// An excerpt of input on which candidates are heard.
pub struct Audition<'a> {
    ears: &'a Ears,
    /// The input.
    pub excerpt: Excerpt,
    /// What is wrong with it.
    pub context: Context,
    yardstick: Yardstick,
    /// The input, heard as a candidate.
    untouched: Take,
}

/// A candidate's output, heard.
#[derive(Clone, Debug)]
pub struct Take {
    /// What was done to the input.
    pub quality: Quality,
    /// A fault that no score can outweigh.
    pub veto: Option<Veto>,
    /// What the score goes by; see [`feature_names`].
    pub features: [f32; SCORE_FEATURES],
    verdict: Option<Verdict>,
}

/// An estimate and its standard deviation.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Estimate {
    /// The likeliest value.
    pub mean: f32,
    /// Standard deviation of the error.
    pub sigma: f32,
}

impl<'a> Audition<'a> {
    /// Analyses mono input, full scale ±1, of 3 to 10 s.
    pub fn new(ears: &'a Ears, rate: u32, input: &[f32]) -> Audition<'a> {
        let excerpt = Excerpt::new(rate, input);
        let context = Context::of(&excerpt, &[input]);
        Audition::heard(ears, excerpt, context, input)
    }

    /// The same for input that is already analysed, as by a [`Listener`](super::Listener).
    pub fn heard(ears: &'a Ears, excerpt: Excerpt, context: Context, input: &[f32]) -> Audition<'a> {
        let yardstick = Yardstick::new(PseudoReference::new(&ears.network, &excerpt.frames), &excerpt.frames);
        let (quality, frames) = Quality::with_frames(&excerpt, input);
        let untouched = Take { quality, veto: None, features: features(&yardstick, &quality, &frames), verdict: None };
        let mut audition = Audition { ears, excerpt, context, yardstick, untouched };
        audition.untouched.verdict = audition.judge(&audition.untouched.features);
        audition
    }

    /// How much speech there is, s.
    ///
    /// Of two witnesses that are wrong in different places (the excerpt's in steady noise, the
    /// pseudo-reference's in swelling noise) the odds are multiplied. Traps: as for the excerpt.
    pub fn speech(&self) -> f32 {
        let odds = |p: f32| p.clamp(1e-4, 1.0 - 1e-4) / (1.0 - p.clamp(1e-4, 1.0 - 1e-4));
        let both = self.excerpt.speech.iter().zip(&self.yardstick.reference.speech);
        let odds = both.map(|(excerpt, reference)| odds(*excerpt) * odds(*reference) * RARE);
        odds.map(|odds| odds / (1.0 + odds)).sum::<f32>() * self.excerpt.frames.seconds()
    }

    /// The input itself as a candidate.
    pub fn untouched(&self) -> &Take {
        &self.untouched
    }

    /// Hears an output: as long as the input, of its rate, and aligned with it.
    pub fn hear(&self, output: &[f32]) -> Take {
        let (quality, frames) = Quality::with_frames(&self.excerpt, output);
        let features = features(&self.yardstick, &quality, &frames);
        Take { veto: quality.veto(), verdict: self.judge(&features), quality, features }
    }

    /// What the score hears of a take, by its features: these minus those of the untouched input, the latter, and the
    /// embedding of the context.
    pub fn impression(&self, features: &[f32; SCORE_FEATURES]) -> [f32; IMPRESSION] {
        let untouched = &self.untouched.features;
        let differences = features.iter().zip(untouched).map(|(feature, untouched)| feature - untouched);
        let mut impression = [0.0; IMPRESSION];
        let all = differences.chain(untouched.iter().copied()).chain(self.context.embedding());
        impression.iter_mut().zip(all).for_each(|(heard, value)| *heard = value);
        impression
    }

    fn judge(&self, features: &[f32; SCORE_FEATURES]) -> Option<Verdict> {
        Some(self.ears.model.as_ref()?.judge(&self.impression(features)))
    }

    /// By how much one take is better than another, in PESQ points; 0.05 is just noticeable.
    ///
    /// A fault costs 10 points beside the score, so that a take with one is worse than any without. Without a score
    /// nothing else is known: sigma is infinite.
    pub fn difference(&self, take: &Take, other: &Take) -> Estimate {
        let fault = |take: &Take| if take.veto.is_some() { FAULT } else { 0.0 };
        let faults = fault(other) - fault(take);
        match (&self.ears.model, &take.verdict, &other.verdict) {
            (Some(model), Some(take), Some(other)) => {
                let Estimate { mean, sigma } = model.difference(take, other);
                Estimate { mean: mean + faults, sigma }
            }
            _ => Estimate { mean: faults, sigma: f32::INFINITY },
        }
    }

    /// The score of a take: by how much it is better than the untouched input; see [`Audition::difference`].
    pub fn score(&self, take: &Take) -> Estimate {
        self.difference(take, &self.untouched)
    }
}

/// Odds of speech where both witnesses are in doubt.
const RARE: f32 = 0.007;
/// What a fault costs: more than any quality can make up for.
pub(crate) const FAULT: f32 = 10.0;

fn features(yardstick: &Yardstick, quality: &Quality, frames: &Frames) -> [f32; SCORE_FEATURES] {
    let heard = yardstick.hear(frames);
    let mut features = [0.0; SCORE_FEATURES];
    let groups = quality
        .features()
        .into_iter()
        .chain(distances(yardstick, &heard))
        .chain(tone(yardstick, &heard))
        .chain(dynamics(yardstick, &heard))
        .chain(yardstick.envelopes.correlations(&heard));
    features.iter_mut().zip(groups).for_each(|(feature, value)| *feature = value);
    features
}

#[cfg(test)]
mod tests;
