use super::Objectives;
use crate::quality::Quality;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A person's judgement of what is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feedback {
    /// Thumbs down, and why.
    Dislike(Dislike),
    /// From 1 (bad) to 5 (excellent); 1 and 2 count as a dislike, 4 and 5 as praise.
    Rating(u8),
    /// Of two sets of settings, by their revisions, one was chosen.
    Choice {
        /// The one that sounds better.
        better: u64,
        /// The other one.
        worse: u64,
    },
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dislike {
    /// Too much noise is left.
    Noisy,
    /// It sounds processed: robotic, watery, musical noise.
    Artefacts,
    /// Noise or level swell and sink with the words.
    Pumping,
    /// Beginnings or ends of words are missing.
    WordsCut,
    /// Too little treble.
    Dull,
    /// Too much treble.
    Sharp,
    /// Too much bass.
    Boomy,
    /// Too little bass.
    Thin,
    /// Too much of the room is left.
    Reverberant,
    /// Not loud enough.
    Quiet,
    /// Too loud.
    Loud,
    /// Something else.
    Other,
}

impl fmt::Display for Feedback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Feedback::Dislike(Dislike::Other) => write!(f, "not good"),
            Feedback::Dislike(dislike) => write!(f, "not good: {}", format!("{dislike:?}").to_lowercase()),
            Feedback::Rating(rating) => write!(f, "{rating} of 5"),
            Feedback::Choice { better, worse } => write!(f, "settings {better} sound better than {worse}"),
        }
    }
}

/// What a person has made known to like: moves slowly with every dislike, and adds a little to the score.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Taste {
    noise: f32,
    artefacts: f32,
    speech: f32,
    treble: f32,
    bass: f32,
    room: f32,
    loudness: f32,
    /// Came later than the others.
    #[serde(default)]
    steadiness: f32,
}

/// What one dislike adds, PESQ points for a clearly audible change (as each is scaled below).
const STEP: f32 = 0.1;
/// However often it is said.
const MOST: f32 = 0.5;

impl Taste {
    /// Takes a dislike into account.
    pub fn learn(&mut self, dislike: Dislike) {
        let (wish, step) = match dislike {
            Dislike::Noisy => (&mut self.noise, STEP),
            Dislike::Artefacts => (&mut self.artefacts, STEP),
            Dislike::Pumping => (&mut self.steadiness, STEP),
            Dislike::WordsCut => (&mut self.speech, STEP),
            Dislike::Dull => (&mut self.treble, STEP),
            Dislike::Sharp => (&mut self.treble, -STEP),
            Dislike::Boomy => (&mut self.bass, -STEP),
            Dislike::Thin => (&mut self.bass, STEP),
            Dislike::Reverberant => (&mut self.room, STEP),
            Dislike::Quiet => (&mut self.loudness, STEP),
            Dislike::Loud => (&mut self.loudness, -STEP),
            Dislike::Other => return,
        };
        *wish = (*wish + step).clamp(-MOST, MOST);
    }

    /// What a candidate is worth beyond its score, PESQ points.
    pub fn bonus(&self, quality: &Quality) -> f32 {
        let objectives = Objectives::from(quality);
        // Each is 1 for a change that is clearly heard.
        self.noise * (quality.noise_attenuation.min(24.0) / 12.0)
            + self.artefacts * (objectives.artefacts / 25.0)
            + self.speech * (objectives.speech / 25.0)
            - self.treble * (quality.high_loss / 6.0)
            - self.bass * (quality.low_loss / 6.0)
            + self.room * (quality.tail_attenuation.min(12.0) / 6.0)
            + self.loudness * (quality.loudness / 6.0)
            - self.steadiness * (quality.pumping / 5.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dislike_is_worth_something_and_its_opposite_takes_it_back() {
        let (mut taste, dull) = (Taste::default(), Quality { high_loss: 6.0, ..Quality::default() });
        assert_eq!(taste.bonus(&dull), 0.0);
        (0..20).for_each(|_| taste.learn(Dislike::Dull));
        assert!((taste.bonus(&dull) + MOST).abs() < 1e-6, "bounded");
        (0..5).for_each(|_| taste.learn(Dislike::Sharp));
        assert!(taste.bonus(&dull).abs() < 1e-6);
        taste.learn(Dislike::Noisy);
        let quieter = Quality { noise_attenuation: 12.0, ..Quality::default() };
        assert!((taste.bonus(&quieter) - taste.bonus(&Quality::default()) - STEP).abs() < 1e-6);
    }
}
