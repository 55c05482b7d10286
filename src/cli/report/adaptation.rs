//! What the loop did to a recording: its timeline, its events, and the settings that it found.

use super::super::adapt::Adaptation;
use super::super::enhance::{Options, Outcome};
use super::curves::{self, Mark};
use super::html::{escape, minus};
use crate::quality::Estimate;
use crate::settings::{Id, Spec, TABLE};
use crate::tuner::{Event, ParameterUpdate, What};
use std::fmt::Write;

/// All of it, once for mono and stereo, else by channel. Empty where nothing was adapted.
pub fn section(outcome: &Outcome, options: &Options) -> String {
    let Some(adapt) = &options.adapt else { return String::new() };
    let mut text = String::new();
    for (index, adaptation) in outcome.adaptations.iter().enumerate() {
        let channel = if outcome.adaptations.len() > 1 { format!(", channel {}", index + 1) } else { String::new() };
        let seconds = |sample: u64| sample as f64 / f64::from(outcome.facts.rate);
        let _ = write!(
            text,
            "<h3>Adapting{channel}</h3>\n<p>{}</p>\n{}{}{}",
            escape(&lead(adaptation, adapt.two_pass, seconds)),
            score(adaptation, adapt.two_pass, outcome.seconds(), seconds),
            events(adaptation, adapt.two_pass, seconds),
            found(adaptation),
        );
    }
    text
}

/// What it came to, in a sentence or two.
fn lead(adaptation: &Adaptation, two_pass: bool, seconds: impl Fn(u64) -> f64) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    if two_pass {
        return match (adaptation.rounds, adaptation.changes()) {
            (0, _) => "There was too little speech to learn on: the settings were left as they were.".into(),
            (rounds, 0) => format!(
                "Learned on the whole recording first, for {}: nothing was found that is surely better. Then it was \
                 enhanced with the settings as they were.",
                count(rounds as usize, "round")
            ),
            (rounds, _) => format!(
                "Learned on the whole recording first, for {}, and then enhanced it with the settings that were \
                 found. They did not change any more.",
                count(rounds as usize, "round")
            ),
        };
    }
    let done = match adaptation.converged() {
        Some(sample) => format!("From {} on, there was nothing left to gain for a while.", time(seconds(sample))),
        None => "It was still looking for better settings at the end.".into(),
    };
    match adaptation.rounds {
        0 if adaptation.events.is_empty() => {
            "There was too little speech to learn on: the settings were left as they were.".into()
        }
        _ => format!(
            "{} and {} on the way. {done}",
            count(adaptation.changes(), "change"),
            count(adaptation.rollbacks(), "rollback")
        ),
    }
}

/// What kind of event it is: its class in the style sheet, and its name in the legend.
fn kind(what: &What) -> Option<(&'static str, &'static str)> {
    match what {
        What::Deployed { .. } => Some(("change", "Settings changed")),
        What::RolledBack { .. } => Some(("back", "Rolled back")),
        What::InputChanged { .. } => Some(("input", "The input changed")),
        What::Converged { .. } => Some(("done", "Nothing left to gain")),
        What::Measured { .. } | What::Feedback { .. } => None,
    }
}

/// The score over time, with marks for what happened.
fn score(adaptation: &Adaptation, two_pass: bool, length: f64, seconds: impl Fn(u64) -> f64) -> String {
    if adaptation.scores.is_empty() {
        return "<p class=\"soft\">No speech was heard, so there is no score.</p>".into();
    }
    let points: Vec<_> = adaptation
        .scores
        .iter()
        .map(|score| (seconds(score.sample), score.fault.clone().map_or(Ok(f64::from(score.gain)), Err)))
        .collect();
    // What happened before has no place on the axis.
    let events = if two_pass { &[] } else { adaptation.events.as_slice() };
    let mark = |event: &Event| {
        let (class, _) = kind(&event.what)?;
        Some(Mark { time: seconds(event.sample), class, text: event.what.to_string() })
    };
    let marks: Vec<Mark> = events.iter().filter_map(mark).collect();
    let mut legend = String::from("<span><i style=\"background:var(--accent)\"></i>Score</span>");
    let mut shown: Vec<&str> = Vec::new();
    for (class, name) in events.iter().filter_map(|event| kind(&event.what)) {
        if !shown.contains(&class) {
            shown.push(class);
            let _ = write!(
                legend,
                "<span><svg class=\"key\" viewBox=\"0 0 8 16\"><line class=\"mark {class}\" x1=\"4\" x2=\"4\" y1=\"0\" \
                 y2=\"16\"/></svg>{name}</span>"
            );
        }
    }
    if adaptation.scores.iter().any(|score| score.fault.is_some()) {
        legend += "<span><i style=\"background:var(--bad);opacity:.25\"></i>A fault</span>";
    }
    format!(
        "<p class=\"soft\">By how much the output is better than the input, PESQ points, in the 3 s before each moment. \
         An estimate; 0.05 is just noticeable. Empty: no speech.</p>\n<div class=\"legend\" style=\"margin-top:8px\">{legend}</div>\n\
         <figure>{}</figure>\n",
        curves::timeline(&points, &marks, GAP, length)
    )
}

