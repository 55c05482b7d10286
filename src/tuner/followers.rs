use super::Hearing;
use super::shadow::{PREROLL, mix};
use crate::engine::{ConfigError, Engine, EngineConfig};
use crate::settings::Settings;
use std::collections::VecDeque;
use std::ops::Range;

/// What is heard, and what it is compared with, rendered as the stream goes on. Nobody hears them.
///
/// A window costs the render of what is new in it, not of all of it and a pre-roll. And they have heard all that the
/// engine which is heard has: noise, hum and level, which take it seconds to find, are found.
pub struct Followers {
    /// The present settings, their rival, and one that stays behind: from there settings that are new come up to the
    /// others, so that what they make of a window is heard from its beginning.
    all: [Follower; 3],
    lag: u64,
}

const PRESENT: usize = 0;
const RIVAL: usize = 1;
const BEHIND: usize = 2;

/// How far the last one stays behind, s: a window. In the second until the next window the settings settle.
const LAG: f32 = 3.0;

impl Followers {
    /// # Errors
    /// When the rate or the number of channels isn't supported.
    pub fn new(config: EngineConfig) -> Result<Followers, ConfigError> {
        let all = [Follower::new(config)?, Follower::new(config)?, Follower::new(config)?];
        Ok(Followers { all, lag: (LAG * config.sample_rate as f32) as u64 })
    }

    /// What the present settings and their rival make of a window of the stream, mono and in step with the input.
    /// `None` where there is no rival, or the input isn't kept any more. Windows come in order.
    pub fn render(
        &mut self,
        hearing: &Hearing,
        window: Range<u64>,
        present: &Settings,
        rival: Option<&Settings>,
    ) -> Option<[Vec<f32>; 2]> {
        if self.all[RIVAL].has(present) || rival.is_some_and(|rival| self.all[PRESENT].has(rival)) {
            self.all.swap(PRESENT, RIVAL);
        }
        for (role, settings) in [(PRESENT, Some(present)), (RIVAL, rival)] {
            if let Some(settings) = settings.filter(|settings| !self.all[role].has(settings)) {
                self.all.swap(role, BEHIND);
                self.all[role].set(settings);
                self.all[BEHIND].heard = None;
            }
        }
        let [one, other, behind] = &mut self.all;
        if behind.heard.is_none() {
            behind.set(present);
        }
        let lagging = window.end.saturating_sub(self.lag);
        behind.render(hearing, lagging..lagging);
        let present = one.render(hearing, window.clone());
        let rival = rival.and_then(|_| other.render(hearing, window));
        Some([present?, rival?])
    }
}

/// An engine that goes on where it was.
struct Follower {
    engine: Engine,
    settings: Settings,
    /// Samples before a stretch from which it begins when it can't go on.
    preroll: u64,
    /// The part of the stream that it has heard.
    heard: Option<Range<u64>>,
    /// The last that it made, mono.
    made: VecDeque<f32>,
}

impl Follower {
    fn new(config: EngineConfig) -> Result<Follower, ConfigError> {
        let preroll = (PREROLL * config.sample_rate as f32) as u64;
        let (settings, made) = (Settings::default(), VecDeque::new());
        Ok(Follower { engine: Engine::new(config)?, settings, preroll, heard: None, made })
    }

    fn has(&self, settings: &Settings) -> bool {
        self.settings == *settings
    }

    fn set(&mut self, settings: &Settings) {
        self.settings = *settings;
        self.engine.set(settings);
    }

