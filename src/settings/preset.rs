use super::{Id, Kind, Settings, TABLE, ValueError};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// A named set of settings, as stored in a TOML file:
///
/// ```toml
/// name = "voice"
/// description = "One person near the microphone."
///
/// [settings]
/// reduction = 12
/// method = "spectral"
/// ```
///
/// Settings that the file leaves out have their defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Short name, as typed in `--preset`.
    pub name: String,
    /// One or two sentences on when to use it.
    pub description: String,
    /// The settings.
    pub settings: Settings,
}

/// Why a preset can't be used.
#[derive(Debug, thiserror::Error)]
pub enum PresetError {
    /// Neither a preset that ships with Attune nor a file.
    #[error("there is no preset or preset file \"{name}\"; presets that ship with Attune: {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// Those that exist.
        known: String,
    },
    /// The file can't be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not TOML, or a key or type that a preset doesn't have.
    #[error("{origin}: {message}")]
    Syntax {
        /// File or preset name.
        origin: String,
        /// What and where.
        message: String,
    },
    /// A setting with a value that isn't allowed.
    #[error("{origin}: {source}")]
    Value {
        /// File or preset name.
        origin: String,
        /// Names the key and the range.
        source: ValueError,
    },
}

const BUILT_IN: [(&str, &str); 8] = [
    ("transparent", include_str!("../../assets/presets/transparent.toml")),
    ("voice", include_str!("../../assets/presets/voice.toml")),
    ("podcast", include_str!("../../assets/presets/podcast.toml")),
    ("interview", include_str!("../../assets/presets/interview.toml")),
    ("noisy-room", include_str!("../../assets/presets/noisy-room.toml")),
    ("boomy-room", include_str!("../../assets/presets/boomy-room.toml")),
    ("phone", include_str!("../../assets/presets/phone.toml")),
    ("music-safe", include_str!("../../assets/presets/music-safe.toml")),
];

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    settings: toml::Table,
}

impl Preset {
    /// The presets that ship with Attune.
    pub fn built_in() -> Vec<Preset> {
        BUILT_IN
            .iter()
            .map(|(name, text)| Preset::from_toml(text, name).expect("shipped presets are valid (tested)"))
            .collect()
    }

    /// A shipped preset by name, or else a TOML file by path.
    pub fn find(name: &str) -> Result<Preset, PresetError> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(n, _)| *n == name) {
            return Preset::from_toml(text, name);
        }
        let path = Path::new(name);
        if path.is_file() {
            return Preset::load(path);
        }
        let known = BUILT_IN.map(|(n, _)| n).join(", ");
        Err(PresetError::Unknown { name: name.to_owned(), known })
    }

    /// Reads a preset file.
    pub fn load(path: &Path) -> Result<Preset, PresetError> {
        let text = std::fs::read_to_string(path).map_err(|source| PresetError::Io { path: path.to_owned(), source })?;
        Preset::from_toml(&text, &path.display().to_string())
    }

    /// Writes a preset file: to a temporary neighbour first, then renamed.
    pub fn save(&self, path: &Path) -> Result<(), PresetError> {
        let io = |source| PresetError::Io { path: path.to_owned(), source };
        let temporary = path.with_extension("toml.tmp");
        std::fs::write(&temporary, self.to_toml()).map_err(io)?;
        std::fs::rename(&temporary, path).map_err(io)
    }

    /// Reads TOML; `origin` names the file in errors.
    pub fn from_toml(text: &str, origin: &str) -> Result<Preset, PresetError> {
        let file: File = toml::from_str(text)
            .map_err(|e| PresetError::Syntax { origin: origin.to_owned(), message: e.to_string() })?;
        let mut settings = Settings::default();
        for (key, value) in &file.settings {
            let text = match value {
                toml::Value::String(s) => s.clone(),
                other => other.to_string(),
            };
            settings.set_text(key, &text).map_err(|source| PresetError::Value { origin: origin.to_owned(), source })?;
        }
        Ok(Preset { name: file.name, description: file.description, settings })
    }

    /// The preset as TOML, with only what differs from the defaults.
    pub fn to_toml(&self) -> String {
        let text = |s: &str| toml::Value::String(s.to_owned()).to_string();
        let mut out = format!("name = {}\ndescription = {}\n\n[settings]\n", text(&self.name), text(&self.description));
        for spec in TABLE {
            let value = self.settings.get(spec.key);
            if value != spec.default {
                let written = match spec.kind {
                    Kind::Choice(_) => text(&spec.format(value)),
                    Kind::Number => value.to_string(),
                };
                writeln!(out, "{} = {written}", spec.id).expect("writing to a string");
            }
        }
        out
    }
}

impl Settings {
    /// Sets one setting from typed text, e.g. `("reduction", "12 dB")`.
    pub fn set_text(&mut self, id: &str, value: &str) -> Result<(), ValueError> {
        let id = Id::from_name(id).ok_or_else(|| ValueError::UnknownId { name: id.to_owned() })?;
        let value = id.spec().parse(value)?;
        self.set(id, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_presets_are_valid_and_round_trip() {
        for preset in Preset::built_in() {
            let again = Preset::from_toml(&preset.to_toml(), "copy").unwrap();
            assert_eq!(preset, again);
            assert!(!preset.description.is_empty());
        }
    }

    #[test]
    fn saved_file_is_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mine.toml");
        let preset = Preset {
            name: "mine \"quoted\"".into(),
            description: String::new(),
            settings: Settings::default().with(Id::Reduction, 7.25).with(Id::Method, 2.0),
        };
        preset.save(&path).unwrap();
        assert_eq!(Preset::find(path.to_str().unwrap()).unwrap(), preset);
    }

    #[test]
    fn errors_name_the_key_and_the_range() {
        let bad = |text: &str| Preset::from_toml(text, "bad.toml").unwrap_err().to_string();
        let error = bad("name = \"x\"\n[settings]\nreduction = 200");
        assert!(
            error.contains("bad.toml") && error.contains("reduction") && error.contains("0 dB to 40 dB"),
            "{error}"
        );
        let error = bad("name = \"x\"\n[settings]\nreductoin = 2");
        assert!(error.contains("reductoin"), "{error}");
        assert!(bad("name = ").contains("bad.toml"));
        assert!(Preset::find("nope").unwrap_err().to_string().contains("podcast"));
    }
}
