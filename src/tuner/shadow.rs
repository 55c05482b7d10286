use crate::engine::{ConfigError, Engine, EngineConfig};
use crate::quality::{self, Audition, EMBEDDING, Ears, Estimate, IMPRESSION, Take, Veto};
use crate::settings::Settings;
use std::sync::{Arc, Mutex, PoisonError};

/// What the engine hears before a stretch, to get to know the sound; it is not judged, s.
pub const PREROLL: f32 = 1.5;

/// Length of the stretches that the score's doubts are for, s.
const LEARNED: f32 = 6.0;

/// Input on which candidates are judged.
pub struct Stretch {
    /// By channel: the pre-roll and what is judged.
    input: Vec<Vec<f32>>,
    /// Samples of pre-roll.
    preroll: usize,
    /// What is heard in it.
    pub audition: Audition<'static>,
    /// How much speech there is, s.
    pub speech: f32,
    /// The candidates that were heard on it: none is rendered twice.
    heard: Mutex<Vec<(Settings, Take)>>,
}

impl Stretch {
    /// Input by channel, of which the first `preroll` samples are for the engine alone. The rest should be
    /// 3 to 10 s.
    pub fn new(ears: &'static Ears, rate: u32, input: Vec<Vec<f32>>, preroll: usize) -> Stretch {
        let audition = Audition::new(ears, rate, &mix(&input, preroll));
        let speech = audition.speech();
        Stretch { input, preroll, audition, speech, heard: Mutex::default() }
    }

    /// What an engine makes of it, heard.
    fn render(&self, engine: &mut Engine, settings: &Settings) -> Take {
        let latency = engine.latency();
        engine.set(settings);
        engine.reset();
        let mut sound = self.input.clone();
        sound.iter_mut().for_each(|channel| channel.resize(channel.len() + latency, 0.0));
        let mut channels: Vec<&mut [f32]> = sound.iter_mut().map(Vec::as_mut_slice).collect();
        engine.process(&mut channels);
        self.audition.hear(&mix(&sound, latency + self.preroll))
    }

    /// Samples that are judged.
    pub fn samples(&self) -> usize {
        self.input.first().map_or(0, Vec::len).saturating_sub(self.preroll)
    }
}

/// The place where candidates are tried and nobody hears them.
///
/// The engine is deterministic, so what it makes of the same input with other settings is what would have been
/// heard. All candidates are judged on the same stretches, and only differences between them count.
pub struct Shadow {
    engine: Engine,
    stretches: Vec<Arc<Stretch>>,
}

/// A candidate, heard on every stretch or on the first ones.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The candidate.
    pub settings: Settings,
    /// How it was heard, stretch by stretch.
    pub takes: Vec<Take>,
}

impl Trial {
    /// The first hard bound that was broken on any stretch.
    pub fn veto(&self) -> Option<Veto> {
        self.takes.iter().find_map(|take| take.veto)
    }
}

impl Shadow {
    /// Nothing to judge on yet. The latency mode has to be that of the engine that is heard.
    ///
    /// # Errors
    /// When the rate or the number of channels isn't supported.
    pub fn new(config: EngineConfig) -> Result<Shadow, ConfigError> {
        Ok(Shadow { engine: Engine::new(config)?, stretches: Vec::new() })
    }

    /// Judges on these stretches from now on.
    pub fn set(&mut self, stretches: Vec<Arc<Stretch>>) {
        self.stretches = stretches;
    }

    /// What is judged on.
    pub fn stretches(&self) -> &[Arc<Stretch>] {
        &self.stretches
    }

    /// Delay of the engine, samples.
    pub fn latency(&self) -> usize {
        self.engine.latency()
    }

    /// Speech in all stretches, s.
    pub fn speech(&self) -> f32 {
        self.stretches.iter().map(|stretch| stretch.speech).sum()
    }

    /// What the input is like: the mean over the stretches, by their speech.
    pub fn context(&self) -> [f32; EMBEDDING] {
        self.mean(self.stretches.iter().map(|stretch| stretch.audition.context.embedding()))
    }

    /// What is heard of a candidate and the input: the mean over the stretches, by their speech; see
    /// [`Audition::impression`].
    pub fn impression(&mut self, settings: &Settings) -> [f32; IMPRESSION] {
        let takes = self.hear(settings).takes;
        let heard = self.stretches.iter().zip(&takes);
        self.mean(heard.map(|(stretch, take)| stretch.audition.impression(&take.features)))
    }

    /// The mean of what is said of each stretch, by their speech.
    fn mean<const N: usize>(&self, each: impl Iterator<Item = [f32; N]>) -> [f32; N] {
        let (mut sum, mut total) = ([0.0; N], 0.0);
        for (stretch, numbers) in self.stretches.iter().zip(each) {
            let weight = stretch.speech + 1e-3;
            let share = weight / (total + weight);
            sum.iter_mut().zip(numbers).for_each(|(mean, x)| *mean += share * (x - *mean));
            total += weight;
        }
        sum
    }

    /// Renders a candidate on every stretch and listens to it.
    pub fn hear(&mut self, settings: &Settings) -> Trial {
        let mut trial = Trial { settings: *settings, takes: Vec::new() };
        while self.hear_on(&mut trial) {}
        trial
    }

    /// Renders a candidate on the next stretch that it was not heard on; false where there is none.
    pub fn hear_on(&mut self, trial: &mut Trial) -> bool {
        let Some(stretch) = self.stretches.get(trial.takes.len()) else { return false };
        let mut heard = stretch.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let known = heard.iter().find(|(settings, _)| *settings == trial.settings);
        let take = known.map(|(_, take)| take.clone()).unwrap_or_else(|| {
            let take = stretch.render(&mut self.engine, &trial.settings);
            heard.push((trial.settings, take.clone()));
            take
        });
        trial.takes.push(take);
        true
    }

    /// By how much one trial is better than another, PESQ points: the mean over the stretches on which both
    /// were heard, by their speech. `None` where there is no speech to judge on.
    pub fn difference(&self, trial: &Trial, other: &Trial) -> Option<Estimate> {
        let takes = self.stretches.iter().zip(trial.takes.iter().zip(&other.takes));
        Estimate::pooled(
            takes.map(|(stretch, (take, other))| (stretch.speech, difference(&stretch.audition, take, other))),
        )
    }
}

/// By how much one take is better than another, PESQ points. The score says its doubts for stretches of 6 s; on shorter
/// ones fewer sounds are heard.
pub(super) fn difference(audition: &Audition, take: &Take, other: &Take) -> Estimate {
    let Estimate { mean, sigma } = audition.difference(take, other);
    let frames = &audition.excerpt.frames;
    let short = (LEARNED / (frames.len() as f32 * frames.seconds())).max(1.0).sqrt();
    Estimate { mean, sigma: sigma * short }
}

/// The mean of the channels, from a sample on.
pub(super) fn mix(channels: &[Vec<f32>], from: usize) -> Vec<f32> {
    let channels: Vec<&[f32]> = channels.iter().map(|channel| &channel[from.min(channel.len())..]).collect();
    quality::mix(&channels).into_owned()
}
