use super::{Point, Space};
use crate::settings::{Id, Preset, Settings};

/// A named recipe: a bandit's arm.
///
/// Most change a few settings of the incumbent, so that they add up; some are whole sets.
#[derive(Clone, Debug, PartialEq)]
pub struct Strategy {
    /// What it does, in a few plain words.
    pub name: String,
    recipe: Recipe,
}

#[derive(Clone, Debug, PartialEq)]
enum Recipe {
    /// Changes some settings of the incumbent.
    Edits(Vec<Edit>),
    /// Replaces them all.
    Whole(Box<Settings>),
}

/// A change of one setting, kept within its range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Edit {
    To(Id, f32),
    By(Id, f32),
}

use Edit::{By, To};

/// Settings after these edits.
pub(super) fn edited(mut settings: Settings, edits: &[Edit]) -> Settings {
    for edit in edits {
        match *edit {
            To(id, value) => settings.set(id, value),
            By(id, step) => settings.set(id, settings[id] + step),
        };
    }
    settings
}

/// Brings the voice forward where noise was taken out.
pub(super) const FORWARD: &[Edit] =
    &[By(Id::EqLow, -3.0), By(Id::EqMid, 3.5), By(Id::EqPresence, -2.0), By(Id::EqAir, -5.0)];

impl Strategy {
    /// All that ship with Attune: edits for the usual problems, the base, the untouched sound and the
    /// presets.
    pub fn built_in() -> Vec<Strategy> {
        let edits = EDITS
            .iter()
            .map(|(name, edits)| Strategy { name: (*name).to_owned(), recipe: Recipe::Edits(edits.to_vec()) });
        let whole = |name: String, settings| Strategy { name, recipe: Recipe::Whole(Box::new(settings)) };
        let presets = Preset::built_in().into_iter().map(|p| whole(format!("preset {}", p.name), p.settings));
        let fixed = [whole("untouched".into(), untouched()), whole("factory default".into(), Settings::default())];
        edits.chain(fixed).chain(presets).collect()
    }

    /// Where it leads from a point.
    pub fn apply(&self, space: &Space, from: &Point) -> Point {
        match &self.recipe {
            Recipe::Whole(settings) => space.point(settings),
            Recipe::Edits(edits) => {
                // What was not changed keeps its coordinate to the last bit.
                let settings = space.settings(from);
                let [before, moved] = [settings, edited(settings, edits)].map(|settings| space.point(&settings));
                from.iter()
                    .zip(moved.iter().zip(&before))
                    .map(|(from, (to, was))| if to == was { *from } else { *to })
                    .collect()
            }
        }
    }
}

/// The settings that leave the sound as it is.
pub fn untouched() -> Settings {
    Settings::default().with(Id::Method, 0.0).with(Id::Hum, 0.0).with(Id::Ceiling, 0.0)
}

