//! Spoiled outputs: what a score that can be gamed would like better than the honest one.

use super::{audio, candidates};
use anyhow::Result;
use attune::quality::{Audition, Ears};
use attune::settings::{Id, Settings};
use serde::Serialize;
use std::f32::consts::TAU;
use std::path::Path;
use std::sync::Mutex;

/// How a spoiled output fared beside the honest one.
#[derive(Serialize)]
struct Row {
    file: String,
    adversary: &'static str,
    veto: Option<String>,
    mean: f32,
    sigma: f32,
}

/// Scores spoiled outputs of each recording against the factory default's; into SET/adversaries.json.
pub fn write(set: &Path, ears: &Ears, jobs: usize) -> Result<()> {
    let rows = Mutex::new(Vec::new());
    candidates::for_each(&audio::manifest(set)?, jobs, |_, item| {
        let (rate, input) = audio::read(&set.join(&item.noisy))?;
        let audition = Audition::new(ears, rate, &input[audio::preroll(rate)..]);
        let honest = audio::render(rate, &input, &Settings::default())?;
        let take = audition.hear(&honest);
        // Where the level is what is wrong, louder is better.
        let soft = item.problems.iter().flatten().any(|problem| problem == "level");
        for (adversary, samples) in adversaries(rate, &input, &honest)? {
            if soft && adversary == LOUDER {
                continue;
            }
            let spoiled = audition.hear(&samples);
            let estimate = audition.difference(&spoiled, &take);
            let veto = spoiled.veto.map(|veto| veto.to_string());
            let row = Row { file: item.noisy.clone(), adversary, veto, mean: estimate.mean, sigma: estimate.sigma };
            rows.lock().expect("no panic").push(row);
        }
        Ok(())
    })?;
    let mut rows = rows.into_inner().expect("no panic");
    rows.sort_by(|a, b| (&a.file, a.adversary).cmp(&(&b.file, b.adversary)));
    Ok(std::fs::write(set.join("adversaries.json"), serde_json::to_string_pretty(&rows)?)?)
}

const LOUDER: &str = "+12 dB level";

/// Name and samples of each, made from the factory default's output for an input.
fn adversaries(rate: u32, input: &[f32], honest: &[f32]) -> Result<Vec<(&'static str, Vec<f32>)>> {
    let rms = (honest.iter().map(|x| x * x).sum::<f32>() / honest.len().max(1) as f32).sqrt();
    let mut noise = fastrand::Rng::with_seed(1);
    let crushed = Settings::default()
        .with(Id::Method, 1.0)
        .with(Id::Reduction, 40.0)
        .with(Id::Oversubtraction, 4.0)
        .with(Id::Smoothing, 0.0);
    Ok(vec![
        ("hard gate", gate(rate, honest, rms)),
        ("low-pass", low_pass(rate, honest, 1800.0)),
        ("silence", vec![0.0; honest.len()]),
        ("over-suppression", audio::render(rate, &twice(rate, input, &crushed)?, &crushed)?),
        (LOUDER, honest.iter().map(|x| (4.0 * x).clamp(-1.0, 1.0)).collect()),
        (
            "added tone",
            honest
                .iter()
                .enumerate()
                .map(|(n, x)| x + 0.15 * rms * (TAU * 1000.0 * n as f32 / rate as f32).sin())
                .collect(),
        ),
        ("modulated noise", honest.iter().map(|x| x * (1.0 + 0.4 * (2.0 * noise.f32() - 1.0))).collect()),
    ])
}

/// The whole output once more as input.
fn twice(rate: u32, input: &[f32], settings: &Settings) -> Result<Vec<f32>> {
    let from = audio::preroll(rate);
    let mut output = input[..from].to_vec();
    output.extend(audio::render(rate, input, settings)?);
    Ok(output)
}

/// Digital silence wherever 20 ms are softer than half the RMS.
fn gate(rate: u32, samples: &[f32], rms: f32) -> Vec<f32> {
    let step = rate as usize / 50;
    samples
        .chunks(step)
        .flat_map(|chunk| {
            let level = (chunk.iter().map(|x| x * x).sum::<f32>() / chunk.len() as f32).sqrt();
            let open = if level < 0.5 * rms { 0.0 } else { 1.0 };
            chunk.iter().map(move |x| x * open)
        })
        .collect()
}

/// Four one-pole filters in a row.
fn low_pass(rate: u32, samples: &[f32], hertz: f32) -> Vec<f32> {
    let a = (-TAU * hertz / rate as f32).exp();
    let mut state = [0.0; 4];
    samples
        .iter()
        .map(|&x| {
            state.iter_mut().fold(x, |x, y| {
                *y = a * *y + (1.0 - a) * x;
                *y
            })
        })
        .collect()
}
