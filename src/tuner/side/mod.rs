//! Where the loop runs while the sound goes on: a thread of low priority that keeps a CPU budget.

mod pacer;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded, unbounded};
use thread_priority::ThreadPriority;

use crate::bridge::{TapBlock, TapReceiver};
use pacer::{Pacer, Stopwatch};

/// How often the thread looks at the tap. The audio thread can't wake it: that would be a system call.
const POLL: Duration = Duration::from_millis(25);
/// So many reports wait to be read; beyond that the oldest are forgotten.
const REPORTS: usize = 1024;

/// What listens on a [`SideThread`].
///
/// Pacing decides only how much it may do at a time. What it finds must follow from what it hears and
/// is told, in order; its clock is the position of the audio. Then a worker without a thread, given
/// the same audio, finds the same.
pub trait Worker: Send + 'static {
    /// What it can be told.
    type Message: Send + 'static;
    /// What it tells.
    type Event: Send + 'static;

    /// Hears the next stretch of audio: quickly, as the tap runs over meanwhile.
    fn hear(&mut self, block: &TapBlock);

    /// Does some of the work that is due, which should take about this much CPU time or less. More is
    /// no error: it is made up for by a longer sleep.
    ///
    /// Whether there is more to do: then it's called again as soon as the budget allows, otherwise at
    /// the next look at the tap.
    fn work(&mut self, allowance: Duration, events: &mut Vec<Self::Event>) -> bool;

    /// Is told something.
    fn control(&mut self, message: Self::Message, events: &mut Vec<Self::Event>);

    /// Forgets the audio that it heard: what follows has nothing to do with it.
    fn reset(&mut self);
}

/// An order to a [`SideThread`].
#[derive(Clone, Debug, PartialEq)]
pub enum Command<M> {
    /// Hears and does nothing until [`Command::Resume`]. Messages still come through.
    Pause,
    /// Listens again; what was played meanwhile is lost.
    Resume,
    /// Throws away what waits in the tap, and [resets](Worker::reset) the worker.
    Reset,
    /// Ends the thread.
    Stop,
    /// For the worker.
    Message(M),
}

/// News from a [`SideThread`].
#[derive(Clone, Debug, PartialEq)]
pub enum Report<E> {
    /// From the worker.
    Event(E),
    /// The worker panicked with this message; the thread has ended, the sound goes on.
    Panicked(String),
}

/// A thread of low priority on which a [`Worker`] listens to a [`Tap`](crate::bridge::Tap) and works,
/// within a CPU budget that is measured and kept: within any `t` seconds it takes at most
/// `budget * (t + 1)` seconds of CPU time and one call of the worker.
///
/// This is the only place where the wall clock enters the loop. Dropping it ends the thread and waits
/// for that, as long as one call of the worker takes: never on the audio thread.
pub struct SideThread<W: Worker> {
    commands: Sender<Command<W::Message>>,
    reports: Receiver<Report<W::Event>>,
    load: Arc<AtomicU32>,
    thread: Option<JoinHandle<()>>,
}

impl<W: Worker> SideThread<W> {
    /// The usual budget: 15 % of a core.
    pub const BUDGET: f32 = 0.15;

    /// Starts the thread, with a budget as a share of a core (brought into 0.01 to 1).
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn spawn(tap: TapReceiver, mut worker: W, budget: f32) -> std::io::Result<SideThread<W>> {
        let (commands, inbox) = unbounded();
        let (sender, reports) = bounded(REPORTS);
        let outbox = Outbox { sender, oldest: reports.clone() };
        let load = Arc::new(AtomicU32::new(0));
        let measured = load.clone();
        let body = move || {
            // Sharing the processor on equal terms is worse, but no error.
            let _ = ThreadPriority::Min.set_for_current();
            let mut side = Side {
                worker: &mut worker,
                tap,
                events: Vec::new(),
                outbox: &outbox,
                pacer: Pacer::new(budget),
                looked: Instant::now(),
                paused: false,
                load: measured,
            };
            let end = catch_unwind(AssertUnwindSafe(|| side.run(&inbox)));
            // Whoever reads of the end finds that nobody takes orders any more.
            drop(inbox);
            for panic in [end, catch_unwind(AssertUnwindSafe(|| drop(worker)))].into_iter().filter_map(Result::err) {
                outbox.send(Report::Panicked(message(&*panic)));
            }
        };
        let thread = Builder::new().name("attune-side".into()).spawn(body)?;
        Ok(SideThread { commands, reports, load, thread: Some(thread) })
    }