const EDITS: &[(&str, &[Edit])] = &[
    ("no noise reduction", &[To(Id::Method, 0.0)]),
    ("spectral noise reduction", &[To(Id::Method, 1.0)]),
    ("neural noise reduction", &[To(Id::Method, 2.0)]),
    ("less noise reduction", &[By(Id::Reduction, -6.0)]),
    ("more noise reduction", &[By(Id::Reduction, 6.0)]),
    ("gentle noise reduction", &[To(Id::Reduction, 8.0), To(Id::Oversubtraction, 0.8), To(Id::Smoothing, 70.0)]),
    ("less over-subtraction", &[By(Id::Oversubtraction, -0.3)]),
    ("more over-subtraction", &[By(Id::Oversubtraction, 0.4)]),
    ("smoother noise reduction", &[By(Id::Smoothing, 25.0)]),
    ("swifter noise reduction", &[By(Id::Smoothing, -25.0)]),
    ("noise that changes fast", &[To(Id::Adaptation, 0.12)]),
    ("noise that changes slowly", &[To(Id::Adaptation, 1.0)]),
    ("some dereverberation", &[By(Id::Dereverb, 25.0)]),
    ("much dereverberation", &[To(Id::Dereverb, 60.0)]),
    ("less dereverberation", &[By(Id::Dereverb, -20.0)]),
    ("no dereverberation", &[To(Id::Dereverb, 0.0)]),
    ("hum removal", &[To(Id::Hum, 100.0)]),
    ("no hum removal", &[To(Id::Hum, 0.0)]),
    ("low cut", &[To(Id::LowCut, 80.0)]),
    ("high low cut", &[To(Id::LowCut, 120.0)]),
    ("no low cut", &[To(Id::LowCut, 10.0)]),
    ("less bass", &[By(Id::EqLow, -3.0)]),
    ("more bass", &[By(Id::EqLow, 2.5)]),
    ("less boom", &[By(Id::EqLow, -5.0), By(Id::EqMid, -2.0), To(Id::EqMidFrequency, 250.0)]),
    ("more body", &[By(Id::EqLow, 4.0), By(Id::EqMid, 2.0), To(Id::EqMidFrequency, 300.0)]),
    ("less mud", &[By(Id::EqMid, -2.5), To(Id::EqMidFrequency, 350.0)]),
    ("more warmth", &[By(Id::EqMid, 2.5), To(Id::EqMidFrequency, 350.0)]),
    ("less nose", &[By(Id::EqMid, -2.5), To(Id::EqMidFrequency, 1000.0)]),
    ("more middle", &[By(Id::EqMid, 2.5), To(Id::EqMidFrequency, 1200.0)]),
    ("less presence", &[By(Id::EqPresence, -2.5)]),
    ("more presence", &[By(Id::EqPresence, 2.5)]),
    ("less air", &[By(Id::EqAir, -2.5)]),
    ("more air", &[By(Id::EqAir, 3.0)]),
    ("brighter", &[By(Id::EqPresence, 4.0), By(Id::EqAir, 6.0)]),
    ("darker", &[By(Id::EqPresence, -2.0), By(Id::EqAir, -3.0)]),
    ("the voice forward", FORWARD),
    ("some de-essing", &[By(Id::Deess, 4.0)]),
    ("less de-essing", &[By(Id::Deess, -3.0)]),
    ("no de-essing", &[To(Id::Deess, 0.0)]),
    ("some leveling", &[By(Id::LevelRange, 6.0)]),
    ("much leveling", &[To(Id::LevelRange, 18.0), To(Id::LevelSpeed, 8.0)]),
    ("less leveling", &[By(Id::LevelRange, -5.0)]),
    ("no leveling", &[To(Id::LevelRange, 0.0)]),
    ("faster leveling", &[To(Id::LevelSpeed, 12.0)]),
    ("slower leveling", &[To(Id::LevelSpeed, 1.5)]),
    ("some compression", &[To(Id::CompThreshold, -24.0), To(Id::CompRatio, 2.0)]),
    ("no compression", &[To(Id::CompThreshold, 0.0)]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strategies_add_up_and_stay_in_the_box() {
        let space = Space::new(Settings::default(), &[]);
        for strategy in Strategy::built_in() {
            let mut point = space.origin().clone();
            for _ in 0..8 {
                point = strategy.apply(&space, &point);
            }
            assert!(point.iter().all(|x| (0.0..=1.0).contains(x)), "{}", strategy.name);
        }
        let find = |name: &str| Strategy::built_in().into_iter().find(|s| s.name == name).unwrap();
        let both = find("less boom").apply(&space, &find("more air").apply(&space, space.origin()));
        let settings = space.settings(&both);
        assert!((settings[Id::EqAir] - 3.0).abs() < 0.01 && (settings[Id::EqLow] + 5.0).abs() < 0.01);
        assert_eq!(settings[Id::Reduction], Settings::default()[Id::Reduction]);
    }

    #[test]
    fn a_locked_setting_is_never_changed() {
        let space = Space::new(Settings::default(), &[Id::Method, Id::EqLow]);
        for strategy in Strategy::built_in() {
            let settings = space.settings(&strategy.apply(&space, space.origin()));
            assert_eq!((settings[Id::Method], settings[Id::EqLow]), (2.0, 0.0), "{}", strategy.name);
        }
    }
}
