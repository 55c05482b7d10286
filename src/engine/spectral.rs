use super::bands::Bands;
use super::delay::Delay;
use super::dereverb::LateReverb;
use super::gain::GainEstimator;
use super::math::{exp2, sum};
use super::neural::Analyser;
use super::noise::NoiseTracker;
use super::restraint::Restraint;
use super::smooth::{Ramp, db_to_gain, power_to_db};
use super::stft::Stft;
use super::{Effect, Stream};
use crate::settings::{Id, Method, Settings};

/// Noise reduction and dereverberation in one pass over the short-time spectrum.
///
/// One gain per bin, the same for all channels, so that the image stays. The methods differ only in
/// where the gain comes from, so they share their delay, and switching fades from one gain to the
/// other:
///
/// - *spectral*: `NoiseTracker` and `GainEstimator`;
/// - *neural*: the band gains of RNNoise ([`Analyser`]), which know speech when they see it, times
///   the spectral gain, held back, which resolves what lies between the harmonics. Together they
///   measure better than either, at the same cap.
///
/// Late reverberation (`LateReverb`) is more interference to the same estimator.
///
/// Where no gain turns anything down, the sound passes bit for bit.
pub struct SpectralPass {
    hop: usize,
    stft: Stft,
    bands: Bands,
    noise: NoiseTracker,
    restraint: Restraint,
    reverb: LateReverb,
    estimator: GainEstimator,
    neural: Analyser,

    /// Noise reduction on: 1, off: 0.
    active: Ramp,
    /// The method, spectral: 0, neural: 1.
    neural_share: Ramp,
    /// The cap of the noise reduction, dB.
    reduction: Ramp,
    oversubtraction: Ramp,
    /// Strength of the dereverberation, 0 to 1.
    dereverb: Ramp,

    /// Per band.
    power: Vec<f32>,
    interference: Vec<f32>,
    /// log2 of the gain where there is no speech, and the lowest gain allowed.
    absent: Vec<f32>,
    floor: Vec<f32>,
    band_gains: Vec<f32>,
    kept: Vec<f32>,
    /// Per bin.
    gains: Vec<f32>,
    neural_gains: Vec<f32>,
    gain_db: f32,

    /// The untouched sound, in step with the output.
    dry: Delay,
    dry_block: Vec<Vec<f32>>,
    /// How many of the latest frames in a row had no gain but 1, and how many reach into one hop.
    untouched: usize,
    overlap: usize,
}

/// Fades of methods and settings (s): at least two hops long in both latency modes.
const FADE: f32 = 0.04;
/// Where there is surely no speech, gains aim below the cap, so that they rest on it (dB).
const ABSENT: f32 = -24.0;
/// The most that dereverberation turns anything down, dB.
const MAX_DEREVERB: f32 = 12.0;
/// In the neural method, the spectral gain has this share of the cap (in dB), and hears this share
/// of the noise.
const SPECTRAL_CAP: f32 = 1.0 / 3.0;
const SPECTRAL_NOISE: f32 = 0.6;
const DB_TO_LOG2: f32 = 0.166_096_4;
/// The least interference, about -140 dB: keeps quotients finite.
const LEAST: f32 = 1e-14;

impl SpectralPass {
    /// A pass for this stream, with the default settings.
    pub fn new(stream: &Stream) -> SpectralPass {
        let stft = Stft::new(stream);
        let bands = Bands::new(stream);
        let (bins, count, latency) = (stft.bins(), bands.count(), stft.latency());
        let ramp = |value| Ramp::new(value, stream.samples(FADE));
        let mut pass = SpectralPass {
            hop: stream.hop,
            noise: NoiseTracker::new(stream, count),
            restraint: Restraint::new(stream, &bands),
            reverb: LateReverb::new(stream, &bands),
            estimator: GainEstimator::new(stream, &bands),
            neural: Analyser::new(stream),
            stft,
            bands,
            active: ramp(0.0),
            neural_share: ramp(0.0),
            reduction: ramp(0.0),
            oversubtraction: ramp(1.0),
            dereverb: ramp(0.0),
            power: vec![0.0; count],
            interference: vec![0.0; count],
            absent: vec![0.0; count],
            floor: vec![1.0; count],
            band_gains: vec![1.0; count],
            kept: vec![0.0; count],
            gains: vec![1.0; bins],
            neural_gains: vec![1.0; bins],
            gain_db: 0.0,
            dry: Delay::new(stream.channels, latency),
            dry_block: stream.block(stream.hop),
            untouched: 0,
            overlap: stream.window / stream.hop,
        };
        pass.set(&Settings::default());
        pass.reset();
        pass
    }

    /// The energy that the last frame kept, in dB.
    pub fn gain_db(&self) -> f32 {
        self.gain_db
    }

    /// Decay time of the room in use, s.
    pub fn decay(&self) -> f32 {
        self.reverb.decay()
    }

    fn ramps(&mut self) -> [&mut Ramp; 5] {
        [&mut self.active, &mut self.neural_share, &mut self.reduction, &mut self.oversubtraction, &mut self.dereverb]
    }

