use super::Stretch;
use super::guard::Fault;
use super::shadow::mix;
use crate::quality::{Audition, Ears, Estimate, Heard, Listener, Take};
use std::collections::VecDeque;
use std::ops::Range;

/// What was heard in a window of 3 s, or of what there is of it: what went in, what came out, how good it was.
pub struct Window {
    /// Position in the stream of the window's end, in samples.
    pub end: u64,
    /// How long it is, samples.
    pub length: u64,
    /// What is heard in the input, and what is wrong with it.
    pub audition: Audition<'static>,
    /// How much speech there is, s.
    pub speech: f32,
    /// The output, as it was heard.
    pub take: Take,
    /// By how much the output is better than the input, PESQ points.
    pub score: Estimate,
    /// What must not be heard for another moment, in the last second.
    pub fault: Option<Fault>,
}

/// Listens to what goes into the engine and what comes out, and gives windows of 3 s every second, the first two of
/// what there is.
///
/// Windows without a gap in them only. The output belongs to the input `latency` samples before it.
pub struct Hearing {
    ears: &'static Ears,
    listener: Listener,
    rate: u32,
    preroll: usize,
    /// The newest input, and the output that a window still needs.
    input: Vec<VecDeque<f32>>,
    output: Vec<VecDeque<f32>>,
    /// Positions in the stream of their first samples.
    from: u64,
    output_from: u64,
    /// Samples of the engine's delay that are still to be skipped in the output.
    delay: usize,
    latency: usize,
    /// Samples of the stream before the last gap; the listener doesn't count those lost.
    lost: u64,
    waiting: VecDeque<Heard>,
    count: u64,
}

/// Input that is kept to judge on, s.
const HISTORY: f32 = 14.0;
/// A window, s, with a little to spare.
const WINDOW: f32 = 3.1;
/// The share of speech in a second from which on silence is a fault.
const TALKING: f32 = 0.3;
/// Every other window of the listener is heard in full.
const EVERY: u64 = 2;

impl Hearing {
    /// For a stream of this rate and channel count through an engine of this delay in samples. Stretches begin with
    /// `preroll` samples for the engine alone, if they are there.
    pub fn new(ears: &'static Ears, rate: u32, channels: usize, latency: usize, preroll: usize) -> Hearing {
        let queues = || vec![VecDeque::new(); channels.clamp(1, 2)];
        Hearing {
            ears,
            listener: Listener::new(rate, channels).early(),
            rate,
            preroll,
            input: queues(),
            output: queues(),
            from: 0,
            output_from: 0,
            delay: latency,
            latency,
            lost: 0,
            waiting: VecDeque::new(),
            count: 0,
        }
    }

    /// Takes in a block of input and output, as they are at the same moment. Each window that it completes
    /// is handed over.
    pub fn push(&mut self, input: &[&[f32]], output: &[&[f32]], mut heard: impl FnMut(Window)) {
        let waiting = &mut self.waiting;
        self.listener.push(input, |window| waiting.push_back(window));
        let length = input.iter().map(|channel| channel.len()).min().unwrap_or(0);
        let skipped = self.delay.min(length);
        self.delay -= skipped;
        let finite = |sample: &f32| if sample.is_finite() { *sample } else { 0.0 };
        for (queue, channel) in self.input.iter_mut().zip(input) {
            queue.extend(channel[..length].iter().map(finite));
        }
        for (queue, channel) in self.output.iter_mut().zip(output) {
            // Not made finite: that is a fault to be heard.
            queue.extend(&channel[skipped.min(channel.len())..length.min(channel.len())]);
        }
        while let Some(window) = self.waiting.front() {
            let end = window.end + self.lost;
            if self.output.iter().any(|queue| self.output_from + (queue.len() as u64) < end) {
                break;
            }
            if let Some(window) = self.waiting.pop_front() {
                self.count += 1;
                if self.count % EVERY == 1
                    && let Some(window) = self.hear(window, end)
                {
                    heard(window);
                }
                self.forget(end);
            }
        }
    }

