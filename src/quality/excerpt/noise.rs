use crate::engine::math::{exp, exp2, log2};
use crate::quality::Frames;

/// Half of what an estimate rests on lies within this many seconds, before and after.
const REACH: f32 = 0.35;
/// A-priori SNR of speech where it is present: 15 dB, as in Gerkmann & Hendriks.
const PRIOR: f32 = 31.622_777;
/// Rounds of telling speech from noise and averaging what is noise.
const ROUNDS: usize = 3;
/// What leaving out the highest peaks takes from the mean.
const TRUNCATION: f32 = 1.1;
const FLOOR: f32 = 1e-14;

/// The noise's power in each bin of each frame, given how likely each frame is to hold voice.
///
/// The presence model of Gerkmann & Hendriks ("Unbiased MMSE-based noise power estimation with low
/// complexity and low tracking delay", IEEE TASLP 20(4), 2012) with two changes that hearing the
/// whole excerpt allows: the averages reach as far into the future as into the past, so the estimate
/// is right from the first frame and never lags; and the prior of speech is the voice activity, so a
/// bang or a crowd is noise. Its trap: a tone or a vowel held for a second without voice activity.
pub fn noise(frames: &Frames, voice: &[f32]) -> Vec<f32> {
    let bins = frames.bins;
    let keep = exp2(-frames.seconds() / REACH);
    let mut noise = frames.power.clone();
    let mut weight = vec![0.0; noise.len()];
    // To begin with, the mean of the logarithm where there is no voice: speech can't outweigh it.
    for ((row, weight), voice) in noise.chunks_exact_mut(bins).zip(weight.chunks_exact_mut(bins)).zip(voice) {
        let share = (1.0 - voice).max(0.02);
        row.iter_mut().for_each(|value| *value = share * log2(*value + FLOOR));
        weight.fill(share);
    }
    average(&mut noise, &mut weight, bins, keep);
    // The logarithm of noise has its mean at 2.5 dB below the noise's power.
    noise.iter_mut().for_each(|value| *value = exp2(*value + 0.832_75));

    let slope = PRIOR / (1.0 + PRIOR);
    for _ in 0..ROUNDS {
        let rows = noise.chunks_exact_mut(bins).zip(weight.chunks_exact_mut(bins)).zip(frames.spectra());
        for (((noise, weight), power), voice) in rows.zip(voice) {
            let voice = voice.clamp(0.1, 0.9);
            let odds = voice / ((1.0 - voice) * (1.0 + PRIOR));
            for ((noise, weight), power) in noise.iter_mut().zip(weight).zip(power) {
                *weight = 1.0 / (1.0 + odds * exp((power / *noise * slope).min(80.0))) + 1e-4;
                *noise = *weight * power.min(*noise * 30.0);
            }
        }
        average(&mut noise, &mut weight, bins, keep);
        noise.iter_mut().for_each(|value| *value = *value * TRUNCATION + FLOOR);
    }
    noise
}

/// Turns weighted values into their weighted mean over the frames around, nearer ones counting more.
fn average(values: &mut [f32], weights: &mut [f32], bins: usize, keep: f32) {
    let mut past = vec![[0.0f32; 2]; bins];
    let mut all = vec![[0.0f32; 2]; values.len()];
    let rows = values.chunks_exact(bins).zip(weights.chunks_exact(bins)).zip(all.chunks_exact_mut(bins));
    for ((values, weights), all) in rows {
        for (((value, weight), all), past) in values.iter().zip(weights).zip(all).zip(&mut past) {
            *past = [keep * past[0] + value, keep * past[1] + weight];
            *all = *past;
        }
    }
    let mut future = vec![[0.0f32; 2]; bins];
    let rows = values.chunks_exact_mut(bins).zip(weights.chunks_exact_mut(bins)).zip(all.chunks_exact(bins));
    for ((values, weights), past) in rows.rev() {
        for (((value, weight), past), future) in values.iter_mut().zip(weights).zip(past).zip(&mut future) {
            let own = [*value, *weight];
            *value = (past[0] + future[0]) / (past[1] + future[1]);
            *future = [keep * (future[0] + own[0]), keep * (future[1] + own[1])];
        }
    }
}
