//! One number for a candidate: by how much it is better than the untouched input.

mod distance;
mod dynamics;
mod envelope;
mod tone;
mod yardstick;

use super::measures::{FEATURE_NAMES, FEATURES, Quality};
use super::reference::Network;
use super::weights::{Tensors, WeightsError};
use super::{Excerpt, Frames, PseudoReference};
use distance::{DISTANCES, distances};
use dynamics::{DYNAMICS, dynamics};
use tone::{TONE, tone};
use yardstick::Yardstick;

/// What the ears learned.
pub struct Ears {
    network: Network,
}

impl Ears {
    /// From the files in assets/score.
    ///
    /// # Errors
    /// When a file isn't whole.
    pub fn load(reference: &[u8]) -> Result<Ears, WeightsError> {
        Ok(Ears { network: Network::load(&Tensors::read(reference)?)? })
    }
}

/// How many numbers describe a take.
pub const SCORE_FEATURES: usize = FEATURES + DISTANCES.len() + TONE.len() + DYNAMICS.len() + 2;

/// What the numbers of [`Take::features`] are.
pub fn feature_names() -> Vec<&'static str> {
    let correlations = ["correlation as in STOI", "correlation as in ESTOI"];
    [&FEATURE_NAMES[..], &DISTANCES, &TONE, &DYNAMICS, &correlations].concat()
}

/// An excerpt of input on which candidates are heard.
pub struct Audition {
    /// The input.
    pub excerpt: Excerpt,
    yardstick: Yardstick,
}

/// A candidate's output, heard.
#[derive(Clone, Debug)]
pub struct Take {
    /// What was done to the input.
    pub quality: Quality,
    /// What the score goes by; see [`feature_names`].
    pub features: [f32; SCORE_FEATURES],
}

/// An estimate and its standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The likeliest value.
    pub mean: f32,
    /// Standard deviation of the error.
    pub sigma: f32,
}

impl Audition {
    /// Analyses mono input, full scale ±1, of 3 to 10 s.
    pub fn new(ears: &Ears, rate: u32, input: &[f32]) -> Audition {
        let excerpt = Excerpt::new(rate, input);
        let yardstick = Yardstick::new(PseudoReference::new(&ears.network, &excerpt.frames), &excerpt.frames);
        Audition { excerpt, yardstick }
    }

    /// Hears an output: as long as the input, of its rate, and aligned with it.
    pub fn hear(&self, output: &[f32]) -> Take {
        let quality = Quality::of(&self.excerpt, output);
        let frames = Frames::new(self.excerpt.frames.rate, output);
        let heard = self.yardstick.hear(&frames);
        let mut features = [0.0; SCORE_FEATURES];
        let groups = quality
            .features()
            .into_iter()
            .chain(distances(&self.yardstick, &heard))
            .chain(tone(&self.yardstick, &heard))
            .chain(dynamics(&self.yardstick, &heard))
            .chain(self.yardstick.envelopes.correlations(&heard));
        features.iter_mut().zip(groups).for_each(|(feature, value)| *feature = value);
        Take { quality, features }
    }
}
