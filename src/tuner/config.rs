use super::guard::GuardConfig;
use super::proposers::Winner;
use super::{Goals, Strategy, Style};
use crate::engine::EngineConfig;
use crate::quality::Ears;
use crate::settings::{Id, Settings};

/// How a [`FeedbackLoop`](super::FeedbackLoop) works.
#[derive(Clone, Debug)]
pub struct LoopConfig {
    /// The engine that is heard.
    pub engine: EngineConfig,
    /// Who listens.
    pub ears: &'static Ears,
    /// What the user or the host set: where the loop begins, and what it can always go back to.
    pub base: Settings,
    /// Settings that are left alone.
    pub locked: Vec<Id>,
    /// The same seed and input give the same result, bit for bit.
    pub seed: u64,
    /// The first step of the gradient, in travels of a control.
    pub learning_rate: f32,
    /// How bold it is.
    pub style: Style,
    /// What is wanted besides the score.
    pub goals: Goals,
    /// What proved best for other recordings, to be tried where the input is alike.
    pub winners: Vec<Winner>,
    /// Candidates judged in one round. Each costs the render of a stretch of 7.5 s, and of all of them if it does well.
    pub slots: usize,
    /// The same as long as not all strategies were tried: as many as there are strategies, where there is time.
    pub sweep: usize,
    /// The most promising [`openings`](super::openings) that are judged in every round of the first 9 s.
    pub openings: usize,
    /// The next best candidates that are judged again in every round, on what was heard since.
    pub kept: usize,
    /// Seconds of audio from one round to the next; full seconds, at least 1. The first come after 1, 2 and 3 s; when the
    /// input is noticed to be another one, at once, and one and two seconds later.
    pub interval: u32,
    /// Rounds at a time, at most.
    pub rounds: u64,
    /// Stretches of 6 s on which a candidate is judged, the newest ones.
    pub stretches: usize,
    /// Judges on whole stretches only, once there is one: what was heard on them need not be rendered again.
    pub steady: bool,
    /// Least speech in them for a round, s.
    pub least_speech: f32,
    /// Limits and times of the guard.
    pub guard: GuardConfig,
}

impl LoopConfig {
    /// The usual way for an engine, as fast as a live stream allows: about 15 % of a core.
    pub fn new(engine: EngineConfig) -> LoopConfig {
        LoopConfig {
            engine,
            ears: Ears::built_in(),
            base: Settings::default(),
            locked: Vec::new(),
            seed: 1,
            learning_rate: 0.01,
            style: Style::Balanced,
            goals: Goals::default(),
            winners: Vec::new(),
            slots: 2,
            sweep: 2,
            openings: 1,
            kept: 1,
            interval: 2,
            rounds: 1,
            stretches: 2,
            steady: true,
            least_speech: 0.5,
            guard: GuardConfig::new(engine.sample_rate),
        }
    }

    /// The same where nothing has to be in time: more candidates, judged on more audio.
    pub fn offline(engine: EngineConfig) -> LoopConfig {
        LoopConfig {
            openings: 4,
            kept: 8,
            slots: 16,
            sweep: Strategy::built_in().len(),
            interval: 3,
            rounds: u64::MAX,
            stretches: 5,
            steady: false,
            ..LoopConfig::new(engine)
        }
    }
}
