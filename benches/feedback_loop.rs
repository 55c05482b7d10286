//! What the loop costs: `cargo bench --bench feedback_loop`. Times are CPU time of one core, which other load on
//! the machine disturbs least; the table says the median, the slowest of twenty, and what is asked for. The
//! last line is one JSON object. It takes about three minutes.

use attune::bridge::{Load, OffsetsBus, Tap};
use attune::engine::{Engine, EngineConfig, Latency};
use attune::quality::Ears;
use attune::settings::{Id, Settings};
use attune::tuner::{Companion, FeedbackLoop, LoopConfig, Metrics, SideThread, Tactic, What};
use cpu_time::ThreadTime;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

const RATE: u32 = 48_000;
const SECOND: usize = RATE as usize;
/// 10 ms.
const BLOCK: usize = SECOND / 100;

/// Counts the bytes that are in use.
struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = BYTES.fetch_add(layout.size(), Relaxed) + layout.size();
        MOST.fetch_max(now, Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What was measured, many times, against what is asked for.
struct Row {
    name: &'static str,
    key: &'static str,
    values: Vec<f64>,
    asked: Option<f64>,
}

impl Row {
    fn new(name: &'static str, key: &'static str, values: Vec<f64>, asked: impl Into<Option<f64>>) -> Row {
        let mut row = Row { name, key, values, asked: asked.into() };
        row.values.sort_by(f64::total_cmp);
        eprintln!("{name}: {:.3}", row.quantile(0.5));
        row
    }

    fn quantile(&self, share: f64) -> f64 {
        self.values.get(((self.values.len() as f64 - 1.0) * share).round() as usize).copied().unwrap_or(f64::NAN)
    }
}

/// CPU time of some work, ms.
fn cost<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = ThreadTime::now();
    let result = black_box(work());
    (start.elapsed().as_secs_f64() * 1e3, result)
}

fn engine(channels: usize) -> EngineConfig {
    EngineConfig { sample_rate: RATE, channels, latency: Latency::Studio }
}

/// What nobody would choose: muffled, boomy and crushed.
fn bad() -> Settings {
    let dull = Settings::default().with(Id::EqPresence, -6.0).with(Id::EqAir, -6.0).with(Id::EqLow, 6.0);
    dull.with(Id::CompThreshold, -36.0).with(Id::CompRatio, 4.0).with(Id::LevelRange, 18.0)
}

/// A loop beside an engine that hears the recording over and over, as often as is wanted.
struct Session<'a> {
    engine: Engine,
    feedback_loop: FeedbackLoop,
    blocks: std::iter::Cycle<std::slice::ChunksExact<'a, f32>>,
    /// CPU time of each block that completed a window, and of the work on each window, ms.
    completing: Vec<f64>,
    working: Vec<f64>,
    /// The same of the blocks between them.
    between: Vec<f64>,
}

