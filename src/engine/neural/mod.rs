//! RNNoise, made for the audio thread: the same model and the same result as the reference, with
//! all memory allocated in advance, and its gains in the open.
//!
//! J.-M. Valin, "A Hybrid DSP/Deep Learning Approach to Real-Time Full-Band Speech Enhancement",
//! MMSP 2018. Features and filters follow nnnoiseless 0.5.2 (BSD-3-Clause, see
//! `assets/models/rnnoise.LICENSE`), which the tests compare with.

mod analyser;
mod bands;
mod features;
mod network;
mod pitch;
mod synthesis;

pub use analyser::Analyser;
pub use bands::BANDS;

use features::Features;
use network::Network;
use synthesis::Synthesis;

/// Samples per frame: 10 ms at 48 kHz.
pub const FRAME: usize = 480;

/// What the model says about a frame.
///
/// A frame is seen through a window of two frames, the given one and the one before: it is centred
/// where the given frame begins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    /// Linear gains, 0..1, at 0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6, 2, 2.4, 2.8, 3.2, 4, 4.8,
    /// 5.6, 6.8, 8, 9.6, 12, 15.6 and 20 kHz; to be interpolated between. They fall by at most
    /// 4.4 dB a frame. In silence they stay.
    pub gains: [f32; BANDS],
    /// Probability of voice, 0..1.
    pub voice: f32,
    /// Below about -100 dBFS: the model did not run.
    pub silence: bool,
}

/// The denoiser: 48 kHz, mono.
///
/// Nothing but `new` allocates or locks.
#[derive(Clone)]
pub struct RnNoise {
    features: Features,
    network: Network,
    synthesis: Synthesis,
    /// The gains before the release, for the release.
    last: [f32; BANDS],
    frame: Frame,
}

impl Default for RnNoise {
    fn default() -> RnNoise {
        RnNoise::new()
    }
}

impl RnNoise {
    /// Allocates everything.
    pub fn new() -> RnNoise {
        RnNoise {
            features: Features::new(),
            network: Network::new(),
            synthesis: Synthesis::new(),
            last: [0.0; BANDS],
            frame: OPEN,
        }
    }

    /// Back to the state after `new`.
    pub fn reset(&mut self) {
        self.features.reset();
        self.network.reset();
        self.synthesis.reset();
        self.last = [0.0; BANDS];
        self.frame = OPEN;
    }

    /// Takes in a frame, full scale ±1, for the gains alone, without the cost of synthesis.
    ///
    /// Samples are limited to ±4; those that are not finite count as 0.
    pub fn analyse(&mut self, input: &[f32; FRAME]) -> &Frame {
        self.run(input);
        self.synthesis.reset();
        &self.frame
    }

    /// Denoises a frame; `output` is one frame late.
    ///
    /// This goes further than the gains: a comb filter at the pitch removes the noise between the
    /// harmonics. Nothing is left above 20 kHz.
    pub fn process(&mut self, input: &[f32; FRAME], output: &mut [f32; FRAME]) -> &Frame {
        let raw = self.run(input);
        self.synthesis.run(&self.features, raw.map(|raw| (raw, self.frame.gains)), output);
        &self.frame
    }

    /// What the model said about the last frame; all gains are 1 before the first.
    pub fn frame(&self) -> &Frame {
        &self.frame
    }

    /// The gains before the release, unless the frame is silent.
    fn run(&mut self, input: &[f32; FRAME]) -> Option<[f32; BANDS]> {
        let features = self.features.run(input);
        self.frame.silence = features.is_none();
        let Some(features) = features else {
            self.frame.voice = 0.0;
            return None;
        };
        let (raw, voice) = self.network.run(&features);
        for (last, gain) in self.last.iter_mut().zip(&raw) {
            *last = gain.max(0.6 * *last);
        }
        self.frame = Frame { gains: self.last, voice, silence: false };
        Some(raw)
    }
}

/// Before anything was heard.
const OPEN: Frame = Frame { gains: [1.0; BANDS], voice: 0.0, silence: true };
