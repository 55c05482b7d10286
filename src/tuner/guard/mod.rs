//! Watches what was deployed, and goes back when it was a mistake.
//!
//! The question is never "did the sound get worse?" (perhaps the room got louder), but "would the
//! older settings do better on today's audio?". So the guard is fed with paired differences: the
//! score of an older snapshot minus that of the incumbent, both rendered on the last seconds of input.

mod drift;
mod fault;
mod snapshots;
mod tabu;
#[cfg(test)]
mod tests;

pub use drift::{Cusum, PageHinkley};
pub use fault::Fault;
pub use snapshots::Snapshot;

use super::Space;
use crate::quality::{EMBEDDING, Estimate, FAULT};
use crate::settings::Settings;
use snapshots::{Kept, Ring};
use std::fmt;
use tabu::Tabu;

/// Limits and times of a [`Guard`]. Times are seconds of audio, differences PESQ points.
#[derive(Clone, Debug, PartialEq)]
pub struct GuardConfig {
    /// Samples per second of the stream.
    pub rate: u32,
    /// How many snapshots are kept.
    pub snapshots: usize,
    /// A single comparison suffices if it is worse than `harm` by so many sigmas: at first, ...
    pub doubt_at_first: f32,
    /// ... if nothing speaks for the deployment but that somebody wanted it, ...
    pub doubt_unproven: f32,
    /// ... and when a deployment is older than `probation`: the longer it did well, the more it takes to
    /// believe that it is bad, and chance has more opportunities.
    pub doubt_later: f32,
    /// Worse by less isn't worth a rollback: it is just noticeable.
    pub harm: f32,
    /// A deployment that did well for so long is good.
    pub probation: f32,
    /// Reference of the CUSUM and tolerance (delta) of the Page-Hinkley test.
    pub tolerance: f32,
    /// Threshold of both (lambda), in PESQ points times independent windows.
    pub threshold: f32,
    /// Comparisons closer together than this share audio, and count for less: the length of a window.
    pub window: f32,
    /// Comparisons with a larger sigma count for less, as the inverse of its square.
    pub sigma: f32,
    /// After a rollback nothing is deployed for so long; doubled by each further one.
    pub cool_down: f32,
    /// The longest cool-down.
    pub cool_down_most: f32,
    /// So long without a rollback undoes one doubling.
    pub forgive: f32,
    /// For how long what failed is shunned.
    pub tabu: f32,
    /// How near counts as the same as what failed; see [`Space::distance`]. Half the range of one
    /// setting of 19 is 0.11.
    pub tabu_radius: f32,
    /// Contexts nearer than this are alike: the Euclidean distance of embeddings. Two windows of one recording
    /// are about 1 apart.
    pub alike: f32,
}

impl GuardConfig {
    /// The usual limits for a stream of this rate.
    pub fn new(rate: u32) -> GuardConfig {
        GuardConfig {
            rate,
            snapshots: 32,
            doubt_at_first: 3.5,
            doubt_unproven: 0.7,
            doubt_later: 5.0,
            harm: 0.05,
            probation: 5.0,
            tolerance: 0.1,
            threshold: 0.8,
            window: 3.0,
            sigma: 0.1,
            cool_down: 10.0,
            cool_down_most: 320.0,
            forgive: 120.0,
            tabu: 300.0,
            tabu_radius: 0.05,
            alike: 1.5,
        }
    }

    fn samples(&self, seconds: f32) -> u64 {
        (f64::from(seconds) * f64::from(self.rate)) as u64
    }

    fn seconds(&self, samples: u64) -> f64 {
        samples as f64 / f64::from(self.rate.max(1))
    }
}

fn alike(config: &GuardConfig, a: &[f32; EMBEDDING], b: &[f32; EMBEDDING]) -> bool {
    squared_distance(a, b) <= config.alike.powi(2)
}

