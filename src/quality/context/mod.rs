//! What is wrong with the input.

mod accuracy;
mod bandwidth;
mod clipping;
mod decay;
mod embedding;
mod findings;
mod hum;
mod level;
mod listener;
mod modulation;
mod noise;
mod past;
mod processed;
mod regression;
mod survey;
#[cfg(test)]
mod tests;
pub(crate) mod tone;
mod voice;
mod wada;
mod window;

pub use accuracy::{Accuracy, Truth};
pub use embedding::{EMBEDDING, EMBEDDING_VERSION};
pub use findings::{Finding, Severity};
pub use listener::{Heard, Listener};
pub use survey::Survey;
pub(crate) use window::mix;

use super::Excerpt;
use past::Past;
use window::Window;

/// Declares the fields of [`Context`] once, for all that needs their names and values.
macro_rules! context {
    ($($(#[$doc:meta])* $name:ident: $unit:literal,)*) => {
        /// What is known of an input: a window of about 3 s, and for slow things its past.
        ///
        /// Levels are in dB of the mean square (a square wave of ±1 has 0), LUFS where said. A
        /// number that can't be known has its documented value for that; none is ever infinite.
        #[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
        pub struct Context {
            $($(#[$doc])* pub $name: f32,)*
        }

        impl Context {
            /// The names and units of the fields, in order.
            pub const FIELDS: [(&str, &str); [$($unit),*].len()] = [$((stringify!($name), $unit)),*];

            /// The fields, in the order of [`Context::FIELDS`].
            pub fn values(&self) -> [f32; Context::FIELDS.len()] {
                [$(self.$name),*]
            }

            fn from_values(values: [f32; Context::FIELDS.len()]) -> Context {
                let [$($name),*] = values;
                Context { $($name),* }
            }
        }
    };
}

context! {
    /// Share of the time with speech, 0..1: mean of RNNoise's voice activity. Trap: singing and
    /// other people's voices count.
    speech: "",
    /// Level of the noise, -120..0. Trap: a voice that never pauses hides it.
    noise_level: "dB",
    /// Power of the speech, pauses and all, against the noise's, -15..45: the two below and the
    /// spread of the level, weighed by regression. Trap: other talkers count as speech.
    snr: "dB",
    /// The same by WADA (Kim & Stern 2008), -20..60, from the distribution of the samples alone.
    /// Trap: noise that isn't Gaussian counts as speech, a gate as high SNR.
    wada_snr: "dB",
    /// The same from the estimate of the noise, -20..60. Trap: a room's tail counts as noise.
    tracked_snr: "dB",
    /// Slope of the noise's spectrum, about -12..6; white: 0, pink: -3.
    noise_tilt: "dB/octave",
    /// Steadiness of what is heard in pauses, 0..1; a fan has 0.9, a café 0.4.
    noise_stationarity: "",
    /// Modulation at the rate of syllables against that above it, after SRMR (Falk 2010). Less in
    /// rooms and noise. Trap: depends on who speaks, and rises with every gate.
    modulation: "dB",
    /// Time in which the room's sound decays by 60 dB, 0.1..2; 0: no decay was heard. Trap: means little
    /// below 5 dB of SNR.
    decay_time: "s",
    /// Fundamental of mains hum; 0: none. Trap: a single line in the midst of speech may be missed.
    hum_frequency: "Hz",
    /// Level of all its harmonics together; -120: none. Trap: in stereo, hum in one channel is 6 dB lower.
    hum_level: "dB",
    /// Number of harmonics that stand out.
    hum_harmonics: "",
    /// Above this there is surely no speech; half the rate if speech might be hidden in noise.
    /// 0: no speech.
    bandwidth: "Hz",
    /// Slope of the speech's spectrum against usual speech (Byrne 1994), 0: usual.
    tilt: "dB/octave",
    /// Root mean square distance of the speech's spectrum from usual speech.
    tone_distance: "dB",
    /// Speech at 80..250 Hz against usual, with 400..2000 Hz as the reference: boomy or thin.
    bass: "dB",
    /// The same at 250..400 Hz: muddy or hollow.
    mid: "dB",
    /// The same at 2..5 kHz: harsh or dull.
    presence: "dB",
    /// The same at 5..10 kHz: sharp or dull.
    air: "dB",
    /// Loudness of the last 0.4 s (EBU R 128), not below -70.
    momentary: "LUFS",
    /// Loudness of the last 3 s.
    short_term: "LUFS",
    /// Loudness of all that was heard, gated.
    integrated: "LUFS",
    /// Highest true peak of the window, not below -120.
    true_peak: "dBTP",
    /// Spread of the momentary loudness over 20 s, from the 10th to the 95th percentile of what is
    /// less than 20 LU below the mean.
    level_range: "LU",
    /// Largest difference of loudness between one second and a half and the next, over 20 s.
    level_jump: "LU",
    /// Highest sample against the root mean square.
    crest: "dB",
    /// Share of the samples that lie in flat tops, at any level; 0..1.
    clipping: "",
    /// The strongest hisses at 5..10 kHz against the level of speech.
    sibilance: "dB",
    /// Ends of sounds that fall in all bands at once, as only a gate does, per second of speech.
    gating: "1/s",
    /// Roughness of the spectrum in pauses beyond that of noise: the islands and holes of spectral
    /// suppression and of coding; about 0..3.
    holes: "",
    /// Median pitch of the voice, 60..400; 0: none.
    pitch: "Hz",
    /// Tenth percentile of the pitch.
    pitch_low: "Hz",
    /// Ninetieth percentile of the pitch.
    pitch_high: "Hz",
}

impl Context {
    /// The context of a stretch of any length, given its channels (one or two, full scale ±1) and
    /// the excerpt made from their mean. A [`Listener`] does the same for a stream.
    pub fn of(excerpt: &Excerpt, channels: &[&[f32]]) -> Context {
        let channels = &channels[..channels.len().min(2)];
        let mut past = Past::new(excerpt.frames.rate, channels.len().max(1));
        past.feed(channels);
        Context::with(excerpt, channels, &mut past, excerpt.frames.len())
    }

    /// The context of a window of which the last `fresh` frames are new to the `past`.
    fn with(excerpt: &Excerpt, channels: &[&[f32]], past: &mut Past, fresh: usize) -> Context {
        let window = Window::new(excerpt, channels);
        let mut context = Context::default();
        noise::measure(&window, &mut context);
        modulation::measure(&window, &mut context);
        bandwidth::measure(&window, &mut context);
        tone::measure(&window, &mut context);
        clipping::measure(&window, &mut context);
        processed::measure(&window, &mut context);
        voice::measure(&window, &mut context);
        past.decays.add(&window, fresh);
        past.measure(&mut context);
        context
    }

    /// Field by field the median of several; of none, the default.
    pub fn median(contexts: &[Context]) -> Context {
        let values: Vec<_> = contexts.iter().map(Context::values).collect();
        Context::from_values(std::array::from_fn(|field| {
            window::quantile(&mut values.iter().map(|v| v[field]).collect::<Vec<_>>(), 0.5)
        }))
    }
}
