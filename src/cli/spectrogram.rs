//! Spectrum over time, and its picture.

/// Gathers a spectrogram.
pub struct Spectrogram;

impl Spectrogram {
    pub fn new(_rate: u32) -> Spectrogram {
        Spectrogram
    }
    pub fn add(&mut self, _block: &[&[f32]]) {}
    pub fn finish(&mut self) {}
}
