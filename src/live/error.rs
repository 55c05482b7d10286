/// Why the live program can't begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum LiveError {
    /// There is no such way to the sound card.
    #[error("there is no audio system \"{name}\" here; present: {present}")]
    Host {
        /// What was asked for.
        name: String,
        /// What there is.
        present: String,
    },
    /// There is no such device.
    #[error("there is no {direction} \"{name}\"; `attune live --list-devices` shows what there is")]
    Device {
        /// Input or output.
        direction: &'static str,
        /// What was asked for.
        name: String,
    },
    /// There is no device at all.
    #[error("this computer has no default {0}; choose one: `attune live --list-devices` shows what there is")]
    NoDefault(&'static str),
    /// The device can't do what was asked for.
    #[error("{device}: {problem}")]
    Stream {
        /// Its name.
        device: String,
        /// What the system said.
        problem: String,
    },
    /// A rate that the engine doesn't support.
    #[error("{0}; choose another with --rate")]
    Engine(#[from] crate::engine::ConfigError),
    /// The profile can't be used.
    #[error("profile {name}: {problem}")]
    Profile {
        /// Its name.
        name: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Recording can't begin.
    #[error("can't record to {folder}: {problem}")]
    Record {
        /// Where to.
        folder: String,
        /// What the system said.
        problem: String,
    },
    /// There is no screen for a window.
    #[error("can't open a window: {0}; without --gui there is a view in the terminal")]
    Window(String),
    /// The system has no thread to give.
    #[error("can't start the side thread: {0}")]
    Thread(std::io::Error),
}

impl LiveError {
    /// Whether it may go away by itself: a device that is unplugged may come back.
    pub fn may_pass(&self) -> bool {
        matches!(self, LiveError::Device { .. } | LiveError::NoDefault(_) | LiveError::Stream { .. })
    }
}
