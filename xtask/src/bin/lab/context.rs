//! What is wrong with the recordings of a set, as the ears see it.

use super::{audio, candidates};
use anyhow::Result;
use attune::quality::{Accuracy, Context, Excerpt, Truth};
use std::path::Path;
use std::sync::Mutex;

/// Prints how far the estimates are from what the manifest knows.
pub fn check(set: &Path, jobs: usize) -> Result<()> {
    let found = Mutex::new(Vec::new());
    let items = audio::manifest(set)?;
    candidates::for_each(&items, jobs, |index, item| {
        let (rate, input) = audio::read(&set.join(&item.noisy))?;
        let (_, clean) = audio::read(&set.join(&item.clean))?;
        let from = audio::preroll(rate).min(input.len() / 4);
        let (input, clean) = (&input[from..], &clean[from.min(clean.len())..]);
        let context = Context::of(&Excerpt::new(rate, input), &[input]);
        found.lock().expect("no panic").push((index, context, truth(item, input, clean)));
        Ok(())
    })?;
    let mut found = found.into_inner().expect("no panic");
    found.sort_by_key(|(index, ..)| *index);
    let mut accuracy = Accuracy::default();
    found.iter().for_each(|(_, context, truth)| accuracy.add(context, truth));
    println!("{accuracy}");
    Ok(())
}

fn truth(item: &audio::Item, input: &[f32], clean: &[f32]) -> Truth {
    let power = |samples: &mut dyn Iterator<Item = f32>| {
        samples.map(|s| f64::from(s * s)).sum::<f64>() / input.len().max(1) as f64
    };
    let speech = power(&mut clean.iter().copied());
    let rest = power(&mut input.iter().zip(clean).map(|(x, s)| x - s));
    let only = |problem: &str| item.problems.as_ref().is_some_and(|problems| problems == &[problem]);
    let noise = only("noise") || item.problems.is_none() && !item.reverberant;
    // The sort of noise that may hum by itself says nothing of hum.
    let hum = match (item.hum_hz, &item.noise) {
        (Some(hertz), None) if only("hum") => Some(Some([hertz, 10.0 * rest.log10() as f32])),
        (None, None) if item.problems.is_some() => Some(None),
        _ => None,
    };
    Truth {
        snr: (noise && speech > 0.0 && rest > 0.0).then(|| (10.0 * (speech / rest).log10()) as f32),
        decay_time: item.rt60,
        hum,
        ..Truth::default()
    }
}
