//! Settings to try: what a person or a tuner might ask for.

use attune::settings::{Id, Kind, Preset, Settings};
use fastrand::Rng;

/// So many settings: the factory default, the untouched sound, then the presets, then random ones.
///
/// A random one starts from the default or a preset. A third of them change the denoiser alone, a
/// third a few settings of any sort, a third all of them; values lie in the safe range, and the
/// further from neutral the rarer.
pub fn settings(count: usize, seed: u64) -> Vec<Settings> {
    let untouched = Settings::default().with(Id::Method, 0.0).with(Id::Hum, 0.0).with(Id::Ceiling, 0.0);
    let presets = Preset::built_in().into_iter().map(|preset| preset.settings);
    let fixed: Vec<Settings> = [Settings::default(), untouched].into_iter().chain(presets).collect();
    let mut rng = Rng::with_seed(seed);
    (0..count)
        .map(|i| match fixed.get(i) {
            Some(settings) => *settings,
            None => random(&mut rng, &fixed),
        })
        .collect()
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

    #[test]
    fn a_seed_always_means_the_same_settings() {
        assert_eq!(settings(30, 7), settings(30, 7));
        assert_ne!(settings(30, 7)[29], settings(30, 8)[29]);
    }

    #[test]
    fn as_text_they_are_what_they_were() {
        for settings in settings(30, 7) {
            let mut again = Settings::default();
            for pair in text(&settings).split(' ') {
                let (id, value) = pair.split_once('=').unwrap();
                again.set_text(id, value).unwrap();
            }
            assert_eq!(again, settings);
        }
    }
}
