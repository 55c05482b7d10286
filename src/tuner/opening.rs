//! What to begin with, and what is to be expected of it before anybody has heard it.

use super::{Point, Space, TUNED, untouched};
use crate::quality::{EMBEDDING, Estimate, Tensors, WeightsError};
use crate::settings::{Id, Settings};
use std::sync::LazyLock;

/// The openings around a base, each with what it does in a few plain words. They are few and help where the usual
/// settings do too much or too little.
pub fn openings(base: &Settings) -> [(&'static str, Settings); 4] {
    let strong = base.with(Id::Reduction, 24.0).with(Id::Oversubtraction, 0.9).with(Id::Smoothing, 20.0);
    [
        ("untouched", untouched()),
        ("gentle noise reduction", base.with(Id::Reduction, 8.0)),
        ("gentle noise reduction and some dereverberation", base.with(Id::Reduction, 10.0).with(Id::Dereverb, 25.0)),
        ("strong noise reduction", strong.with(Id::Adaptation, 0.2).with(Id::LowCut, 60.0)),
    ]
}

/// Settings to begin with: judged before all else, and with less doubt than what was found by trying much.
#[derive(Clone, Debug)]
pub struct Opening {
    /// What it does, in a few plain words.
    pub name: &'static str,
    /// Where.
    pub point: Point,
    /// By how much it is likely to beat the base, PESQ points, if that is known.
    pub expected: Option<Estimate>,
}

impl Opening {
    /// All of them for input like this, the most promising first, with `doubt` sigmas held against each; none for
    /// strange input.
    pub fn all(space: &Space, context: &[f32; EMBEDDING], doubt: f32) -> Vec<Opening> {
        let Some(expected) = PRIOR.expect(context) else { return Vec::new() };
        // What they were worth around other settings says nothing.
        let default = space.point(&Settings::default());
        let known = space.len() == TUNED.len() && space.distance(space.origin(), &default) < SAME;
        let opening = |((name, settings), expected): ((&'static str, Settings), Estimate)| Opening {
            name,
            point: space.point(&settings),
            expected: known.then_some(expected),
        };
        let mut all: Vec<Opening> = openings(space.base()).into_iter().zip(expected).map(opening).collect();
        let promise = |opening: &Opening| opening.expected.map_or(0.0, |expected| expected.least(doubt));
        all.sort_by(|a, b| promise(b).total_cmp(&promise(a)));
        all
    }
}

/// Settings nearer than this are the same.
const SAME: f32 = 0.01;

/// By how much [`openings`] beat the factory default on recordings that sounded alike: ridge regressions on
/// the context and its squares, fitted to the true gains on many recordings (`xtask/ears/prior.py`).
///
/// It hears nothing of what settings do to the sound at hand, so it never judges alone.
struct Prior {
    centre: Vec<f32>,
    spread: Vec<f32>,
    expectations: Vec<Expectation>,
}

/// What is expected of one opening: weights of the context, its squares, and 1.
struct Expectation {
    mean: Vec<f32>,
    log_sigma: Vec<f32>,
}

/// The context, its squares, and 1.
const INPUTS: usize = 2 * EMBEDDING + 1;
/// The context is limited to so many spreads.
const LIMIT: f32 = 3.0;
/// Input further than this from what is usual is strange: mean square, in spreads. Two are among a hundred recordings.
const STRANGE: f32 = 3.0;

static PRIOR: LazyLock<Prior> = LazyLock::new(|| {
    Prior::load(include_bytes!("../../assets/score/prior.safetensors"))
        .expect("the built-in weights are whole (tested)")
});

impl Prior {
    fn load(bytes: &[u8]) -> Result<Prior, WeightsError> {
        let tensors = Tensors::read(bytes)?;
        let rows = |name: &str| tensors.floats(&format!("prior.{name}"));
        let (centre, spread, means, doubts) = (rows("centre")?, rows("spread")?, rows("means")?, rows("doubts")?);
        let whole = |weights: &[f32]| !weights.is_empty() && weights.len().is_multiple_of(INPUTS);
        if centre.len() != EMBEDDING || spread.len() != EMBEDDING || means.len() != doubts.len() || !whole(&means) {
            return Err(WeightsError::shape("prior"));
        }
        let both = means.chunks(INPUTS).zip(doubts.chunks(INPUTS));
        let expectations =
            both.map(|(mean, log_sigma)| Expectation { mean: mean.to_vec(), log_sigma: log_sigma.to_vec() }).collect();
        Ok(Prior { centre, spread, expectations })
    }

    /// By how much each of [`openings`] is likely to beat the factory default, PESQ points, for input like this; see
    /// [`Context::embedding`](crate::quality::Context::embedding). `None` if it knows nothing of such input.
    fn expect(&self, context: &[f32; EMBEDDING]) -> Option<Vec<Estimate>> {
        let scaled = context.iter().zip(self.centre.iter().zip(&self.spread));
        let scaled: Vec<f32> = scaled.map(|(x, (c, s))| (x - c) / s).collect();
        if scaled.iter().map(|x| x * x).sum::<f32>() > STRANGE * EMBEDDING as f32 {
            return None;
        }
        let scaled: Vec<f32> = scaled.iter().map(|x| x.clamp(-LIMIT, LIMIT)).collect();
        let inputs = || scaled.iter().copied().chain(scaled.iter().map(|x| x * x)).chain([1.0]);
        let sum = |weights: &[f32]| -> f32 { inputs().zip(weights).map(|(x, weight)| x * weight).sum() };
        let expect = |of: &Expectation| Estimate { mean: sum(&of.mean), sigma: sum(&of.log_sigma).exp() };
        Some(self.expectations.iter().map(expect).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_weights_run_as_in_training() {
        let bytes = include_bytes!("../../assets/score/prior.safetensors");
        let tensors = Tensors::read(bytes).unwrap();
        let row = |name: &str| tensors.floats(name).unwrap();
        let context = <[f32; EMBEDDING]>::try_from(row("example.context")).unwrap();
        let expected = PRIOR.expect(&context).unwrap();
        let (means, sigmas) = (row("example.means"), row("example.sigmas"));
        assert!(expected.len() == means.len() && means.len() > 1);
        for (estimate, (mean, sigma)) in expected.iter().zip(means.iter().zip(sigmas)) {
            assert!(
                (estimate.mean - mean).abs() < 1e-4 && (estimate.sigma - sigma).abs() < 1e-4,
                "{estimate:?} {mean}"
            );
        }
        assert!(Prior::load(&bytes[..bytes.len() / 2]).is_err());
    }

    #[test]
    fn the_most_promising_comes_first() {
        let space = Space::new(Settings::default(), &[]);
        // A noisy recording, and a clean one: the second and third number are the SNR.
        let [noisy, clean] = [-1.0, 1.0].map(|snr| {
            let mut context = [0.0; EMBEDDING];
            (context[1], context[2], context[3]) = (snr, snr, -snr);
            Opening::all(&space, &context, 0.5)
        });
        let place = |all: &[Opening], name: &str| all.iter().position(|opening| opening.name == name);
        for all in [&noisy, &clean] {
            assert!(all.is_sorted_by_key(|opening| -opening.expected.unwrap().least(0.5)));
        }
        assert!(place(&noisy, "strong noise reduction") < place(&noisy, "untouched"));
        assert!(Opening::all(&space, &[9.0; EMBEDDING], 0.5).is_empty(), "strange");
        assert!(place(&clean, "untouched") < place(&clean, "strong noise reduction"));
    }

    #[test]
    fn around_other_settings_nothing_is_expected() {
        let podcast = crate::settings::Preset::find("podcast").unwrap().settings;
        for space in [Space::new(podcast, &[]), Space::new(Settings::default(), &[Id::Method])] {
            let all = Opening::all(&space, &[0.0; EMBEDDING], 0.5);
            assert!(all.iter().all(|opening| opening.expected.is_none()));
            assert_eq!(all[0].name, "untouched");
        }
    }
}
