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
