use super::past::Past;
use super::{Context, Excerpt};
use crate::quality::sane;

/// Steps of about 0.1 s in a window and from one window to the next.
pub const STEPS: usize = 30;
const HOP: usize = 5;
/// Steps in the first window for whoever is in a hurry.
const EARLY: usize = 10;

/// Samples in a step.
pub fn step(rate: u32) -> usize {
    (rate as usize / 10).max(1)
}

/// A window that was heard.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Samples of the stream, gaps not counted, up to the window's end.
    pub end: u64,
    /// Samples in the window.
    pub length: usize,
    /// What is wrong with it.
    pub context: Context,
    /// Its analysis, for whoever goes on working with this window.
    pub excerpt: Excerpt,
}

/// Listens to a stream, mono or stereo, and tells the [`Context`] of the last 3 s every 0.5 s.
///
/// Its clock is the number of samples: how the stream is cut into blocks doesn't matter.
pub struct Listener {
    rate: u32,
    past: Past,
    /// The last window or what there is of it, and then some.
    channels: Vec<Vec<f32>>,
    /// Samples of `channels` that the past took in.
    taken: usize,
    /// Samples at which the next window is complete, counted as `channels`.
    due: usize,
    /// The same for the first window.
    first: usize,
    /// Samples of the stream before those in `channels`.
    before: u64,
    /// Whether a window was heard since the stream began.
    started: bool,
}

impl Listener {
    /// For a stream of this rate with one or two channels; more are ignored.
    pub fn new(rate: u32, channels: usize) -> Listener {
        let channels = channels.clamp(1, 2);
        Listener {
            rate,
            past: Past::new(rate, channels),
            channels: vec![Vec::new(); channels],
            taken: 0,
            due: STEPS * step(rate),
            first: STEPS * step(rate),
            before: 0,
            started: false,
        }
    }

    /// Tells of the first second already, and from there on twice a second of more, until it is 3 s.
    pub fn early(mut self) -> Listener {
        self.first = EARLY * step(self.rate);
        self.due = self.first;
        self
    }

    /// Takes in a block, one slice per channel; each window that it completes is handed over.
    pub fn push(&mut self, block: &[&[f32]], mut heard: impl FnMut(Heard)) {
        let step = step(self.rate);
        let length = block.iter().map(|samples| samples.len()).min().unwrap_or(0);
        let mut start = 0;
        while start < length {
            // Never more than a step ahead, so that memory stays bounded.
            let end = length.min(start + self.taken + step - self.channels[0].len());
            for (channel, samples) in self.channels.iter_mut().zip(block) {
                channel.extend(samples[start..end].iter().map(sane));
            }
            start = end;
            if self.channels[0].len() == self.taken + step {
                let fresh: Vec<&[f32]> = self.channels.iter().map(|c| &c[self.taken..]).collect();
                self.past.feed(&fresh);
                self.taken += step;
                if self.taken == self.due {
                    heard(self.hear());
                }
            }
        }
    }

    /// A gap in the stream: the next window lies wholly after it. What the past says of loudness
    /// and room stays.
    pub fn gap(&mut self) {
        self.past.gap();
        self.before += self.channels[0].len() as u64;
        self.channels.iter_mut().for_each(Vec::clear);
        self.taken = 0;
        self.due = self.first;
        self.started = false;
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        let first = self.first;
        *self = Listener { first, due: first, ..Listener::new(self.rate, self.channels.len()) };
    }

    /// Judges the window that just ended, and makes room for the next.
    fn hear(&mut self) -> Heard {
        let hop = HOP * step(self.rate);
        let channels: Vec<&[f32]> = self.channels.iter().map(Vec::as_slice).collect();
        let excerpt = Excerpt::new(self.rate, &super::window::mix(&channels));
        let frames = excerpt.frames.len();
        let fresh = if self.started { frames * hop / self.taken } else { frames };
        let context = Context::with(&excerpt, &channels, &mut self.past, fresh);
        let (end, length) = (self.before + self.taken as u64, self.taken);
        let over = (self.taken + hop).saturating_sub(STEPS * step(self.rate));
        self.channels.iter_mut().for_each(|channel| {
            channel.drain(..over);
        });
        self.taken -= over;
        self.before += over as u64;
        self.due = self.taken + hop;
        self.started = true;
        Heard { end, length, context, excerpt }
    }
}
