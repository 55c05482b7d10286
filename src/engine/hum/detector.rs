//! Decides what is mains hum.

use std::f32::consts::TAU;
use std::ops::Range;

use realfft::num_complex::Complex32;

use super::spectra::{HOP, Reading, Spectra};
use super::{HARMONICS, MAINS};
use crate::engine::smooth::power_to_db;
use crate::engine::{MAX_CHANNELS, Stream};

/// Decimated samples from one task to the next.
const PACE: usize = HOP / (MAX_CHANNELS + MAINS.len() * HARMONICS + 1);
/// Spectra that are remembered: 4 s.
const MEMORY: usize = 32;
/// Spectra before anything is said.
const ENOUGH: usize = 20;
/// Highest frequency looked at, Hz.
const HIGHEST: f32 = 1550.0;
/// Largest deviation of the mains frequency, Hz.
const DEVIATION: f32 = 0.6;
/// A line stands out at least so far above its neighbourhood in pauses, as a power.
const PROMINENCE: f32 = 10.0;
/// A line's phase advance is at least so steady; 1: perfectly.
const COHERENCE: f32 = 0.85;
/// A line is as near as this to its place, Hz.
const TOLERANCE: f32 = 0.3;
/// Amplitudes below this are not worth it (-90 dBFS).
const FAINTEST: f32 = 3e-5;
/// Points of evidence that make hum; each spectrum gives 3 for several lines (so it takes 1 s), 1 for
/// a single one (3 s).
const EVIDENCE: u32 = 24;
/// Harmonics whose place is unambiguous enough to find the fundamental.
const LOW: usize = 6;
/// Spectra from which drift is followed.
const RECENT: usize = 6;

/// The hum that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Index of the mains frequency.
    pub mains: usize,
    /// The fundamental, Hz.
    pub frequency: f32,
    /// The harmonics from the first on.
    pub lines: [Line; HARMONICS],
}

/// One harmonic of hum.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line {
    /// Level above the neighbourhood, dB; 0: there is no such line.
    pub excess: f32,
    /// Amplitude, all channels together.
    pub amplitude: f32,
}

/// What is remembered of one possible harmonic.
#[derive(Clone)]
struct Track {
    power: [f32; MEMORY],
    beside: [f32; MEMORY],
    advance: [Complex32; MEMORY],
    /// The same powers, the greatest first.
    powers: [f32; MEMORY],
    besides: [f32; MEMORY],
    /// Power in pauses: the lower quartile.
    low: f32,
    /// Power that is hardly ever undercut.
    lowest: f32,
    /// `low` against the neighbourhood.
    prominence: f32,
    /// Mean advance while the line is heard alone; its length is the coherence.
    steady: Complex32,
}

impl Track {
    const NEW: Track = Track {
        power: [0.0; MEMORY],
        beside: [0.0; MEMORY],
        advance: [Complex32::ZERO; MEMORY],
        powers: [0.0; MEMORY],
        besides: [0.0; MEMORY],
        low: 0.0,
        lowest: 0.0,
        prominence: 0.0,
        steady: Complex32::ZERO,
    };

    /// Remembers a reading at `slot`, and draws conclusions from the last `known` ones.
    fn remember(&mut self, reading: &Reading, slot: usize, known: usize) {
        exchange(&mut self.powers, self.power[slot], reading.power);
        exchange(&mut self.besides, self.beside[slot], reading.beside);
        self.power[slot] = reading.power;
        self.beside[slot] = reading.beside;
        self.advance[slot] = reading.advance;
        // What is not yet known is 0 and last.
        self.low = self.powers[known * 3 / 4];
        self.lowest = self.powers[known * 9 / 10];
        self.prominence = self.low / self.besides[known * 3 / 4].max(1e-20);
        self.steady = match self.prominence > PROMINENCE {
            true => self.advance_near(self.low, slot, known).0,
            false => Complex32::ZERO,
        };
    }

    /// Mean advance in the last `count` readings while the power is about `level`, and in how many
    /// it is.
    fn advance_near(&self, level: f32, slot: usize, count: usize) -> (Complex32, f32) {
        let alone = |slot: usize| {
            let (power, beside) = (self.power[slot % MEMORY], self.beside[slot % MEMORY]);
            (0.4 * level..2.5 * level).contains(&power) && power > 4.0 * beside
        };
        let slots = (0..count).map(|age| slot + MEMORY - age).filter(|&s| alone(s) && alone(s + MEMORY - 2));
        let (sum, n) = slots.fold((Complex32::ZERO, 0.0), |(sum, n), s| (sum + self.advance[s % MEMORY], n + 1.0));
        if n < 3.0 { (Complex32::ZERO, 0.0) } else { (sum / n, n) }
    }

