use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Tells other threads how busy the audio thread is: the time that processing took, as a share of the time there was.
/// Clones share one number.
#[derive(Clone, Debug, Default)]
pub struct Load(Arc<AtomicU32>);

impl Load {
    /// Sets it. More than 1 is taken as a missed deadline: tell a mean over at least 0.1 s, as single blocks are late
    /// for reasons that have nothing to do with the settings.
    pub fn set(&self, load: f32) {
        self.0.store(load.to_bits(), Relaxed);
    }

    /// As it was set last; 0 at first.
    pub fn get(&self) -> f32 {
        f32::from_bits(self.0.load(Relaxed))
    }
}