    /// A gap of so many samples in the stream: no window spans it.
    pub fn gap(&mut self, samples: u64) {
        self.listener.gap();
        self.waiting.clear();
        let heard = self.input.first().map_or(0, VecDeque::len) as u64;
        self.from += heard + samples;
        self.output_from = self.from;
        self.lost += samples;
        self.input.iter_mut().chain(&mut self.output).for_each(VecDeque::clear);
        self.delay = self.latency;
        // The first window that is complete again is heard.
        self.count = 0;
    }

    fn hear(&self, window: Heard, end: u64) -> Option<Window> {
        let to = (end - self.from) as usize;
        let from = to.checked_sub(window.length)?;
        let before = (self.output_from - self.from) as usize;
        let output = mix(&cut(&self.output, from.checked_sub(before)?..to - before), 0);
        let input = mix(&cut(&self.input, from..to), 0);
        let audition = Audition::heard(self.ears, window.excerpt, window.context, &input);
        let take = audition.hear(&output);
        let score = audition.score(&take);
        let fault = self.fault(&input, &output, &audition.excerpt.speech);
        let (length, speech) = (window.length as u64, audition.speech());
        Some(Window { end, length, speech, audition, take, score, fault })
    }

    /// The fault of the last second.
    fn fault(&self, input: &[f32], output: &[f32], speech: &[f32]) -> Option<Fault> {
        let newest = |sound: &[f32]| sound.len().saturating_sub(self.rate as usize)..;
        let share = (self.rate as usize).min(input.len()) as f32 / input.len().max(1) as f32;
        let speech = &speech[speech.len() - (share * speech.len() as f32) as usize..];
        let talking = speech.iter().sum::<f32>() > TALKING * speech.len() as f32;
        Fault::of(&input[newest(input)], &output[newest(output)], talking)
    }

    /// The input that ends there as a stretch to judge on: so many samples, or what there is of them since the
    /// last gap, with the pre-roll if it is there.
    pub fn stretch(&self, end: u64, samples: u64) -> Option<Stretch> {
        let there = end.checked_sub(self.from)?;
        let preroll = (self.preroll as u64).min(there.saturating_sub(samples).max(there / 4));
        let input = self.input(end - there.min(samples + preroll)..end)?;
        Some(Stretch::new(self.ears, self.rate, input, preroll as usize))
    }

    /// Where the input that is kept begins, samples of the stream.
    pub(super) fn from(&self) -> u64 {
        self.from
    }

    /// A part of the input by channel; `None` unless all of it is kept.
    pub(super) fn input(&self, part: Range<u64>) -> Option<Vec<Vec<f32>>> {
        let kept = self.input.iter().map(VecDeque::len).min().unwrap_or(0) as u64;
        let there = self.from <= part.start && part.start <= part.end && part.end <= self.from + kept;
        there.then(|| cut(&self.input, (part.start - self.from) as usize..(part.end - self.from) as usize))
    }

    /// Drops what nobody needs any more.
    fn forget(&mut self, end: u64) {
        let keep = (HISTORY * self.rate as f32) as u64 + self.preroll as u64;
        let old = end.saturating_sub(keep).saturating_sub(self.from) as usize;
        self.input.iter_mut().for_each(|queue| drop(queue.drain(..old.min(queue.len()))));
        self.from += old as u64;
        let keep = (WINDOW * self.rate as f32) as u64;
        let old = end.saturating_sub(keep).saturating_sub(self.output_from) as usize;
        self.output.iter_mut().for_each(|queue| drop(queue.drain(..old.min(queue.len()))));
        self.output_from += old as u64;
    }
}

fn cut(queues: &[VecDeque<f32>], range: Range<usize>) -> Vec<Vec<f32>> {
    queues.iter().map(|queue| queue.range(range.clone()).copied().collect()).collect()
}