    fn stands_out(&self) -> bool {
        self.prominence > PROMINENCE && self.steady.norm() > COHERENCE && self.low > FAINTEST * FAINTEST
    }
}

/// Exchanges one value in a list sorted downwards.
fn exchange(sorted: &mut [f32; MEMORY], old: f32, new: f32) {
    let place = |sorted: &[f32], value: f32| sorted.partition_point(|x| x.total_cmp(&value).is_gt());
    let from = place(sorted, old).min(MEMORY - 1);
    sorted.copy_within(from + 1.., from);
    let to = place(&sorted[..MEMORY - 1], new);
    sorted.copy_within(to..MEMORY - 1, to + 1);
    sorted[to] = new;
}

/// One mains frequency and what there is at its harmonics.
struct Candidate {
    /// Where the fundamental seems to be.
    frequency: f32,
    tracks: Vec<Track>,
    /// Points, up to [`EVIDENCE`].
    evidence: u32,
}

impl Candidate {
    /// Weighs the evidence for hum near the frequency `mains`.
    fn search(&mut self, mains: f32, lag: f32) {
        let low = || (1..=LOW).zip(&self.tracks).filter(|(_, track)| track.stands_out());
        let near = |frequency: f32| {
            low().filter(move |(k, track)| deviation(track.steady, frequency * *k as f32, lag).abs() < TOLERANCE)
        };
        // Each line says where the fundamental would be; the one that explains most is right.
        let says = |(k, track): (usize, &Track)| {
            let nominal = self.frequency * k as f32;
            (nominal + deviation(track.steady, nominal, lag)) / k as f32
        };
        let explained = |frequency: f32| near(frequency).map(|(_, track)| power_to_db(track.prominence)).sum::<f32>();
        let best = low()
            .map(says)
            .filter(|f| (f - mains).abs() < DEVIATION)
            .map(|f| (f, explained(f)))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((best, _)) = best else {
            self.evidence = self.evidence.saturating_sub(3);
            self.frequency += 0.1 * (mains - self.frequency);
            return;
        };
        // Two faint lines or a single one might be anything.
        let clear = |track: &Track| track.prominence > 4.0 * PROMINENCE && track.steady.norm() > 0.95;
        let clear_among = |first: usize| near(best).any(|(k, track)| k <= first && clear(track));
        let points = match near(best).count() {
            2 if clear_among(LOW) && near(best).any(|(k, _)| k <= 3) => 3,
            3.. if near(best).any(|(k, _)| k <= 3) => 3,
            _ => u32::from(clear_among(2) && (best - mains).abs() < 0.5 * DEVIATION),
        };
        let (sum, weight) = near(best).fold((0.0, 0.0), |(sum, weight), (k, track)| {
            let k = k as f32;
            let w = k * k * power_to_db(track.prominence);
            (sum + w * (best + deviation(track.steady, best * k, lag) / k), weight + w)
        });
        self.frequency = sum / weight;
        self.evidence =
            if points > 0 { (self.evidence + points).min(EVIDENCE) } else { self.evidence.saturating_sub(3) };
    }

    /// Follows the drift of hum and what becomes of its harmonics.
    fn follow(&self, found: &mut Found, slot: usize, lag: f32) {
        let mut error = (0.0, 0.0);
        for ((k, track), line) in (1..).zip(&self.tracks).zip(&mut found.lines) {
            let k = k as f32;
            let nominal = found.frequency * k;
            if track.stands_out() && deviation(track.steady, nominal, lag).abs() < TOLERANCE {
                let (excess, amplitude) = (power_to_db(track.prominence), track.low.sqrt());
                let share = if line.excess == 0.0 { 1.0 } else { 0.25 };
                line.excess += share * (excess - line.excess);
                line.amplitude += share * (amplitude - line.amplitude);
            } else if track.lowest < 0.25 * line.amplitude.powi(2) {
                // The hum would have been heard: it is gone.
                *line = Line::default();
            }
            let (advance, n) = track.advance_near(line.amplitude.powi(2), slot, RECENT);
            if advance.norm() > COHERENCE {
                let weight = n * line.excess;
                error.0 += weight * k * deviation(advance, nominal, lag);
                error.1 += weight * k * k;
            }
        }
        if error.1 > 0.0 {
            found.frequency += 0.4 * error.0 / error.1;
        }
        let mains = MAINS[found.mains];
        found.frequency = found.frequency.clamp(mains - DEVIATION, mains + DEVIATION);
    }
}

