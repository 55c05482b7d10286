//! experiment
use super::audio;
use anyhow::Result;
use attune::engine::{EngineConfig, Latency};
use attune::quality::Ears;
use attune::settings::Settings;
use attune::tuner::*;
use std::io::Write;
use std::path::Path;

pub fn run(set: &Path, ears: &'static Ears, ids: &[String], variants: &[String], jobs: usize) -> Result<()> {
    let items: Vec<_> =
        audio::manifest(set)?.into_iter().filter(|i| ids.iter().any(|id| i.noisy.contains(id.as_str()))).collect();
    super::candidates::for_each(&items, jobs, |_, item| {
        let (rate, input) = audio::read(&set.join(&item.noisy))?;
        let mut shadow = Shadow::new(EngineConfig { sample_rate: rate, channels: 1, latency: Latency::Studio }, ears)?;
        let speech = shadow.add(&[&input], audio::preroll(rate));
        for v in variants {
            let p: Vec<f32> = v.split(',').map(|x| x.parse().unwrap()).collect();
            let (settings, mean, sigma, evals) = search(&mut shadow, p[0], p[1], p[2] as usize);
            let line = serde_json::json!({"id": Path::new(&item.noisy).file_stem().unwrap().to_string_lossy(), "variant": v, "settings": settings.as_array().to_vec(), "mean": mean, "sigma": sigma, "evals": evals, "speech": speech});
            let mut out = std::io::stdout().lock();
            writeln!(out, "{line}")?;
        }
        Ok(())
    })
}

fn search(shadow: &mut Shadow, caution: f32, prior: f32, local: usize) -> (Settings, f32, f32, usize) {
    let space = Space::new(Settings::default(), &[]);
    let base = shadow.hear(space.base());
    let mut evals = 1;
    let mut value = |p: &Point| {
        evals += 1;
        let trial = shadow.hear(&space.settings(p));
        let e = shadow.difference(&trial, &base).unwrap_or(attune::quality::Estimate { mean: 0.0, sigma: 1.0 });
        let d: f32 = p.iter().zip(space.origin()).map(|(a, b)| (a - b).powi(2)).sum();
        let v = if trial.veto().is_some() { -10.0 } else { e.mean - caution * e.sigma - prior * d };
        (v, e)
    };
    let arms = Strategy::built_in();
    let mut best = (space.origin().clone(), 0.0f32, attune::quality::Estimate { mean: 0.0, sigma: 0.0 });
    let mut order: Vec<(f32, usize)> = (0..arms.len()).map(|i| (f32::MAX, i)).collect();
    for round in 0..8 {
        let mut found = None;
        let n = if round == 0 { arms.len() } else { 14 };
        let mut tried = Vec::new();
        for k in 0..n.min(order.len()) {
            let i = order[k].1;
            let p = arms[i].apply(&space, &best.0);
            if p == best.0 {
                tried.push((-0.5, i));
                continue;
            }
            let (v, e) = value(&p);
            tried.push((v - best.1, i));
            if v > best.1 + 0.005 && found.as_ref().is_none_or(|f: &(Point, f32, _)| v > f.1) {
                found = Some((p, v, e));
            }
        }
        order.splice(0..n.min(tried.len()), tried);
        order.sort_by(|a, b| b.0.total_cmp(&a.0));
        match found {
            Some(f) => best = f,
            None => break,
        }
    }
    let mut rng = fastrand::Rng::with_seed(1);
    let mut step = 0.1f32;
    for _ in 0..local {
        let dims = space.len();
        let p: Point = best
            .0
            .iter()
            .enumerate()
            .map(|(i, x)| {
                if space.is_choice(i) || rng.usize(0..dims) > 4 {
                    *x
                } else {
                    let g: f32 = (0..6).map(|_| rng.f32() - 0.5).sum::<f32>() * 1.4;
                    (x + step * g).clamp(0.0, 1.0)
                }
            })
            .collect();
        let (v, e) = value(&p);
        if v > best.1 {
            best = (p, v, e);
            step *= 1.3;
        } else {
            step *= 0.95;
        }
        step = step.clamp(0.02, 0.3);
    }
    let s = space.settings(&best.0);
    (s, best.2.mean, best.2.sigma, evals)
}
