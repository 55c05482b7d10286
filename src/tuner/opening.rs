//! What to begin with, and what is to be expected of it before anybody has heard it.

use super::strategy::{Edit::By, FORWARD, edited};
use super::{Point, Space, TUNED, untouched};
use crate::quality::{EMBEDDING, Estimate, IMPRESSION, Perceptron, Scale, Tensors, WeightsError};
use crate::settings::{Id, Settings};
use std::sync::LazyLock;

/// The openings around a base, each with what it does in a few plain words. They are few and help where the usual
/// settings do too much or too little.
///
/// The tone belongs to them: noise that is left is loudest at the ends of the spectrum, where suppression takes from
/// the voice as well, so the voice is lifted in the middle. On 130 recordings of all kinds the best of them brought
/// 0.31 PESQ points, and 0.22 without the tone and with half the dereverberation.
pub fn openings(base: &Settings) -> [(&'static str, Settings); OPENINGS] {
    let dry = base.with(Id::Reduction, 8.0).with(Id::Dereverb, 50.0);
    let dry = edited(dry, &[By(Id::EqLow, -3.0), By(Id::EqMid, 2.0), By(Id::EqAir, -3.0)]);
    let strong = base.with(Id::Reduction, 24.0).with(Id::Oversubtraction, 0.9).with(Id::Smoothing, 20.0);
    let strong = strong.with(Id::Adaptation, 0.2).with(Id::LowCut, 60.0);
    [
        ("untouched", untouched()),
        ("gentle noise reduction", base.with(Id::Reduction, 8.0)),
        ("dereverberation and gentle noise reduction", dry),
        ("strong noise reduction, the voice forward", edited(strong, FORWARD)),
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
    /// All of them for input of which this is heard with the base, the most promising first, with `doubt` sigmas held
    /// against each; none for strange input.
    pub fn all(space: &Space, heard: &[f32; IMPRESSION], doubt: f32) -> Vec<Opening> {
        let Some(expected) = PRIOR.expect(heard) else { return Vec::new() };
        let known = Opening::are_known(space);
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

    /// By how much the untouched sound is likely to beat the base, PESQ points, for input of which this is heard with the
    /// base; if that is known.
    pub fn untouched(space: &Space, heard: &[f32; IMPRESSION]) -> Option<Estimate> {
        PRIOR.expect(heard).filter(|_| Opening::are_known(space)).map(|[untouched, ..]| untouched)
    }

    /// Whether anything is known of them in a space: what they were worth around other settings says nothing.
    fn are_known(space: &Space) -> bool {
        let default = space.point(&Settings::default());
        space.len() == TUNED.len() && space.distance(space.origin(), &default) < SAME
    }
}

/// Settings nearer than this are the same.
const SAME: f32 = 0.01;

/// By how much [`openings`] beat the factory default on recordings that sounded alike: small networks on what is heard
/// of the input and of the factory default, fitted to the true gains on many recordings (`xtask/ears/prior.py`).
///
/// It hears nothing of what the openings do to the sound at hand, so it never judges alone.
struct Prior {
    scale: Scale,
    /// Each says the likely gains of all openings, then the logarithms of their sigmas.
    members: Vec<Perceptron>,
}

/// How many openings there are.
const OPENINGS: usize = 4;
/// Input whose context is further than this from what is usual is strange: mean square, in spreads. One recording in a
/// hundred is.
const STRANGE: f32 = 3.0;
/// No gain is expected with less doubt, PESQ points.
const FINEST: f32 = 0.05;

static PRIOR: LazyLock<Prior> = LazyLock::new(|| {
    Prior::load(include_bytes!("../../assets/score/prior.safetensors"))
        .expect("the built-in weights are whole (tested)")
});

impl Prior {
    fn load(bytes: &[u8]) -> Result<Prior, WeightsError> {
        let tensors = Tensors::read(bytes)?;
        let members = Perceptron::load_all(&tensors, "prior", IMPRESSION, 2 * OPENINGS)?;
        Ok(Prior { scale: Scale::load(&tensors, "prior", IMPRESSION)?, members })
    }

    /// By how much each of [`openings`] is likely to beat the factory default, PESQ points, where this is heard of it;
    /// see [`Audition::impression`](crate::quality::Audition::impression). `None` if it knows nothing of such input.
    fn expect(&self, heard: &[f32; IMPRESSION]) -> Option<[Estimate; OPENINGS]> {
        let inputs = self.scale.apply(heard);
        let context = &inputs[IMPRESSION - EMBEDDING..];
        if context.iter().map(|x| x * x).sum::<f32>() > STRANGE * EMBEDDING as f32 {
            return None;
        }
        let said: Vec<Vec<f32>> = self.members.iter().map(|member| member.run(&inputs)).collect();
        let mean = |of: &dyn Fn(&[f32]) -> f32| said.iter().map(|said| of(said)).sum::<f32>() / said.len() as f32;
        let estimate = |i: usize| Estimate {
            mean: mean(&|said| said[i]),
            sigma: mean(&|said| FINEST + said[OPENINGS + i].min(2.0).exp()),
        };
        Some(std::array::from_fn(estimate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::testing::{demo, enhanced};
    use crate::quality::{Audition, Ears};

    #[test]
    fn the_built_in_weights_run_as_in_training() {
        let bytes = include_bytes!("../../assets/score/prior.safetensors");
        let tensors = Tensors::read(bytes).unwrap();
        let row = |name: &str| tensors.floats(name).unwrap();
        let heard = <[f32; IMPRESSION]>::try_from(row("example.heard")).unwrap();
        let expected = PRIOR.expect(&heard).unwrap();
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

    /// What is heard of the first seconds of a sound with the base.
    fn heard(input: &[f32]) -> [f32; IMPRESSION] {
        let audition = Audition::new(Ears::built_in(), RATE, input);
        audition.impression(&audition.hear(&enhanced(input, &Settings::default())).features)
    }

    /// A voice in a café.
    fn noisy() -> Vec<f32> {
        demo()[..4 * RATE as usize].to_vec()
    }

    const RATE: u32 = 48_000;

    #[test]
    fn the_most_promising_comes_first() {
        let space = Space::new(Settings::default(), &[]);
        let noisy = noisy();
        let clean = enhanced(&noisy, &openings(&Settings::default())[3].1);
        let [noisy, clean] = [noisy, clean].map(|sound| Opening::all(&space, &heard(&sound), 0.5));
        let least = |all: &[Opening], name: &str| {
            all.iter().find(|opening| opening.name == name).unwrap().expected.unwrap().least(0.5)
        };
        for all in [&noisy, &clean] {
            assert!(all.is_sorted_by_key(|opening| -opening.expected.unwrap().least(0.5)));
        }
        let [strong, untouched] = ["strong noise reduction, the voice forward", "untouched"];
        assert!(least(&noisy, strong) > least(&noisy, untouched));
        assert!(least(&clean, untouched) > least(&noisy, untouched) + 0.2, "{clean:?} {noisy:?}");
        assert!(Opening::all(&space, &[9.0; IMPRESSION], 0.5).is_empty(), "strange");
    }

    #[test]
    fn around_other_settings_nothing_is_expected() {
        let podcast = crate::settings::Preset::find("podcast").unwrap().settings;
        let heard = heard(&noisy());
        for space in [Space::new(podcast, &[]), Space::new(Settings::default(), &[Id::Method])] {
            let all = Opening::all(&space, &heard, 0.5);
            assert!(all.iter().all(|opening| opening.expected.is_none()));
            assert_eq!(all[0].name, "untouched");
        }
    }
}
