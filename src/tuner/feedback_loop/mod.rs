mod memory;
mod steer;
mod tune;

pub use memory::{Memory, MemoryError, Remembered};

use crate::engine::ConfigError;
use crate::quality::{EMBEDDING, Estimate, Finding, Take, Veto};
use crate::settings::{Offsets, Settings};
use crate::tuner::analysis::{Analysis, Record};
use crate::tuner::change::{ChangeDetector, Unsuited};
use crate::tuner::event::{Event, ParameterUpdate, What};
use crate::tuner::feedback::Taste;
use crate::tuner::followers::Followers;
use crate::tuner::guard::{Fault, Guard, Snapshot};
use crate::tuner::hearing::{Hearing, Window};
use crate::tuner::proposers::{Rng, Winner};
use crate::tuner::recent::Recent;
use crate::tuner::search::Search;
use crate::tuner::shadow::difference;
use crate::tuner::{
    Convergence, ConvergenceAnalyzer, ConvergenceConfig, LoopConfig, Opening, PREROLL, Point, Shadow, Space, Team,
};
use rand::SeedableRng;
use std::collections::VecDeque;
use tune::{FAMILIAR, Progress, wanted};

/// Events that are remembered; the oldest go first.
const EVENTS: usize = 10_000;
/// Windows that are remembered for analysis: an hour.
const RECORDS: usize = 3600;

/// Listens, proposes, judges in the shadow, deploys, watches and rolls back.
///
/// One implementation for the plugin, the live app and files. Its clock is the number of samples: the same
/// input, settings and seed give the same result, bit for bit. It runs on the side thread; what it
/// wants to be heard is [`FeedbackLoop::settings`].
///
/// ```
/// use attune::engine::{Engine, EngineConfig, Latency};
/// use attune::tuner::{FeedbackLoop, LoopConfig, Metrics};
///
/// let config = EngineConfig { sample_rate: 16_000, channels: 1, latency: Latency::Studio };
/// let mut engine = Engine::new(config)?;
/// let mut feedback_loop = FeedbackLoop::new(LoopConfig::offline(config))?;
/// for block in vec![0.1f32; 64_000].chunks(8_000) {
///     let mut output = block.to_vec();
///     engine.process(&mut [&mut output]);
///     feedback_loop.collect_feedback(&[block], &[&output], &Metrics::default());
///     for event in feedback_loop.advance() {
///         println!("{}", event.what);
///     }
///     engine.set(feedback_loop.settings());
/// }
/// println!("{}", feedback_loop.analyze_performance(100));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct FeedbackLoop {
    config: LoopConfig,
    space: Space,
    shadow: Shadow,
    followers: Followers,
    hearing: Hearing,
    recent: Recent,
    team: Team,
    search: Search,
    guard: Guard,
    changes: ChangeDetector,
    unsuited: Unsuited,
    /// Heard, but not worked on yet.
    pending: VecDeque<Window>,
    /// The end of the newest window, and what the input is like.
    heard: u64,
    context: [f32; EMBEDDING],
    findings: Vec<Finding>,
    records: VecDeque<Record>,
    taste: Taste,
    log: Vec<Event>,
    /// How much of the log was told.
    told: usize,
    settings: Settings,
    deployed: Deployed,
    progress: Progress,
    convergence: ConvergenceAnalyzer,
    /// Rounds of the search in all since the input was another one.
    rounds: u64,
    /// Windows since the input was another one.
    windows: u64,
    position: u64,
    paused: bool,
}

/// What is heard at present.
struct Deployed {
    point: Point,
    revision: u64,
    since: u64,
    /// What was promised, until it is measured.
    predicted: Option<Estimate>,
}

/// What the audio thread knows of a block beside its sound.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics {
    /// The time that processing took, as a share of the time there was.
    pub load: f32,
}