impl<'a> Session<'a> {
    fn new(recording: &'a [f32], config: LoopConfig) -> Session<'a> {
        Session {
            engine: Engine::new(config.engine).expect("a common stream"),
            feedback_loop: FeedbackLoop::new(config).expect("a common stream"),
            blocks: recording.chunks_exact(BLOCK).cycle(),
            completing: Vec::new(),
            working: Vec::new(),
            between: Vec::new(),
        }
    }

    fn play(&mut self, seconds: usize) {
        let channels = self.engine.stream().channels;
        for _ in 0..seconds * SECOND / BLOCK {
            let block = self.blocks.next().expect("never ends");
            let mut output = [block.to_vec(), block.to_vec()];
            let [left, right] = &mut output;
            self.engine.process(&mut [left.as_mut_slice(), right][..channels]);
            let [left, right] = &output;
            let heard = self.feedback_loop.records().next_back().map(|record| record.sample);
            let (taken, ()) = cost(|| {
                let (input, output) = ([block; 2], [left.as_slice(), right]);
                self.feedback_loop.collect_feedback(&input[..channels], &output[..channels], &Metrics::default());
            });
            let (worked, _) = cost(|| self.feedback_loop.advance());
            if heard == self.feedback_loop.records().next_back().map(|record| record.sample) {
                self.between.push(taken + worked);
            } else {
                self.completing.push(taken);
                self.working.push(worked);
            }
            self.engine.set(self.feedback_loop.settings());
        }
    }
}

/// The audio thread's time for a block without and with the loop, µs: the same engine, settings and sound, one after
/// the other, in real time.
fn audio_thread(recording: &[f32], seconds: usize) -> [Vec<f64>; 2] {
    let base = bad();
    let mut engines = [(); 2].map(|()| Engine::new(engine(2)).expect("a common stream"));
    engines.iter_mut().for_each(|engine| engine.set(&base));
    let (writer, mut reader) = OffsetsBus::open();
    let (mut sender, receiver) = Tap::open(RATE, 2, 2.0);
    let config = LoopConfig { base, ..LoopConfig::new(engine(2)) };
    let companion = Companion::new(config, writer, Load::default()).expect("a common stream");
    let side = SideThread::spawn(receiver, companion, SideThread::<Companion>::BUDGET).expect("a thread");
    let mut times = [Vec::new(), Vec::new()];
    let (mut revision, mut deployed) = (0, 0);
    let mut dry = [[0.0; BLOCK]; 2];
    let began = Instant::now();
    for (i, block) in recording.chunks_exact(BLOCK).cycle().take(seconds * SECOND / BLOCK).enumerate() {
        let mut blocks = [[(); 2].map(|()| block.to_vec()), [(); 2].map(|()| block.to_vec())];
        let mut news = None;
        for turn in [i % 2, 1 - i % 2] {
            let [left, right] = &mut blocks[turn];
            let start = Instant::now();
            if turn == 0 {
                engines[0].process(black_box(&mut [left, right]));
            } else {
                news = reader.poll().map(|(offsets, newest)| (offsets.apply(&base, 1.0), newest));
                if let Some((settings, newest)) = &news {
                    engines[1].set(settings);
                    revision = *newest;
                }
                dry[0].copy_from_slice(left);
                dry[1].copy_from_slice(right);
                engines[1].process(black_box(&mut [left, right]));
                sender.send(&dry, &[&*left, &*right], revision);
            }
            times[turn].push(start.elapsed().as_secs_f64() * 1e6);
        }
        if let Some((settings, _)) = news {
            engines[0].set(&settings);
            deployed += 1;
        }
        std::thread::sleep(
            (began + Duration::from_millis(10 * (i as u64 + 1))).saturating_duration_since(Instant::now()),
        );
    }
    assert!(deployed > 0, "the loop was not at work");
    println!("the side thread took {:.1} % of a core", 100.0 * side.load());
    times
}

/// Memory of the loop and its tap after so many minutes, and the most that it took meanwhile, MB.
fn memory(recording: &[f32], minutes: usize) -> [f64; 2] {
    let before = BYTES.load(Relaxed);
    MOST.store(before, Relaxed);
    let tap = Tap::open(RATE, 2, 2.0);
    let mut session = Session::new(recording, LoopConfig { base: bad(), ..LoopConfig::new(engine(2)) });
    session.play(60 * minutes);
    let measured = [&BYTES, &MOST].map(|bytes| (bytes.load(Relaxed) - before) as f64 / 1e6);
    drop(tap);
    measured
}

fn main() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/voice-in-cafe.wav");
    let mut wav = hound::WavReader::open(path).expect("the demo recording");
    let recording: Vec<f32> = wav.samples::<i16>().map(|s| f32::from(s.expect("whole file")) / 32768.0).collect();

    let before = BYTES.load(Relaxed);
    black_box(Ears::built_in());
    let ears = (BYTES.load(Relaxed) - before) as f64 / 1e6;

    let mut rows = Vec::new();
    // Only watching what is heard.
    let mut session =
        Session::new(&recording, LoopConfig { least_speech: f32::INFINITY, ..LoopConfig::new(engine(2)) });
    session.play(10);
    session.feedback_loop.install(&Settings::default().with(Id::EqAir, 1.0), "to be watched");
    session.play(30);
    rows.push(Row::new("feedback: a block within a window, ms", "block_ms", session.between, 50.0));
    rows.push(Row::new("feedback: the block that ends a window, ms", "feedback_ms", session.completing, 50.0));
    rows.push(Row::new("watching a window, ms", "watch_ms", session.working, None));

