use super::caution::Caution;
use super::dereverb::LateReverb;
use super::gain::GainEstimator;
use super::neural::Analyser;
use super::noise::NoiseTracker;
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
/// - *spectral*: [`NoiseTracker`] and [`GainEstimator`];
/// - *neural*: the band gains of RNNoise ([`Analyser`]).
///
/// Late reverberation ([`LateReverb`]) is more interference to the same estimator.
pub struct SpectralPass {
    hop: usize,
    stft: Stft,
    noise: NoiseTracker,
    caution: Caution,
    reverb: LateReverb,
    estimator: GainEstimator,
    neural: Analyser,

    /// How much each method has to say, 0 to 1; ramps while the method changes.
    spectral_share: Ramp,
    neural_share: Ramp,
    /// The cap of the noise reduction, dB.
    reduction: Ramp,
    oversubtraction: Ramp,
    /// Strength of the dereverberation, 0 to 1.
    dereverb: Ramp,

    power: Vec<f32>,
    interference: Vec<f32>,
    /// log2 of the gain where there is no speech, and the lowest gain allowed.
    absent: Vec<f32>,
    floor: Vec<f32>,
    gains: Vec<f32>,
    neural_gains: Vec<f32>,
    gain_db: f32,
}

/// Fades of methods and settings (s): at least two hops long in both latency modes.
const FADE: f32 = 0.04;
/// Where there is surely no speech, gains aim below the cap, so that they rest on it (dB).
const ABSENT: f32 = -24.0;
/// The most that dereverberation turns anything down, dB.
const MAX_DEREVERB: f32 = 12.0;
/// What full caution leaves of the reduction in dB.
const CAUTIOUS: f32 = 0.1;
const DB_TO_LOG2: f32 = 0.166_096_4;
/// The least interference, about -140 dB: keeps quotients finite.
const LEAST: f32 = 1e-14;

impl SpectralPass {
    /// A pass for this stream, with the default settings.
    pub fn new(stream: &Stream) -> SpectralPass {
        let stft = Stft::new(stream);
        let bins = stft.bins();
        let ramp = |value| Ramp::new(value, stream.samples(FADE));
        let mut pass = SpectralPass {
            hop: stream.hop,
            noise: NoiseTracker::new(stream, bins),
            caution: Caution::new(stream, bins),
            reverb: LateReverb::new(stream, bins),
            estimator: GainEstimator::new(stream, bins),
            neural: Analyser::new(stream),
            stft,
            spectral_share: ramp(0.0),
            neural_share: ramp(0.0),
            reduction: ramp(0.0),
            oversubtraction: ramp(1.0),
            dereverb: ramp(0.0),
            power: vec![0.0; bins],
            interference: vec![0.0; bins],
            absent: vec![0.0; bins],
            floor: vec![1.0; bins],
            gains: vec![1.0; bins],
            neural_gains: vec![1.0; bins],
            gain_db: 0.0,
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
        [
            &mut self.spectral_share,
            &mut self.neural_share,
            &mut self.reduction,
            &mut self.oversubtraction,
            &mut self.dereverb,
        ]
    }

    /// What is in the way in every bin, and how far it may be turned down.
    fn find_interference(&mut self, caution: f32) {
        let trust = 1.0 - caution * (1.0 - CAUTIOUS);
        let (reduction, dereverb) = (self.reduction.value() * trust * if self.neural_share.value() > 0.5 { std::env::var("SP").map_or(0.0, |s| s.parse().unwrap()) } else { 1.0 }, self.dereverb.value());
        let noise_weight = self.spectral_share.value() * self.oversubtraction.value();
        let (noise_floor, reverb_floor) = (-reduction * DB_TO_LOG2, -dereverb * MAX_DEREVERB * DB_TO_LOG2);
        let noise_absent = (ABSENT * trust * DB_TO_LOG2).min(noise_floor);
        let rows = self.interference.iter_mut().zip(&mut self.absent).zip(&mut self.floor);
        for (((interference, absent), floor), (noise, late)) in rows.zip(self.noise.power().iter().zip(self.reverb.power())) {
            let (noise, late) = (noise_weight * noise, dereverb * late);
            *interference = noise + late + LEAST;
            let share = noise / *interference;
            *absent = reverb_floor + share * (noise_absent - reverb_floor);
            *floor = super::math::exp2(reverb_floor + share * (noise_floor - reverb_floor));
        }
    }
}

impl Effect for SpectralPass {
    fn set(&mut self, settings: &Settings) {
        let method = settings.method();
        let share = |active| if active { 1.0 } else { 0.0 };
        self.spectral_share.set(match method { Method::Off => 0.0, Method::Spectral => 1.0, Method::Neural => std::env::var("HY").map_or(0.0, |s| s.parse().unwrap()) });
        self.neural_share.set(share(method == Method::Neural));
        self.reduction.set(settings[Id::Reduction]);
        self.oversubtraction.set(settings[Id::Oversubtraction]);
        self.dereverb.set(settings[Id::Dereverb] / 100.0);
        self.noise.set_adaptation(settings[Id::Adaptation]);
        // 0 to 100 %: 40 to 800 ms, 50 %: 180 ms.
        self.estimator.set_smoothing(0.04 * 20f32.powf(settings[Id::Smoothing] / 100.0));
        let decay = settings[Id::Decay];
        self.reverb.set_decay(if decay <= Id::Decay.spec().min { 0.0 } else { decay });
    }

