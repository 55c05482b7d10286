//! Loudness (ITU-R BS.1770, EBU R 128) and true peak, and how they change.

use super::Context;
use super::window::quantile;
use crate::quality::TruePeak;
use ebur128::{EbuR128, Mode};
use std::collections::VecDeque;

/// The absolute gate, LUFS: what is softer is silence.
const GATE: f32 = -70.0;
/// Softer than the mean by this (LU), it is a pause: the relative gate.
const PAUSE: f32 = 10.0;
/// The same for the range.
const RANGE_PAUSE: f32 = 20.0;
/// Steps of the histogram per LU.
const STEPS: f32 = 10.0;
/// Momentary loudness that is remembered: 20 s.
const MEMORY: usize = 200;
/// Steps of 0.1 s that are compared with as many: 1.5 s.
const SIDE: usize = 15;

/// Measures loudness every 0.1 s.
pub struct Level {
    meter: Option<EbuR128>,
    rate: u32,
    channels: usize,
    peak: TruePeak,
    /// Steps since the stream began.
    steps: usize,
    /// How often each loudness above the gate occurred.
    counts: Vec<u32>,
    /// The last momentary loudnesses, but for those of a stream's first 0.4 s.
    recent: VecDeque<f32>,
    /// True peaks of the last steps.
    peaks: VecDeque<f32>,
    /// Steps in a window.
    window: usize,
    momentary: f32,
}

impl Level {
    /// The true peak is that of the last `window` steps.
    pub fn new(rate: u32, channels: usize, window: usize) -> Level {
        Level {
            meter: meter(rate, channels),
            rate,
            channels,
            peak: TruePeak::new(channels),
            steps: 0,
            counts: vec![0; ((20.0 - GATE) * STEPS) as usize],
            recent: VecDeque::new(),
            peaks: VecDeque::new(),
            window,
            momentary: GATE,
        }
    }

    /// Takes in a step of 0.1 s.
    pub fn feed(&mut self, channels: &[&[f32]]) {
        let Some(meter) = &mut self.meter else { return };
        // Only a wrong number of channels could fail.
        let _ = meter.add_frames_planar_f32(channels);
        self.peak.restart();
        self.peak.add(channels);
        push(&mut self.peaks, self.peak.max(), self.window);
        self.steps += 1;
        self.momentary = meter.loudness_momentary().map_or(GATE, |loudness| (loudness as f32).max(GATE));
        if self.steps >= 4 {
            push(&mut self.recent, self.momentary, MEMORY);
            if self.momentary > GATE {
                let step = (((self.momentary - GATE) * STEPS) as usize).min(self.counts.len() - 1);
                self.counts[step] += 1;
            }
        }
    }

    /// A gap: the stream begins anew, but what was heard is not forgotten.
    pub fn gap(&mut self) {
        self.meter = meter(self.rate, self.channels);
        self.peak.reset();
        self.peaks.clear();
        self.steps = 0;
        self.momentary = GATE;
    }

    pub fn measure(&self, context: &mut Context) {
        let short_term = self.meter.as_ref().and_then(|meter| meter.loudness_shortterm().ok());
        context.momentary = self.momentary;
        context.short_term = short_term.map_or(GATE, |loudness| (loudness as f32).max(GATE));
        context.integrated = self.integrated();
        let peak = self.peaks.iter().copied().fold(0.0, f32::max);
        context.true_peak = 20.0 * peak.max(1e-6).log10();
        let mean = mean(self.recent.iter().copied().filter(|&loudness| loudness > GATE));
        let mut talk: Vec<f32> = self.recent.iter().copied().filter(|&l| l > mean - RANGE_PAUSE).collect();
        context.level_range = quantile(&mut talk, 0.95) - quantile(&mut talk, 0.1);
        context.level_jump = self.jump(mean - RANGE_PAUSE);
    }

    /// Integrated loudness: blocks of 0.4 s above both gates.
    fn integrated(&self) -> f32 {
        let above = |gate: f32| {
            let blocks = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
            let blocks = blocks.map(|(i, count)| (GATE + (i as f32 + 0.5) / STEPS, f64::from(*count)));
            let (power, count) = blocks
                .filter(|(loudness, _)| *loudness > gate)
                .fold((0.0, 0.0), |(p, n), (l, c)| (p + c * 10f64.powf(f64::from(l) / 10.0), n + c));
            if count > 0.0 { (10.0 * (power / count).log10()) as f32 } else { GATE }
        };
        above(above(GATE) - PAUSE)
    }

    /// The largest change from one stretch to the next, of those blocks that are above a gate.
    fn jump(&self, gate: f32) -> f32 {
        let recent: Vec<f32> = self.recent.iter().copied().collect();
        let side = |blocks: &[f32]| {
            let loud = || blocks.iter().copied().filter(|&l| l > gate.max(GATE));
            (loud().count() * 2 >= SIDE).then(|| mean(loud()))
        };
        // Blocks of 0.4 s overlap: those at the border belong to neither side.
        let changes =
            recent.windows(2 * SIDE + 3).filter_map(|w| Some((side(&w[..SIDE])? - side(&w[SIDE + 3..])?).abs()));
        changes.fold(0.0, f32::max)
    }
}

fn meter(rate: u32, channels: usize) -> Option<EbuR128> {
    EbuR128::new(channels as u32, rate, Mode::M | Mode::S).ok()
}

/// Mean of powers in dB.
fn mean(levels: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = levels.fold((0.0, 0), |(sum, count), level| (sum + 10f32.powf(0.1 * level), count + 1));
    if count > 0 { 10.0 * (sum / count as f32).log10() } else { GATE }
}

fn push(queue: &mut VecDeque<f32>, value: f32, length: usize) {
    if queue.len() == length {
        queue.pop_front();
    }
    queue.push_back(value);
}
