//! What the numbers mean, in plain words.

use super::super::analysis::Levels;
use super::super::enhance::{Gains, Options, Outcome, Picture};
use super::super::summary::{self, decibels};
use super::html::{escape, minus};
use crate::engine::Monitor;
use std::fmt::Write;

/// The findings as list items.
pub fn list(outcome: &Outcome, picture: &Picture, options: &Options) -> String {
    let mut items: Vec<(&str, String)> = Vec::new();
    let [before, after] = &outcome.levels;
    if options.monitor == Monitor::Delta {
        items.push(("", "This is what would be removed, not the enhanced sound.".into()));
    } else {
        items.extend(background(before.noise_floor, after.noise_floor));
        items.extend(loudness(before.loudness, after.loudness));
        items.extend(separation(outcome));
        items.extend(peak(before.true_peak, after.true_peak));
    }
    items.push(match outcome.hum {
        Some(hz) => ("good", format!("Hum at {hz:.0} Hz removed.")),
        None => ("", "No hum to remove.".into()),
    });
    items.extend(reduction(picture));
    items.extend(summary::warnings(outcome).into_iter().map(|warning| ("warn", format!("{warning}."))));
    let mut text = String::new();
    for (class, sentence) in items {
        // Sentences end in an optional remark in parentheses, set smaller.
        let sentence = minus(&escape(&sentence)).replacen(" (", " <small>(", 1);
        let close = if sentence.contains("<small>") { "</small>" } else { "" };
        let _ = writeln!(text, "<li class=\"{class}\">{sentence}{close}</li>");
    }
    text
}

fn background(before: Option<f64>, after: Option<f64>) -> Option<(&'static str, String)> {
    Some(match (before?, after) {
        (before, None) => ("good", format!("The background between words is silent (was {before:.0} dBFS)")),
        (before, Some(after)) => {
            let range = format!("({before:.0} → {after:.0} dBFS)");
            match (after - before).round() {
                change if change <= -1.0 => {
                    ("good", format!("The background between words is {:.0} dB quieter {range}", -change))
                }
                change if change >= 1.0 => {
                    ("warn", format!("The background between words is {change:.0} dB louder {range}"))
                }
                _ => ("", format!("The background between words is as it was {range}")),
            }
        }
    })
}

fn loudness(before: Option<f64>, after: Option<f64>) -> Option<(&'static str, String)> {
    let (before, after) = (before?, after?);
    Some(match after - before {
        change if change.abs() < 0.5 => ("", format!("The loudness is as it was ({before:.1} → {after:.1} LUFS)")),
        change => {
            let way = if change > 0.0 { "louder" } else { "softer" };
            ("", format!("{:.1} dB {way} as a whole (loudness {before:.1} → {after:.1} LUFS)", change.abs()))
        }
    })
}

/// What is left of a change of level: how far speech stands out.
fn separation(outcome: &Outcome) -> Option<(&'static str, String)> {
    let [before, after] = &outcome.levels;
    let (before, after) = (above(before)?, above(after)?);
    (after - before >= 1.0).then(|| {
        (
            "good",
            format!(
                "Speech stands out {:.0} dB further from the background ({before:.0} → {after:.0} dB)",
                after - before
            ),
        )
    })
}

fn above(levels: &Levels) -> Option<f64> {
    Some(levels.loudness? - levels.noise_floor?)
}

fn peak(before: Option<f64>, after: Option<f64>) -> Option<(&'static str, String)> {
    let (before, after) = (before?, after?);
    Some(match (before > 0.0, after > 0.0) {
        (true, false) => {
            ("good", format!("Peaks no longer clip in players and codecs ({before:.1} → {after:.1} dBTP)"))
        }
        (_, true) => ("warn", format!("Peaks may clip in players and codecs ({before:.1} → {after:.1} dBTP)")),
        _ => ("", format!("Peaks keep {:.1} dB below full scale ({before:.1} → {after:.1} dBTP)", -after)),
    })
}

fn reduction(picture: &Picture) -> Option<(&'static str, String)> {
    let columns = picture.gains.as_slice();
    let gains = columns.iter().map(|gains| gains.mean()[Gains::NOISE]);
    let mean = gains.clone().sum::<f64>() / columns.len().max(1) as f64;
    let most = gains.fold(0.0, f64::min);
    (mean <= -0.5).then(|| {
        ("", format!("Noise and room were turned down by {:.0} dB on average (at most {:.0} dB)", -mean, -most))
    })
}

/// The rows of the table of numbers.
pub fn numbers(outcome: &Outcome) -> String {
    let [before, after] = &outcome.levels;
    let rows = [
        ("Loudness", "LUFS", before.loudness, after.loudness),
        ("True peak", "dBTP", before.true_peak, after.true_peak),
        ("Background", "dBFS", before.noise_floor, after.noise_floor),
        ("Speech above background", "dB", above(before), above(after)),
    ];
    let mut text = String::new();
    for (name, unit, before, after) in rows {
        let change = before.zip(after).map_or_else(
            || "–".to_owned(),
            |(before, after)| format!("{:+.1} dB", after - before).replace("+0.0", "0.0").replace("-0.0", "0.0"),
        );
        let [before, after] = [before, after]
            .map(|value| if value.is_some() { format!("{} {unit}", decibels(value)) } else { "–".to_owned() });
        let row = format!("<td class=\"n\">{before}</td><td class=\"n\">{after}</td><td class=\"n\">{change}</td>");
        let _ = writeln!(text, "<tr><td>{name}</td>{}</tr>", minus(&row));
    }
    text
}
