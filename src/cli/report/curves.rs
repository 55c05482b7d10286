//! Drawings over time, as SVG.

use super::super::analysis::Analysis;
use super::super::columns::Columns;
use super::super::enhance::Gains;
use super::super::picture::{self, time_marks};
use super::super::spectrogram::{Spectrogram, frequency_marks};
use super::html::escape;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 8.0;
const INNER: f64 = WIDTH - LEFT - RIGHT;

/// One spectrogram of several.
pub struct Panel<'a> {
    /// What it shows.
    pub title: &'a str,
    /// The spectrogram.
    pub spectrogram: &'a Spectrogram,
    /// Its length.
    pub seconds: f64,
}

/// Spectrograms one above the other on the same time axis. `scale`: the levels of the darkest and the
/// brightest colour.
pub fn spectrograms(panels: &[Panel], scale: (f32, f32)) -> String {
    let (height, gap) = (210.0, 12.0);
    let total = panels.len() as f64 * (height + gap) - gap;
    let longest = panels.iter().fold(0f64, |longest, panel| longest.max(panel.seconds));
    let titles = panels.iter().map(|panel| panel.title.to_lowercase()).collect::<Vec<_>>().join(", ");
    let mut svg = open(total + 28.0, &format!("Spectrograms: {titles}"));
    for (index, panel) in panels.iter().enumerate() {
        let top = index as f64 * (height + gap);
        let width = INNER * panel.seconds / longest;
        let image = STANDARD.encode(picture::plain(panel.spectrogram, scale));
        let _ = write!(
            svg,
            "<image x=\"{LEFT}\" y=\"{top}\" width=\"{width:.1}\" height=\"{height}\" preserveAspectRatio=\"none\" \
             href=\"data:image/png;base64,{image}\"/>\
             <text class=\"title\" x=\"{}\" y=\"{}\" style=\"paint-order:stroke;stroke:#0008;stroke-width:3px\">{}</text>",
            LEFT + 12.0,
            top + 22.0,
            panel.title
        );
        for (share, text) in frequency_marks(panel.spectrogram.rate()) {
            let y = top + height * (1.0 - f64::from(share));
            let _ = write!(
                svg,
                "<line class=\"tick\" x1=\"{}\" x2=\"{LEFT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 5.0,
                LEFT - 9.0,
                y + 4.0
            );
        }
        let _ = write!(
            svg,
            "<text x=\"14\" y=\"{}\" text-anchor=\"middle\" transform=\"rotate(-90 14 {0})\">Hz</text>",
            top + height / 2.0
        );
    }
    time_axis(&mut svg, total, longest);
    svg + "</svg>"
}

/// Levels over time: of each curve its colour in the style sheet, its length in seconds and its columns.
pub fn level(sides: &[(&str, f64, &Analysis)]) -> String {
    let (height, bottom_db) = (190.0, -80.0);
    let longest = sides.iter().fold(0f64, |longest, (_, seconds, _)| longest.max(*seconds));
    let y = |db: f64| height * (db.clamp(bottom_db, 0.0) / bottom_db);
    let mut svg = open(height + 28.0, "Level over time");
    for db in [0, -20, -40, -60, -80] {
        rule(&mut svg, y(f64::from(db)), &format!("{db}"), "grid");
    }
    axis_name(&mut svg, "dBFS", height);
    for (colour, seconds, side) in sides {
        let levels = side.power.as_slice().iter().map(|power| 20.0 * power.rms().max(1e-6).log10());
        curve(&mut svg, levels, seconds / longest, y, &format!("class=\"curve\" style=\"stroke:var(--{colour})\""));
    }
    time_axis(&mut svg, height, longest);
    svg + "</svg>"
}

