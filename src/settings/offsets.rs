use super::{COUNT, Id, Kind, Settings, Spec, TABLE};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::array::from_fn;
use std::collections::BTreeMap;

/// What was learned on top of the base, which is what the user or the host set.
///
/// What is heard is base + amount x offset. Offsets of numbers are travels of the control (in its taper); a choice is
/// another one or none. Stored by name: what is unknown is ignored.
///
/// ```
/// use attune::settings::{Id, Offsets, Settings};
/// let base = Settings::default();
/// let learned = base.with(Id::EqLow, -6.0).with(Id::Method, 1.0);
/// let offsets = Offsets::between(&base, &learned);
/// assert_eq!(offsets.apply(&base, 0.0), base);
/// assert!((offsets.apply(&base, 0.5)[Id::EqLow] + 3.0).abs() < 1e-4);
/// // The user turns the bass up: what was learned stays.
/// assert!((offsets.apply(&base.with(Id::EqLow, 2.0), 1.0)[Id::EqLow] + 4.0).abs() < 1e-4);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Offsets([f32; COUNT]);

impl Offsets {
    /// What leads from a base to learned settings.
    pub fn between(base: &Settings, learned: &Settings) -> Offsets {
        Offsets(from_fn(|i| {
            let (spec, from, to) = (&TABLE[i], base.0[i], learned.0[i]);
            match spec.kind {
                _ if from == to => 0.0,
                Kind::Choice(_) => to + 1.0,
                Kind::Number => spec.normalise(to) - spec.normalise(from),
            }
        }))
    }

    /// The settings that are heard: base + amount (0 to 1) x offset. Choices change at an amount of one half.
    ///
    /// Offsets lead to the end of the range that is safe for the tuner, or to the base where that lies beyond. What
    /// has no offset stays exactly as it is in the base. Never allocates: for the audio thread.
    pub fn apply(&self, base: &Settings, amount: f32) -> Settings {
        // NaN becomes 0 first: it would pass clamp.
        let amount = amount.max(0.0).clamp(0.0, 1.0);
        Settings(from_fn(|i| {
            let (spec, base, offset) = (&TABLE[i], base.0[i], self.0[i]);
            match spec.kind {
                _ if offset == 0.0 || amount == 0.0 => base,
                Kind::Choice(_) if amount < 0.5 => base,
                Kind::Choice(_) => spec.clamp(offset - 1.0),
                Kind::Number => {
                    let value = spec.denormalise(spec.normalise(base) + amount * offset);
                    value.clamp(spec.safe.0.min(base), spec.safe.1.max(base))
                }
            }
        }))
    }

    /// The offset of one setting, in travels of its control; 0: none. Of a choice 1 + the index of the learned one.
    pub fn get(&self, id: Id) -> f32 {
        self.0[id as usize]
    }

    /// The same without the offsets of some settings.
    #[must_use]
    pub fn without(mut self, ids: impl IntoIterator<Item = Id>) -> Offsets {
        ids.into_iter().for_each(|id| self.0[id as usize] = 0.0);
        self
    }

    /// Whether nothing is moved.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|offset| *offset == 0.0)
    }

    /// The raw vector, in the order of [`TABLE`].
    pub fn as_array(&self) -> &[f32; COUNT] {
        &self.0
    }

    /// Offsets from a raw vector in the order of [`TABLE`]; each is brought into its range, NaN gives none.
    pub fn from_array(values: &[f32; COUNT]) -> Offsets {
        Offsets(from_fn(|i| bounded(&TABLE[i], values[i])))
    }
}

fn bounded(spec: &Spec, offset: f32) -> f32 {
    match spec.kind {
        _ if offset.is_nan() => 0.0,
        Kind::Choice(names) => offset.round().clamp(0.0, names.len() as f32),
        Kind::Number => offset.clamp(-1.0, 1.0),
    }
}

impl Serialize for Offsets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let moved = TABLE.iter().zip(self.0).filter(|(_, offset)| *offset != 0.0);
        serializer.collect_map(moved.map(|(spec, offset)| (spec.id, offset)))
    }
}

impl<'de> Deserialize<'de> for Offsets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Offsets, D::Error> {
        let mut offsets = Offsets::default();
        for (name, offset) in BTreeMap::<String, f32>::deserialize(deserializer)? {
            if let Some(id) = Id::from_name(&name) {
                offsets.0[id as usize] = bounded(id.spec(), offset);
            }
        }
        Ok(offsets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned() -> Settings {
        let base = Settings::default();
        base.with(Id::EqAir, 3.0).with(Id::LowCut, 80.0).with(Id::Method, 1.0).with(Id::CompThreshold, -24.0)
    }

    #[test]
    fn the_whole_offset_leads_to_what_was_learned() {
        let (base, learned) = (Settings::default(), learned());
        let offsets = Offsets::between(&base, &learned);
        let heard = offsets.apply(&base, 1.0);
        for spec in TABLE {
            let error = (spec.normalise(heard[spec.key]) - spec.normalise(learned[spec.key])).abs();
            assert!(error < 1e-5, "{} {}", spec.id, heard[spec.key]);
            assert!(learned[spec.key] != base[spec.key] || heard[spec.key] == base[spec.key], "{}", spec.id);
        }
        assert_eq!((offsets.apply(&base, 0.49)[Id::Method], offsets.apply(&base, 0.5)[Id::Method]), (2.0, 1.0));
        let half = offsets.without([Id::EqAir]).apply(&base, 0.5);
        assert_eq!(half[Id::EqAir], 0.0);
        assert!((half[Id::LowCut] - (10.0f32 * 80.0).sqrt()).abs() < 0.01, "in its taper: {}", half[Id::LowCut]);
        assert!(Offsets::between(&base, &base).is_zero() && !offsets.is_zero());
    }

    #[test]
    fn only_the_user_leaves_the_safe_range() {
        let base = Settings::default();
        let offsets = Offsets::between(&base, &base.with(Id::EqAir, 6.0));
        assert_eq!(offsets.apply(&base.with(Id::EqAir, 5.0), 1.0)[Id::EqAir], 8.0, "the end of the safe range");
        assert_eq!(offsets.apply(&base.with(Id::EqAir, 12.0), 1.0)[Id::EqAir], 12.0, "no further than the user");
    }

    #[test]
    fn nonsense_is_harmless() {
        let (base, offsets) = (Settings::default(), Offsets::between(&Settings::default(), &learned()));
        assert_eq!(offsets.apply(&base, f32::NAN), base);
        assert_eq!(offsets.apply(&base, 9.0), offsets.apply(&base, 1.0));
        for bad in [f32::NAN, f32::INFINITY, -1e30, 1e30] {
            let heard = Offsets::from_array(&[bad; COUNT]).apply(&base, 1.0);
            assert_eq!(Settings::from_array(heard.as_array()), heard, "{bad}");
        }
    }

    #[test]
    fn they_survive_storage_and_a_table_that_changed() {
        let offsets = Offsets::between(&Settings::default(), &learned());
        let text = serde_json::to_string(&offsets).unwrap();
        assert_eq!(serde_json::from_str::<Offsets>(&text).unwrap(), offsets);
        let other = text.replace("\"eq_air\"", "\"what is gone\"");
        assert_eq!(serde_json::from_str::<Offsets>(&other).unwrap(), offsets.without([Id::EqAir]));
    }
}