fn squared_distance(a: &[f32; EMBEDDING], b: &[f32; EMBEDDING]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

/// Why to roll back.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Reason {
    /// One comparison left no doubt that the older settings are better, by so much.
    Sudden {
        /// PESQ points.
        by: f32,
        /// Standard deviation.
        sigma: f32,
    },
    /// Comparisons one after the other say so.
    Lasting {
        /// PESQ points, the mean of late.
        by: f32,
    },
    /// Something that must not be heard for another moment.
    Fault {
        /// What.
        fault: Fault,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Sudden { by, sigma } => {
                write!(f, "the older settings are better by {by:.2} ± {sigma:.2} on the present audio")
            }
            Reason::Lasting { by } => write!(f, "the older settings have been better by {by:.2} for a while"),
            Reason::Fault { fault } => write!(f, "{fault}"),
        }
    }
}

/// Keeps snapshots, and says when to go back to which.
///
/// The contract: `keep` whatever is deployed; ask `rival` what to compare with and tell the
/// difference to `watch`; when `should_rollback` says so, deploy what `rollback` returns (it is the
/// incumbent from then on); deploy only what `allows` lets pass. Samples never go back. With the
/// usual limits, good settings (differences of -0.05 ± 0.1, comparisons every 0.5 or 1 s that share audio) saw
/// no false alarm in 200 simulated hours. An update that costs 0.3 is noticed at the first comparison
/// if its sigma is 0.03, mostly so if it is 0.05 (the latest after 2.5 s), and after 4 to 20 s if it is 0.1.
pub struct Guard {
    config: GuardConfig,
    ring: Ring,
    tabu: Tabu,
    /// What the input was like when last heard of.
    context: [f32; EMBEDDING],
    /// Revision of the snapshot that the incumbent is compared with.
    rival: Option<u64>,
    cusum: Cusum,
    page_hinkley: PageHinkley,
    /// When the incumbent was deployed, and last compared.
    since: u64,
    compared: Option<u64>,
    /// Since when the incumbent breaks a hard bound and the rival does not, comparison by comparison.
    vetoed: Option<u64>,
    /// Mean difference of late.
    recent: f64,
    alarm: Option<Reason>,
    /// The last rollback, and doublings of the cool-down at that time.
    rolled_back: Option<(u64, i32)>,
    /// When the input last became another one.
    changed: u64,
}

impl Guard {
    /// With what is heard at first: the base, to which one can always go back.
    pub fn new(config: GuardConfig, first: Snapshot) -> Guard {
        let (tolerance, threshold) = (f64::from(config.tolerance), f64::from(config.threshold));
        Guard {
            context: first.context,
            since: first.sample,
            ring: Ring::new(config.snapshots, first),
            config,
            tabu: Tabu::default(),
            rival: None,
            cusum: Cusum::new(tolerance, threshold),
            page_hinkley: PageHinkley::new(tolerance, threshold),
            compared: None,
            vetoed: None,
            recent: 0.0,
            alarm: None,
            rolled_back: None,
            changed: 0,
        }
    }

    /// What was just deployed.
    pub fn keep(&mut self, snapshot: Snapshot) {
        self.context = snapshot.context;
        self.since = snapshot.sample;
        let config = &self.config;
        self.ring.push(Kept { snapshot, good: false }, |a, b| alike(config, a, b));
        self.rival = self.choose(self.since);
        self.start_anew();
    }

    /// All that is kept, the oldest first, the incumbent last.
    pub fn snapshots(&self) -> impl DoubleEndedIterator<Item = &Snapshot> {
        self.ring.iter().map(|kept| &kept.snapshot)
    }

    /// The same with whether each proved good, to be stored.
    pub(super) fn kept(&self) -> impl DoubleEndedIterator<Item = (&Snapshot, bool)> {
        self.ring.iter().map(|kept| (&kept.snapshot, kept.good))
    }

    /// To be brought up to date when the base moves.
    pub(super) fn snapshots_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Snapshot> {
        self.ring.iter_mut().map(|kept| &mut kept.snapshot)
    }

    /// Takes over what was kept elsewhere, the incumbent last; nothing if there is nothing.
    pub(super) fn remember(&mut self, sample: u64, kept: impl IntoIterator<Item = (Snapshot, bool)>) {
        self.ring.replace(kept.into_iter().map(|(snapshot, good)| Kept { snapshot, good }).collect());
        self.since = sample;
        self.rival = self.choose(sample);
        self.start_anew();
    }