/// How far (Hz) a line of this phase advance is from the frequency at which it is expected.
fn deviation(advance: Complex32, expected: f32, lag: f32) -> f32 {
    let turns = advance.arg() / TAU - expected * lag;
    (turns - turns.round()) / lag
}

/// Looks for lines that are at multiples of one mains frequency, stand out of their neighbourhood
/// in the pauses of whatever else is heard, and keep their phase over seconds.
pub struct Detector {
    spectra: Spectra,
    candidates: [Candidate; 2],
    /// Decimated samples since the last spectrum.
    tick: usize,
    /// Spectra so far.
    frame: usize,
    found: Option<Found>,
}

impl Detector {
    pub fn new(stream: &Stream) -> Self {
        let tracks = |mains: f32| vec![Track::NEW; ((HIGHEST / mains) as usize).min(HARMONICS)];
        let candidate = |mains| Candidate { frequency: mains, tracks: tracks(mains), evidence: 0 };
        Self { spectra: Spectra::new(stream), candidates: MAINS.map(candidate), tick: 0, frame: 0, found: None }
    }

    /// Samples of the stream in each step of the detector.
    pub fn step(&self) -> usize {
        self.spectra.decimation()
    }

    /// Takes a part of a block, `offset` samples after the begin of the step.
    pub fn feed(&mut self, block: &[Vec<f32>], range: Range<usize>, offset: usize) {
        self.spectra.feed(block, range, offset);
    }

    /// Ends a step. The work for a spectrum is spread over many steps; whether there is news.
    pub fn advance(&mut self) -> bool {
        self.spectra.decimate();
        let (task, rest) = (self.tick / PACE, self.tick % PACE);
        self.tick = (self.tick + 1) % HOP;
        if rest != 0 {
            return false;
        }
        if task < MAX_CHANNELS {
            self.spectra.transform(task);
        } else if task < MAX_CHANNELS + MAINS.len() * HARMONICS {
            let task = task - MAX_CHANNELS;
            self.read(task / HARMONICS, task % HARMONICS);
        } else if task == MAX_CHANNELS + MAINS.len() * HARMONICS {
            self.frame += 1;
            self.decide();
            return true;
        }
        false
    }

    pub fn found(&self) -> Option<&Found> {
        self.found.as_ref()
    }

    fn slot(&self) -> usize {
        self.frame % MEMORY
    }

    /// Reads one harmonic of one candidate in the newest spectrum.
    fn read(&mut self, mains: usize, index: usize) {
        let (slot, known) = (self.slot(), (self.frame + 1).min(MEMORY));
        let candidate = &mut self.candidates[mains];
        let Some(track) = candidate.tracks.get_mut(index) else { return };
        if let Some(reading) = self.spectra.read(candidate.frequency * (index + 1) as f32) {
            track.remember(&reading, slot, known);
        }
    }

    fn decide(&mut self) {
        let slot = (self.frame - 1) % MEMORY;
        if self.frame < ENOUGH {
            return;
        }
        let lag = self.spectra.lag();
        for (mains, candidate) in self.candidates.iter_mut().enumerate() {
            candidate.search(MAINS[mains], lag);
        }
        if self.found.is_none() {
            let hum = (0..MAINS.len()).find(|&m| self.candidates[m].evidence >= EVIDENCE);
            let lines = [Line::default(); HARMONICS];
            self.found = hum.map(|mains| Found { mains, frequency: self.candidates[mains].frequency, lines });
        }
        if let Some(found) = &mut self.found {
            let candidate = &mut self.candidates[found.mains];
            candidate.follow(found, slot, lag);
            candidate.frequency = found.frequency;
            if found.lines.iter().all(|line| line.excess == 0.0) {
                candidate.evidence = 0;
                self.found = None;
            }
        }
    }

    pub fn reset(&mut self) {
        self.spectra.reset();
        for (candidate, mains) in self.candidates.iter_mut().zip(MAINS) {
            candidate.frequency = mains;
            candidate.evidence = 0;
            candidate.tracks.fill(Track::NEW);
        }
        self.tick = 0;
        self.frame = 0;
        self.found = None;
    }
}
