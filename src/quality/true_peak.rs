/// Highest absolute value of the waveform between the samples: four-fold interpolation with the
/// filter of ITU-R BS.1770-4, annex 2. No phase of the filter gains more than `GAIN`, so stretches
/// that can't hold a new maximum, which is nearly all, cost nothing.
pub struct TruePeak {
    max: f32,
    /// The last `TAPS - 1` samples of each channel, then the block.
    line: Vec<Vec<f32>>,
}

const TAPS: usize = 12;
/// Samples that are looked at together.
const BLOCK: usize = 64;
const GAIN: f32 = 2.03;
/// Two of the four phases; the other two are these in reverse.
const PHASES: [[f32; TAPS]; 2] = [
    [
        0.001_708_984_4,
        0.010_986_328,
        -0.019_653_32,
        0.033_203_125,
        -0.059_448_242,
        0.137_329_1,
        0.972_167_97,
        -0.102_294_92,
        0.047_607_422,
        -0.026_611_328,
        0.014_892_578,
        -0.008_300_781,
    ],
    [
        -0.029_174_805,
        0.029_296_875,
        -0.051_757_812,
        0.089_111_33,
        -0.166_503_9,
        0.465_087_9,
        0.779_785_16,
        -0.200_317_38,
        0.101_562_5,
        -0.058_227_54,
        0.033_081_055,
        -0.018_920_898,
    ],
];

impl TruePeak {
    /// For so many channels.
    pub fn new(channels: usize) -> TruePeak {
        TruePeak { max: 0.0, line: vec![vec![0.0; TAPS - 1]; channels] }
    }

    /// Faster where a part of the peak is known before.
    pub fn at_least(mut self, peak: f32) -> TruePeak {
        self.max = peak;
        self
    }

    /// Takes in the next samples, one slice per channel.
    pub fn add(&mut self, block: &[&[f32]]) {
        for (line, samples) in self.line.iter_mut().zip(block) {
            line.extend_from_slice(samples);
            self.max = samples.iter().fold(self.max, |peak, s| peak.max(s.abs()));
            for start in (0..samples.len()).step_by(BLOCK) {
                let part = &line[start..line.len().min(start + BLOCK + TAPS - 1)];
                // Only sums of what is loud enough are worth their cost.
                if part.iter().all(|s| s.abs() * GAIN <= self.max) {
                    continue;
                }
                for window in part.windows(TAPS).filter_map(|window| window.first_chunk::<TAPS>()) {
                    for phase in &PHASES {
                        let there: f32 = window.iter().zip(phase).map(|(s, c)| s * c).sum();
                        let back: f32 = window.iter().rev().zip(phase).map(|(s, c)| s * c).sum();
                        self.max = self.max.max(there.abs()).max(back.abs());
                    }
                }
            }
            line.drain(..line.len() - (TAPS - 1));
        }
    }

    /// The true peak of all samples so far, linear; full scale is 1.
    pub fn max(&self) -> f32 {
        self.max
    }

    /// Starts a new maximum; the stream goes on.
    pub fn restart(&mut self) {
        self.max = 0.0;
    }

    /// Forgets the stream as well.
    pub fn reset(&mut self) {
        self.max = 0.0;
        self.line.iter_mut().for_each(|line| line.fill(0.0));
    }
}
