//! The loop beside sound that goes on, without a thread: on a real recording.

mod common;

use attune::bridge::{Load, OffsetsBus, OffsetsReader, Tap, TapReceiver, TapSender};
use attune::engine::{Engine, EngineConfig, Latency};
use attune::settings::{Id, Offsets, Settings};
use attune::tuner::{Companion, Dislike, Feedback, LoopConfig, Memory, MemoryError, News, Order, What, Worker};
use std::sync::OnceLock;
use std::time::Duration;

const ENGINE: EngineConfig = EngineConfig { sample_rate: 16_000, channels: 1, latency: Latency::Live };

/// What nobody would choose: muffled and boomy.
fn bad() -> Settings {
    Settings::default().with(Id::EqPresence, -12.0).with(Id::EqAir, -15.0).with(Id::EqLow, 9.0)
}

/// Eight seconds of the demo recording at 16 kHz.
fn recording() -> Vec<f32> {
    common::speech_at_16k()[..8 * 16_000].to_vec()
}

/// An audio thread and a companion that take turns.
struct Session {
    engine: Engine,
    base: Settings,
    offsets: Offsets,
    revision: u64,
    reader: OffsetsReader,
    sender: TapSender,
    receiver: TapReceiver,
    companion: Companion,
    news: Vec<News>,
}

impl Session {
    fn new(base: Settings, locked: &[Id]) -> Session {
        let (writer, reader) = OffsetsBus::open();
        let (sender, receiver) = Tap::open(ENGINE.sample_rate, 1, 4.0);
        let config =
            LoopConfig { base, locked: locked.to_vec(), slots: 4, stretches: 3, ..LoopConfig::offline(ENGINE) };
        let companion = Companion::new(config, writer, Load::default()).unwrap();
        let engine = common::engine(ENGINE, &base);
        let (offsets, news) = (Offsets::default(), Vec::new());
        Session { engine, base, offsets, revision: 0, reader, sender, receiver, companion, news }
    }

    /// What the audio thread hears.
    fn heard(&mut self) -> Settings {
        if let Some((offsets, revision)) = self.reader.poll() {
            (self.offsets, self.revision) = (offsets, revision);
        }
        self.offsets.apply(&self.base, 1.0)
    }

    fn play(&mut self, input: &[f32]) {
        for block in input.chunks(800) {
            let heard = self.heard();
            self.engine.set(&heard);
            let mut output = block.to_vec();
            self.engine.process(&mut [&mut output]);
            self.sender.send(&[block], &[&output], self.revision);
            while let Some(block) = self.receiver.receive() {
                self.companion.hear(block);
            }
            while self.companion.work(Duration::ZERO, &mut self.news) {}
        }
    }

    fn order(&mut self, order: Order) {
        self.companion.control(order, &mut self.news);
    }

    fn memory(&mut self) -> Memory {
        self.order(Order::Memory);
        match self.news.last() {
            Some(News::Memory(memory)) => (**memory).clone(),
            other => panic!("no memory but {other:?}"),
        }
    }

    fn deployments(&self) -> usize {
        let deployed =
            |news: &&News| matches!(news, News::Event { event, .. } if matches!(event.what, What::Deployed { .. }));
        self.news.iter().filter(deployed).count()
    }
}

/// A session that has learned something.
fn learned() -> Session {
    let mut session = Session::new(bad(), &[]);
    session.play(&recording());
    assert!(session.deployments() > 0 && session.heard() != bad());
    session
}

/// What was heard of such a session, and all that it learned.
fn first() -> &'static (String, Memory) {
    static FIRST: OnceLock<(String, Memory)> = OnceLock::new();
    FIRST.get_or_init(|| {
        let mut session = learned();
        (format!("{:?}", session.news), session.memory())
    })
}

/// A session that knows all that another learned.
fn knowing() -> Session {
    let (_, memory) = first();
    let mut session = Session::new(bad(), &[]);
    session.order(Order::Remember(Box::new(memory.clone())));
    assert!(session.heard() != bad());
    session
}

