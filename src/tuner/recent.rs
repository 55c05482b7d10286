use super::{Hearing, Stretch};
use std::collections::VecDeque;
use std::sync::Arc;

/// Length of a stretch, s: the score is surest of such.
const STRETCH: f32 = 6.0;
/// The newest stretch may be as short as this, s.
const LEAST: f32 = 0.9;

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
    /// Made when it is asked for: to analyse it takes longer than to judge a candidate on it.
    newest: Option<Arc<Stretch>>,
    /// Up to where the stream was heard.
    end: u64,
}

impl Recent {
    /// At most so many stretches of a stream of this rate.
    pub fn new(rate: u32, most: usize) -> Recent {
        Recent { rate, most: most.max(1), since: 0, cut: 0, whole: VecDeque::new(), newest: None, end: 0 }
    }

    /// The input is another one from here on.
    pub fn begin(&mut self, sample: u64) {
        *self = Recent { since: sample, cut: sample, ..Recent::new(self.rate, self.most) };
    }

    /// Nothing was heard up to here: no stretch spans it.
    pub fn skip(&mut self, sample: u64) {
        self.cut = sample;
    }

    /// The stream was heard up to here.
    pub fn hear(&mut self, hearing: &Hearing, end: u64) {
        let length = self.samples(STRETCH);
        while self.cut + length <= end {
            self.cut += length;
            self.whole.extend(hearing.stretch(self.cut, length).map(Arc::new));
            if self.whole.len() > self.most {
                self.whole.pop_front();
            }
        }
        (self.end, self.newest) = (end, None);
    }

    /// The stretches, the newest first; only the whole ones if there are any and `steady` is wanted. `hearing` is what
    /// the stream was heard with.
    pub fn stretches(&mut self, hearing: &Hearing, steady: bool) -> Vec<Arc<Stretch>> {
        let rest = self.end.saturating_sub(self.cut);
        let wanted = rest >= self.samples(LEAST) && (!steady || self.whole.is_empty());
        if wanted && self.newest.is_none() {
            self.newest = hearing.stretch(self.end, rest).map(Arc::new);
        }
        let newest = self.newest.iter().filter(|_| wanted);
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
