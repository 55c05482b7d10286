//! The one table of parameters.
//!
//! Host parameters, `--set`, the tuner's bounds, stored records and the printed documentation all
//! come from [`TABLE`]. A [`Settings`] is one value for each row of it.

mod offsets;
mod preset;
mod table;

pub use offsets::Offsets;
pub use preset::{Preset, PresetError};
pub use table::{Id, Kind, Spec, TABLE, Taper, Unit};

use std::ops::Index;

/// How many settings there are.
pub const COUNT: usize = TABLE.len();

/// One value for each row of [`TABLE`], in the units of that row.
///
/// Every value is always finite and within its range: [`Settings::set`] clamps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings([f32; COUNT]);

impl Default for Settings {
    fn default() -> Self {
        Self(std::array::from_fn(|i| TABLE[i].default))
    }
}

impl Settings {
    /// The value of one setting, in its own unit (choices: the index of the choice).
    #[inline]
    pub fn get(&self, id: Id) -> f32 {
        self.0[id as usize]
    }

    /// Changes one setting. The value is clamped to the range; NaN gives the default.
    pub fn set(&mut self, id: Id, value: f32) -> &mut Self {
        self.0[id as usize] = id.spec().clamp(value);
        self
    }

    /// The same settings with one of them changed; see [`Settings::set`].
    #[must_use]
    pub fn with(mut self, id: Id, value: f32) -> Self {
        self.set(id, value);
        self
    }

    /// The raw vector, in the order of [`TABLE`].
    pub fn as_array(&self) -> &[f32; COUNT] {
        &self.0
    }

    /// Settings from a raw vector in the order of [`TABLE`]; each value is clamped.
    pub fn from_array(values: &[f32; COUNT]) -> Self {
        Self(std::array::from_fn(|i| TABLE[i].clamp(values[i])))
    }

    /// The chosen denoiser.
    pub fn method(&self) -> Method {
        match self.get(Id::Method) as usize {
            0 => Method::Off,
            1 => Method::Spectral,
            _ => Method::Neural,
        }
    }
}

impl Index<Id> for Settings {
    type Output = f32;

    fn index(&self, id: Id) -> &f32 {
        &self.0[id as usize]
    }
}

/// A denoiser variant: the values of the setting `method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// No noise reduction.
    Off,
    /// Statistical noise reduction in the short-time spectrum.
    Spectral,
    /// RNNoise, a small recurrent network.
    Neural,
}

impl Method {
    /// All methods, in the order of the setting's choices.
    pub const ALL: [Method; 3] = [Method::Off, Method::Spectral, Method::Neural];
}

/// A value that a person typed is not valid for its setting.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ValueError {
    /// There is no setting of that name.
    #[error("there is no setting \"{name}\"{}; `attune settings` lists them all", did_you_mean(.name))]
    UnknownId {
        /// What was typed.
        name: String,
    },
    /// Not a number or a choice.
    #[error("{id} = \"{text}\" is not a value; allowed: {allowed}")]
    NotAValue {
        /// The setting.
        id: &'static str,
        /// What was typed.
        text: String,
        /// The range or the choices, in words.
        allowed: String,
    },
    /// A number outside the range.
    #[error("{id} = {text} is out of range; allowed: {allowed}")]
    OutOfRange {
        /// The setting.
        id: &'static str,
        /// What was typed.
        text: String,
        /// The range, in words.
        allowed: String,
    },
}

fn did_you_mean(name: &str) -> String {
    let close = TABLE.iter().find(|s| {
        !name.is_empty()
            && (s.id.contains(name) || name.contains(s.id) || s.id.starts_with(&name[..1]) && s.id.len() == name.len())
    });
    close.map_or_else(String::new, |s| format!(" (did you mean \"{}\"?)", s.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_consistent() {
        for (i, spec) in TABLE.iter().enumerate() {
            assert_eq!(spec.key as usize, i, "{} stands in the wrong row", spec.id);
            assert_eq!(Id::from_name(spec.id), Some(spec.key));
            assert!(spec.min < spec.max && spec.min <= spec.default && spec.default <= spec.max, "{}", spec.id);
            assert!(spec.safe.0 >= spec.min && spec.safe.1 <= spec.max && spec.safe.0 <= spec.safe.1, "{}", spec.id);
            assert!(!spec.help.is_empty());
        }
    }

    #[test]
    fn text_round_trips() {
        for spec in TABLE {
            for value in [spec.min, spec.default, spec.max] {
                let parsed = spec.parse(&spec.format(value)).unwrap();
                assert!((parsed - value).abs() <= 1e-3 * (spec.max - spec.min), "{} {value} {parsed}", spec.id);
            }
        }
    }

    #[test]
    fn normalised_round_trips() {
        for spec in TABLE {
            for i in 0..=10 {
                let x = i as f32 / 10.0;
                let value = spec.denormalise(x);
                assert!(value >= spec.min && value <= spec.max);
                if !matches!(spec.kind, Kind::Choice(_)) {
                    assert!((spec.normalise(value) - x).abs() < 1e-4, "{}", spec.id);
                }
            }
        }
    }

    #[test]
    fn bad_text_is_refused_with_the_range() {
        let error = Id::Reduction.spec().parse("99").unwrap_err().to_string();
        assert!(error.contains("reduction") && error.contains("0 dB to 40 dB"), "{error}");
        let error = Id::Method.spec().parse("magic").unwrap_err().to_string();
        assert!(error.contains("off, spectral, neural"), "{error}");
        assert!(Id::Reduction.spec().parse("nan").is_err());
    }

    #[test]
    fn nan_never_enters_settings() {
        let s = Settings::default().with(Id::Reduction, f32::NAN);
        assert_eq!(s, Settings::default());
    }
}