impl FeedbackLoop {
    /// # Errors
    /// When the engine's rate or number of channels isn't supported.
    pub fn new(config: LoopConfig) -> Result<FeedbackLoop, ConfigError> {
        let rate = config.engine.sample_rate;
        let shadow = Shadow::new(config.engine)?;
        let space = Space::new(config.base, &config.locked);
        let rng = Rng::seed_from_u64(config.seed);
        let first = Snapshot {
            revision: 1,
            sample: 0,
            settings: config.base,
            offsets: Offsets::default(),
            context: [0.0; _],
            evidence: Estimate { mean: 0.0, sigma: 0.0 },
            reason: "what was set".into(),
        };
        let preroll = (PREROLL * rate as f32) as usize;
        Ok(FeedbackLoop {
            hearing: Hearing::new(config.ears, rate, config.engine.channels, shadow.latency(), preroll),
            recent: Recent::new(rate, config.stretches),
            shadow,
            followers: Followers::new(config.engine)?,
            team: Team::new(&config),
            search: Search::new(space.origin().clone(), rng, config.openings, config.kept),
            guard: Guard::new(config.guard.clone(), first),
            changes: ChangeDetector::new(rate),
            unsuited: Unsuited::new(),
            pending: VecDeque::new(),
            heard: 0,
            context: [0.0; _],
            findings: Vec::new(),
            records: VecDeque::new(),
            taste: Taste::default(),
            log: Vec::new(),
            told: 0,
            settings: config.base,
            deployed: Deployed { point: space.origin().clone(), revision: 1, since: 0, predicted: None },
            progress: Progress::default(),
            convergence: ConvergenceAnalyzer::new(ConvergenceConfig {
                learning_rate: config.learning_rate.into(),
                ..ConvergenceConfig::default()
            }),
            rounds: 0,
            windows: 0,
            position: 0,
            paused: false,
            space,
            config,
        })
    }

    /// What should be heard.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Counts the sets of settings; the base is 1.
    pub fn revision(&self) -> u64 {
        self.deployed.revision
    }

    /// What is wrong with the input in the newest window, the worst first.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Where the tuner moves.
    pub fn space(&self) -> &Space {
        &self.space
    }

    /// Takes in a block of what went into the engine and what came out at the same moment, one slice a
    /// channel, full scale ±1. Blocks of any size; cheap but for the block that completes a window
    /// (every second; about 20 ms).
    pub fn collect_feedback(&mut self, input: &[&[f32]], output: &[&[f32]], metrics: &Metrics) {
        let pending = &mut self.pending;
        self.hearing.push(input, output, |window| pending.push_back(window));
        self.position += input.iter().map(|channel| channel.len()).min().unwrap_or(0) as u64;
        if self.paused {
            // What is heard is not its doing.
        } else if metrics.load > 1.0 {
            self.guard.fault(self.position, Fault::Deadline);
        } else if output.iter().flat_map(|channel| *channel).any(|sample| !sample.is_finite()) {
            self.guard.fault(self.position, Fault::NonFinite);
        }
    }

    /// So many samples of the stream were not heard: nothing is judged across the gap.
    pub fn gap(&mut self, samples: u64) {
        // No stream is longer than that: positions can't overflow.
        let samples = samples.min(1 << 48);
        self.hearing.gap(samples);
        self.position += samples;
        self.recent.skip(self.position);
    }

    /// Works on what was heard: watches, and where it is time, looks for better settings and deploys them.
    /// Returns what happened.
    pub fn advance(&mut self) -> Vec<Event> {
        if !self.paused && self.guard.should_rollback().is_some() {
            self.rollback();
        }
        while let Some(window) = self.pending.pop_front() {
            self.heard = window.end;
            self.context = window.audition.context.embedding();
            self.findings = window.audition.context.findings();
            let takes = self.follow(&window);
            let changed = self.observe(&window, &takes);
            self.windows = if changed { 1 } else { self.windows + 1 };
            if self.paused {
                continue;
            }
            self.watch(&window, &takes);
            self.recent.hear(&self.hearing, window.end);
            // The first windows, and those in which another input is noticed, are looked at one by one.
            let due = self.windows < EACH || (self.windows - EACH).is_multiple_of(self.config.interval.max(1).into());
            if due && window.end >= self.guard.rests_until() {
                if changed {
                    self.doubt(&window, &takes);
                }
                self.tune();
            }
        }
        let events = self.log[self.told..].to_vec();
        self.told = self.log.len();
        events
    }

    /// Whether what is heard should be taken back.
    pub fn should_rollback(&self) -> bool {
        self.guard.should_rollback().is_some()
    }

    /// Goes back to the older settings that suit the input best. Returns what was changed.
    pub fn rollback(&mut self) -> Vec<ParameterUpdate> {
        let reason = self.guard.should_rollback().map_or_else(|| "asked for".to_owned(), ToString::to_string);
        let Some(snapshot) = self.guard.rollback(self.position) else { return Vec::new() };
        let failed = self.deployed.revision;
        let point = self.space.point(&snapshot.settings);
        let updates = self.updates(&snapshot.settings, &reason, Estimate { mean: 0.0, sigma: 0.0 });
        self.set(snapshot.settings, point, None);
        self.search.go_to(self.deployed.point.clone());
        self.begin_anew();
        let to = snapshot.revision;
        self.tell(What::RolledBack { revision: failed, to, updates: updates.clone(), reason });
        updates
    }

