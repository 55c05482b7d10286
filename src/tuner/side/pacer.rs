use std::collections::VecDeque;
use std::time::{Duration, Instant};

use cpu_time::ThreadTime;

/// How far the load looks back.
const WINDOW: Duration = Duration::from_secs(10);
/// Steps shorter than this are counted together.
const GRAIN: Duration = Duration::from_millis(25);
/// So much time's worth of budget can be saved up, to be spent at once.
const SAVED: f64 = 1.0;

/// Keeps a thread's CPU time within its budget: a token bucket.
///
/// Credit comes in at the rate of the budget, up to what may be saved, and is spent in lumps that may
/// be larger than it; the debt is slept off. So within any stretch of `t` seconds the thread takes at
/// most `budget * (t + 1)` seconds and one lump.
#[derive(Clone, Debug)]
pub struct Pacer {
    /// Share of a core.
    budget: f64,
    /// CPU time that may be spent, s; below 0: debt.
    credit: f64,
    /// Wall time and CPU time of the steps within the window, and their sums.
    steps: VecDeque<(Duration, Duration)>,
    wall: Duration,
    cpu: Duration,
}

impl Pacer {
    /// With a budget as a share of a core, brought into 0.01 to 1.
    pub fn new(budget: f32) -> Pacer {
        // NaN becomes 0 first: it would pass clamp.
        let budget = f64::from(budget.max(0.0).clamp(0.01, 1.0));
        let (wall, cpu) = (Duration::ZERO, Duration::ZERO);
        Pacer { budget, credit: budget * SAVED, steps: VecDeque::new(), wall, cpu }
    }

    /// A step took so much wall time (with the sleep before it) and so much CPU time.
    pub fn record(&mut self, wall: Duration, cpu: Duration) {
        let earned = self.budget * wall.as_secs_f64() - cpu.as_secs_f64();
        self.credit = (self.credit + earned).min(self.budget * SAVED);
        match self.steps.back_mut().filter(|(wall, _)| *wall < GRAIN) {
            Some(last) => *last = (last.0 + wall, last.1 + cpu),
            None => self.steps.push_back((wall, cpu)),
        }
        self.wall += wall;
        self.cpu += cpu;
        while let Some((wall, cpu)) = self.steps.front().filter(|(wall, _)| self.wall - *wall >= WINDOW) {
            self.wall -= *wall;
            self.cpu -= *cpu;
            self.steps.pop_front();
        }
    }

    /// CPU time that may be spent now.
    pub fn allowance(&self) -> Duration {
        Duration::from_secs_f64(self.credit.max(0.0))
    }

    /// How long to sleep until there is an allowance.
    pub fn debt(&self) -> Duration {
        Duration::from_secs_f64((-self.credit / self.budget).max(0.0))
    }

    /// Share of a core taken over the last 10 s; before the first record it was 0.
    pub fn load(&self) -> f32 {
        self.cpu.as_secs_f32() / self.wall.max(WINDOW).as_secs_f32()
    }
}

/// Measures the CPU time of a stretch of work on this thread; where the platform doesn't tell, its
/// wall time.
pub struct Stopwatch {
    wall: Instant,
    cpu: Option<ThreadTime>,
}

impl Stopwatch {
    /// From now on.
    pub fn start() -> Stopwatch {
        Stopwatch { wall: Instant::now(), cpu: ThreadTime::try_now().ok() }
    }

    /// CPU time since the start.
    pub fn elapsed(&self) -> Duration {
        self.cpu.and_then(|cpu| cpu.try_elapsed().ok()).unwrap_or_else(|| self.wall.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Works in lumps whenever it may, on an ideal clock; CPU time of each ms.
    fn run(budget: f32, lump: Duration, seconds: u32) -> (Pacer, Vec<bool>) {
        let mut pacer = Pacer::new(budget);
        let mut busy = Vec::new();
        while busy.len() < seconds as usize * 1000 {
            if pacer.allowance() > Duration::ZERO {
                pacer.record(lump, lump);
                busy.extend(vec![true; lump.as_millis() as usize]);
            } else {
                let sleep = pacer.debt().as_millis() as u32 + 1;
                pacer.record(sleep * MS, Duration::ZERO);
                busy.extend(vec![false; sleep as usize]);
            }
        }
        (pacer, busy)
    }

    #[test]
    fn the_budget_is_kept_and_used() {
        for (budget, lump) in [(0.15, 40), (0.15, 1), (0.05, 60), (0.5, 7), (1.0, 20), (0.01, 60)] {
            let (pacer, busy) = run(budget, lump * MS, 40);
            for window in busy.windows(10_000) {
                let used = window.iter().filter(|busy| **busy).count() as f32 / 1000.0;
                assert!(used <= budget * 11.0 + lump as f32 / 1000.0, "{budget} {lump} {used}");
            }
            let last = busy[busy.len() - 10_000..].iter().filter(|busy| **busy).count() as f32 / 10_000.0;
            assert!((last - budget).abs() < 0.05 * budget + lump as f32 / 10_000.0, "{budget} {lump} {last}");
            assert!((pacer.load() - last).abs() < 0.01, "{} {last}", pacer.load());
        }
    }

    #[test]
    fn nothing_is_saved_beyond_a_second() {
        let mut pacer = Pacer::new(0.2);
        pacer.record(Duration::from_secs(1000), Duration::ZERO);
        assert!((pacer.allowance().as_secs_f64() - 0.2).abs() < 1e-6);
        pacer.record(100 * MS, 300 * MS);
        assert_eq!(pacer.allowance(), Duration::ZERO);
        assert!((pacer.debt().as_secs_f64() - 0.4).abs() < 1e-6);
    }

    #[test]
    fn nonsense_is_brought_in() {
        for budget in [f32::NAN, -1.0, 0.0, 1e9, f32::INFINITY] {
            let mut pacer = Pacer::new(budget);
            pacer.record(Duration::ZERO, Duration::from_secs(1));
            assert!(pacer.debt() <= Duration::from_secs(100) && pacer.load() == 0.1, "{budget}");
        }
    }
}