    /// The newest that proved good; perhaps the incumbent.
    pub fn last_good(&self) -> Option<&Snapshot> {
        self.ring.iter().rev().find(|kept| kept.good).map(|kept| &kept.snapshot)
    }

    /// What proved good in the most similar context, if there is a similar one: something to recall.
    pub fn recall(&self, context: &[f32; EMBEDDING]) -> Option<&Snapshot> {
        let distance = |s: &Snapshot| squared_distance(&s.context, context);
        let good = self.ring.iter().rev().filter(|kept| kept.good).map(|kept| &kept.snapshot);
        good.filter(|s| alike(&self.config, &s.context, context)).min_by(|a, b| distance(a).total_cmp(&distance(b)))
    }

    /// The snapshot with which to compare the incumbent on the present audio, which is like this; `None`
    /// while there is no older one.
    pub fn rival(&mut self, sample: u64, context: &[f32; EMBEDDING]) -> Option<&Snapshot> {
        self.context = *context;
        // Another one only if it suits the context better: the evidence against the old one is lost.
        let suits = |kept: &&Kept| alike(&self.config, &kept.snapshot.context, context);
        let present = self.ring.older().find(|kept| Some(kept.snapshot.revision) == self.rival);
        if present.filter(suits).is_none() {
            let chosen = self.choose(sample);
            let better = self.ring.older().find(|kept| Some(kept.snapshot.revision) == chosen).filter(suits);
            if chosen != self.rival && (present.is_none() || better.is_some()) {
                self.rival = chosen;
                self.start_anew();
            }
        }
        self.ring.older().map(|kept| &kept.snapshot).find(|snapshot| Some(snapshot.revision) == self.rival)
    }

    /// Hears of a comparison: the score of the rival minus that of the incumbent. Returns the reason
    /// if it is now time to roll back. Not finite means are ignored; without a finite sigma nothing is known.
    pub fn watch(&mut self, sample: u64, difference: Estimate) -> Option<Reason> {
        let Estimate { mean, sigma } = difference;
        if self.rival.is_none() || !mean.is_finite() || !sigma.is_finite() || sigma < 0.0 {
            return None;
        }
        let config = &self.config;
        let age = config.seconds(sample.saturating_sub(self.since));
        let gap = self.compared.map_or(f64::INFINITY, |before| config.seconds(sample.saturating_sub(before)));
        self.compared = Some(sample);
        let fresh = (gap / f64::from(config.window)).clamp(0.0, 1.0);
        let sure = f64::from(config.sigma / sigma.max(config.sigma)).powi(2);
        // One veto must neither be believed for ever nor forgiven for ever.
        let value = f64::from(mean.clamp(-LARGEST, LARGEST));
        let weight = fresh * sure;
        self.recent += weight.min(RECENT) * (value - self.recent);
        let risen = self.cusum.update(value, weight);
        // From very good to good is no harm.
        let harm = f64::from(config.harm);
        let risen = (self.page_hinkley.update(value, weight) && self.page_hinkley.level() > harm) || risen;
        let young = age < f64::from(config.probation);
        let proven = self.ring.incumbent().snapshot.evidence.mean > 0.0;
        let doubt = match (young, proven) {
            (true, false) => config.doubt_unproven,
            (true, true) => config.doubt_at_first,
            (false, _) => config.doubt_later,
        };
        // Scores alone do not differ by half a fault; and a veto may be a matter of a few noisy frames. Of what was
        // shown to be better, or did well so far, a second window has to say so that shares no audio with the first.
        let vetoed = mean > FAULT / 2.0;
        self.vetoed = vetoed.then(|| self.vetoed.unwrap_or(sample));
        let lasts = self.vetoed.is_some_and(|since| sample.saturating_sub(since) >= config.samples(config.window));
        let believed = !vetoed || lasts || (young && !proven);
        let by = if vetoed { LARGEST } else { mean };
        if believed && (Estimate { mean: by, sigma }).least(doubt) > config.harm {
            self.alarm = self.alarm.or(Some(Reason::Sudden { by: mean, sigma }));
        } else if risen {
            self.alarm = self.alarm.or(Some(Reason::Lasting { by: self.recent as f32 }));
        } else if !young && self.alarm.is_none() {
            self.ring.incumbent_mut().good = true;
        }
        self.alarm
    }