    /// What is in the way in every band, and how far it may be turned down; `reduction` in dB.
    fn find_interference(&mut self, reduction: f32) {
        let dereverb = self.dereverb.value();
        let share = |of_neural: f32| 1.0 + self.neural_share.value() * (of_neural - 1.0);
        let noise_weight = self.active.value() * self.oversubtraction.value() * share(SPECTRAL_NOISE);
        let noise_floor = -reduction * share(SPECTRAL_CAP) * DB_TO_LOG2;
        let reverb_floor = -dereverb * MAX_DEREVERB * DB_TO_LOG2;
        let noise_absent = noise_floor + (ABSENT * DB_TO_LOG2 - noise_floor).min(0.0) * (reduction / -ABSENT).min(1.0);
        let rows = self.interference.iter_mut().zip(&mut self.absent).zip(&mut self.floor);
        let sources = self.noise.power().iter().zip(self.reverb.power());
        for (((interference, absent), floor), (noise, late)) in rows.zip(sources) {
            let (noise, late) = (noise_weight * noise, dereverb * late);
            *interference = noise + late + LEAST;
            let share = noise / *interference;
            *absent = reverb_floor + share * (noise_absent - reverb_floor);
            *floor = exp2(reverb_floor + share * (noise_floor - reverb_floor));
        }
    }

    /// Multiplies the model's gains in, blended with 1 so that they keep their part of the cap.
    fn apply_neural(&mut self, reduction: f32) {
        self.neural.bin_gains(&mut self.neural_gains);
        let depth = self.neural_share.value() * (1.0 - db_to_gain(-reduction * (1.0 - SPECTRAL_CAP)));
        for (gain, neural) in self.gains.iter_mut().zip(&self.neural_gains) {
            *gain *= 1.0 + depth * (neural - 1.0);
        }
    }
}

impl Effect for SpectralPass {
    fn set(&mut self, settings: &Settings) {
        let method = settings.method();
        self.active.set(if method == Method::Off { 0.0 } else { 1.0 });
        self.neural_share.set(if method == Method::Neural { 1.0 } else { 0.0 });
        self.reduction.set(settings[Id::Reduction]);
        self.oversubtraction.set(settings[Id::Oversubtraction]);
        self.dereverb.set(settings[Id::Dereverb] / 100.0);
        self.noise.set_adaptation(settings[Id::Adaptation]);
        // 0 to 100 %: 20 to 250 ms.
        self.estimator.set_smoothing(0.02 * 12.5f32.powf(settings[Id::Smoothing] / 100.0));
        let decay = settings[Id::Decay];
        self.reverb.set_decay(if decay <= Id::Decay.spec().min { 0.0 } else { decay });
    }

    fn process(&mut self, block: &mut [Vec<f32>]) {
        let hop = self.hop;
        self.ramps().into_iter().for_each(|ramp| {
            ramp.advance(hop);
        });
        let neural = self.neural_share.value() * self.active.value() > 0.0;
        if neural {
            self.neural.push(block);
        }
        self.dry.process(block, &mut self.dry_block);
        self.stft.analyse(block);
        self.bands.power(&self.stft.spectra, &mut self.power);
        if self.noise.update(&self.power) {
            self.restraint.noise_began(self.noise.power());
        }
        self.reverb.update(&self.power, self.noise.power());
        let reduction = self.reduction.value() * self.active.value();
        let reduction = self.restraint.limit(reduction, &self.power, self.noise.power(), self.noise.presence());
        self.find_interference(reduction);
        self.estimator.estimate(&self.power, &self.interference, &self.absent, &mut self.band_gains);
        for (gain, floor) in self.band_gains.iter_mut().zip(&self.floor) {
            *gain = gain.max(*floor).min(1.0);
        }
        self.bands.spread(&self.band_gains, &mut self.gains);
        if neural {
            self.apply_neural(reduction);
        }
        for spectrum in &mut self.stft.spectra {
            for (bin, gain) in spectrum.iter_mut().zip(&self.gains) {
                *bin *= *gain;
            }
        }
        self.bands.power(&self.stft.spectra, &mut self.kept);
        self.gain_db = power_to_db((sum(&self.kept) + LEAST) / (sum(&self.power) + LEAST));
        self.stft.synthesise(block);
        self.untouched = if self.gains.iter().all(|gain| *gain == 1.0) { self.untouched.saturating_add(1) } else { 0 };
        if self.untouched >= self.overlap {
            for (output, dry) in block.iter_mut().zip(&self.dry_block) {
                output.copy_from_slice(dry);
            }
        }
    }

    fn reset(&mut self) {
        self.ramps().into_iter().for_each(Ramp::finish);
        self.stft.reset();
        self.noise.reset();
        self.restraint.reset();
        self.reverb.reset();
        self.estimator.reset();
        self.neural.reset();
        self.gain_db = 0.0;
        self.dry.reset();
        // Before the start there was silence, which nothing touched.
        self.untouched = self.overlap;
    }

