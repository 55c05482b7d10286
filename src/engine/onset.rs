use super::Stream;

/// Notices that a noise began, far louder than the noise before it. A tracker that asks for the presence of speech
/// takes it for speech, and may need ten seconds to change its mind.
///
/// But speech has gaps in every band, and a noise has none. So where the least of the last second is near the mean in
/// many bands at once, it is noise: minimum statistics (Martin, IEEE TSAP 9(5), 2001), as a safety net like that of
/// Hendriks et al. (ICASSP 2010), for what can't be anything else.
pub struct Onset {
    /// The power in every band, smoothed a little, and over a second.
    recent: Vec<f32>,
    mean: Vec<f32>,
    recent_smoothing: f32,
    mean_smoothing: f32,
    /// The least of `recent` in this span of time and in those before it; 0 before there was any.
    least: [Vec<f32>; SPANS],
    span: u32,
    frames: u32,
}

/// Smoothing of the power of which the least is taken, and of the mean, s.
const RECENT: f32 = 0.05;
const MEAN: f32 = 1.0;
/// The spans of time, and the length of each, s. 0.9 s of clean speech may have no gap (in 4 of
/// 227 recordings).
const SPANS: usize = 4;
const SPAN: f32 = 0.25;
/// It is a noise that began where the least is above this share of the mean (-12 dB), and so much above the noise (8 dB), ...
const STEADY: f32 = 0.06;
const LOUDER: f32 = 6.0;
/// ... and in at least this share of the bands.
const SHARE: f32 = 0.5;
/// The least of a smoothed noise lies at least so far below its mean.
const ABOVE_LEAST: f32 = 2.0;

impl Onset {
    /// For spectra of this many bands.
    pub fn new(stream: &Stream, bands: usize) -> Onset {
        Onset {
            recent: vec![0.0; bands],
            mean: vec![0.0; bands],
            recent_smoothing: stream.smoothing(RECENT, stream.hop),
            mean_smoothing: stream.smoothing(MEAN, stream.hop),
            least: std::array::from_fn(|_| vec![0.0; bands]),
            span: (stream.samples(SPAN) / stream.hop).max(1) as u32,
            frames: 0,
        }
    }

    /// This is what it begins with.
    pub fn begin(&mut self, power: &[f32]) {
        self.recent.copy_from_slice(power);
    }

    /// The power in every band, smoothed a little.
    pub fn recent(&self) -> &[f32] {
        &self.recent
    }

    /// Takes the power spectrum of one frame. If a noise began: true, and `noise` is raised to it.
    pub fn update(&mut self, power: &[f32], noise: &mut [f32]) -> bool {
        let rows = self.recent.iter_mut().zip(&mut self.mean).zip(&mut self.least[0]).zip(power);
        for (((recent, mean), least), p) in rows {
            *recent += (1.0 - self.recent_smoothing) * (p - *recent);
            *mean += (1.0 - self.mean_smoothing) * (p - *mean);
            *least = least.min(*recent);
        }
        self.frames += 1;
        if self.frames < self.span {
            return false;
        }
        self.frames = 0;
        let steady = |band: &usize| {
            let least = self.least(*band);
            least > STEADY * self.mean[*band] && least > LOUDER * noise[*band]
        };
        let count = (0..noise.len()).filter(steady).count();
        let began = count as f32 >= SHARE * noise.len() as f32;
        if began {
            noise.iter_mut().enumerate().for_each(|(band, noise)| *noise = noise.max(ABOVE_LEAST * self.least(band)));
        }
        self.least.rotate_right(1);
        self.least[0].copy_from_slice(&self.recent);
        began
    }

    /// The least of all spans.
    fn least(&self, band: usize) -> f32 {
        self.least.iter().fold(f32::INFINITY, |least, span| least.min(span[band]))
    }

    /// Forgets the sound.
    pub fn reset(&mut self) {
        self.recent.fill(0.0);
        self.mean.fill(0.0);
        self.least.iter_mut().for_each(|least| least.fill(0.0));
        self.frames = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Latency;
    use crate::engine::testing::{noise, stream};

    const BANDS: usize = 60;

    /// When (s) the noise is raised first, and how loud it is then (dB), for frames of white noise of this level (dB) by
    /// band and time (s); the noise that is known is 0 dB.
    fn began(level: impl Fn(usize, f32) -> f32) -> Option<(f32, f32)> {
        let stream = stream(48_000, 1, Latency::Studio);
        let step = stream.hop as f32 / stream.rate;
        let mut onset = Onset::new(&stream, BANDS);
        let mut known = vec![1.0; BANDS];
        let uniform = noise(BANDS * 1000, 7);
        uniform.chunks_exact(BANDS).enumerate().find_map(|(frame, uniform)| {
            let time = frame as f32 * step;
            let power = |(band, u): (usize, &f32)| -(0.5 + 0.499 * u).ln() * 10f32.powf(0.1 * level(band, time));
            let power: Vec<f32> = uniform.iter().enumerate().map(power).collect();
            onset.update(&power, &mut known).then(|| (time, 10.0 * (known.iter().sum::<f32>() / BANDS as f32).log10()))
        })
    }

    /// In every band half a second of sound, then a gap of 0.2 s: not in all bands at the same time.
    fn speech(band: usize, time: f32) -> f32 {
        if (time + 0.05 * band as f32) % 0.7 < 0.5 { 30.0 } else { 0.0 }
    }

    #[test]
    fn a_noise_that_begins_is_noticed_in_about_a_second() {
        let (time, level) = began(|_, time| if time < 3.0 { 0.0 } else { 20.0 }).unwrap();
        assert!((3.5..4.6).contains(&time) && (level - 20.0).abs() < 4.0, "{time} {level}");
        let under_speech =
            began(|band, time| if time < 3.0 { speech(band, time) } else { speech(band, time).max(25.0) });
        let (time, level) = under_speech.unwrap();
        assert!((3.5..6.0).contains(&time) && (level - 25.0).abs() < 5.0, "{time} {level}");
    }

    #[test]
    fn what_is_not_a_louder_noise_is_let_be() {
        assert!(began(|_, _| 0.0).is_none(), "the noise that is known");
        assert!(began(|_, time| if time < 3.0 { 0.0 } else { 5.0 }).is_none(), "the tracker follows that itself");
        assert!(began(speech).is_none(), "speech without pause");
        assert!(began(|band, _| if band < BANDS / 3 { 40.0 } else { 0.0 }).is_none(), "a hum");
    }
}