    fn process(&mut self, block: &mut [Vec<f32>]) {
        let hop = self.hop;
        self.ramps().into_iter().for_each(|ramp| {
            ramp.advance(hop);
        });
        let neural_share = self.neural_share.value();
        if neural_share > 0.0 {
            self.neural.push(block);
        }
        self.stft.analyse(block);
        let scale = 1.0 / self.stft.spectra.len().max(1) as f32;
        self.power.fill(0.0);
        for spectrum in &self.stft.spectra {
            for (power, bin) in self.power.iter_mut().zip(spectrum) {
                *power += scale * bin.norm_sqr();
            }
        }
        self.noise.update(&self.power);
        let caution = self.caution.update(&self.power, self.noise.presence());
        self.reverb.update(&self.power, self.noise.power());
        self.find_interference(caution);
        self.estimator.estimate(&self.power, &self.interference, &self.absent, &mut self.gains);
        if neural_share > 0.0 {
            self.neural.bin_gains(&mut self.neural_gains);
            let tr: f32 = std::env::var("NT").map_or(1.0, |s| s.parse().unwrap());
            let sp: f32 = std::env::var("SP").map_or(0.0, |s| s.parse().unwrap());
            let floor = db_to_gain(-self.reduction.value() * (1.0 - sp) * (1.0 - tr * caution));
            let soft: f32 = std::env::var("NS").map_or(1.0, |s| s.parse().unwrap());
            for ((gain, neural), lowest) in self.gains.iter_mut().zip(&self.neural_gains).zip(&self.floor) {
                let g = lowest.max(*gain) * (1.0 + neural_share * (1.0 - floor) * (neural - 1.0));
                let h = (*gain * (1.0 + neural_share * (neural - 1.0))).max(floor);
                *gain = h + (g - h) * soft;
            }
        } else {
        for (gain, floor) in self.gains.iter_mut().zip(&self.floor) {
            *gain = gain.max(*floor);
        }
        }
        let (mut before, mut after) = (LEAST, LEAST);
        for (gain, power) in self.gains.iter().zip(&self.power) {
            before += power;
            after += gain * gain * power;
        }
        self.gain_db = power_to_db(after / before);
        for spectrum in &mut self.stft.spectra {
            for (bin, gain) in spectrum.iter_mut().zip(&self.gains) {
                *bin *= *gain;
            }
        }
        self.stft.synthesise(block);
    }

    fn reset(&mut self) {
        self.ramps().into_iter().for_each(Ramp::finish);
        self.stft.reset();
        self.noise.reset();
        self.caution.reset();
        self.reverb.reset();
        self.estimator.reset();
        self.neural.reset();
        self.gain_db = 0.0;
    }

    fn latency(&self) -> usize {
        self.stft.latency()
    }
}
