//! Plots over the files of a set, as SVG.

use super::Done;
use super::columns::{Better, COLUMNS, Column};
use crate::cli::report::html::{escape, minus};
use crate::quality::intrusive::Measures;
use std::fmt::Write;

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 62.0;
const INNER: f64 = WIDTH - LEFT - 8.0;
const HEIGHT: f64 = 120.0;
const PITCH: f64 = HEIGHT + 46.0;

/// A value before and after.
type Pair = (Option<f64>, Option<f64>);

/// For each measure a plot: each file's value, with that of its input where there is one, in the order
/// of the files, and the means.
pub fn files(all: &[Done]) -> String {
    let bottom = PITCH * COLUMNS.len() as f64;
    let height = bottom + names_height(all);
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"Measures of each file\">");
    for (i, column) in COLUMNS.iter().enumerate() {
        panel(&mut svg, column, all, PITCH * i as f64 + 30.0);
    }
    names(&mut svg, all, bottom);
    svg + "</svg>"
}

/// As many names as can be read below the plots.
const MOST_NAMES: usize = 60;
/// Letters of a name that are shown.
const LETTERS: usize = 18;

fn names_height(all: &[Done]) -> f64 {
    let longest = all.iter().map(|done| done.name.chars().count().min(LETTERS)).max().unwrap_or(0);
    if all.len() > MOST_NAMES { 0.0 } else { 7.5 * longest as f64 }
}

/// The files' names, upright below the last plot.
fn names(svg: &mut String, all: &[Done], bottom: f64) {
    if all.len() > MOST_NAMES {
        return;
    }
    let y = bottom - 6.0;
    for (file, done) in all.iter().enumerate() {
        let name: String = done.name.chars().take(LETTERS).collect();
        let x = x(file, all.len()) + 4.0;
        let name = escape(&name);
        let _ = write!(
            svg,
            "<text x=\"{x:.1}\" y=\"{y}\" text-anchor=\"end\" transform=\"rotate(-90 {x:.1} {y})\">{name}</text>"
        );
    }
}

fn x(file: usize, count: usize) -> f64 {
    LEFT + INNER * (file as f64 + 0.5) / count as f64
}

fn panel(svg: &mut String, column: &Column, all: &[Done], top: f64) {
    let of = |measures: &Measures| (column.of)(measures);
    let pairs: Vec<Pair> = all
        .iter()
        .map(|done| match &done.result {
            Ok(e) => (e.input.as_ref().and_then(|input| of(&input.measures)), of(&e.processed.measures)),
            Err(_) => (None, None),
        })
        .collect();
    let values = || pairs.iter().flat_map(|&(before, after)| [before, after]).flatten();
    let step = step(values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
    // A little beyond the values, so that no dot stands on the rim.
    let low = (values().fold(f64::MAX, f64::min) / step - 0.15).floor() * step;
    let high = (values().fold(f64::MIN, f64::max) / step + 0.15).ceil() * step;
    let unit = if column.unit.is_empty() { String::new() } else { format!(", {}", column.unit) };
    let _ = write!(svg, "<text class=\"head\" x=\"{LEFT}\" y=\"{}\">{}{unit}</text>", top - 10.0, column.name);
    if values().next().is_none() {
        return;
    }
    let y = |value: f64| top + HEIGHT * (high - value) / (high - low);
    for i in 0..=((high - low) / step).round() as usize {
        let value = low + i as f64 * step;
        let digits = if step < 0.1 {
            2
        } else if step < 1.0 {
            1
        } else {
            0
        };
        let text = minus(&format!("{value:.digits$}")).replace("\u{2212}0.0", "0.0");
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{1:.1}\" y2=\"{1:.1}\"/>\
             <text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\">{text}</text>",
            LEFT + INNER,
            y(value),
            LEFT - 9.0,
            y(value) + 4.0
        );
    }
    let mean = |of: fn(&Pair) -> Option<f64>| {
        let values: Vec<f64> = pairs.iter().filter_map(of).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    // The mean of what should be near 0 says nothing: too loud would make up for too soft.
    let wanted = |mean: &Option<f64>| mean.filter(|_| column.better != Better::NearZero);
    for (mean, class) in [(mean(|pair| pair.0), "mean was"), (mean(|pair| pair.1), "mean")] {
        if let Some(mean) = wanted(&mean) {
            let _ = write!(
                svg,
                "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{1:.1}\" y2=\"{1:.1}\"/>",
                LEFT + INNER,
                y(mean)
            );
        }
    }
    let radius = (INNER / all.len() as f64 / 3.0).clamp(1.5, 4.5);
    for (file, (done, pair)) in all.iter().zip(&pairs).enumerate() {
        let x = x(file, all.len());
        let _ = write!(svg, "<a href=\"#file{file}\"><title>{}: {}</title>", escape(&done.name), tip(column, pair));
        if let (Some(before), Some(after)) = *pair {
            let _ = write!(
                svg,
                "<line class=\"stem\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
                y(before),
                y(after)
            );
        }
        for (value, class) in [(pair.0, "ring"), (pair.1, "dot")] {
            if let Some(value) = value {
                let _ =
                    write!(svg, "<circle class=\"{class}\" cx=\"{x:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\"/>", y(value));
            }
        }
        svg.push_str("</a>");
    }
}

fn tip(column: &Column, &(before, after): &Pair) -> String {
    match before {
        Some(_) => minus(&format!("{} → {} {}", column.show(before), column.show(after), column.unit)),
        None => minus(&format!("{} {}", column.show(after), column.unit)),
    }
}

/// The distance of the grid's lines: three to six of them.
fn step(low: f64, high: f64) -> f64 {
    let steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
    steps.into_iter().find(|step| high - low <= step * 4.0).unwrap_or(50.0)
}
