use crate::engine::{ConfigError, Engine, EngineConfig};

/// A crossfade, s.
const FADE: f32 = 0.02;
/// How long the engine rests at first, and at most, s; doubled with each time in a row.
const REST: f32 = 1.0;
const LONGEST: f32 = 30.0;
/// How long the engine runs unheard before it is heard again, s.
const WARM: f32 = 0.5;

/// An engine that may be late: then the untouched sound is heard in its place, at the same delay, until it has caught
/// up. All changes are crossfades.
pub struct Rescue {
    engine: Engine,
    /// The untouched sound, one line a channel, as long as the engine's delay.
    dry: Vec<Vec<f32>>,
    position: usize,
    rate: f32,
    state: State,
    /// How much of the untouched sound is heard.
    share: f32,
    /// The next rest, samples.
    rest: usize,
    rescues: u64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// The engine is heard.
    Well,
    /// On the way to the untouched sound.
    Leaving,
    /// The engine rests for so many samples.
    Resting(usize),
    /// The engine runs unheard for so many samples.
    Warming(usize),
}

impl Rescue {
    /// # Errors
    /// When the engine can't be built.
    pub fn new(config: EngineConfig) -> Result<Rescue, ConfigError> {
        let engine = Engine::new(config)?;
        let rate = config.sample_rate as f32;
        let dry = vec![vec![0.0; engine.latency().max(1)]; config.channels];
        let rest = (REST * rate) as usize;
        Ok(Rescue { engine, dry, position: 0, rate, state: State::Well, share: 0.0, rest, rescues: 0 })
    }

    /// The engine, to be set.
    pub fn engine(&mut self) -> &mut Engine {
        &mut self.engine
    }

    /// The engine was too late.
    pub fn late(&mut self) {
        self.rescues += 1;
        match self.state {
            State::Well => self.state = State::Leaving,
            State::Warming(_) => {
                self.rest = (2 * self.rest).min((LONGEST * self.rate) as usize);
                self.state = State::Leaving;
            }
            State::Leaving | State::Resting(_) => {}
        }
    }

    /// How often it was too late.
    pub fn rescues(&self) -> u64 {
        self.rescues
    }

    /// Whether nothing but the engine is heard.
    pub fn is_well(&self) -> bool {
        self.state == State::Well && self.share == 0.0
    }

    /// Processes a block of one slice a channel in place. `dry` gets what went in, `latency` later.
    pub fn process(&mut self, left: &mut [f32], right: Option<&mut [f32]>) {
        let count = left.len();
        let mut both = [Some(left), right];
        // What is untouched comes out of its lines while the new goes in; both are needed for a crossfade.
        let runs = !matches!(self.state, State::Resting(_));
        let length = self.dry[0].len();
        let from = self.position;
        let target = if self.state == State::Well { 0.0 } else { 1.0 };
        let step = 1.0 / (FADE * self.rate);
        let mut share = self.share;
        let mut done = 0;
        while done < count {
            // As much as a line holds: what goes in must not overtake what comes out.
            let n = (count - done).min(length).min(MOST);
            let mut old = [[0.0; MOST]; 2];
            let mut end = from;
            for ((io, line), old) in both.iter_mut().flatten().zip(&mut self.dry).zip(&mut old) {
                let mut position = self.position;
                for (io, old) in io[done..done + n].iter().zip(old) {
                    *old = std::mem::replace(&mut line[position], if io.is_finite() { *io } else { 0.0 });
                    position = if position + 1 == length { 0 } else { position + 1 };
                }
                end = position;
            }
            self.position = end;
            if runs {
                match &mut both {
                    [Some(left), Some(right)] => {
                        self.engine.process(&mut [&mut left[done..done + n], &mut right[done..done + n]]);
                    }
                    [Some(left), None] => self.engine.process(&mut [&mut left[done..done + n]]),
                    _ => {}
                }
            }
            let begin = share;
            for (io, old) in both.iter_mut().flatten().zip(&old) {
                share = begin;
                for (io, old) in io[done..done + n].iter_mut().zip(old) {
                    share = if share < target { (share + step).min(target) } else { (share - step).max(target) };
                    *io = if share == 0.0 {
                        *io
                    } else if share == 1.0 {
                        *old
                    } else {
                        *io + share * (old - *io)
                    };
                }
            }
            done += n;
        }
        self.share = share;
        self.state = match self.state {
            State::Leaving if share == 1.0 => State::Resting(self.rest),
            State::Resting(left) if left <= count => {
                self.engine.reset();
                State::Warming((WARM * self.rate) as usize)
            }
            State::Resting(left) => State::Resting(left - count),
            State::Warming(left) if left <= count => State::Well,
            State::Warming(left) => State::Warming(left - count),
            State::Well if share == 0.0 && self.rest > (REST * self.rate) as usize => {
                // Slowly forgiven: a second of rest for ten that went well.
                self.rest -= (count / 10).min(self.rest);
                State::Well
            }
            same => same,
        };
    }
}

/// Samples that are crossfaded at a time.
const MOST: usize = 64;
