//! A synthetic voice for tests.

use std::f32::consts::{PI, TAU};

use super::Stream;

/// Voiced syllables, four a second, in phrases of two seconds with pauses of 0.7 s: pulses with a
/// gliding pitch (95 to 145 Hz) through three formants. Its power while it speaks is 1.
pub fn voice(stream: &Stream, seconds: f32) -> Vec<f32> {
    let length = stream.samples(seconds);
    let rate = stream.rate;
    let mut phase = 0.0;
    let pulses = (0..length).map(|i| {
        let t = i as f32 / rate;
        let pitch = 120.0 + 18.0 * (2.1 * t).sin() + 7.0 * (7.3 * t).sin();
        phase += pitch / rate;
        let pulse = if phase >= 1.0 { rate / 8000.0 } else { 0.0 };
        phase = phase.fract();
        pulse * envelope(t)
    });
    let mut samples: Vec<f32> = pulses.collect();
    for formant in [600.0, 1300.0, 2500.0] {
        resonate(&mut samples, rate, formant);
    }
    let spoken = || (0..length).filter(|&i| envelope(i as f32 / rate) > 0.1);
    let power = spoken().map(|i| samples[i].powi(2)).sum::<f32>() / spoken().count() as f32;
    samples.iter_mut().for_each(|x| *x /= power.sqrt());
    samples
}

/// Whether the voice of [`voice`] has paused for a while at this sample.
pub fn pauses(stream: &Stream, sample: usize) -> bool {
    let phrase = (sample as f32 / stream.rate) % 2.7;
    (2.25..2.65).contains(&phrase)
}

fn envelope(t: f32) -> f32 {
    if t % 2.7 < 2.0 { (4.0 * PI * t).sin().powi(2) } else { 0.0 }
}

/// A resonance 120 Hz wide, as a two-pole filter.
fn resonate(samples: &mut [f32], rate: f32, frequency: f32) {
    let radius = (-PI * 120.0 / rate).exp();
    let a = [-2.0 * radius * (TAU * frequency / rate).cos(), radius * radius];
    let (mut y1, mut y2) = (0.0, 0.0);
    for x in samples {
        let y = *x - a[0] * y1 - a[1] * y2;
        (y1, y2) = (y, y1);
        *x = y;
    }
}
