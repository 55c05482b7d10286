use super::*;
use crate::bridge::{Tap, TapSender};

/// Long enough on any machine; nothing waits that long unless it fails.
const LONG: Duration = Duration::from_secs(60);
const LUMP: Duration = Duration::from_millis(20);

/// Reports what it hears; does what it is told.
#[derive(Default)]
struct Parrot {
    /// Lumps of work to do.
    due: usize,
    done: Duration,
    heard: Vec<(u64, u64)>,
    /// Disconnected when this is dropped.
    _alive: Option<Sender<()>>,
}

enum Ask {
    Work(usize),
    Panic,
    Echo,
}

#[derive(Clone, Debug, PartialEq)]
enum Said {
    Heard(u64, u64),
    Worked(Duration),
    Echo,
}

impl Worker for Parrot {
    type Message = Ask;
    type Event = Said;

    fn hear(&mut self, block: &TapBlock) {
        self.heard.push((block.first, block.lost));
    }

    fn work(&mut self, allowance: Duration, events: &mut Vec<Said>) -> bool {
        assert!(allowance <= Duration::from_secs(1));
        events.extend(self.heard.drain(..).map(|(first, lost)| Said::Heard(first, lost)));
        if self.due > 0 {
            let watch = Stopwatch::start();
            while watch.elapsed() < LUMP {
                std::hint::spin_loop();
            }
            self.due -= 1;
            self.done += watch.elapsed();
            events.push(Said::Worked(self.done));
        }
        self.due > 0
    }

    fn control(&mut self, message: Ask, events: &mut Vec<Said>) {
        match message {
            Ask::Work(lumps) => self.due = lumps,
            Ask::Panic => panic!("out of {}", "ideas"),
            Ask::Echo => events.push(Said::Echo),
        }
    }

    fn reset(&mut self) {
        self.heard.clear();
        self.due = 0;
    }
}

fn start(budget: f32) -> (TapSender, SideThread<Parrot>) {
    let (sender, receiver) = Tap::open(1000, 1, 0.1);
    (sender, SideThread::spawn(receiver, Parrot::default(), budget).unwrap())
}

fn next(side: &SideThread<Parrot>) -> Said {
    match side.reports().recv_timeout(LONG).unwrap() {
        Report::Event(said) => said,
        Report::Panicked(why) => panic!("{why}"),
    }
}

/// After this all orders before were carried out.
fn echo(side: &SideThread<Parrot>) {
    assert!(side.send(Command::Message(Ask::Echo)));
    assert_eq!(next(side), Said::Echo);
}

fn send(sender: &mut TapSender, length: usize) {
    sender.send(&[vec![0.0; length]], &[vec![0.0; length]], 1);
}

#[test]
fn a_busy_worker_keeps_to_the_budget() {
    const BUDGET: f32 = 0.2;
    let began = Instant::now();
    let (_sender, side) = start(BUDGET);
    assert_eq!(side.load(), 0.0);
    side.send(Command::Message(Ask::Work(20)));
    let mut done = Duration::ZERO;
    for _ in 0..20 {
        let Said::Worked(so_far) = next(&side) else { panic!("nothing was heard") };
        done = so_far;
    }
    // 20 lumps at once would be far beyond.
    let most = BUDGET * (began.elapsed().as_secs_f32() + 1.0) + 2.0 * LUMP.as_secs_f32();
    assert!(done.as_secs_f32() <= most, "{done:?} > {most}");
    echo(&side);
    assert!((0.001..0.06).contains(&side.load()), "{} of {done:?} in 10 s", side.load());
}

#[test]
fn gaps_are_passed_on() {
    let (mut sender, side) = start(0.5);
    side.send(Command::Pause);
    echo(&side);
    send(&mut sender, 10);
    side.send(Command::Resume);
    echo(&side);
    send(&mut sender, 20);
    assert_eq!(next(&side), Said::Heard(10, 10), "what was played in a pause is lost");
    send(&mut sender, 101);
    send(&mut sender, 5);
    assert_eq!(next(&side), Said::Heard(131, 101), "a block that does not fit");
    send(&mut sender, 5);
    assert_eq!(next(&side), Said::Heard(136, 0));
}

#[test]
fn a_reset_ends_what_was_due() {
    let (mut sender, side) = start(0.3);
    side.send(Command::Message(Ask::Work(1_000_000)));
    assert!(matches!(next(&side), Said::Worked(_)));
    side.send(Command::Reset);
    side.send(Command::Message(Ask::Echo));
    while next(&side) != Said::Echo {}
    send(&mut sender, 1);
    assert_eq!(next(&side), Said::Heard(0, 0));
}

#[test]
fn dropping_and_stopping_end_the_thread() {
    for stop in [false, true] {
        let (alive, gone) = bounded(0);
        let (_sender, receiver) = Tap::open(1000, 1, 0.1);
        let worker = Parrot { due: 1000, _alive: Some(alive), ..Parrot::default() };
        let side = SideThread::spawn(receiver, worker, 0.1).unwrap();
        assert!(matches!(next(&side), Said::Worked(_)));
        if stop {
            side.send(Command::Stop);
            assert_eq!(gone.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
        } else {
            drop(side);
            assert_eq!(gone.try_recv(), Err(crossbeam_channel::TryRecvError::Disconnected));
        }
    }
}

#[test]
fn a_panic_is_reported_and_the_sound_goes_on() {
    let (mut sender, side) = start(0.5);
    side.send(Command::Message(Ask::Panic));
    assert_eq!(side.reports().recv_timeout(LONG), Ok(Report::Panicked("out of ideas".into())));
    assert_eq!(side.reports().recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    assert!(!side.send(Command::Resume));
    (0..100).for_each(|_| send(&mut sender, 100));
}

#[test]
fn old_reports_are_forgotten() {
    let (_sender, side) = start(1.0);
    (0..REPORTS + 10).for_each(|_| assert!(side.send(Command::Message(Ask::Echo))));
    side.send(Command::Message(Ask::Panic));
    while !side.thread.as_ref().is_some_and(|thread| thread.is_finished()) {
        std::thread::yield_now();
    }
    let reports: Vec<_> = side.reports().iter().collect();
    assert_eq!(reports.len(), REPORTS);
    assert_eq!(reports.last(), Some(&Report::Panicked("out of ideas".into())));
}