/// The line breaks where there is no score for longer, s.
const GAP: f64 = 2.5;

/// What happened, line by line.
fn events(adaptation: &Adaptation, two_pass: bool, seconds: impl Fn(u64) -> f64) -> String {
    let measured = |wanted: u64| {
        adaptation.events.iter().find_map(|event| match &event.what {
            What::Measured { revision, effect, .. } if *revision == wanted => Some(*effect),
            _ => None,
        })
    };
    let mut rows = String::new();
    for event in &adaptation.events {
        let (class, what, why, effect) = match &event.what {
            What::Deployed { revision, updates, reason, predicted } => {
                let effect = measured(*revision).map_or_else(|| "not measured".to_owned(), estimate);
                let effect = if two_pass { String::new() } else { format!(" → {effect}") };
                ("", changes(updates), escape(reason), estimate(*predicted) + &effect)
            }
            What::RolledBack { to, updates, reason, .. } => {
                ("back", format!("back to settings {to}: {}", changes(updates)), escape(reason), String::new())
            }
            What::InputChanged { change } => ("", "the input changed".into(), escape(change), String::new()),
            What::Converged { rounds } => {
                let why = format!("{rounds} rounds, and no find in the last of them");
                ("", "nothing left to gain".into(), why, String::new())
            }
            What::Feedback { feedback } => ("", "heard from you".into(), escape(feedback), String::new()),
            What::Measured { .. } => continue,
        };
        let when = if two_pass { "before".to_owned() } else { time(seconds(event.sample)) };
        let _ = writeln!(
            rows,
            "<tr class=\"{class}\"><td>{when}</td><td>{what}</td><td>{why}</td><td class=\"n\">{}</td></tr>",
            minus(&effect)
        );
    }
    if rows.is_empty() {
        return String::new();
    }
    let effect = if two_pass { "Promised" } else { "Promised → measured" };
    format!(
        "<div class=\"scroll\"><table class=\"events\"><tr><th>When</th><th>What</th><th>Why</th>\
         <th class=\"n\">{effect}</th></tr>\n{rows}</table></div>\n"
    )
}

fn changes(updates: &[ParameterUpdate]) -> String {
    let one = |update: &ParameterUpdate| {
        let spec = Id::from_name(&update.id)?.spec();
        let (old, new) = (spec.format(update.old), spec.format(update.new));
        // A line breaks between changes, not within them.
        (old != new).then(|| minus(&format!("<span>{} {old} → {new}</span>", spec.name)))
    };
    let all: Vec<String> = updates.iter().filter_map(one).collect();
    if all.is_empty() { "a hair's breadth".into() } else { all.join(", ") }
}

/// The settings that are other ones now, next to what they began with.
fn found(adaptation: &Adaptation) -> String {
    let moved = adaptation.moved();
    if moved.is_empty() {
        return String::new();
    }
    let row = |spec: &Spec| {
        let [began, now] = [&adaptation.base, &adaptation.settings].map(|settings| spec.format(settings[spec.key]));
        format!(
            "<div class=\"set\" title=\"{}\"><span>{} <small>began with {}</small></span><span>{}</span></div>\n",
            escape(spec.help),
            spec.name,
            minus(&began),
            minus(&now)
        )
    };
    let rows: String = moved.into_iter().map(row).collect();
    let rest = TABLE.len() - adaptation.moved().len();
    format!(
        "<h3>Settings that were found</h3>\n<div class=\"settings\">{rows}</div>\n\
         <p class=\"soft\" style=\"margin-top:8px\">The other {rest} are as they were set.</p>\n"
    )
}

fn estimate(Estimate { mean, sigma }: Estimate) -> String {
    if sigma.is_finite() { format!("{mean:+.2} ± {sigma:.2}") } else { "unknown".into() }
}

/// `0:07.5`.
fn time(seconds: f64) -> String {
    let tenths = (seconds * 10.0).round() as u64;
    let (minutes, tenths) = (tenths / 600, tenths % 600);
    let clock = format!("{:02}.{}", tenths / 10, tenths % 10);
    match minutes / 60 {
        0 => format!("{minutes}:{clock}"),
        hours => format!("{hours}:{:02}:{clock}", minutes % 60),
    }
}
