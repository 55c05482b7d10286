//! Enhancing that gets better on the way: the loop beside the engine.

use super::decode::Source;
use super::enhance::{Failure, Options};
use crate::engine::EngineConfig;
use crate::quality::Ears;
use crate::settings::{Id, Settings, Spec, TABLE};
use crate::tuner::{Event, FeedbackLoop, Goals, LoopConfig, Metrics, PREROLL, Stretch, Style, What};
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// How to adapt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adapt {
    /// How boldly.
    pub style: Style,
    /// What is wanted besides.
    pub goals: Goals,
    /// Settings that are left alone.
    pub locked: Vec<String>,
    /// Learns on the whole file first, and then keeps the settings.
    pub two_pass: bool,
    /// For the random numbers.
    pub seed: u64,
}

/// What the loop did to one engine's channels.
#[derive(Clone, Debug, Default)]
pub struct Adaptation {
    /// All that happened.
    pub events: Vec<Event>,
    /// What it began with.
    pub base: Settings,
    /// The settings at the end.
    pub settings: Settings,
    /// Rounds of the search until there was nothing left to gain, or until the end.
    pub rounds: u64,
    /// By how much the output is better than the input, over time; where there is speech.
    pub scores: Vec<Score>,
}

/// How a window of 3 s was heard.
#[derive(Clone, Debug)]
pub struct Score {
    /// Its end.
    pub sample: u64,
    /// By how much the output was better than the input, PESQ points.
    pub gain: f32,
    /// What was wrong with it.
    pub fault: Option<String>,
}

impl Adaptation {
    fn count(&self, wanted: fn(&What) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(&event.what)).count()
    }

    /// How often other settings were heard.
    pub fn changes(&self) -> usize {
        self.count(|what| matches!(what, What::Deployed { .. }))
    }

    /// How often the loop went back.
    pub fn rollbacks(&self) -> usize {
        self.count(|what| matches!(what, What::RolledBack { .. }))
    }

    /// The settings that are others now, as they are shown.
    pub fn moved(&self) -> Vec<&'static Spec> {
        let shown = |settings: &Settings, spec: &Spec| spec.format(settings[spec.key]);
        TABLE.iter().filter(|spec| shown(&self.settings, spec) != shown(&self.base, spec)).collect()
    }

    /// When there was nothing left to gain for the first time.
    pub fn converged(&self) -> Option<u64> {
        let event = self.events.iter().find(|event| matches!(event.what, What::Converged { .. }))?;
        Some(event.sample)
    }
}

/// The loop beside one engine.
pub struct Companion {
    feedback: FeedbackLoop,
    events: Vec<Event>,
    scores: Vec<Score>,
    revision: u64,
}

impl Companion {
    /// For an engine of this sort.
    pub fn new(engine: EngineConfig, options: &Options, adapt: &Adapt) -> Result<Companion, String> {
        let config = LoopConfig {
            base: options.settings,
            locked: adapt.locked.iter().filter_map(|id| Id::from_name(id)).collect(),
            seed: adapt.seed,
            style: adapt.style,
            goals: adapt.goals.clone(),
            ..LoopConfig::offline(engine)
        };
        let feedback = FeedbackLoop::new(config).map_err(|e| format!("can't be processed: {e}"))?;
        Ok(Companion { revision: feedback.revision(), feedback, events: Vec::new(), scores: Vec::new() })
    }

    /// What should be heard.
    pub fn settings(&self) -> &Settings {
        self.feedback.settings()
    }

    /// Hears a block; new settings, if there are any now.
    pub fn hear(&mut self, input: &[&[f32]], output: &[&[f32]]) -> Option<&Settings> {
        self.feedback.collect_feedback(input, output, &Metrics::default());
        self.events.extend(self.feedback.advance());
        let heard = self.scores.last().map_or(0, |score| score.sample);
        let new = self.feedback.records().rev().take_while(|record| record.sample > heard);
        let new = new.filter(|r| r.speech > LEAST_SPEECH && r.score.sigma.is_finite()).map(|record| Score {
            sample: record.sample,
            gain: record.score.mean,
            fault: record.veto.map(|veto| veto.to_string()),
        });
        let new: Vec<_> = new.collect();
        self.scores.extend(new.into_iter().rev());
        if self.feedback.revision() == self.revision {
            return None;
        }
        self.revision = self.feedback.revision();
        Some(self.feedback.settings())
    }

    /// Hears without changing anything any more.
    pub fn only_listen(&mut self) {
        self.feedback.pause();
    }

    /// What it did.
    pub fn finish(self) -> Adaptation {
        Adaptation {
            base: *self.feedback.space().base(),
            settings: *self.feedback.settings(),
            rounds: self.feedback.rounds(),
            events: self.events,
            scores: self.scores,
        }
    }
}

