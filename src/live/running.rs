use super::devices::{self, Chosen, Side};
use super::session::{Keeper, Options, TICK, default_name};
use super::streams::{open_input, open_output};
use super::view::{Action, Scene, View};
use super::{Controls, Core, Faults, IntakeConfig, LiveError, Parts, Recorder, Rescue, Status, intake};
use crate::bridge::{Load, OffsetsBus, OffsetsWriter, ParamBus, SettingsWriter, Tap, TapReceiver};
use crate::engine::{EngineConfig, MAX_CHANNELS};
use crate::settings::Offsets;
use crate::tuner::{Command, Companion, LoopConfig, Memory, News, Order, Report, SideThread};
use cpal::{BufferSize, Stream};
use crossbeam_channel::{Receiver, bounded};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Both streams, and all that belongs to them.
pub struct Running {
    streams: Option<[Stream; 2]>,
    status: Arc<Status>,
    base: SettingsWriter,
    side: SideThread<Companion>,
    recorder: Option<Recorder>,
    errors: Receiver<String>,
    began: Instant,
    /// What went wrong before, in other connections.
    earlier: Faults,
    earlier_seconds: f64,
}

/// Why it ended.
pub enum End {
    /// Somebody wanted it.
    Asked,
    /// Something was set that needs another engine.
    Again,
    /// Something broke.
    Failed(String),
}

/// A stream that does nothing for so long is dead; or for so long after it complained. Many complaints pass: ALSA's
/// plugin for PulseAudio complains of every underrun.
const DEAD: Duration = Duration::from_secs(3);
const COMPLAINED: Duration = Duration::from_millis(700);
/// How often the defaults are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// Fading out takes less; a dead stream doesn't.
const FAREWELL: Duration = Duration::from_millis(500);
/// Room in the tap for what is played while the loop is busy, s.
const ROOM: f32 = 4.0;

impl Running {
    /// Opens the devices and starts.
    pub fn open(
        options: &Options,
        memory: Option<&Memory>,
        scene: &mut Scene,
        view: &mut dyn View,
    ) -> Result<Running, LiveError> {
        let controls = &scene.controls;
        let host = devices::host(options.host.as_deref())?;
        let output = devices::choose(&host, Side::Output, options.output.as_deref(), options.rate, options.buffer)?;
        let rate = output.config.sample_rate;
        let input = devices::choose(&host, Side::Input, options.input.as_deref(), Some(rate), options.buffer)?;
        let channels = usize::from(input.config.channels.min(output.config.channels)).clamp(1, MAX_CHANNELS);
        let engine = EngineConfig { sample_rate: rate, channels, latency: controls.latency };
        let distance = period(&input) + period(&output) + options.reserve;
        let bridge = IntakeConfig { from: input.config.sample_rate, to: rate, channels, distance };
        let unusable =
            || LiveError::Stream { device: input.name.clone(), problem: "no such rate can be converted".into() };
        let (inlet, intake) = intake(bridge).ok_or_else(unusable)?;
        let mut rescue = Rescue::new(engine)?;
        rescue.engine().set(&controls.base);
        rescue.engine().reset();
        let (setter, base) = ParamBus::open(&controls.base);
        let (writer, offsets) = OffsetsBus::open();
        let (tap, heard) = Tap::open(rate, channels, ROOM);
        let (recorder, recorded) = match &options.record {
            Some(folder) => {
                let (recorder, sender) = Recorder::start(folder, rate, channels)?;
                (Some(recorder), Some(sender))
            }
            None => (None, None),
        };
        let (status, load) = (Arc::new(Status::default()), Load::default());
        tell(&status, controls);
        let side = companion(options, controls, engine, (heard, writer, load.clone()))?;
        let resume = [
            memory.map(|memory| Order::Remember(Box::new(memory.clone()))),
            (!scene.offsets.is_zero())
                .then(|| Order::Install { offsets: scene.offsets, reason: "heard before".into() }),
        ];
        let orders = resume.into_iter().flatten().chain(controls.orders(None));
        orders.for_each(|order| _ = side.send(Command::Message(order)));
        let taps = [Some(tap), recorded].into_iter().flatten().collect();
        let core =
            Core::new(Parts { intake, rescue, base, offsets, taps, probe: view.probe(), status: status.clone(), load });
        let (sender, errors) = bounded(16);
        let began = Instant::now();
        // The output asks for nothing that isn't there: it waits in silence.
        let playing = open_output(&output, core, status.clone(), began, sender.clone())?;
        let hearing = open_input(&input, inlet, status.clone(), began, sender)?;
        scene.devices = format!("{} ▸ {}", shown(&input), shown(&output));
        scene.problem = None;
        let (earlier, earlier_seconds) = (scene.reading.faults, scene.seconds);
        let streams = Some([hearing, playing]);
        Ok(Running { streams, status, base: setter, side, recorder, errors, began, earlier, earlier_seconds })
    }

