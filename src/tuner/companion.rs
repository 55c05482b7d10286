//! Joins the loop to sound that goes on: for the plugin and the live program.

use super::analysis::Record;
use super::event::Event;
use super::feedback::Feedback;
use super::feedback_loop::{FeedbackLoop, Memory, Metrics};
use super::{Goals, LoopConfig, Style, Worker};
use crate::bridge::{Load, OffsetsWriter, TapBlock};
use crate::engine::ConfigError;
use crate::quality::Finding;
use crate::settings::{Id, Offsets, Settings};
use std::time::Duration;

/// What a [`Companion`] can be told.
#[derive(Clone, Debug)]
pub enum Order {
    /// The user or the host moved the base. What was learned stays on top of it.
    Base(Settings),
    /// These are left alone from now on, all others not.
    Locked(Vec<Id>),
    /// How bold it is.
    Style(Style),
    /// What is wanted besides a good score.
    Goals(Goals),
    /// How much of what was learned is heard, 0 to 1. The audio thread applies it; only [`Order::Commit`] needs it.
    Amount(f32),
    /// Listens, but changes nothing by itself; or does so again.
    Hold(bool),
    /// A person's judgement.
    Feedback(Feedback),
    /// Takes back what is heard.
    RollBack,
    /// Deploys a snapshot again, by its revision.
    Restore(u64),
    /// Deploys offsets that come from elsewhere (a person's undo, a stored project), unless they are heard already.
    Install {
        /// On top of the base.
        offsets: Offsets,
        /// Why, in plain words.
        reason: String,
    },
    /// What is heard becomes the base: answered by [`News::Committed`].
    Commit,
    /// Goes on where an earlier loop was. If it is refused: [`News::Refused`].
    Remember(Box<Memory>),
    /// Asks for [`News::Memory`].
    Memory,
}

/// What a [`Companion`] tells. Times are seconds of the stream.
#[derive(Clone, Debug)]
pub enum News {
    /// The loop did something.
    Event {
        /// When.
        seconds: f64,
        /// What, and why.
        event: Event,
    },
    /// How a window of 3 s was heard.
    Window {
        /// Its end.
        seconds: f64,
        /// Its score, what was done to it, what the input was like, how much speech there was.
        record: Box<Record>,
        /// What is wrong with the input, the worst first.
        findings: Vec<Finding>,
        /// The load of the audio thread.
        load: f32,
    },
    /// These offsets were handed to the audio thread.
    Offsets(Offsets),
    /// The base that the user or the host must have from now on; the offsets are zero already.
    Committed(Settings),
    /// All that was learned so far: comes with each change of it, to be stored.
    Memory(Box<Memory>),
    /// Why something could not be done, in plain words.
    Refused(String),
}

/// A loop beside an engine that goes on: hears its [`Tap`](crate::bridge::Tap), and hands what should be
/// heard to the audio thread as [`Offsets`], by an [`OffsetsBus`](crate::bridge::OffsetsBus).
///
/// The audio thread hears `offsets.apply(&base, amount)`, and puts the offsets' revision into the tap, which must not be
/// [aligned](crate::bridge::TapReceiver::aligned). It runs on a [`SideThread`](super::SideThread).
///
/// What it costs: a second of audio about 20 ms when its window is complete; a call of [`Worker::work`] at most one round
/// of the search, which renders some 10 candidates on 6 s of audio: about 0.3 s of CPU time on a common machine. The tap
/// should have room for what is played meanwhile within the budget: 4 s suffice at 15 %.
///
/// ```
/// use attune::bridge::{Load, OffsetsBus, Tap};
/// use attune::engine::{EngineConfig, Latency};
/// use attune::settings::{Id, Settings};
/// use attune::tuner::{Command, Companion, LoopConfig, Order, SideThread};
///
/// let engine = EngineConfig { sample_rate: 48_000, channels: 1, latency: Latency::Live };
/// let (writer, mut reader) = OffsetsBus::open();      // the reader is for the audio thread
/// let (mut sender, receiver) = Tap::open(48_000, 1, 4.0);
/// let load = Load::default();                         // a clone is for the audio thread
/// let companion = Companion::new(LoopConfig::new(engine), writer, load.clone())?;
/// let side = SideThread::spawn(receiver, companion, SideThread::<Companion>::BUDGET)?;
/// side.send(Command::Message(Order::Base(Settings::default().with(Id::Reduction, 12.0))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Companion {
    feedback: FeedbackLoop,
    rate: f64,
    writer: OffsetsWriter,
    /// What the audio thread was given last, and whether it is yet to be heard of in the tap.
    published: Offsets,
    awaited: bool,
    load: Load,
    amount: f32,
    /// The end of the last window that was told.
    told: u64,
    /// What was last told of the memory: revision, and how many snapshots proved good.
    stored: (u64, usize),
}

