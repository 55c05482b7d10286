//! What takes longer than a window.

use super::Context;
use super::decay::Decays;
use super::hum::Hum;
use super::level::Level;
use super::listener::{STEPS, step};
use super::window::mix;

/// The slow measures.
pub struct Past {
    step: usize,
    level: Level,
    hum: Hum,
    pub decays: Decays,
}

impl Past {
    pub fn new(rate: u32, channels: usize) -> Past {
        Past {
            step: step(rate),
            level: Level::new(rate, channels, STEPS),
            hum: Hum::new(rate),
            decays: Decays::default(),
        }
    }

    /// Takes in samples, in steps of 0.1 s; those that don't fill the last step are left out.
    pub fn feed(&mut self, channels: &[&[f32]]) {
        let length = channels.iter().map(|c| c.len()).min().unwrap_or(0);
        for start in (0..length / self.step).map(|i| i * self.step) {
            let piece: Vec<&[f32]> = channels.iter().map(|c| &c[start..start + self.step]).collect();
            self.level.feed(&piece);
            self.hum.feed(&mix(&piece));
        }
    }

    /// A gap in the stream: nothing before it is joined to what follows.
    pub fn gap(&mut self) {
        self.level.gap();
        self.hum.reset();
    }

    pub fn measure(&self, context: &mut Context) {
        self.level.measure(context);
        self.hum.measure(context);
        self.decays.measure(context);
    }
}