    /// Shows what happens until it ends, and keeps what is learned.
    pub fn watch(
        mut self,
        options: &Options,
        memory: &mut Option<Memory>,
        scene: &mut Scene,
        stop: &AtomicBool,
        view: &mut dyn View,
    ) -> End {
        let sides = [Side::Input, Side::Output];
        let defaults = sides.map(|side| default_name(options, side));
        let (mut looked, mut keeper) = (Instant::now(), Keeper::new());
        let (mut counts, mut alive, mut complaint) = ([0; 2], Instant::now(), None);
        let end = loop {
            std::thread::sleep(TICK);
            self.news(memory, &mut keeper, scene, view);
            self.measure(scene);
            let before = scene.controls.clone();
            let asked = view.show(scene).into_iter().any(|action| !self.act(action, scene, memory.as_ref()));
            if scene.controls.base != before.base {
                keeper.note();
            }
            keeper.keep(options.profile.as_ref(), &scene.controls.base, memory.as_ref(), view);
            if asked || stop.load(Relaxed) {
                break End::Asked;
            }
            if scene.controls.latency != before.latency {
                break End::Again;
            }
            complaint = self.errors.try_iter().last().or(complaint);
            let now = [self.status.heard.load(Relaxed), self.status.played.load(Relaxed)];
            if now[0] != counts[0] && now[1] != counts[1] {
                (counts, alive) = (now, Instant::now());
                complaint = None;
            } else if alive.elapsed() > if complaint.is_some() { COMPLAINED } else { DEAD } {
                let dead = if now[0] == counts[0] { "input" } else { "output" };
                break End::Failed(complaint.unwrap_or_else(|| format!("the {dead} has stopped")));
            }
            if looked.elapsed() > LOOK {
                looked = Instant::now();
                if sides.map(|side| default_name(options, side)) != defaults {
                    break End::Failed("the default device is another one now".into());
                }
            }
        };
        self.close();
        // What was learned until now.
        self.side.send(Command::Message(Order::Memory));
        let until = Instant::now() + FAREWELL;
        while Instant::now() < until && !self.news(memory, &mut keeper, scene, view) {
            std::thread::sleep(TICK / 5);
        }
        self.measure(scene);
        if let Some(Err(why)) = self.recorder.take().map(Recorder::finish) {
            view.say(&format!("the recording failed: {why}"));
        }
        end
    }

    /// Fades out and lets go of the devices.
    fn close(&mut self) {
        self.status.close();
        let until = Instant::now() + FAREWELL;
        while !self.status.is_closed() && Instant::now() < until {
            std::thread::sleep(TICK / 10);
        }
        // What was faded out is still on its way to the loudspeaker.
        std::thread::sleep(TICK);
        // A driver whose server is gone may never come back from this.
        let (done, wait) = bounded::<()>(0);
        let streams = self.streams.take();
        std::thread::spawn(move || {
            drop(streams);
            drop(done);
        });
        let _ = wait.recv_timeout(DEAD);
    }

    fn measure(&self, scene: &mut Scene) {
        scene.reading = self.status.read();
        let Faults { xruns, underruns, skips, overruns, late } = self.earlier;
        let faults = &mut scene.reading.faults;
        faults.xruns += xruns;
        faults.underruns += underruns;
        faults.skips += skips;
        faults.overruns += overruns;
        faults.late += late;
        scene.seconds = self.earlier_seconds + self.began.elapsed().as_secs_f64();
        scene.side_load = self.side.load();
    }

