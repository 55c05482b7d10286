use super::session::Options;
use crate::engine::{Latency, Monitor};
use crate::settings::{Id, Settings};
use crate::tuner::{Order, Style};

/// What a person can move while it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Controls {
    /// What was set.
    pub base: Settings,
    /// Whether what was learned is heard, and more is learned.
    pub adapt: bool,
    /// How much of what was learned is heard, 0 to 1.
    pub amount: f32,
    /// How bold learning is.
    pub style: Style,
    /// Whether what was learned stays as it is.
    pub hold: bool,
    /// Settings that learning leaves alone.
    pub locked: Vec<Id>,
    /// The engine's latency mode; another one opens the devices again.
    pub latency: Latency,
    /// What is heard.
    pub monitor: Monitor,
    /// Plays silence.
    pub muted: bool,
}

impl Default for Controls {
    fn default() -> Controls {
        Controls {
            base: Settings::default(),
            adapt: true,
            amount: 1.0,
            style: Style::default(),
            hold: false,
            locked: Vec::new(),
            latency: Latency::Live,
            monitor: Monitor::default(),
            muted: false,
        }
    }
}

impl Controls {
    /// As it begins.
    pub fn of(options: &Options) -> Controls {
        let adapt = options.adapt.as_ref();
        Controls {
            base: options.settings,
            // What was learned before is heard without --adapt as well.
            adapt: adapt.is_some() || options.profile.is_some(),
            style: adapt.map_or(Style::default(), |adapt| adapt.style),
            hold: adapt.is_none() && options.profile.is_some(),
            locked: adapt.map_or(Vec::new(), |adapt| adapt.locked.clone()),
            latency: options.latency,
            muted: options.muted,
            ..Controls::default()
        }
    }

    /// How much of what was learned is heard, 0 to 1.
    pub(super) fn heard(&self) -> f32 {
        if self.adapt { self.amount } else { 0.0 }
    }

    /// What the loop has to be told, beginning with these.
    pub(super) fn orders(&self) -> [Order; 5] {
        [
            Order::Base(self.base),
            Order::Amount(self.amount),
            Order::Style(self.style),
            Order::Hold(self.hold || !self.adapt),
            Order::Locked(self.locked.clone()),
        ]
    }
}