    /// What it makes of a part of the stream; `None` if the input isn't kept any more.
    fn render(&mut self, hearing: &Hearing, part: Range<u64>) -> Option<Vec<f32>> {
        let (length, late) = (part.end - part.start, self.engine.latency() as u64);
        // The output is late by so much.
        let due = part.start + late..part.end + late;
        let goes_on = |heard: &Range<u64>| {
            let made = heard.end - self.made.len() as u64;
            let there =
                heard.start <= part.start && made <= due.start && hearing.from() <= heard.end && heard.end <= due.end;
            there && due.end - heard.end <= length + self.preroll
        };
        let heard = self.heard.take().filter(goes_on).or_else(|| {
            self.engine.reset();
            self.made.clear();
            let start = part.start.saturating_sub(self.preroll).max(hearing.from());
            (start <= part.start).then_some(start..start)
        })?;
        let mut sound = hearing.input(heard.end..due.end)?;
        let mut channels: Vec<&mut [f32]> = sound.iter_mut().map(Vec::as_mut_slice).collect();
        self.engine.process(&mut channels);
        self.made.extend(mix(&sound, 0));
        self.made.drain(..self.made.len().saturating_sub(length as usize));
        self.heard = Some(heard.start..due.end);
        Some(self.made.iter().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Latency;
    use crate::engine::testing::demo;
    use crate::quality::Ears;
    use crate::settings::Id;

    const RATE: usize = 48_000;

    fn config() -> EngineConfig {
        EngineConfig { sample_rate: RATE as u32, channels: 1, latency: Latency::Studio }
    }

    /// A stream of 12 s that is listened to, and the demo that it repeats.
    struct Stream {
        hearing: Hearing,
        followers: Followers,
        input: Vec<f32>,
        position: usize,
    }

    impl Stream {
        fn new() -> Stream {
            let followers = Followers::new(config()).unwrap();
            let late = followers.all[PRESENT].engine.latency();
            let hearing = Hearing::new(Ears::built_in(), RATE as u32, 1, late, RATE);
            Stream { hearing, followers, input: demo().into_iter().cycle().take(12 * RATE).collect(), position: 0 }
        }

        /// Plays on, and renders the 3 s that end there.
        fn render(&mut self, second: usize, present: &Settings, rival: Option<&Settings>) -> Option<[Vec<f32>; 2]> {
            // A little more: windows are heard when their output has come.
            let to = second * RATE + RATE / 2;
            let block = &self.input[self.position..to];
            self.hearing.push(&[block], &[block], |_| ());
            self.position = to;
            let end = (second * RATE) as u64;
            self.followers.render(&self.hearing, end - 3 * RATE as u64..end, present, rival)
        }

        /// What an engine makes of the stream from one second on, with other settings after some samples.
        fn engine(&self, from: usize, first: &Settings, then: (usize, &Settings)) -> Vec<f32> {
            let mut engine = Engine::new(config()).unwrap();
            engine.set(first);
            engine.reset();
            let mut sound = self.input[from * RATE..].to_vec();
            let (before, after) = sound.split_at_mut(then.0);
            engine.process(&mut [before]);
            engine.set(then.1);
            engine.process(&mut [after]);
            sound.drain(..engine.latency());
            sound
        }
    }

    fn others() -> [Settings; 3] {
        let strong = Settings::default().with(Id::Reduction, 24.0);
        [Settings::default(), strong, strong.with(Id::EqAir, 3.0)]
    }

    #[test]
    fn they_make_what_the_engine_that_is_heard_makes() {
        let mut stream = Stream::new();
        let [present, rival, new] = others();
        assert!(stream.render(3, &present, None).is_none());
        let [sound, other] = stream.render(4, &present, Some(&rival)).unwrap();
        let whole = stream.engine(0, &present, (0, &present));
        assert!(sound == whole[RATE..4 * RATE], "the present, from the beginning");
        assert!(other == stream.engine(0, &rival, (0, &rival))[RATE..4 * RATE], "a rival that comes up at once");
        stream.render(5, &present, Some(&rival)).unwrap();
        stream.render(6, &present, Some(&rival)).unwrap();

        // What was the present goes on as the rival; what is new comes up from 4 s back.
        let [sound, other] = stream.render(7, &new, Some(&present)).unwrap();
        assert!(other == whole[4 * RATE..7 * RATE]);
        let late = stream.followers.all[PRESENT].engine.latency();
        let begins = stream.engine(0, &present, (3 * RATE + late, &new));
        assert!(sound == begins[4 * RATE..7 * RATE]);

        // Back again: both go on.
        let [sound, other] = stream.render(8, &present, Some(&new)).unwrap();
        assert!(sound == whole[5 * RATE..8 * RATE]);
        assert!(other == begins[5 * RATE..8 * RATE]);
    }

    #[test]
    fn after_a_gap_they_begin_anew() {
        let mut stream = Stream::new();
        let [present, rival, _] = others();
        stream.render(4, &present, Some(&rival)).unwrap();
        stream.hearing.gap(0);
        let gap = stream.position as u64;
        assert!(stream.render(7, &present, Some(&rival)).is_none(), "half of a second is not there");
        let [sound, _] = stream.render(8, &present, Some(&rival)).unwrap();
        let late = stream.followers.all[PRESENT].engine.latency();
        let begins = (gap as usize).max(5 * RATE - (PREROLL * RATE as f32) as usize);
        let mut engine = Engine::new(config()).unwrap();
        let mut fresh = stream.input[begins..].to_vec();
        engine.process(&mut [&mut fresh]);
        let from = 5 * RATE - begins + late;
        assert!(sound == fresh[from..from + 3 * RATE]);
    }
}