    /// What was deployed so far, the oldest first, what is heard last.
    pub fn snapshots(&self) -> impl DoubleEndedIterator<Item = &Snapshot> {
        self.guard.snapshots()
    }

    /// Rounds of the search since it began, or began anew.
    pub fn rounds(&self) -> u64 {
        self.rounds
    }

    /// How far the small steps of the present search have come.
    pub fn convergence(&self) -> Convergence {
        self.convergence.analyze()
    }

    /// Each proposer's share of the candidates.
    pub fn shares(&self) -> Vec<(&'static str, f64)> {
        self.team.shares()
    }

    /// What was heard lately, window by window: an hour at most.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = &Record> {
        self.records.iter()
    }

    /// Everything that it did, and why.
    pub fn explain(&self) -> &[Event] {
        &self.log
    }

    /// What the last windows (one a second) say: trend, best settings, what matters, what went wrong.
    pub fn analyze_performance(&self, window: usize) -> Analysis {
        Analysis::of(self.records.iter().skip(self.records.len().saturating_sub(window)), &self.space)
    }

    /// What proved best here, to be remembered for the next time.
    pub fn winner(&self) -> Option<Winner> {
        let snapshot = self.guard.last_good()?;
        let gain = snapshot.evidence.mean;
        (snapshot.settings != self.config.base).then_some(Winner {
            context: snapshot.context,
            settings: snapshot.settings,
            gain,
        })
    }

    /// What is heard in a window of the present settings, what the guard compares with, and the base; nothing where there
    /// is too little speech to compare on.
    fn follow(&mut self, window: &Window) -> Vec<(Settings, Take)> {
        if self.paused || window.speech < LEAST_WATCHED {
            return Vec::new();
        }
        let rival = self.guard.rival(window.end, &self.context).map(|rival| rival.settings);
        let mut wanted = vec![self.settings];
        for other in rival.into_iter().chain([*self.space.base()]) {
            if !wanted.contains(&other) {
                wanted.push(other);
            }
        }
        let part = window.end - window.length..window.end;
        let sounds = self.followers.render(&self.hearing, &part, wanted);
        sounds.into_iter().map(|(settings, sound)| (settings, window.audition.hear(&sound))).collect()
    }

    /// Notes a window. Whether the input is another one.
    fn observe(&mut self, window: &Window, takes: &[(Settings, Take)]) -> bool {
        let context = self.context;
        let Window { end, speech, take, score, .. } = window;
        self.records.push_back(Record {
            sample: *end,
            revision: self.deployed.revision,
            settings: self.settings,
            context,
            speech: *speech,
            quality: take.quality,
            score: *score,
            veto: take.veto,
        });
        if self.records.len() > RECORDS {
            self.records.pop_front();
        }
        let impression = heard_of(takes, self.space.base()).map(|base| window.audition.impression(&base.features));
        let untouched = impression.and_then(|heard| Opening::untouched(&self.space, &heard));
        let change = self.changes.push(*end, &context, untouched).map(|change| change.what);
        let unsuited = self.is_unsuited(window, takes).then(|| NOT_SUITED.to_owned());
        let Some(change) = change.or(unsuited) else { return false };
        self.begin_anew();
        self.guard.input_changed(*end);
        self.recent.begin(end.saturating_sub((CHANGED * self.config.engine.sample_rate as f32) as u64));
        self.tell_at(*end, What::InputChanged { change });
        true
    }

    /// Whether what is heard no longer suits the input. As long as the openings are judged nothing is said against it,
    /// as it was found on this input.
    fn is_unsuited(&mut self, window: &Window, takes: &[(Settings, Take)]) -> bool {
        let Some(gain) = self.gain_of_base(window, takes) else { return false };
        let unsuited = self.unsuited.push(gain, self.config.style.doubt());
        unsuited && self.recent.age(window.end) as f32 >= FAMILIAR * self.config.engine.sample_rate as f32
    }

    /// By how much the base is better than what is heard on the newest window, goals included; if that is another one, and
    /// both were heard there.
    fn gain_of_base(&self, window: &Window, takes: &[(Settings, Take)]) -> Option<Estimate> {
        if self.settings == *self.space.base() {
            return None;
        }
        let [base, heard] = [heard_of(takes, self.space.base())?, heard_of(takes, &self.settings)?];
        let score = difference(&window.audition, base, heard);
        let wanted = |take: &Take| wanted(&self.taste, &self.config.goals, &take.quality);
        Some(Estimate { mean: score.mean + wanted(base) - wanted(heard), ..score })
    }

    /// Compares what is heard with what was heard before, on the newest window.
    fn watch(&mut self, window: &Window, takes: &[(Settings, Take)]) {
        let heard_for = |samples: u64| window.end.saturating_sub(samples) >= self.deployed.since;
        let since_before = heard_for(window.length);
        let newest = window.fault.filter(|_| heard_for(u64::from(self.config.engine.sample_rate)));
        if let Some(fault) = newest.or_else(|| fault(window).filter(|_| since_before)) {
            self.guard.fault(window.end, fault);
        } else if let Some(present) = heard_of(takes, &self.settings)
            && let Some(rival) =
                self.guard.rival(window.end, &self.context).and_then(|rival| heard_of(takes, &rival.settings))
        {
            let difference = difference(&window.audition, rival, present);
            if since_before && let Some(predicted) = self.deployed.predicted.take() {
                let effect = Estimate { mean: -difference.mean, ..difference };
                self.tell_at(window.end, What::Measured { revision: self.deployed.revision, predicted, effect });
            }
            self.guard.watch(window.end, difference);
        }
        if self.guard.should_rollback().is_some() {
            self.rollback();
        }
    }

    fn deploy(&mut self, point: Point, reason: String, predicted: Estimate) -> Vec<ParameterUpdate> {
        let settings = self.space.settings(&point);
        let updates = self.updates(&settings, &reason, predicted);
        self.set(settings, point, Some(predicted));
        self.guard.keep(Snapshot {
            revision: self.deployed.revision,
            sample: self.position,
            settings,
            offsets: Offsets::between(self.space.base(), &settings),
            context: self.context,
            evidence: predicted,
            reason: reason.clone(),
        });
        let revision = self.deployed.revision;
        self.tell(What::Deployed { revision, updates: updates.clone(), reason, predicted });
        updates
    }

    fn set(&mut self, settings: Settings, point: Point, predicted: Option<Estimate>) {
        self.unsuited = Unsuited::new();
        self.settings = settings;
        self.deployed = Deployed { point, revision: self.deployed.revision + 1, since: self.position, predicted };
    }

    fn updates(&self, settings: &Settings, reason: &str, predicted: Estimate) -> Vec<ParameterUpdate> {
        let changed = self.space.ids().iter().filter(|id| settings[**id] != self.settings[**id]);
        let update = |id: &crate::settings::Id| ParameterUpdate {
            id: id.spec().id.to_owned(),
            old: self.settings[*id],
            new: settings[*id],
            reason: reason.to_owned(),
            predicted,
        };
        changed.map(update).collect()
    }

    fn tell(&mut self, what: What) {
        self.tell_at(self.position, what);
    }

    fn tell_at(&mut self, sample: u64, what: What) {
        self.log.push(Event { sample, what });
        if self.log.len() > EVENTS {
            self.log.remove(0);
            self.told = self.told.saturating_sub(1);
        }
    }
}

/// From this window on the interval counts.
const EACH: u64 = 3;
/// When a change of the input is noticed, so much is surely of the new one, s; see [`Change`](crate::tuner::Change).
const CHANGED: f32 = 1.0;
/// What is said of an input that what is heard no longer suits.
const NOT_SUITED: &str = "what is heard no longer suits it";
/// Least speech in a window for the guard to compare on it, s.
const LEAST_WATCHED: f32 = 0.5;

/// What was heard of some settings.
fn heard_of<'a>(takes: &'a [(Settings, Take)], settings: &Settings) -> Option<&'a Take> {
    takes.iter().find(|(of, _)| of == settings).map(|(_, take)| take)
}

/// What must not be heard for another moment.
fn fault(window: &Window) -> Option<Fault> {
    match window.take.veto? {
        Veto::Broken => Some(Fault::NonFinite),
        Veto::Swallowed(_) => Some(Fault::Swallowed),
        Veto::Overload(_) | Veto::Clipped(_) => Some(Fault::Clipping),
        _ => None,
    }
}