    /// Takes in what the loop tells; whether that was its memory.
    fn news(
        &mut self,
        memory: &mut Option<Memory>,
        keeper: &mut Keeper,
        scene: &mut Scene,
        view: &mut dyn View,
    ) -> bool {
        let mut stored = false;
        for report in self.side.reports().try_iter() {
            if let Report::Event(news) = &report {
                view.hear(news);
            }
            match report {
                Report::Event(News::Event { seconds, event }) => {
                    scene.explanation = event.what.to_string();
                    view.say(&format!("{:.0} s: {}", self.earlier_seconds + seconds, event.what));
                }
                Report::Event(News::Window { record, .. }) => {
                    scene.quality = (record.score.sigma.is_finite() && record.speech > 0.3).then_some(record.score);
                }
                Report::Event(News::Memory(learned)) => {
                    *memory = Some(*learned);
                    keeper.note();
                    stored = true;
                }
                Report::Event(News::Refused(why)) => view.say(&why),
                Report::Event(News::Offsets(offsets)) => scene.offsets = offsets,
                Report::Event(News::Committed(base)) => {
                    scene.controls.base = base;
                    scene.offsets = Offsets::default();
                    self.base.publish(&base);
                }
                Report::Panicked(why) => view.say(&format!("adapting has ended by a fault of the program: {why}")),
            }
        }
        stored
    }

    /// Does what somebody wants; false: quits.
    fn act(&mut self, action: Action, scene: &mut Scene, memory: Option<&Memory>) -> bool {
        let mut controls = scene.controls.clone();
        let order = match action {
            Action::Quit => return false,
            Action::Monitor(monitor) => {
                controls.monitor = monitor;
                None
            }
            Action::Mute => {
                controls.muted = !controls.muted;
                None
            }
            Action::Set(wanted) => {
                controls = *wanted;
                None
            }
            Action::Feedback(feedback) => Some(Order::Feedback(feedback)),
            Action::RollBack => Some(Order::RollBack),
            Action::Commit => Some(Order::Commit),
            Action::Install(offsets, reason) => Some(Order::Install { offsets: *offsets, reason: reason.into() }),
            Action::Restore(revision) => Some(Order::Restore(revision)),
            Action::Undo => {
                let before = memory.and_then(|memory| memory.snapshots.iter().rev().nth(1));
                before.map(|before| Order::Restore(before.revision))
            }
        };
        if controls != scene.controls {
            tell(&self.status, &controls);
            self.base.publish(&controls.base);
            let orders = controls.orders(Some(&scene.controls));
            orders.for_each(|order| _ = self.side.send(Command::Message(order)));
            scene.controls = controls;
        }
        order.into_iter().for_each(|order| _ = self.side.send(Command::Message(order)));
        true
    }
}

/// What the audio thread has to know of them.
fn tell(status: &Status, controls: &Controls) {
    status.mute(controls.muted);
    status.set_monitor(controls.monitor);
    status.set_amount(controls.heard());
}

/// The loop beside the engine; without `--adapt` it only listens.
fn companion(
    options: &Options,
    controls: &Controls,
    engine: EngineConfig,
    (tap, writer, load): (TapReceiver, OffsetsWriter, Load),
) -> Result<SideThread<Companion>, LiveError> {
    let goals = options.adapt.as_ref().map(|adapt| adapt.goals.clone()).unwrap_or_default();
    let config = LoopConfig { base: controls.base, goals, ..LoopConfig::new(engine) };
    let companion = Companion::new(config, writer, load)?;
    SideThread::spawn(tap, companion, SideThread::<Companion>::BUDGET).map_err(LiveError::Thread)
}

/// What a device brings or takes at a time, s.
fn period(chosen: &Chosen) -> f64 {
    let BufferSize::Fixed(frames) = chosen.config.buffer_size else { return 0.02 };
    f64::from(frames) / f64::from(chosen.config.sample_rate.max(1))
}

fn shown(chosen: &Chosen) -> String {
    let cpal::StreamConfig { channels, sample_rate, .. } = chosen.config;
    format!("{} ({sample_rate} Hz, {channels} ch, {:.1} ms)", chosen.name, 1000.0 * period(chosen))
}