/// Least speech in a window of 3 s whose score is told, s.
const LEAST_SPEECH: f32 = 0.3;

/// Stretches of a recording on which is learned: at most so many, of about so many seconds.
const STRETCHES: u64 = 6;
const SECONDS: f32 = 6.0;
/// Places that are looked at for each stretch: the one with the most speech is taken.
const PLACES: u64 = 3;
/// Rounds of the search at most.
const ROUNDS: u64 = 100;

/// Learns on a whole file before it is enhanced. `progress` hears of the rounds that are done, and how many there
/// are at most.
pub fn learn(
    input: &Path,
    companions: &mut [Companion],
    each: usize,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<(), Failure> {
    let most = ROUNDS * companions.len() as u64;
    progress(0, most);
    let places = places(input, stop)?;
    for (index, companion) in companions.iter_mut().enumerate() {
        let engine = index * each..(index + 1) * each;
        let stretches = best(&places, |place| {
            Stretch::new(
                Ears::built_in(),
                place.rate,
                place.channels[engine.start.min(place.channels.len())..engine.end.min(place.channels.len())].to_vec(),
                place.preroll,
            )
        });
        companion.feedback.study(stretches, ROUNDS, &mut |round| {
            progress(index as u64 * ROUNDS + round, most);
            !stop.load(Ordering::Relaxed)
        });
        companion.events.extend(companion.feedback.advance());
        companion.revision = companion.feedback.revision();
        companion.only_listen();
    }
    if stop.load(Ordering::Relaxed) { Err(Failure::Interrupted) } else { Ok(()) }
}

/// Some seconds of the recording, with the pre-roll before them.
struct Place {
    rate: u32,
    preroll: usize,
    channels: Vec<Vec<f32>>,
    /// Which part of the recording it stands for.
    part: u64,
}

/// Reads the file through and keeps some seconds here and there: all of it is heard if it is short.
fn places(input: &Path, stop: &AtomicBool) -> Result<Vec<Place>, Failure> {
    let mut source = Source::open(input).map_err(Failure::Input)?;
    let (rate, channels) = (source.header.rate, usize::from(source.header.channels));
    let samples = |seconds: f32| (seconds * rate as f32) as u64;
    let frames = match source.expected {
        Some(frames) if frames > 0 => frames,
        _ => count(input, stop)?,
    };
    let preroll = samples(PREROLL).min(frames / 4);
    let length = preroll + samples(SECONDS);
    let fits = (frames / length).max(1);
    let (parts, each) = if fits <= STRETCHES { (fits, 1) } else { (STRETCHES, (fits / STRETCHES).clamp(1, PLACES)) };
    let total = parts * each;
    let ends = |i: u64| {
        (i * frames / total, ((i * frames / total) + length.max(frames / total.max(1)).min(length * 3 / 2)).min(frames))
    };
    let mut places: Vec<Place> = Vec::new();
    let mut block = vec![Vec::new(); channels];
    let mut at = 0u64;
    loop {
        if stop.load(Ordering::Relaxed) {
            return Err(Failure::Interrupted);
        }
        let read = source.read(&mut block, 1 << 15).map_err(Failure::Input)? as u64;
        if read == 0 {
            break;
        }
        for i in 0..total {
            let (from, to) = ends(i);
            let (from, to) = (from.max(at), to.min(at + read));
            if from < to {
                if places.len() as u64 <= i {
                    places.push(Place {
                        rate,
                        preroll: preroll as usize,
                        channels: vec![Vec::new(); channels],
                        part: i / each,
                    });
                }
                let place = &mut places[i as usize];
                for (kept, samples) in place.channels.iter_mut().zip(&block) {
                    kept.extend(&samples[(from - at) as usize..(to - at) as usize]);
                }
            }
        }
        at += read;
    }
    Ok(places)
}

fn count(input: &Path, stop: &AtomicBool) -> Result<u64, Failure> {
    let mut source = Source::open(input).map_err(Failure::Input)?;
    let mut block = vec![Vec::new(); usize::from(source.header.channels)];
    let mut frames = 0;
    while !stop.load(Ordering::Relaxed) {
        match source.read(&mut block, 1 << 15).map_err(Failure::Input)? {
            0 => return Ok(frames),
            read => frames += read as u64,
        }
    }
    Err(Failure::Interrupted)
}

/// Of each part the place with the most speech.
fn best(places: &[Place], stretch: impl Fn(&Place) -> Stretch) -> Vec<Stretch> {
    let mut chosen: Vec<(u64, Stretch)> = Vec::new();
    for place in places {
        let new = stretch(place);
        match chosen.last_mut() {
            Some((part, old)) if *part == place.part => {
                if new.speech > old.speech {
                    *old = new;
                }
            }
            _ => chosen.push((place.part, new)),
        }
    }
    chosen.into_iter().map(|(_, stretch)| stretch).collect()
}