    /// Gives an order; false if the thread has ended.
    pub fn send(&self, command: Command<W::Message>) -> bool {
        self.commands.send(command).is_ok()
    }

    /// What is reported; it closes when the thread ends. If nobody reads, the oldest are forgotten.
    pub fn reports(&self) -> &Receiver<Report<W::Event>> {
        &self.reports
    }

    /// The share of a core that was taken over the last 10 s.
    pub fn load(&self) -> f32 {
        f32::from_bits(self.load.load(Relaxed))
    }
}

impl<W: Worker> Drop for SideThread<W> {
    fn drop(&mut self) {
        self.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            // All panics were caught.
            let _ = thread.join();
        }
    }
}

/// The words of a panic.
fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".into())
}

struct Outbox<E> {
    sender: Sender<Report<E>>,
    oldest: Receiver<Report<E>>,
}

impl<E> Outbox<E> {
    fn send(&self, mut report: Report<E>) {
        while let Err(TrySendError::Full(back)) = self.sender.try_send(report) {
            let _ = self.oldest.try_recv();
            report = back;
        }
    }
}

/// What the thread owns.
struct Side<'a, W: Worker> {
    worker: &'a mut W,
    tap: TapReceiver,
    events: Vec<W::Event>,
    outbox: &'a Outbox<W::Event>,
    pacer: Pacer,
    /// When the last step ended.
    looked: Instant,
    paused: bool,
    load: Arc<AtomicU32>,
}

impl<W: Worker> Side<'_, W> {
    fn run(&mut self, inbox: &Receiver<Command<W::Message>>) {
        let mut wait = Duration::ZERO;
        loop {
            let order = inbox.recv_timeout(wait);
            let watch = Stopwatch::start();
            let more = match order {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Command::Pause) => {
                    self.paused = true;
                    true
                }
                Ok(Command::Resume) => {
                    self.tap.skip();
                    self.paused = false;
                    true
                }
                Ok(Command::Reset) => {
                    self.tap.skip();
                    self.worker.reset();
                    true
                }
                Ok(Command::Message(message)) => {
                    self.worker.control(message, &mut self.events);
                    true
                }
                Err(RecvTimeoutError::Timeout) => self.step(),
            };
            self.events.drain(..).for_each(|event| self.outbox.send(Report::Event(event)));
            let now = Instant::now();
            self.pacer.record(now - self.looked, watch.elapsed());
            self.looked = now;
            self.load.store(self.pacer.load().to_bits(), Relaxed);
            wait = match self.pacer.debt() {
                Duration::ZERO if more => Duration::ZERO,
                debt => debt.max(POLL),
            };
        }
    }

    /// Hears what is there and works, if the budget allows. Whether there is more to do.
    fn step(&mut self) -> bool {
        if self.paused {
            self.tap.skip();
            return false;
        }
        let allowance = self.pacer.allowance();
        if allowance.is_zero() {
            return true;
        }
        let watch = Stopwatch::start();
        // There may come more than it can hear.
        let until = Instant::now() + POLL;
        let mut late = false;
        while !late && let Some(block) = self.tap.receive() {
            self.worker.hear(block);
            late = Instant::now() > until;
        }
        self.worker.work(allowance.saturating_sub(watch.elapsed()), &mut self.events) || late
    }
}