#[test]
fn without_a_thread_it_is_deterministic_and_heals_what_is_bad() {
    let mut one = learned();
    let (news, memory) = first();
    assert!(format!("{:?}", one.news) == *news);
    assert!(one.memory() == *memory);
    let windows = one.news.iter().filter_map(|news| match news {
        News::Window { seconds, .. } => Some(*seconds),
        _ => None,
    });
    let windows: Vec<_> = windows.collect();
    assert!((5..=7).contains(&windows.len()) && windows.is_sorted(), "{windows:?}");
    let told = one.news.iter().rev().find_map(|news| match news {
        News::Offsets(offsets) => Some(*offsets),
        _ => None,
    });
    assert_eq!(told, Some(one.offsets));
}

#[test]
fn when_the_user_moves_the_base_what_was_learned_stays_on_top() {
    let mut session = knowing();
    let (before, offsets) = (session.heard(), session.offsets);
    session.base.set(Id::OutputGain, -3.0);
    session.base.set(Id::EqMid, -2.0);
    session.order(Order::Base(session.base));
    assert_eq!(session.companion.feedback_loop().space().base(), &session.base);
    let heard = session.heard();
    assert_eq!(session.offsets, offsets);
    assert_eq!(session.companion.feedback_loop().settings(), &heard, "the loop knows what is heard");
    assert!((heard[Id::OutputGain] - before[Id::OutputGain] + 3.0).abs() < 1e-4);
    assert!(heard[Id::EqMid] < before[Id::EqMid]);
    // A rollback takes back what was learned, not what the user did.
    session.order(Order::RollBack);
    let back = session.heard();
    assert!(back != heard);
    assert_eq!(back[Id::OutputGain], session.base[Id::OutputGain]);
    session.order(Order::Restore(1));
    assert_eq!(session.heard(), session.base, "the first snapshot is the base, wherever that is");
}

#[test]
fn a_choice_of_the_user_overrules_what_was_learned() {
    let mut session = Session::new(bad(), &[]);
    let other = bad().with(Id::Method, 1.0).with(Id::EqLow, 0.0);
    let memory = memory_of(&bad(), &other);
    session.order(Order::Remember(Box::new(memory)));
    assert_eq!(session.heard()[Id::Method], 1.0);
    session.base.set(Id::Method, 0.0);
    session.order(Order::Base(session.base));
    let heard = session.heard();
    assert_eq!(heard[Id::Method], 0.0);
    assert!(heard[Id::EqLow].abs() < 0.01, "the rest stays");
}

/// What a loop would remember that had found these settings.
fn memory_of(base: &Settings, found: &Settings) -> Memory {
    let mut source = Session::new(*base, &[]);
    let mut value = serde_json::to_value(source.memory()).unwrap();
    value["snapshots"][0]["offsets"] = serde_json::to_value(Offsets::between(base, found)).unwrap();
    serde_json::from_value(value).unwrap()
}

#[test]
fn what_is_locked_is_left_alone() {
    let locked = [Id::EqPresence, Id::Method];
    let mut session = Session::new(bad(), &locked);
    session.play(&recording());
    session.play(&recording());
    assert!(session.deployments() > 0);
    let heard = session.heard();
    locked.iter().for_each(|id| assert_eq!(heard[*id], bad()[*id], "{id:?}"));
    // What was learned goes with the lock, and comes back with it.
    let moved: Vec<Id> = Id::all().filter(|id| session.offsets.get(*id) != 0.0).collect();
    session.order(Order::Locked(moved.clone()));
    assert_eq!(session.heard(), bad());
    session.order(Order::Locked(locked.to_vec()));
    assert_eq!(session.heard(), heard);
}

#[test]
fn while_it_holds_nothing_changes() {
    let mut session = Session::new(bad(), &[]);
    session.order(Order::Hold(true));
    session.play(&recording());
    assert_eq!(session.deployments(), 0);
    assert_eq!(session.heard(), bad());
    assert!(session.news.iter().any(|news| matches!(news, News::Window { .. })), "it listens");
}

