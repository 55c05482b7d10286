//! Where the loop runs: on its own threads beside the sound, or within an offline render.

use super::{Params, Shared};
use crate::bridge::{Load, OffsetsBus, OffsetsReader, OffsetsWriter, Tap, TapReceiver, TapSender};
use crate::engine::{ConfigError, EngineConfig};
use crate::settings::Settings;
use crate::tuner::{Command, Companion, LoopConfig, News, Order, SideThread, Style, Worker as _};
use nice_plug::util::permit_alloc;
use std::sync::{Arc, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Room in the tap, s: for what is played while the loop works on one round.
const ROOM: f32 = 4.0;
/// How often it is seen whether parameters moved and what the loop has to say.
const LOOK: Duration = Duration::from_millis(40);

/// How the loop takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Beside the sound, on threads of its own.
    Beside,
    /// Within the render: the same every time.
    Within,
    /// Not at all: what was learned before is heard.
    Frozen,
}

/// The audio thread's part of it.
pub(super) enum Learner {
    Beside { tap: TapSender, offsets: OffsetsReader, load: Load },
    Within(Box<Within>),
    Frozen,
}

/// The thread that looks after the loop while the plugin is active.
#[derive(Default)]
pub(super) struct Learning {
    keeper: Option<Keeper>,
}

struct Keeper {
    stop: mpsc::Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            // A panic is not ours to pass on: the host lives on.
            let _ = thread.join();
        }
    }
}

impl Learning {
    /// Begins for an engine of this sort; quickly, as the host waits: the loop is made on another thread.
    pub fn start(
        &mut self,
        way: Way,
        config: EngineConfig,
        params: &Arc<Params>,
        shared: &Arc<Shared>,
    ) -> Result<Learner, ConfigError> {
        self.stop();
        let before = self.keeper.take();
        match way {
            Way::Frozen => {
                drop(before);
                Ok(Learner::Frozen)
            }
            Way::Within => {
                // What it still had to say is part of what the render begins with.
                drop(before);
                Ok(Learner::Within(Box::new(Within::new(config, params, shared)?)))
            }
            Way::Beside => {
                let (tap, heard) = Tap::open(config.sample_rate, config.channels, ROOM);
                let (writer, offsets) = OffsetsBus::open();
                let load = Load::default();
                let (stop, stopped) = mpsc::channel();
                let (params, shared, measured) = (params.clone(), shared.clone(), load.clone());
                let body = move || {
                    // One after the other: the new loop begins where the old one ended.
                    drop(before);
                    let keeper = Keeping { params, shared, told: None, breaks: 0 };
                    keeper.run(config, heard, writer, measured, &stopped);
                };
                match Builder::new().name("attune-keeper".into()).spawn(body) {
                    Ok(thread) => self.keeper = Some(Keeper { stop, thread: Some(thread) }),
                    // The sound goes on without.
                    Err(_) => return Ok(Learner::Frozen),
                }
                Ok(Learner::Beside { tap, offsets, load })
            }
        }
    }

    /// Ends it. Does not wait for the thread: only who drops it does, as the host may unload the code then.
    pub fn stop(&self) {
        if let Some(keeper) = &self.keeper {
            let _ = keeper.stop.send(());
        }
    }
}

/// What the loop was told last of the parameters.
#[derive(Clone, Copy, PartialEq)]
struct Told {
    base: Settings,
    amount: f32,
    style: Style,
    hold: bool,
    listening: bool,
}

impl Told {
    fn of(params: &Params) -> Told {
        Told {
            base: params.base(),
            amount: params.amount.value(),
            style: params.style(),
            hold: params.hold.value(),
            listening: params.adapt.value() && !params.bypass.value() && !params.delta.value(),
        }
    }

    /// The loop as these parameters want it.
    fn config(&self, engine: EngineConfig, shared: &Shared) -> LoopConfig {
        let locked = shared.locked().collect();
        LoopConfig { base: self.base, style: self.style, locked, ..LoopConfig::new(engine) }
    }