/// The gains of the effects that did something, with a legend.
pub fn gain(gains: &Columns<Gains>, seconds: f64) -> String {
    let columns: Vec<_> = gains.as_slice().iter().map(Gains::mean).collect();
    let active: Vec<usize> = (0..Gains::NAMES.len()).filter(|&i| columns.iter().any(|c| c[i].abs() >= 0.1)).collect();
    if active.is_empty() {
        return "<p class=\"soft\">No gain was changed.</p>".into();
    }
    let all = || columns.iter().flat_map(|c| active.iter().map(|&i| c[i]));
    let step = [2.0, 3.0, 6.0, 12.0, 24.0]
        .into_iter()
        .find(|step| all().fold(0f64, |m, g| m.max(g.abs())) <= step * 3.0)
        .unwrap_or(48.0);
    let high = (all().fold(0.0, f64::max) / step).ceil() * step;
    let low = ((all().fold(0.0, f64::min) / step).floor() * step).min(high - step);
    let height = 190.0;
    let y = |db: f64| height * (high - db.clamp(low, high)) / (high - low);

    let mut legend = String::from("<div class=\"legend\">");
    let mut svg = open(height + 28.0, "Gain over time");
    for i in 0..=((high - low) / step).round() as usize {
        let db = high - i as f64 * step;
        rule(&mut svg, y(db), &format!("{db:+.0}").replace("+0", "0"), if db == 0.0 { "zero" } else { "grid" });
    }
    axis_name(&mut svg, "dB", height);
    for &i in &active {
        let _ = write!(legend, "<span><i style=\"background:var(--c{i})\"></i>{}</span>", Gains::NAMES[i]);
        curve(&mut svg, columns.iter().map(|c| c[i]), 1.0, y, &format!("class=\"curve\" style=\"stroke:var(--c{i})\""));
    }
    time_axis(&mut svg, height, seconds);
    format!("{legend}</div><figure>{svg}</svg></figure>")
}

/// An estimate that holds for a stretch of time.
pub struct Step {
    /// Where it begins, s.
    pub from: f64,
    /// Where it ends, s.
    pub to: f64,
    /// Mean and standard deviation, where there is one.
    pub value: Option<(f64, f64)>,
    /// What is wrong there.
    pub fault: Option<String>,
}

/// Estimates over time, with their doubt as a band, and faults as red columns.
pub fn steps(steps: &[Step], seconds: f64) -> String {
    let x = |time: f64| at(time, seconds);
    let values = steps.iter().filter_map(|step| step.value).flat_map(|(mean, sigma)| [mean - sigma, mean + sigma]);
    let (mut svg, y) = scores(values);
    for step in steps {
        let (left, width) = (x(step.from), (x(step.to) - x(step.from)).max(0.5));
        if let Some(reason) = &step.fault {
            fault(&mut svg, left, width, reason);
        }
        if let Some((mean, sigma)) = step.value {
            let (top, bottom) = (y(mean + sigma), y(mean - sigma));
            let _ = write!(
                svg,
                "<rect class=\"doubt\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>\
                 <line class=\"step\" x1=\"{left:.1}\" x2=\"{:.1}\" y1=\"{2:.1}\" y2=\"{2:.1}\"/>",
                bottom - top,
                left + width,
                y(mean)
            );
        }
    }
    time_axis(&mut svg, SCORES, seconds);
    svg + "</svg>"
}

/// Something that happened.
pub struct Mark {
    /// When, s.
    pub time: f64,
    /// Its class in the style sheet.
    pub class: &'static str,
    /// What, in words.
    pub text: String,
}

/// Scores over time (each a time in seconds, and the score or a fault), with marks for what happened. The line
/// breaks where there is none for longer than `gap` seconds.
pub fn timeline(points: &[(f64, Result<f64, String>)], marks: &[Mark], gap: f64, seconds: f64) -> String {
    let (mut svg, y) = scores(points.iter().filter_map(|(_, score)| score.as_ref().ok().copied()));
    let x = |time: f64| at(time, seconds);
    for mark in marks {
        let _ = write!(
            svg,
            "<line class=\"mark {}\" x1=\"{1:.1}\" x2=\"{1:.1}\" y1=\"0\" y2=\"{SCORES}\"><title>{2}</title></line>",
            mark.class,
            x(mark.time),
            escape(&mark.text)
        );
    }
    let mut runs: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut last = f64::NEG_INFINITY;
    for (time, score) in points {
        match score {
            Ok(score) if time - last <= gap => runs.last_mut().into_iter().for_each(|run| run.push((*time, *score))),
            Ok(score) => runs.push(vec![(*time, *score)]),
            Err(reason) => fault(&mut svg, x(*time) - 1.0, 2.0, reason),
        }
        last = if score.is_ok() { *time } else { f64::NEG_INFINITY };
    }
    for run in runs {
        let points: Vec<_> = run.iter().map(|(time, score)| format!("{:.1},{:.1}", x(*time), y(*score))).collect();
        let _ = write!(svg, "<polyline class=\"curve score\" points=\"{}\"/>", points.join(" "));
        if let [(time, score)] = run[..] {
            let _ = write!(svg, "<circle class=\"score\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2\"/>", x(time), y(score));
        }
    }
    time_axis(&mut svg, SCORES, seconds);
    svg + "</svg>"
}

