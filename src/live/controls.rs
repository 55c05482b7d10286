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

    /// What the loop has to be told: what differs from before, or all of it.
    pub(super) fn orders(&self, before: Option<&Controls>) -> impl Iterator<Item = Order> {
        let holds = |controls: &Controls| controls.hold || !controls.adapt;
        let differs = |part: fn(&Controls, &Controls) -> bool| before.is_none_or(|before| part(self, before));
        let orders = [
            differs(|a, b| a.base != b.base).then_some(Order::Base(self.base)),
            differs(|a, b| a.amount != b.amount).then_some(Order::Amount(self.amount)),
            differs(|a, b| a.style != b.style).then_some(Order::Style(self.style)),
            differs(|a, b| a.locked != b.locked).then(|| Order::Locked(self.locked.clone())),
            before.is_none_or(|before| holds(before) != holds(self)).then(|| Order::Hold(holds(self))),
        ];
        orders.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_hears_of_what_concerns_it() {
        let before = Controls::default();
        assert_eq!(before.orders(None).count(), 5);
        let muted = Controls { muted: true, monitor: Monitor::Bypass, ..before.clone() };
        assert_eq!(muted.orders(Some(&before)).count(), 0, "the search goes on");
        let off = Controls { adapt: false, ..before.clone() };
        assert!(matches!(off.orders(Some(&before)).collect::<Vec<_>>()[..], [Order::Hold(true)]));
        let held = Controls { hold: true, amount: 0.5, ..off.clone() };
        assert!(matches!(held.orders(Some(&off)).collect::<Vec<_>>()[..], [Order::Amount(_)]), "it holds already");
    }
}
