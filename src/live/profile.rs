use super::LiveError;
use crate::settings::{Preset, Settings};
use crate::tuner::Memory;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What was set and learned for a voice, a room or a device, in two files of the user's data folder: a preset, and what
/// was learned on top of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    name: String,
    path: PathBuf,
}

impl Profile {
    /// The profile of a name: letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// When the name can't be one, or the system has no folder for it.
    pub fn named(name: &str) -> Result<Profile, LiveError> {
        let problem = |problem: &str| LiveError::Profile { name: name.to_owned(), problem: problem.to_owned() };
        let plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || name.len() > 100 || !name.chars().all(plain) {
            return Err(problem("a name has letters, digits, - and _ only"));
        }
        let folders = directories::ProjectDirs::from("", "", "attune");
        let folders = folders.ok_or_else(|| problem("the system names no folder for data; is HOME set?"))?;
        Ok(Profile::in_folder(&folders.data_dir().join("profiles"), name))
    }

    fn in_folder(folder: &Path, name: &str) -> Profile {
        Profile { name: name.to_owned(), path: folder.join(format!("{name}.json")) }
    }

    /// What was learned; `None` if it is new.
    ///
    /// # Errors
    /// When the file can't be read, or is damaged or newer than the program. It is left as it is.
    pub fn load(&self) -> Result<Option<Memory>, LiveError> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Memory::from_json(&text).map(Some).map_err(|error| self.problem(&error)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.problem(&error)),
        }
    }

    /// What was set; `None` if it is new.
    ///
    /// # Errors
    /// When the file can't be read. It is left as it is.
    pub fn base(&self) -> Result<Option<Settings>, LiveError> {
        let path = self.preset();
        let load = |path: &Path| Preset::load(path).map(|preset| preset.settings);
        path.exists().then(|| load(&path)).transpose().map_err(|error| self.problem(&error))
    }

    fn preset(&self) -> PathBuf {
        self.path.with_extension("toml")
    }

    /// Stores what was set and learned, each all or nothing.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn save(&self, base: &Settings, memory: Option<&Memory>) -> Result<(), LiveError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let write = |path: &Path, text: &String| {
            fs::create_dir_all(folder)?;
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(path).map_err(|error| error.error)
        };
        let description = "What was set in Attune live".to_owned();
        let preset = Preset { name: self.name.clone(), description, settings: *base };
        let files = [(self.preset(), Some(preset.to_toml())), (self.path.clone(), memory.map(Memory::to_json))];
        let mut written = files.iter().filter_map(|(path, text)| Some(write(path, text.as_ref()?)));
        written.try_for_each(|done| done.map(drop)).map_err(|error: std::io::Error| self.problem(&error))
    }

    fn problem(&self, error: &dyn std::fmt::Display) -> LiveError {
        let problem = format!("{error} ({}); another --profile begins anew", self.path.display());
        LiveError::Profile { name: self.name.clone(), problem }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{EngineConfig, Latency};
    use crate::settings::Id;
    use crate::tuner::{FeedbackLoop, LoopConfig};

    #[test]
    fn what_was_learned_is_found_again_and_damage_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::in_folder(&folder.path().join("new"), "desk");
        assert_eq!((profile.load().unwrap(), profile.base().unwrap()), (None, None));
        let engine = EngineConfig { sample_rate: 16_000, channels: 1, latency: Latency::Live };
        let memory = FeedbackLoop::new(LoopConfig::new(engine)).unwrap().memory();
        let base = Settings::default().with(Id::Reduction, 7.0);
        profile.save(&base, Some(&memory)).unwrap();
        assert_eq!(profile.base().unwrap(), Some(base));
        assert_eq!(profile.load().unwrap(), Some(memory));
        fs::write(&profile.path, "{\"version\": 99}").unwrap();
        let error = profile.load().unwrap_err().to_string();
        assert!(error.contains("newer") && error.contains("desk.json"), "{error}");
        assert_eq!(fs::read_dir(profile.path.parent().unwrap()).unwrap().count(), 2, "nothing is left lying about");
        assert!(Profile::named("../x").is_err() && Profile::named("").is_err() && Profile::named("desk-2").is_ok());
    }
}
