//! experiment
use super::audio;
use anyhow::Result;
use attune::engine::{EngineConfig, Latency};
use attune::quality::Ears;
use attune::tuner::*;
use std::io::Write;
use std::path::Path;

pub fn run(set: &Path, ears: &'static Ears, ids: &[String], variants: &[String], jobs: usize) -> Result<()> {
    let items: Vec<_> =
        audio::manifest(set)?.into_iter().filter(|i| ids.iter().any(|id| i.noisy.contains(id.as_str()))).collect();
    let winners = winners()?;
    super::candidates::for_each(&items, jobs, |_, item| {
        let (rate, input) = audio::read(&set.join(&item.noisy))?;
        for v in variants {
            // slots, patience, rounds, style
            let p: Vec<f32> = v.split(',').take(4).map(|x| x.parse().unwrap()).collect();
            let engine = EngineConfig { sample_rate: rate, channels: 1, latency: Latency::Studio };
            let config = LoopConfig {
                slots: p[0] as usize,
                patience: p[1] as u64,
                style: Style::ALL[p[3] as usize],
                winners: winners.clone(),
                ..LoopConfig::offline(engine)
            };
            let mut fl = FeedbackLoop::new(config)?;
            let stretch = Stretch::new(ears, rate, vec![input.clone()], audio::preroll(rate));
            fl.study(vec![stretch], p[2] as u64, &mut |_| true);
            let mean = fl
                .explain()
                .iter()
                .find_map(|e| match &e.what {
                    What::Deployed { predicted, .. } => Some(predicted.mean),
                    _ => None,
                })
                .unwrap_or(0.0);
            let why = fl.explain().iter().find_map(|e| match &e.what {
                What::Deployed { reason, .. } => Some(reason.clone()),
                _ => None,
            });
            let line = serde_json::json!({"id": Path::new(&item.noisy).file_stem().unwrap().to_string_lossy(), "variant": v, "settings": fl.settings().as_array().to_vec(), "mean": mean, "sigma": 0, "evals": fl.rounds(), "why": why, "shares": fl.shares()});
            let mut out = std::io::stdout().lock();
            writeln!(out, "{line}")?;
        }
        Ok(())
    })
}

fn winners() -> Result<Vec<Winner>> {
    #[derive(serde::Deserialize)]
    struct Row {
        index: u64,
        id: String,
        setting: usize,
        gain: f32,
    }
    let Ok(path) = std::env::var("WINNERS") else { return Ok(Vec::new()) };
    let rows: Vec<Row> = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    rows.iter()
        .map(|row| {
            let bytes = std::fs::read(format!("target/ears/train/candidates/{}.context", row.id))?;
            let floats: Vec<f32> = bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
            let settings = super::sample::settings(32, 1 + row.index)[row.setting];
            Ok(Winner { context: floats.try_into().unwrap(), settings, gain: row.gain })
        })
        .collect()
}

/// The causal loop on long files: writes the output and what it did.
pub fn causal(
    set: &Path,
    ears: &'static Ears,
    ids: &[String],
    variants: &[String],
    out: &Path,
    jobs: usize,
) -> Result<()> {
    std::fs::create_dir_all(out)?;
    let winners = winners()?;
    let items: Vec<_> =
        audio::manifest(set)?.into_iter().filter(|i| ids.iter().any(|id| i.noisy.contains(id.as_str()))).collect();
    super::candidates::for_each(&items, jobs, |_, item| {
        let (rate, input) = audio::read(&set.join(&item.noisy))?;
        let (_, clean) = audio::read(&set.join(&item.clean))?;
        let id = Path::new(&item.noisy).file_stem().unwrap().to_string_lossy().into_owned();
        for v in variants {
            // slots, interval, stretches, style
            let p: Vec<f32> = v.split(',').take(4).map(|x| x.parse().unwrap()).collect();
            let engine = EngineConfig { sample_rate: rate, channels: 1, latency: Latency::Studio };
            let config = LoopConfig {
                ears,
                slots: p[0] as usize,
                interval: p[1] as u32,
                stretches: p[2] as usize,
                style: Style::ALL[p[3] as usize],
                winners: winners.clone(),
                ..LoopConfig::offline(engine)
            };
            let mut fl = FeedbackLoop::new(config)?;
            let mut e = attune::engine::Engine::new(engine)?;
            let latency = e.latency();
            let mut sound = input.clone();
            sound.resize(input.len() + latency, 0.0);
            let mut output = Vec::new();
            for block in sound.chunks(480) {
                let mut o = block.to_vec();
                e.process(&mut [&mut o]);
                fl.collect_feedback(&[block], &[&o], &Metrics::default());
                if !fl.advance().is_empty() {
                    e.set(fl.settings());
                }
                output.extend(o);
            }
            output.drain(..latency);
            let from = audio::preroll(rate);
            let m = super::measures::of(&clean[from..], &output[from..], rate);
            let third = clean.len() * 2 / 3;
            let m3 = super::measures::of(&clean[third..], &output[third..], rate);
            let file = out.join(format!("{id}-{}.f32", v.replace(',', "_")));
            std::fs::write(&file, output.iter().flat_map(|s| s.to_le_bytes()).collect::<Vec<u8>>())?;
            let line = serde_json::json!({"id": id, "variant": v, "file": file, "m": m, "m3": m3, "settings": fl.settings().as_array().to_vec(), "log": fl.explain().iter().map(|e| format!("{:.1} {}", e.sample as f64 / rate as f64, e.what)).collect::<Vec<_>>()});
            let mut o = std::io::stdout().lock();
            writeln!(o, "{line}")?;
        }
        Ok(())
    })
}
