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
    abreast: Vec<Follower>,
    /// From here settings that are new come up to the others, so that what they make of a window is heard from its
    /// beginning.
    behind: Option<Follower>,
    spare: Vec<Follower>,
    lag: u64,
}

/// How many settings are followed at once.
const FOLLOWED: usize = 3;
/// How far the last one stays behind, s: a window. In the second until the next window the settings settle.
const LAG: f32 = 3.0;

impl Followers {
    /// # Errors
    /// When the rate or the number of channels isn't supported.
    pub fn new(config: EngineConfig) -> Result<Followers, ConfigError> {
        let spare = (0..FOLLOWED + 1).map(|_| Follower::new(config)).collect::<Result<_, _>>()?;
        Ok(Followers { abreast: Vec::new(), behind: None, spare, lag: (LAG * config.sample_rate as f32) as u64 })
    }

    /// What each of some settings, three at most and all different, makes of a window of the stream: mono, in step with the input. Those
    /// are left out for which the input isn't kept any more. Windows come in order.
    pub fn render(
        &mut self,
        hearing: &Hearing,
        window: &Range<u64>,
        wanted: impl IntoIterator<Item = Settings>,
    ) -> Vec<(Settings, Vec<f32>)> {
        let mut before = std::mem::take(&mut self.abreast);
        let mut goes_on = |settings: Settings| {
            let at = before.iter().position(|follower| follower.settings == settings);
            (settings, at.map(|at| before.swap_remove(at)))
        };
        let wanted: Vec<(Settings, Option<Follower>)> = wanted.into_iter().take(FOLLOWED).map(&mut goes_on).collect();
        self.spare.extend(before.into_iter().map(Follower::anew));
        let missing = self.behind.is_none();
        for (settings, follower) in wanted {
            let follower = follower.or_else(|| self.behind.take()).or_else(|| self.spare.pop());
            self.abreast.extend(follower.map(|follower| follower.with(settings)));
        }
        // One that comes up now is replaced with the next window: this one is work enough.
        if missing {
            self.behind = self.spare.pop();
        }
        let lagging = window.end.saturating_sub(self.lag);
        if let Some(behind) = &mut self.behind {
            behind.render(hearing, &(lagging..lagging));
        }
        let render = |follower: &mut Follower| Some((follower.settings, follower.render(hearing, window)?));
        self.abreast.iter_mut().filter_map(render).collect()
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

    fn with(mut self, settings: Settings) -> Follower {
        self.engine.set(&settings);
        Follower { settings, ..self }
    }

    /// As if it had heard nothing.
    fn anew(self) -> Follower {
        Follower { heard: None, ..self }
    }

    /// What it makes of a part of the stream; `None` if the input isn't kept any more.
    fn render(&mut self, hearing: &Hearing, part: &Range<u64>) -> Option<Vec<f32>> {
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
            let late = followers.spare[0].engine.latency();
            let hearing = Hearing::new(Ears::built_in(), RATE as u32, 1, late, RATE);
            Stream { hearing, followers, input: demo().into_iter().cycle().take(12 * RATE).collect(), position: 0 }
        }

        /// Plays on, and renders the 3 s that end there.
        fn render<const N: usize>(&mut self, second: usize, wanted: [&Settings; N]) -> [Option<Vec<f32>>; N] {
            // A little more: windows are heard when their output has come.
            let to = second * RATE + RATE / 2;
            let block = &self.input[self.position..to];
            self.hearing.push(&[block], &[block], |_| ());
            self.position = to;
            let end = (second * RATE) as u64;
            let window = end - 3 * RATE as u64..end;
            let made = self.followers.render(&self.hearing, &window, wanted.map(|settings| *settings));
            wanted.map(|settings| Some(made.iter().find(|(made, _)| made == settings)?.1.clone()))
        }

        /// What an engine makes of the stream from one sample on, with other settings from another one on; silence before.
        fn engine(&self, from: usize, first: &Settings, then: (usize, &Settings)) -> Vec<f32> {
            let mut engine = Engine::new(config()).unwrap();
            engine.set(first);
            engine.reset();
            let mut sound = self.input.clone();
            sound[..from].fill(0.0);
            let (before, after) = sound.split_at_mut(then.0);
            let before = &mut before[from..];
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
        let [present, rival, new] = &others();
        let late = Engine::new(config()).unwrap().latency();
        let of = |sound: &[f32], second: usize| Some(sound[(second - 3) * RATE..second * RATE].to_vec());
        let [alone, with] = [present, rival].map(|settings| stream.engine(0, settings, (0, settings)));
        assert!(stream.render(3, [present]) == [of(&alone, 3)]);
        assert!(stream.render(4, [present, rival]) == [of(&alone, 4), of(&with, 4)], "a rival comes up at once");
        stream.render(5, [present, rival]);
        stream.render(6, [present, rival]);

        // What was the present goes on as the rival. What is new comes up from 4 s back, where the one is that took the
        // place of the rival's with the window after it, and its pre-roll.
        let begins = stream.engine(RATE / 2, &Settings::default(), (3 * RATE + late, new));
        assert!(stream.render(7, [new, present]) == [of(&begins, 7), of(&alone, 7)]);
        // Back again: both go on.
        assert!(stream.render(8, [present, new]) == [of(&alone, 8), of(&begins, 8)]);
        assert!(stream.render(9, [present, new, rival]).iter().all(Option::is_some));
    }

    #[test]
    fn after_a_gap_they_begin_anew() {
        let mut stream = Stream::new();
        let [present, rival, _] = &others();
        stream.render(4, [present, rival]);
        stream.hearing.gap(0);
        let gap = stream.position;
        assert!(stream.render(7, [present]) == [None], "half of a second is not there");
        let [sound] = stream.render(8, [present]);
        let from = gap.max(5 * RATE - (PREROLL * RATE as f32) as usize);
        let mut engine = Engine::new(config()).unwrap();
        let mut fresh = stream.input[from..].to_vec();
        engine.process(&mut [&mut fresh]);
        let begins = 5 * RATE - from + engine.latency();
        assert!(sound.unwrap() == fresh[begins..begins + 3 * RATE]);
    }
}