    /// Hears of something that must not be heard for another moment.
    pub fn fault(&mut self, sample: u64, fault: Fault) -> Reason {
        let reason = Reason::Fault { fault };
        if self.rival.is_none() {
            self.rival = self.choose(sample);
        }
        self.alarm = Some(reason);
        reason
    }

    /// Whether to roll back, and why.
    pub fn should_rollback(&self) -> Option<&Reason> {
        self.alarm.as_ref()
    }

    /// Goes back, whether it should or not: returns what to deploy, which is the incumbent from now on.
    /// What was heard so far is shunned for a while in contexts like this one, and no deployment is
    /// allowed until the cool-down is over. `None` if there is nothing to go back to.
    pub fn rollback(&mut self, sample: u64) -> Option<Snapshot> {
        self.alarm = None;
        self.start_anew();
        let failed = self.ring.incumbent();
        let (settings, good) = (failed.snapshot.settings, failed.good);
        // What is good elsewhere is not forgotten because it fails here.
        let forget = !good || alike(&self.config, &failed.snapshot.context, &self.context);
        let target = self.rival.take().or_else(|| self.choose(sample))?;
        let snapshot = self.ring.go_back(target, forget)?.clone();
        self.tabu.add(&self.config, sample, settings, self.context);
        let doublings = self.doublings(sample);
        self.rolled_back = Some((sample, doublings.map_or(0, |before| before + 1)));
        self.since = sample;
        self.rival = self.choose(sample);
        Some(snapshot)
    }

    /// The input is another one: a cool-down that was for the one before is over.
    pub fn input_changed(&mut self, sample: u64) {
        self.changed = sample;
    }

    /// When the last cool-down ends, samples; 0 before the first rollback, and when the input changed after it.
    pub fn rests_until(&self) -> u64 {
        let Some((sample, doublings)) = self.rolled_back.filter(|(sample, _)| *sample >= self.changed) else {
            return 0;
        };
        let seconds = (self.config.cool_down * 2f32.powi(doublings)).min(self.config.cool_down_most);
        sample.saturating_add(self.config.samples(seconds))
    }

    /// Whether a point may be deployed: no cool-down is on, and nothing like it failed lately in
    /// a context like this one.
    pub fn allows(&self, sample: u64, space: &Space, point: &[f32], context: &[f32; EMBEDDING]) -> bool {
        sample >= self.rests_until() && !self.tabu.holds(&self.config, sample, space, point, context)
    }

    /// Doublings of the cool-down that are left from the last rollback.
    fn doublings(&self, sample: u64) -> Option<i32> {
        let (before, doublings) = self.rolled_back?;
        let quiet = self.config.seconds(sample.saturating_sub(before)) / f64::from(self.config.forgive);
        let left = i64::from(doublings) - quiet as i64;
        (left >= 0).then_some(left.min(MOST_DOUBLINGS) as i32)
    }

    /// Revision of the older snapshot to go back to: the newest good one of a context like the present;
    /// else the newest good one; else the newest. What failed in such a context is not chosen.
    fn choose(&self, sample: u64) -> Option<u64> {
        let present: &Settings = &self.ring.incumbent().snapshot.settings;
        let fit = |s: &Snapshot| {
            s.settings != *present && !self.tabu.holds_settings(&self.config, sample, &s.settings, &self.context)
        };
        let candidates = || self.ring.older().filter(|kept| fit(&kept.snapshot));
        let similar = |kept: &&Kept| kept.good && alike(&self.config, &kept.snapshot.context, &self.context);
        let chosen = candidates().find(similar).or_else(|| candidates().find(|kept| kept.good));
        chosen.or_else(|| candidates().next()).map(|kept| kept.snapshot.revision)
    }

    fn start_anew(&mut self) {
        self.cusum.reset();
        self.page_hinkley.reset();
        self.compared = None;
        self.vetoed = None;
        self.recent = 0.0;
        self.alarm = None;
    }
}

/// The largest difference that the detectors take in, PESQ points.
const LARGEST: f32 = 0.5;
/// The share of a full comparison in the mean of late.
const RECENT: f64 = 0.3;
const MOST_DOUBLINGS: i64 = 30;
