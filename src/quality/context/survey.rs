use super::listener::{STEPS, step};
use super::window::{mix, quantile};
use super::{Context, Excerpt, Listener};

/// A window with less speech than this says little of the speech.
const SPEAKING: f32 = 0.1;
/// Hum that is heard in fewer of the windows is none of the recording's.
const HUM: f32 = 0.3;

/// Listens to a whole recording, and tells its [`Context`]. Memory grows by 1 MB in an hour.
pub struct Survey {
    rate: u32,
    listener: Listener,
    windows: Vec<Context>,
    /// What was heard before the first window: recordings may be shorter than one.
    opening: Vec<Vec<f32>>,
}

impl Survey {
    /// For a recording of this rate with one or two channels; more are ignored.
    pub fn new(rate: u32, channels: usize) -> Survey {
        let channels = channels.clamp(1, 2);
        let opening = vec![Vec::new(); channels];
        Survey { rate, listener: Listener::new(rate, channels), windows: Vec::new(), opening }
    }

    /// Takes in the next samples, one slice per channel.
    pub fn push(&mut self, block: &[&[f32]]) {
        if self.windows.is_empty() {
            let most = STEPS * step(self.rate);
            for (opening, samples) in self.opening.iter_mut().zip(block) {
                let sane = samples.iter().map(|x| if x.is_finite() { *x } else { 0.0 });
                opening.extend(sane.take(most - opening.len()));
            }
        }
        let windows = &mut self.windows;
        self.listener.push(block, |heard| windows.push(heard.context));
    }

    /// The context of all of it.
    ///
    /// Mostly the median of the windows with speech. What accumulates (loudness, decay time) is as it
    /// was at the end; peaks and jumps are the largest; speech and clipping are shares of the whole.
    pub fn finish(self) -> Context {
        let Some(last) = self.windows.last() else {
            let channels: Vec<&[f32]> = self.opening.iter().map(Vec::as_slice).collect();
            return Context::of(&Excerpt::new(self.rate, &mix(&channels)), &channels);
        };
        let all = || self.windows.iter();
        let mean = |of: fn(&Context) -> f32| all().map(of).sum::<f32>() / self.windows.len() as f32;
        let most = |of: fn(&Context) -> f32| all().map(of).fold(f32::MIN, f32::max);
        // Of what is 0 where it isn't known.
        let known = |of: fn(&Context) -> f32| {
            quantile(&mut all().map(of).filter(|value| *value > 0.0).collect::<Vec<_>>(), 0.5)
        };
        let speaking: Vec<Context> = all().filter(|context| context.speech >= SPEAKING).copied().collect();
        let humming: Vec<Context> = all().filter(|context| context.hum_frequency > 0.0).copied().collect();
        let usual = Context::median(if speaking.is_empty() { &self.windows } else { &speaking });
        let hum = match humming.len() as f32 >= HUM * self.windows.len() as f32 {
            true if !humming.is_empty() => Context::median(&humming),
            _ => Context { hum_level: -120.0, ..Context::default() },
        };
        Context {
            speech: mean(|c| c.speech),
            clipping: mean(|c| c.clipping),
            true_peak: most(|c| c.true_peak),
            level_jump: most(|c| c.level_jump),
            integrated: last.integrated,
            decay_time: last.decay_time,
            hum_frequency: hum.hum_frequency,
            hum_level: hum.hum_level,
            hum_harmonics: hum.hum_harmonics.round(),
            bandwidth: known(|c| c.bandwidth),
            pitch: known(|c| c.pitch),
            pitch_low: known(|c| c.pitch_low),
            pitch_high: known(|c| c.pitch_high),
            ..usual
        }
    }
}