    // A mistake that is noticed: all of the work on the window in which it is taken back.
    let mut undone = Vec::new();
    for _ in 0..5 {
        let mut session =
            Session::new(&recording, LoopConfig { least_speech: f32::INFINITY, ..LoopConfig::new(engine(2)) });
        session.play(5);
        session.feedback_loop.install(&bad(), "a mistake");
        for _ in 0..4 {
            session.play(1);
            let back = |what: &What| matches!(what, What::RolledBack { .. });
            if session.feedback_loop.explain().iter().any(|event| back(&event.what)) {
                undone.extend(session.working.last());
                break;
            }
        }
    }
    rows.push(Row::new("noticing a mistake and rolling back, ms", "rollback_ms", undone, 50.0));

    for (channels, [update, first], [update_key, first_key]) in [
        (1, ["parameter update, mono, ms", "the first after a change, mono, ms"], ["update_mono_ms", "first_mono_ms"]),
        (2, ["parameter update, stereo, ms", "the first after a change, stereo, ms"], ["update_ms", "first_ms"]),
    ] {
        let (mut firsts, mut updates) = (Vec::new(), Vec::new());
        for start in 0..3 {
            // By itself it does nothing for an hour.
            let config = LoopConfig { interval: 3600, base: bad(), ..LoopConfig::new(engine(channels)) };
            let mut session = Session::new(&recording[start * SECOND / 2..], config);
            session.play(8);
            firsts.push(cost(|| session.feedback_loop.update_parameters(Tactic::Ensemble)).0);
            for _ in 0..6 {
                session.play(1);
                updates.push(cost(|| session.feedback_loop.update_parameters(Tactic::Ensemble)).0);
            }
            assert!(session.feedback_loop.rounds() > 0, "nothing was tried");
        }
        rows.push(Row::new(first, first_key, firsts, None));
        rows.push(Row::new(update, update_key, updates, 100.0));
    }

    let mut session = Session::new(&recording, LoopConfig { base: bad(), ..LoopConfig::new(engine(1)) });
    session.play(60);
    let analyses = (0..100).map(|_| cost(|| session.feedback_loop.analyze_performance(100)).0).collect();
    rows.push(Row::new("analysis of 100 windows, ms", "analysis_ms", analyses, None));
    let rollbacks = (0..50).map(|_| {
        session.feedback_loop.install(&bad(), "to be taken back");
        cost(|| session.feedback_loop.rollback()).0
    });
    rows.push(Row::new("rollback by itself, ms", "bare_rollback_ms", rollbacks.collect(), 50.0));

    let [used, most] = memory(&recording, 10).map(|bytes| bytes + ears);
    rows.push(Row::new("memory after 10 min, MB", "memory_mb", vec![used], 150.0));
    rows.push(Row::new("most memory meanwhile, MB", "most_memory_mb", vec![most], 150.0));

    let [without, with] = audio_thread(&recording, 30);
    let [without, with] =
        [("off", without), ("on", with)].map(|(key, times)| Row::new("audio thread", key, times, None));
    let more = 100.0 * (with.quantile(0.5) / without.quantile(0.5) - 1.0);
    println!("{:<44}{:>10}{:>10}{:>10}", "48 kHz, one core", "median", "95 %", "asked");
    for row in &rows {
        let asked = row.asked.map_or("-".to_owned(), |asked| format!("{asked:.0}"));
        println!("{:<44}{:>10.3}{:>10.3}{asked:>10}", row.name, row.quantile(0.5), row.quantile(0.95));
    }
    for (name, row) in [("audio thread, loop off, µs / 10 ms", &without), ("audio thread, loop on, µs / 10 ms", &with)]
    {
        println!("{name:<44}{:>10.2}{:>10.2}{:>10}", row.quantile(0.5), row.quantile(0.95), "-");
    }
    println!("{:<44}{more:>10.2}{:>10}{:>10}", "audio thread, what the loop adds, %", "", 3);
    let fields: Vec<String> = rows.iter().map(|row| format!("\"{}\":{:.3}", row.key, row.quantile(0.5))).collect();
    println!("{{{},\"audio_thread_percent\":{more:.2}}}", fields.join(","));
}
