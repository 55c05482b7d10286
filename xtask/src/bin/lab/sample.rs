//! Settings to try: what a person or a tuner might ask for.

use attune::settings::{Id, Kind, Preset, Settings};
use attune::tuner;
use fastrand::Rng;

/// Which settings to try.
#[derive(Clone, Copy, clap::Args)]
pub struct Sample {
    /// How many: the factory default, the untouched sound and the presets come first
    #[arg(long)]
    settings: usize,
    /// Which: the seed of the first recording of a set, the next has the next
    #[arg(long)]
    seed: u64,
    /// Also the tuner's openings, after the presets, and what lies around them
    #[arg(long)]
    around_openings: bool,
}

impl Sample {
    /// Those for a recording of a set.
    ///
    /// Fixed ones come first, then random ones. A random one starts from the default or another fixed one. A third of
    /// them change the denoiser alone, a third a few settings of any sort, a third all of them; values lie in the safe
    /// range, and the further from neutral the rarer.
    pub fn settings(&self, recording: usize) -> Vec<Settings> {
        let base = Settings::default();
        let presets = Preset::built_in().into_iter().map(|preset| preset.settings);
        let mut fixed: Vec<Settings> = [base, tuner::untouched()].into_iter().chain(presets).collect();
        if self.around_openings {
            let openings = tuner::openings(&base).into_iter().map(|(_, settings)| settings);
            fixed.extend(openings.filter(|settings| *settings != tuner::untouched()));
        }
        let mut rng = Rng::with_seed(self.seed + recording as u64);
        let each = |i: usize| fixed.get(i).copied().unwrap_or_else(|| random(&mut rng, &fixed));
        (0..self.settings).map(each).collect()
    }
}

/// As `attune enhance --set` reads it: `id=value`, of all settings.
pub fn text(settings: &Settings) -> String {
    let one = |id: Id| {
        let (spec, value) = (id.spec(), settings.get(id));
        match spec.kind {
            Kind::Choice(_) => format!("{}={}", spec.id, spec.format(value)),
            Kind::Number => format!("{}={value}", spec.id),
        }
    };
    Id::all().map(one).collect::<Vec<_>>().join(" ")
}

fn random(rng: &mut Rng, fixed: &[Settings]) -> Settings {
    const DENOISER: [Id; 6] =
        [Id::Method, Id::Reduction, Id::Oversubtraction, Id::Smoothing, Id::Adaptation, Id::Dereverb];
    // These belong to a person's taste or to the file's format.
    const LEFT_ALONE: [Id; 2] = [Id::Mix, Id::HumFrequency];
    let mut settings = match rng.bool() {
        true => fixed[0],
        false => fixed[rng.usize(1..fixed.len())],
    };
    let all: Vec<Id> = Id::all().filter(|id| !LEFT_ALONE.contains(id)).collect();
    match rng.u32(0..3) {
        0 => DENOISER.iter().for_each(|id| change(rng, &mut settings, *id, 1.0)),
        1 => (0..rng.usize(1..6)).for_each(|_| {
            let id = all[rng.usize(0..all.len())];
            change(rng, &mut settings, id, 1.0);
        }),
        _ => all.iter().for_each(|id| change(rng, &mut settings, *id, 0.5)),
    }
    settings
}

/// A value between the neutral one and, for `reach` 1, anywhere in the safe range.
fn change(rng: &mut Rng, settings: &mut Settings, id: Id, reach: f32) {
    let spec = id.spec();
    if let Kind::Choice(names) = spec.kind {
        settings.set(id, rng.usize(0..names.len()) as f32);
        return;
    }
    let (low, high) = (spec.normalise(spec.safe.0), spec.normalise(spec.safe.1));
    let travel = low + rng.f32() * (high - low);
    let neutral = spec.normalise(settings.get(id));
    let share = if reach < 1.0 { reach * rng.f32() } else { 1.0 };
    settings.set(id, spec.denormalise(neutral + share * (travel - neutral)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(seed: u64) -> Vec<Settings> {
        Sample { settings: 30, seed, around_openings: true }.settings(0)
    }

    #[test]
    fn a_seed_always_means_the_same_settings() {
        assert_eq!(sample(7), sample(7));
        assert_ne!(sample(7)[29], sample(8)[29]);
    }

    #[test]
    fn as_text_they_are_what_they_were() {
        for settings in sample(7) {
            let mut again = Settings::default();
            for pair in text(&settings).split(' ') {
                let (id, value) = pair.split_once('=').unwrap();
                again.set_text(id, value).unwrap();
            }
            assert_eq!(again, settings);
        }
    }
}
