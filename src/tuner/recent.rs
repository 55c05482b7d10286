use super::{Hearing, Stretch};
use std::collections::VecDeque;
use std::sync::Arc;

/// Length of a stretch, s: the score was trained on such.
const STRETCH: f32 = 6.0;
/// The newest stretch may be as short as this, s.
const LEAST: f32 = 1.9;

/// What was heard since the input last changed, cut into stretches on which candidates are judged.
///
/// Only the newest stretch grows. The others stay as they are, so that what was heard on them need not be
/// rendered again.
pub struct Recent {
    rate: u32,
    /// How many stretches are kept.
    most: usize,
    since: u64,
    /// Where the newest stretch begins.
    cut: u64,
    whole: VecDeque<Arc<Stretch>>,
    newest: Option<Arc<Stretch>>,
}

impl Recent {
    /// At most so many stretches of a stream of this rate.
    pub fn new(rate: u32, most: usize) -> Recent {
        Recent { rate, most: most.max(1), since: 0, cut: 0, whole: VecDeque::new(), newest: None }
    }

    /// The input is another one from here on.
    pub fn begin(&mut self, sample: u64) {
        *self = Recent { since: sample, cut: sample, ..Recent::new(self.rate, self.most) };
    }

    /// Nothing was heard up to here: no stretch spans it.
    pub fn skip(&mut self, sample: u64) {
        (self.cut, self.newest) = (sample, None);
    }

    /// The stream was heard up to here.
    pub fn hear(&mut self, hearing: &Hearing, end: u64) {
        let length = self.samples(STRETCH);
        while self.cut + length <= end {
            self.cut += length;
            self.whole.extend(hearing.stretch(self.cut, length as usize).map(Arc::new));
            self.newest = None;
            if self.whole.len() > self.most {
                self.whole.pop_front();
            }
        }
        let rest = end.saturating_sub(self.cut);
        if rest >= self.samples(LEAST) {
            self.newest = hearing.stretch(end, rest as usize).map(Arc::new);
        }
    }

    /// The stretches, the newest first; only the whole ones if there are any and `steady` is wanted.
    pub fn stretches(&self, steady: bool) -> Vec<Arc<Stretch>> {
        let newest = self.newest.iter().filter(|_| !steady || self.whole.is_empty());
        newest.chain(self.whole.iter().rev()).take(self.most).cloned().collect()
    }

    /// Whether there is more to judge on from one moment to the next: no stretch was given up yet.
    pub fn grows(&self) -> bool {
        self.whole.len() < self.most
    }

    /// How long the input has been like this, samples.
    pub fn age(&self, end: u64) -> u64 {
        end.saturating_sub(self.since)
    }

    fn samples(&self, seconds: f32) -> u64 {
        (seconds * self.rate as f32) as u64
    }
}