impl Companion {
    /// With a loop of this sort, most often [`LoopConfig::new`] with the base of the user.
    ///
    /// # Errors
    /// When the engine's rate or number of channels isn't supported.
    pub fn new(config: LoopConfig, writer: OffsetsWriter, load: Load) -> Result<Companion, ConfigError> {
        let rate = f64::from(config.engine.sample_rate);
        let feedback = FeedbackLoop::new(config)?;
        let stored = (feedback.revision(), feedback.good());
        Ok(Companion {
            feedback,
            rate,
            writer,
            published: Offsets::default(),
            awaited: false,
            load,
            amount: 1.0,
            told: 0,
            stored,
        })
    }

    /// The loop, to be looked at.
    pub fn feedback_loop(&self) -> &FeedbackLoop {
        &self.feedback
    }

    /// Tells what is new; all that was learned if that is asked for or changed.
    fn tell(&mut self, happened: Vec<Event>, memory: bool, news: &mut Vec<News>) {
        let seconds = |sample: u64| sample as f64 / self.rate;
        if let Some(record) = self.feedback.records().next_back().filter(|record| record.sample > self.told) {
            self.told = record.sample;
            let seconds = seconds(record.sample);
            let (record, findings) = (Box::new(record.clone()), self.feedback.findings().to_vec());
            news.push(News::Window { seconds, record, findings, load: self.load.get() });
        }
        news.extend(happened.into_iter().map(|event| News::Event { seconds: seconds(event.sample), event }));
        let offsets = self.feedback.offsets();
        if offsets != self.published {
            self.writer.publish(&offsets);
            self.published = offsets;
            self.awaited = true;
            news.push(News::Offsets(offsets));
        }
        let stored = (self.feedback.revision(), self.feedback.good());
        if memory || stored != self.stored {
            self.stored = stored;
            news.push(News::Memory(Box::new(self.feedback.memory())));
        }
    }
}

impl Worker for Companion {
    type Message = Order;
    type Event = News;

    fn hear(&mut self, block: &TapBlock) {
        if block.lost > 0 {
            self.feedback.gap(block.lost);
        }
        if self.awaited && block.revision >= self.writer.revision() {
            self.feedback.applied();
            self.awaited = false;
        }
        let [input, output] =
            [&block.input, &block.output].map(|side| side.iter().map(Vec::as_slice).collect::<Vec<_>>());
        self.feedback.collect_feedback(&input, &output, &Metrics { load: self.load.get() });
    }

    fn work(&mut self, _allowance: Duration, news: &mut Vec<News>) -> bool {
        let (happened, more) = self.feedback.step();
        self.tell(happened, false, news);
        more
    }

    fn control(&mut self, order: Order, news: &mut Vec<News>) {
        let feedback = &mut self.feedback;
        let mut memory = false;
        match order {
            Order::Base(base) => {
                if base != *feedback.space().base() {
                    feedback.set_base(&base);
                }
            }
            Order::Locked(locked) => feedback.set_locked(&locked),
            Order::Style(style) => feedback.set_style(style),
            Order::Goals(goals) => feedback.set_goals(goals),
            Order::Amount(amount) => self.amount = amount,
            Order::Hold(true) => feedback.pause(),
            Order::Hold(false) => feedback.resume(),
            Order::Feedback(judgement) => {
                feedback.record(judgement);
                memory = true;
            }
            Order::RollBack => {
                if feedback.rollback().is_empty() {
                    news.push(News::Refused("there is nothing older to go back to".into()));
                }
            }
            Order::Restore(revision) => {
                if !feedback.snapshots().any(|snapshot| snapshot.revision == revision) {
                    news.push(News::Refused(format!("settings {revision} are not kept any more")));
                }
                feedback.restore(revision);
            }
            Order::Install { offsets, reason } => {
                if offsets.without(feedback.locked().iter().copied()) != feedback.offsets() {
                    feedback.choose(&offsets.apply(feedback.space().base(), 1.0), &reason);
                }
            }
            Order::Commit => {
                news.push(News::Committed(feedback.commit(self.amount)));
                memory = true;
            }
            Order::Remember(earlier) => match feedback.remember(*earlier) {
                Ok(()) => memory = true,
                Err(error) => news.push(News::Refused(error.to_string())),
            },
            Order::Memory => memory = true,
        }
        let happened = self.feedback.news();
        self.tell(happened, memory, news);
    }

    fn reset(&mut self) {
        self.feedback.break_off();
    }
}