    /// What is to be told, where this differs from what was told before.
    fn orders(&self, before: &Told) -> Vec<Command<Order>> {
        let mut orders = Vec::new();
        let mut order = |changed: bool, order: Order| {
            if changed {
                orders.push(Command::Message(order));
            }
        };
        order(self.base != before.base, Order::Base(self.base));
        order(self.amount != before.amount, Order::Amount(self.amount));
        order(self.style != before.style, Order::Style(self.style));
        order(self.hold != before.hold, Order::Hold(self.hold));
        match (before.listening, self.listening) {
            (true, false) => orders.push(Command::Pause),
            (false, true) => orders.extend([Command::Reset, Command::Resume]),
            _ => {}
        }
        orders
    }
}

/// The thread that makes the loop, tells it what people and hosts change, and hears what it has to say.
struct Keeping {
    params: Arc<Params>,
    shared: Arc<Shared>,
    told: Option<Told>,
    breaks: u32,
}

impl Keeping {
    fn run(
        mut self,
        engine: EngineConfig,
        tap: TapReceiver,
        writer: OffsetsWriter,
        load: Load,
        stopped: &mpsc::Receiver<()>,
    ) {
        let first = Told { amount: 1.0, hold: false, listening: true, ..Told::of(&self.params) };
        self.breaks = self.shared.breaks();
        let companion = Companion::new(first.config(engine, &self.shared), writer, load);
        let side = companion.map_err(|error| error.to_string()).and_then(|companion| {
            SideThread::spawn(tap, companion, SideThread::<Companion>::BUDGET).map_err(|error| error.to_string())
        });
        match side {
            Ok(side) => self.shared.run(side),
            Err(error) => return self.shared.say(format!("learning does not work: {error}")),
        }
        self.told = Some(first);
        while let Err(mpsc::RecvTimeoutError::Timeout) = stopped.recv_timeout(LOOK) {
            self.look();
        }
        self.shared.end();
    }

    fn look(&mut self) {
        let now = Told::of(&self.params);
        if let Some(before) = self.told.replace(now) {
            now.orders(&before).into_iter().for_each(|order| self.shared.command(order));
        }
        let breaks = self.shared.breaks();
        if breaks != self.breaks {
            self.breaks = breaks;
            self.shared.command(Command::Reset);
        }
        self.shared.listen();
    }
}

/// The loop on the audio thread of an offline render, where time doesn't press.
pub(super) struct Within {
    companion: Companion,
    tap: TapSender,
    heard: TapReceiver,
    pub offsets: OffsetsReader,
    told: Told,
    news: Vec<News>,
}

impl Within {
    /// With what is known now: it begins the same way every time.
    pub fn new(engine: EngineConfig, params: &Params, shared: &Shared) -> Result<Within, ConfigError> {
        let (tap, heard) = Tap::open(engine.sample_rate, engine.channels, ROOM);
        let (writer, offsets) = OffsetsBus::open();
        let told = Told::of(params);
        let mut companion = Companion::new(told.config(engine, shared), writer, Load::default())?;
        let mut news = Vec::new();
        for order in shared.briefing() {
            companion.control(order, &mut news);
        }
        companion.control(Order::Hold(told.hold), &mut news);
        Ok(Within { companion, tap, heard, offsets, told, news })
    }

    /// Hears a block.
    pub fn hear(&mut self, input: &[&[f32]], output: &[&[f32]], revision: u64) {
        permit_alloc(|| {
            self.tap.send(input, output, revision);
            while let Some(block) = self.heard.receive() {
                self.companion.hear(block);
            }
        });
    }

    /// Works as long as there is something to do.
    pub fn work(&mut self, params: &Params) {
        permit_alloc(|| {
            let now = Told::of(params);
            for order in now.orders(&self.told) {
                if let Command::Message(order) = order {
                    self.companion.control(order, &mut self.news);
                }
            }
            self.told = now;
            while self.companion.work(Duration::MAX, &mut self.news) {}
            self.news.clear();
        });
    }

    /// What follows has nothing to do with what was heard so far.
    pub fn break_off(&mut self) {
        permit_alloc(|| self.companion.reset());
    }
}