/// Height of a drawing of scores.
const SCORES: f64 = 150.0;

/// The grid for scores between these, and where each of them is drawn. Both sides of 0 are always seen.
fn scores(values: impl Iterator<Item = f64>) -> (String, impl Fn(f64) -> f64) {
    let (least, most) = values.fold((0.0, 0.0), |(low, high), value| (f64::min(low, value), f64::max(high, value)));
    let reach = f64::max(0.1, f64::max(most, -least));
    let grid = [0.1, 0.2, 0.5, 1.0, 2.0].into_iter().find(|grid| reach <= grid * 3.0).unwrap_or(5.0);
    let high = (most.max(grid) / grid).ceil() * grid;
    let low = (least.min(-grid) / grid).floor() * grid;
    let y = move |value: f64| SCORES * (high - value.clamp(low, high)) / (high - low);
    let mut svg = open(SCORES + 28.0, "Score over time");
    for i in 0..=((high - low) / grid).round() as usize {
        let value = high - i as f64 * grid;
        let zero = value.abs() < 0.5 * grid;
        let text = if zero { "0".to_owned() } else { format!("{value:+.1}") };
        rule(&mut svg, y(value), &text, if zero { "zero" } else { "grid" });
    }
    (svg, y)
}

fn at(time: f64, seconds: f64) -> f64 {
    LEFT + INNER * (time / seconds.max(f64::MIN_POSITIVE)).min(1.0)
}

fn fault(svg: &mut String, left: f64, width: f64, reason: &str) {
    let _ = write!(
        svg,
        "<rect class=\"fault\" x=\"{left:.1}\" y=\"0\" width=\"{width:.1}\" height=\"{SCORES}\">\
         <title>{}</title></rect>",
        escape(reason)
    );
}

fn open(height: f64, label: &str) -> String {
    format!("<svg viewBox=\"0 -8 {WIDTH} {}\" role=\"img\" aria-label=\"{label}\">", height + 8.0)
}

fn axis_name(svg: &mut String, name: &str, height: f64) {
    let _ = write!(
        svg,
        "<text x=\"14\" y=\"{}\" text-anchor=\"middle\" transform=\"rotate(-90 14 {0})\">{name}</text>",
        height / 2.0
    );
}

fn rule(svg: &mut String, y: f64, text: &str, class: &str) {
    let text = text.replace('-', "\u{2212}");
    let _ = write!(
        svg,
        "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
         <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
        LEFT + INNER,
        LEFT - 9.0,
        y + 4.0
    );
}

fn time_axis(svg: &mut String, y: f64, seconds: f64) {
    for (share, text) in time_marks(seconds, 10) {
        let x = LEFT + share * INNER;
        // The last label must not stand out of the drawing.
        let anchor = if share > 0.97 { "end" } else { "middle" };
        let _ = write!(
            svg,
            "<line class=\"tick\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{y}\" y2=\"{}\"/>\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{text}</text>",
            y + 5.0,
            y + 20.0
        );
    }
}

/// A line through evenly spaced values over this share of the width, at most two for each unit of it.
fn curve(
    svg: &mut String,
    values: impl ExactSizeIterator<Item = f64>,
    share: f64,
    y: impl Fn(f64) -> f64,
    style: &str,
) {
    let step = share * INNER / values.len().max(1) as f64;
    let mut points = String::new();
    for (i, value) in values.enumerate() {
        let _ = write!(points, "{:.1},{:.1} ", LEFT + (i as f64 + 0.5) * step, y(value));
    }
    let _ = write!(svg, "<polyline {style} points=\"{}\"/>", points.trim_end());
}