#[test]
fn a_project_that_is_opened_again_sounds_the_same() {
    let mut before = knowing();
    before.order(Order::Feedback(Feedback::Rating(5)));
    before.order(Order::Feedback(Feedback::Dislike(Dislike::Boomy)));
    let memory = before.memory();
    assert!(!memory.winners.is_empty());
    let mut after = Session::new(bad(), &[]);
    after.order(Order::Remember(Box::new(Memory::from_json(&memory.to_json()).unwrap())));
    assert_eq!(after.heard(), before.heard());
    assert_eq!(after.memory(), memory, "nothing is lost");
    assert_eq!(after.companion.feedback_loop().revision(), memory.revision);
    // On another base, the same is on top.
    let mut moved = Session::new(bad().with(Id::OutputGain, 2.0), &[]);
    moved.order(Order::Remember(Box::new(memory)));
    assert_eq!(moved.heard(), before.heard().with(Id::OutputGain, 2.0));
}

#[test]
fn a_newer_or_damaged_memory_is_refused_in_words() {
    let memory = knowing().memory();
    let text = memory.to_json();
    let newer = text.replacen("\"version\":1", "\"version\":2,\"shape\":\"unknown\"", 1);
    assert_eq!(Memory::from_json(&newer), Err(MemoryError::Newer(2)));
    for damaged in ["", "{}", "[1", &text[..text.len() / 2], &text.replacen("\"revision\":1", "\"revision\":-1", 1)] {
        let error = Memory::from_json(damaged).unwrap_err().to_string();
        assert!(error.contains("learning begins anew"), "{error}");
    }
    let mut value = serde_json::to_value(&memory).unwrap();
    value["revision"] = 0.into();
    let mut session = Session::new(bad(), &[]);
    session.order(Order::Remember(Box::new(serde_json::from_value(value).unwrap())));
    assert!(matches!(session.news.last(), Some(News::Refused(why)) if why.contains("damaged")));
    assert_eq!(session.heard(), bad());
}

#[test]
fn what_is_committed_is_the_base_and_the_offset_is_zero() {
    let mut session = knowing();
    let heard = session.heard();
    session.order(Order::Commit);
    let committed = session.news.iter().find_map(|news| match news {
        News::Committed(settings) => Some(*settings),
        _ => None,
    });
    session.base = committed.unwrap();
    assert_eq!(session.heard(), heard);
    assert!(session.offsets.is_zero());
    // What was before can be restored.
    session.order(Order::Restore(1));
    let restored = session.heard();
    for id in Id::all() {
        let (low, high) = id.spec().safe;
        let within = if heard[id] == bad()[id] { bad()[id] } else { bad()[id].clamp(low, high) };
        assert!((restored[id] - within).abs() < 1e-3 * within.abs().max(1.0), "{id:?} {} {within}", restored[id]);
    }
    session.order(Order::Restore(999));
    assert!(session.news.iter().any(|news| matches!(news, News::Refused(why) if why.contains("999"))));
}

#[test]
fn half_the_amount_commits_half() {
    let mut session = knowing();
    session.heard();
    let half = session.offsets.apply(&session.base, 0.5);
    session.order(Order::Amount(0.5));
    session.order(Order::Commit);
    assert!(session.news.iter().any(|news| matches!(news, News::Committed(settings) if *settings == half)));
}

#[test]
fn audio_is_not_joined_across_a_gap() {
    let input = recording();
    let mut session = Session::new(bad(), &[]);
    // Not even the first window, of 1 s, is ever complete.
    for part in input.chunks(15_000) {
        session.play(part);
        // More than the tap can hold is dropped whole.
        session.sender.send(&[vec![0.0; 80_000]], &[vec![0.0; 80_000]], 0);
    }
    assert!(!session.news.iter().any(|news| matches!(news, News::Window { .. })));
    assert!(session.companion.feedback_loop().position() > 4 * 80_000);
}
