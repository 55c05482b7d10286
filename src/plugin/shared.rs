use crate::bridge::{OffsetsBus, OffsetsReader, OffsetsWriter};
use crate::editor::story::Story;
use crate::settings::{Id, Offsets, Settings};
use crate::tuner::{Command, Companion, Memory, News, Order, Report, SideThread};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What all threads of one plugin know of each other. The audio thread touches only the atomics.
pub struct Shared {
    /// A bit for each setting that learning leaves alone.
    locked: AtomicU64,
    /// How often the stream broke off, as the audio thread counts.
    breaks: AtomicU32,
    /// Where the editor was left, in points; width and height.
    size: AtomicU64,
    recall: Mutex<OffsetsWriter>,
    known: Mutex<Known>,
    story: Mutex<Story>,
    side: Mutex<Option<SideThread<Companion>>>,
}

/// What was learned so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// What is heard on top of the base.
    pub offsets: Offsets,
    /// All that the loop knows, if it ever said.
    pub memory: Option<Memory>,
    /// For the user: why something was refused.
    pub message: Option<String>,
}

/// A poisoned lock guards plain values: they are whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// With the end by which the audio thread hears of offsets that are wanted at once.
    pub(super) fn new() -> (Arc<Shared>, OffsetsReader) {
        let (recall, recalled) = OffsetsBus::open();
        let shared = Shared {
            locked: AtomicU64::new(0),
            breaks: AtomicU32::new(0),
            size: AtomicU64::new(0),
            recall: Mutex::new(recall),
            known: Mutex::default(),
            story: Mutex::default(),
            side: Mutex::default(),
        };
        (Arc::new(shared), recalled)
    }

    /// Whether learning leaves a setting alone.
    pub fn is_locked(&self, id: Id) -> bool {
        self.locked.load(Relaxed) >> id as u64 & 1 == 1
    }

    /// All of these.
    pub fn locked(&self) -> impl Iterator<Item = Id> + '_ {
        Id::all().filter(|id| self.is_locked(*id))
    }

    /// Learning leaves a setting alone from now on, or may move it again.
    pub fn set_locked(&self, id: Id, locked: bool) {
        let bit = 1 << id as u64;
        match locked {
            true => self.locked.fetch_or(bit, Relaxed),
            false => self.locked.fetch_and(!bit, Relaxed),
        };
        self.order(Order::Locked(self.locked().collect()));
    }

    /// What is learned on top of the base, as far as it is known here.
    pub fn offsets(&self) -> Offsets {
        lock(&self.known).offsets
    }

    /// Lets other offsets be heard at once, on top of this base, and learning go on from there.
    pub fn recall(&self, base: &Settings, offsets: &Offsets, reason: &str) {
        lock(&self.known).offsets = *offsets;
        lock(&self.recall).publish(offsets);
        self.order(Order::Base(*base));
        self.order(Order::Install { offsets: *offsets, reason: reason.to_owned() });
    }

    /// What is heard becomes the base: says which base the parameters must have now. Nothing is to be heard of it.
    #[must_use]
    pub fn commit(&self, base: &Settings, amount: f32) -> Settings {
        let committed = self.offsets().without(self.locked()).apply(base, amount);
        self.order(Order::Base(*base));
        self.order(Order::Amount(amount));
        self.order(Order::Commit);
        lock(&self.known).offsets = Offsets::default();
        lock(&self.recall).publish(&Offsets::default());
        committed
    }

    /// Tells the loop something; nothing happens if it doesn't run.
    pub fn order(&self, order: Order) {
        self.command(Command::Message(order));
    }

    /// For the user: the newest message, once.
    pub fn take_message(&self) -> Option<String> {
        lock(&self.known).message.take()
    }

    /// What the loop said of all that it knows.
    pub fn memory(&self) -> Option<Memory> {
        lock(&self.known).memory.clone()
    }

    /// What the loop did so far.
    pub fn story(&self) -> MutexGuard<'_, Story> {
        lock(&self.story)
    }

    /// The share of a core that learning takes.
    pub fn load(&self) -> f32 {
        lock(&self.side).as_ref().map_or(0.0, SideThread::load)
    }

    /// Width and height of the editor, in points; `None`: it was never opened.
    pub fn editor_size(&self) -> Option<(u32, u32)> {
        let size = self.size.load(Relaxed);
        (size != 0).then_some(((size >> 32) as u32, size as u32))
    }

    /// Notes it.
    pub fn set_editor_size(&self, (width, height): (u32, u32)) {
        self.size.store(u64::from(width) << 32 | u64::from(height), Relaxed);
    }

    pub(super) fn say(&self, message: String) {
        lock(&self.known).message = Some(message);
    }

    /// The audio thread says that what follows has nothing to do with what was before.
    pub(super) fn break_off(&self) {
        self.breaks.fetch_add(1, Relaxed);
    }

    pub(super) fn breaks(&self) -> u32 {
        self.breaks.load(Relaxed)
    }

    pub(super) fn known(&self) -> Known {
        lock(&self.known).clone()
    }

    /// Takes over what a project had saved.
    pub(super) fn restore(&self, known: Known, locked: impl Iterator<Item = Id>) {
        let bits = locked.fold(0, |bits, id| bits | 1 << id as u64);
        self.locked.store(bits, Relaxed);
        lock(&self.recall).publish(&known.offsets);
        *lock(&self.known) = known;
        self.brief();
    }

    /// What the loop has to be told to begin with.
    pub(super) fn briefing(&self) -> Vec<Order> {
        let Known { offsets, memory, .. } = self.known();
        let memory = memory.map(|memory| Order::Remember(Box::new(memory)));
        let locked = Order::Locked(self.locked().collect());
        let install = Order::Install { offsets, reason: "as it was saved".into() };
        [Some(locked), memory, Some(install)].into_iter().flatten().collect()
    }

    fn brief(&self) {
        self.briefing().into_iter().for_each(|order| self.order(order));
    }

    /// The loop runs from now on.
    pub(super) fn run(&self, side: SideThread<Companion>) {
        *lock(&self.side) = Some(side);
        self.brief();
    }

    /// It ends; waits for that.
    pub(super) fn end(&self) {
        self.listen();
        let side = lock(&self.side).take();
        // Without the lock: it may have to finish a round.
        drop(side);
    }

    pub(super) fn command(&self, command: Command<Order>) {
        if let Some(side) = &*lock(&self.side) {
            side.send(command);
        }
    }

    /// Takes in what the loop has to say.
    pub(super) fn listen(&self) {
        let reports: Vec<_> = lock(&self.side).iter().flat_map(|side| side.reports().try_iter()).collect();
        let mut known = lock(&self.known);
        let mut story = lock(&self.story);
        for report in reports {
            if let Report::Event(news) = &report {
                story.hear(news);
            }
            match report {
                Report::Event(News::Offsets(offsets)) => known.offsets = offsets,
                Report::Event(News::Memory(memory)) => known.memory = Some(*memory),
                Report::Event(News::Refused(reason)) => known.message = Some(reason),
                Report::Event(_) => {}
                Report::Panicked(words) => {
                    known.message = Some(format!("learning has stopped ({words}); the sound goes on"));
                }
            }
        }
    }
}
