//! What a candidate did to an excerpt.
//!
//! Every measure looks at the same frames and places for all candidates, because they are chosen
//! from the input alone. Those of noise and speech make up for the change of level, so that gain and
//! leveling are seen by the measures of loudness only. Where an excerpt has no pause, or no speech,
//! the measures that need one are 0.

mod foreign;
mod hum;
mod levels;
mod mask;
mod modulation;
mod noise;
mod pair;
mod speech;
mod tone;

use super::{BANDS, Excerpt, Frames, all_sane};
pub use levels::Levels;
#[cfg(feature = "editor")]
pub(crate) use levels::k_weight;
use pair::Pair;
use tone::Tone;

macro_rules! quality {
    (features { $( $(#[doc = $doc:literal])+ $name:ident: $low:literal .. $high:literal; )+ }
     faults { $( $(#[doc = $fault_doc:literal])+ $fault:ident; )+ }) => {
        /// Measures of one candidate's output, each within its range. See the functions that make
        /// them for their sources and traps.
        #[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
        pub struct Quality { $( $(#[doc = $doc])+ #[doc = concat!("Range: ", $low, " to ", $high, ".")] pub $name: f32, )+
            $( $(#[doc = $fault_doc])+ pub $fault: f32, )+
        }

        /// Names of [`Quality::features`].
        pub const FEATURE_NAMES: [&str; FEATURES] = [$( stringify!($name), )+];
        /// How many features there are.
        pub const FEATURES: usize = [$( stringify!($name), )+].len();

        impl Quality {
            /// The measures in the order of [`FEATURE_NAMES`], which never changes: new ones are appended.
            pub fn features(&self) -> [f32; FEATURES] {
                [$( self.$name, )+]
            }

            /// Field by field the mean of several, each with its weight; without any, all 0.
            pub fn mean(all: impl Iterator<Item = (Quality, f32)>) -> Quality {
                let (mut mean, mut total) = (Quality::default(), 0.0);
                for (quality, weight) in all {
                    total += weight;
                    let share = if total > 0.0 { weight / total } else { 0.0 };
                    $( mean.$name += share * (quality.$name - mean.$name); )+
                    $( mean.$fault += share * (quality.$fault - mean.$fault); )+
                }
                mean
            }

            fn limited(self) -> Quality {
                Quality { $( $name: if self.$name.is_nan() { 0.0 } else { self.$name.clamp($low, $high) }, )+ ..self }
            }
        }
    };
}

quality! {
features {
    /// How much further than the speech the noise went down, dB.
    noise_attenuation: -20.0..40.0;
    /// Flutter of the noise that is left, dB a frame.
    noise_fluctuation: 0.0..20.0;
    /// Slow swelling of the noise that is left, dB.
    pumping: 0.0..15.0;
    /// Musical noise: log-kurtosis ratio.
    log_kurtosis_ratio: -3.0..3.0;
    /// Change of the speech's level, dB.
    level_change: -40.0..40.0;
    /// How much further than the rest of it weak speech went down, dB.
    speech_attenuation: -10.0..30.0;
    /// Mean change of the gain, dB a frame.
    gain_fluctuation: 0.0..20.0;
    /// Share of the speech that was swallowed.
    speech_lost: 0.0..1.0;
    /// Share of the beginnings of speech that were swallowed.
    onsets_lost: 0.0..1.0;
    /// How much further than the speech its decay went down, dB.
    tail_attenuation: -10.0..30.0;
    /// Gain missing where speech is, against the Wiener gain, dB.
    over_suppression: 0.0..30.0;
    /// Gain left where noise is, against the Wiener gain, dB.
    under_suppression: 0.0..30.0;
    /// Estimated signal to noise and distortion ratio of the speech, dB.
    estimated_snr: -10.0..35.0;
    /// Estimated distortion of the speech, as a share of its power.
    speech_distortion: 0.0..1.0;
    /// Estimated log-spectral distance to clean speech, dB.
    log_distance: 0.0..30.0;
    /// Energy that the input has not, dB.
    added: 0.0..30.0;
    /// Fine structure of the spectrum that the input has not.
    foreign: 0.0..1.0;
    /// The same in the worst 250 Hz, of what became louder: tones.
    foreign_tone: 0.0..1.0;
    /// How far mains hum still stands out, dB.
    hum: 0.0..40.0;
    /// Change of the modulation ratio, dB.
    modulation_change: -10.0..10.0;
    /// Change of the speech's tone, dB.
    tone_distance: 0.0..20.0;
    /// Distance of the speech's tone from the average of all speakers, dB.
    tone_error: 0.0..20.0;
    /// What the speech lost below 250 Hz, dB.
    low_loss: -20.0..30.0;
    /// What the speech lost above 4 kHz, dB.
    high_loss: -20.0..30.0;
    /// What the speech lost above 8 kHz, dB.
    air_loss: -20.0..30.0;
    /// Loudness of the output, LUFS.
    loudness: -70.0..0.0;
    /// How far the loudness lies outside -24 to -14 LUFS, LU.
    loudness_error: 0.0..20.0;
    /// Spread of the loudness, LU.
    loudness_range: 0.0..20.0;
    /// Peak of the output, dBTP.
    true_peak: -60.0..20.0;
    /// Share of samples that are clipped.
    clipped: 0.0..1.0;
}
// What only vetoes ask for.
faults {
    /// Share of samples that are not finite.
    broken;
    /// Share of the speech that is silent: 40 dB down, and below -60 dB.
    silenced;
    /// Share of the pauses that were made silent: 50 dB down, and below -90 dB.
    muted;
    /// Treble that is always missing, dB.
    treble_cut;
    /// Change of loudness, LU.
    loudness_change;
    /// True peak above that of the input, dB.
    peak_change;
    /// Share of samples that are clipped, above that of the input.
    clipping_change;
}
}

impl Quality {
    /// Measures an output: as long as the excerpt's input, of the same rate, and aligned with it.
    pub fn of(excerpt: &Excerpt, output: &[f32]) -> Quality {
        Quality::with_frames(excerpt, output).0
    }

    /// The same, and the frames of the output: as many as the excerpt has.
    pub(super) fn with_frames(excerpt: &Excerpt, output: &[f32]) -> (Quality, Frames) {
        let broken = output.iter().filter(|s| !s.is_finite()).count();
        let output = &*all_sane(output);
        let mut frames = Frames::new(excerpt.frames.rate, output);
        // Where the output ends early it is silent.
        frames.power.resize(excerpt.frames.power.len(), 0.0);
        frames.bands.resize(excerpt.frames.len(), [0.0; BANDS]);
        let pair = Pair::new(excerpt, &frames);
        let mask = mask::against_the_ideal(&pair);
        let tone = Tone::new(&pair);
        let foreign = foreign::foreign(&pair);
        let levels = Levels::of(&frames, output);
        let quality = Quality {
            noise_attenuation: noise::attenuation(&pair),
            noise_fluctuation: noise::fluctuation(&pair),
            pumping: noise::pumping(&pair),
            log_kurtosis_ratio: noise::log_kurtosis_ratio(&pair),
            level_change: pair.level,
            speech_attenuation: speech::attenuation(&pair),
            gain_fluctuation: speech::gain_fluctuation(&pair),
            speech_lost: speech::lost(&pair),
            onsets_lost: speech::onsets_lost(&pair),
            tail_attenuation: speech::tail_attenuation(&pair),
            over_suppression: mask.over_suppression,
            under_suppression: mask.under_suppression,
            estimated_snr: mask.estimated_snr,
            speech_distortion: mask.speech_distortion,
            log_distance: mask.log_distance,
            added: mask.added,
            foreign: foreign.energy,
            foreign_tone: foreign.tone,
            hum: hum::residual(excerpt.frames.rate, output),
            modulation_change: modulation::change(&pair),
            tone_distance: tone.distance(),
            tone_error: tone.off_average(),
            low_loss: tone.loss(0.0, 250.0),
            high_loss: tone.loss(4000.0, 24_000.0),
            air_loss: tone.loss(8000.0, 24_000.0),
            loudness: levels.loudness,
            loudness_error: (levels.loudness + 14.0).max(-24.0 - levels.loudness),
            loudness_range: levels.range,
            true_peak: levels.true_peak,
            clipped: levels.clipped,
            broken: broken as f32 / output.len().max(1) as f32,
            silenced: speech::silenced(&pair),
            treble_cut: tone::treble_cut(&pair),
            muted: noise::muted(&pair),
            loudness_change: levels.loudness - excerpt.sound.loudness,
            peak_change: levels.true_peak - excerpt.sound.true_peak,
            clipping_change: levels.clipped - excerpt.sound.clipped,
        };
        (quality.limited(), frames)
    }
}

#[cfg(test)]
mod tests;
