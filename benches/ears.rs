//! What it costs to hear: once per excerpt of 3 s, and per candidate on it. `cargo bench --bench ears`.
//! Criterion's statistics first, then a table of lower quartiles, which other load on the machine
//! disturbs least; the last line is one JSON object.

use attune::engine::{Engine, EngineConfig, Latency};
use attune::quality::{Audition, Context, Ears, Excerpt, Listener};
use criterion::Criterion;
use std::hint::black_box;
use std::time::{Duration, Instant};

const RATE: u32 = 48_000;
const SECONDS: usize = 3;

struct Bench {
    criterion: Criterion,
    rows: Vec<(&'static str, f64)>,
}

impl Bench {
    /// The lower quartile of the time that a call takes, ms.
    fn measure<T>(&mut self, name: &'static str, mut work: impl FnMut() -> T) {
        let mut times = Vec::new();
        self.criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|calls| {
                let start = Instant::now();
                for _ in 0..calls {
                    black_box(work());
                }
                let time = start.elapsed();
                times.push(time.as_secs_f64() * 1e3 / calls as f64);
                time
            });
        });
        times.sort_by(f64::total_cmp);
        // Nothing was measured if the name doesn't match the filter that was typed.
        if let Some(&time) = times.get(times.len() / 4) {
            self.rows.push((name, time));
        }
    }
}

fn main() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/demo/voice-in-cafe.wav");
    let mut wav = hound::WavReader::open(path).expect("the demo recording");
    let input: Vec<f32> = wav.samples::<i16>().map(|s| f32::from(s.expect("whole file")) / 32768.0).collect();
    let input = &input[RATE as usize..RATE as usize * (1 + SECONDS)];
    let mut output = input.to_vec();
    let config = EngineConfig { sample_rate: RATE, channels: 1, latency: Latency::Studio };
    Engine::new(config).expect("a common stream").process(&mut [&mut output]);

    let criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let mut bench = Bench { criterion, rows: Vec::new() };
    let ears = Ears::built_in();
    let excerpt = Excerpt::new(RATE, input);
    let audition = Audition::new(ears, RATE, input);
    let take = audition.hear(&output);
    bench.measure("excerpt: frames, noise, speech", || Excerpt::new(RATE, input));
    bench.measure("audition: all that candidates share", || Audition::new(ears, RATE, input));
    bench.measure("context of an excerpt by itself", || Context::of(&excerpt, &[input]));
    let mut listener = Listener::new(RATE, 1);
    listener.push(&[input], |_| ());
    let mut half_seconds = input.chunks_exact(RATE as usize / 2).cycle();
    bench.measure("listener: a window of a stream", || {
        let mut heard = None;
        listener.push(&[half_seconds.next().expect("never ends")], |window| heard = Some(window));
        heard
    });
    bench.measure("quality and score of a candidate", || {
        let take = audition.hear(&output);
        audition.score(&take)
    });
    bench.measure("comparison of two takes", || audition.difference(&take, audition.untouched()));
    bench.criterion.final_summary();

    println!("{:<40}{:>10}", "3 s of mono 48 kHz, one core", "ms");
    for (name, time) in &bench.rows {
        println!("{name:<40}{time:>10.3}");
    }
    let cost = |name: &str| bench.rows.iter().find(|row| row.0.starts_with(name)).map(|row| row.1);
    let costs = [cost("excerpt"), cost("audition"), cost("listener"), cost("quality")];
    if let [Some(excerpt), Some(shared), Some(listener), Some(candidate)] = costs {
        // What the listener analyses of a window (its excerpt) is shared by all candidates.
        let judged = listener - excerpt + candidate;
        println!("{{\"shared_ms\":{shared:.3},\"context_quality_score_ms\":{judged:.3}}}");
    }
}