    fn latency(&self) -> usize {
        self.stft.latency()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Latency;
    use crate::engine::testing::{noise, run, settled, stream};
    use crate::engine::voice::{pauses, voice};

    fn make(stream: &Stream) -> Box<dyn Effect> {
        Box::new(SpectralPass::new(stream))
    }

    fn with(method: Method) -> Settings {
        Settings::default().with(Id::Method, Method::ALL.iter().position(|m| *m == method).unwrap() as f32)
    }

    fn processed(stream: &Stream, settings: &Settings, input: &[Vec<f32>]) -> Vec<Vec<f32>> {
        run(&mut *settled(make, stream, settings), input, &[stream.hop])
    }

    fn decibels(x: &[f32]) -> f32 {
        10.0 * (x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32).log10()
    }

    #[test]
    fn off_is_the_input_later_bit_for_bit() {
        for latency in [Latency::Live, Latency::Studio] {
            for rate in [8000, 44_100, 192_000] {
                let stream = stream(rate, 1, latency);
                let fading = |(i, x): (usize, f32)| x * (-(i as f32) / stream.hop as f32).exp2();
                let input = vec![noise(stream.hop * 40, 1).into_iter().enumerate().map(fading).collect::<Vec<f32>>()];
                let output = processed(&stream, &with(Method::Off), &input);
                let delay = SpectralPass::new(&stream).latency();
                assert!(input[0].starts_with(&output[0][delay..]), "{rate} {latency:?}");
            }
        }
    }

    #[test]
    fn steady_noise_is_reduced_to_the_cap_and_no_further() {
        for method in [Method::Spectral, Method::Neural] {
            for (rate, latency) in [(16_000, Latency::Studio), (48_000, Latency::Studio), (48_000, Latency::Live)] {
                for reduction in [0.0, 6.0, 18.0] {
                    let stream = stream(rate, 1, latency);
                    let input = vec![noise(stream.hop * 600, 3).iter().map(|x| 0.05 * x).collect()];
                    let output = processed(&stream, &with(method).with(Id::Reduction, reduction), &input);
                    let half = input[0].len() / 2;
                    let change = decibels(&output[0][half..]) - decibels(&input[0][half..]);
                    let range = -reduction - 0.1..=-reduction * 0.6 + 0.1;
                    assert!(range.contains(&change), "{method:?} {rate} {latency:?} {reduction}: {change}");
                }
            }
        }
    }

    #[test]
    fn a_clean_voice_is_left_alone() {
        for method in [Method::Spectral, Method::Neural] {
            let stream = stream(48_000, 1, Latency::Studio);
            let input = vec![voice(&stream, 6.0)];
            let output = processed(&stream, &with(method), &input);
            let delay = SpectralPass::new(&stream).latency();
            let start = stream.samples(2.0);
            let error: Vec<f32> =
                input[0][start..].iter().zip(&output[0][start + delay..]).map(|(x, y)| x - y).collect();
            let distortion = decibels(&error) - decibels(&input[0][start..]);
            assert!(distortion < -20.0, "{method:?} {distortion}");
        }
    }

    #[test]
    fn a_noise_that_begins_under_a_voice_is_soon_turned_down() {
        for method in [Method::Spectral, Method::Neural] {
            let stream = stream(48_000, 1, Latency::Studio);
            let (begin, seconds) = (stream.samples(6.0), 14.0);
            let hiss = noise(stream.samples(seconds), 11);
            let noisy = voice(&stream, seconds).into_iter().zip(&hiss).enumerate();
            let input = noisy.map(|(i, (voice, hiss))| voice + if i < begin { 0.0005 } else { 0.5 } * hiss).collect();
            let input: [Vec<f32>; 1] = [input];
            let output = processed(&stream, &with(method), &input);
            let delay = SpectralPass::new(&stream).latency();
            // The first pause that is at least 2 s after it began.
            let begin = begin + stream.samples(2.0);
            let pause: Vec<usize> =
                (begin..).skip_while(|i| !pauses(&stream, *i)).take_while(|i| pauses(&stream, *i)).collect();
            let [before, after] = [(&input[0], 0), (&output[0], delay)]
                .map(|(sound, delay)| decibels(&sound[pause[0] + delay..pause[pause.len() - 1] + delay]));
            assert!(after - before < -12.0, "{method:?}: {before} {after}");
        }
    }

    #[test]
    fn channels_share_their_gains() {
        let stream = stream(48_000, 2, Latency::Studio);
        let left = noise(stream.hop * 100, 5);
        let right = left.iter().map(|x| 0.25 * x).collect();
        let output = processed(&stream, &with(Method::Neural), &[left, right]);
        for (left, right) in output[0].iter().zip(&output[1]) {
            assert!((left - 4.0 * right).abs() < 1e-5);
        }
    }

    #[test]
    fn reset_is_new() {
        let stream = stream(48_000, 1, Latency::Live);
        let input = vec![noise(stream.hop * 60, 9)];
        for method in Method::ALL {
            let mut pass = settled(make, &stream, &with(method).with(Id::Dereverb, 50.0));
            let fresh = run(&mut *pass, &input, &[stream.hop]);
            pass.reset();
            assert!(run(&mut *pass, &input, &[stream.hop]) == fresh, "{method:?}");
        }
    }
}
