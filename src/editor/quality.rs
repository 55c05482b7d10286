//! How good it is, how that came about, and what is heard.

use super::model::{Action, Model, Param, is_on};
use super::story::{Kept, Mark, Sort, Story, clock};
use super::{feedback, theme};
use crate::quality::{Estimate, JUST_NOTICEABLE, Severity};
use egui::accesskit::Role;
use egui::epaint::PathStroke;
use egui::{Align2, Color32, Label, Painter, Pos2, Rect, RichText, ScrollArea, Sense, Shape, Stroke, Ui};
use egui::{UiBuilder, WidgetInfo, pos2, vec2};

/// Seconds of the past that are drawn.
const PAST: f32 = 300.0;
/// The least range of scores that is drawn, PESQ points.
const LEAST: f32 = 0.6;

/// Shows the card. `list`: snapshots instead of the history.
pub fn show(ui: &mut Ui, rect: Rect, model: &mut dyn Model, list: &mut bool) {
    theme::card(ui, rect, "quality", |ui| {
        let mut rect = rect.shrink2(vec2(12.0, 8.0));
        let mut head = theme::cut_top(&mut rect, 22.0);
        switch_view(ui, theme::cut_right(&mut head, 138.0), list);
        let at = pos2(head.left(), head.center().y - 2.0);
        ui.painter().text(at, Align2::LEFT_CENTER, "Quality", theme::strong(12.5), theme::TEXT);
        let buttons = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 26.0), rect.max);
        rect.max.y = buttons.top() - 8.0;
        feedback::show(ui, buttons, model);
        let adapts = is_on(model, Param::Adapt);
        score(ui, theme::cut_top(&mut rect, 48.0), model.story(), adapts);
        let height = theme::share(rect.height(), 0.45, 52.0, 300.0);
        let middle = theme::cut_top(&mut rect, height);
        match *list {
            true => {
                if let Some(action) = snapshots(ui, middle, &model.story().snapshots) {
                    model.act(action);
                }
            }
            false => history(ui, middle, model.story()),
        }
        rect.min.y += 8.0;
        ui.scope_builder(UiBuilder::new().id_salt("words").max_rect(rect), |ui| words(ui, rect, model.story()));
    });
}

fn switch_view(ui: &mut Ui, rect: Rect, list: &mut bool) {
    let rect = rect.translate(vec2(0.0, -2.0));
    let choices = ["History", "Snapshots"].map(|text| theme::Choice { text, ..theme::Choice::default() });
    if let Some(chosen) = theme::choose(ui, rect, false, &choices, usize::from(*list)) {
        *list = chosen == 1;
    }
}

/// The number, and what it means.
fn score(ui: &Ui, rect: Rect, story: &Story, adapts: bool) {
    let (number, verdict, colour) = match story.score() {
        Some(score) => (format!("{:+.2}", score.mean).replace('-', "−"), verdict(score), tone(score)),
        None if story.points.is_empty() && !adapts => ("–".into(), "Adapt is off: nobody listens", theme::FAINT),
        None if story.points.is_empty() => ("–".into(), "Listening …", theme::FAINT),
        None => ("–".into(), "No speech right now", theme::FAINT),
    };
    let at = pos2(rect.left(), rect.center().y);
    let number = ui.painter().text(at, Align2::LEFT_CENTER, number, theme::strong(32.0), colour);
    let x = number.right() + 12.0;
    ui.painter().text(pos2(x, at.y - 9.0), Align2::LEFT_CENTER, verdict, theme::strong(13.0), theme::TEXT);
    let below = match story.score() {
        Some(score) => format!("than the input; PESQ ± {:.2}", score.sigma),
        None => "It is judged once a second, on speech".into(),
    };
    let words = format!("Quality: {verdict}. {below}");
    ui.painter_at(rect).text(pos2(x, at.y + 9.0), Align2::LEFT_CENTER, below, theme::plain(11.0), theme::DIM);
    let response = ui.interact(rect, ui.scope_id().with("score"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &words));
}

fn verdict(score: Estimate) -> &'static str {
    match score {
        Estimate { mean, sigma } if mean.abs() < JUST_NOTICEABLE && sigma < 2.0 * JUST_NOTICEABLE => {
            "As good as before"
        }
        Estimate { mean, sigma } if mean.abs() < sigma => "Can't tell",
        Estimate { mean, sigma } if mean > 2.0 * sigma => "Clearly better",
        Estimate { mean, .. } if mean > 0.0 => "Probably better",
        Estimate { mean, sigma } if mean < -2.0 * sigma => "Clearly worse",
        _ => "Probably worse",
    }
}

fn tone(score: Estimate) -> Color32 {
    match score.mean {
        mean if mean.abs() < score.sigma => theme::TEXT,
        mean if mean > 0.0 => theme::BASE,
        _ => theme::REMOVED,
    }
}

/// Quality over the last minutes, with its doubt, and marks for what happened.
fn history(ui: &Ui, rect: Rect, story: &Story) {
    let plot = Rect::from_min_max(rect.min, rect.max - vec2(0.0, 14.0));
    ui.painter().rect_filled(plot, 6.0, theme::GROUND);
    let now = story.points.last().map_or(PAST, |point| point.at);
    let span = PAST.min(now.max(60.0));
    let recent: Vec<(f32, Estimate)> = story
        .points
        .iter()
        .filter(|point| point.at >= now - span)
        .filter_map(|point| Some((point.at, point.score.filter(|score| score.mean.is_finite())?)))
        .collect();
    let (low, high) = range(&recent);
    let x = |at: f32| plot.right() - plot.width() * (now - at) / span;
    let y = |score: f32| plot.bottom() - plot.height() * ((score - low) / (high - low)).clamp(0.0, 1.0);
    let painter = ui.painter_at(plot);
    let zero = y(0.0);
    painter.hline(plot.x_range(), zero, Stroke::new(1.0, theme::LINE));
    painter.text(pos2(plot.right() - 5.0, zero - 1.0), Align2::RIGHT_BOTTOM, "input", theme::plain(10.0), theme::FAINT);
    for run in recent.chunk_by(|a, b| b.0 - a.0 < 2.5) {
        let at = |(time, score): &(f32, Estimate), side: f32| pos2(x(*time), y(score.mean + side * score.sigma));
        painter.add(ribbon(run.iter().map(|point| (at(point, 1.0), at(point, -1.0)))));
        painter.add(Shape::line(run.iter().map(|p| at(p, 0.0)).collect(), PathStroke::new(1.8, theme::BASE)));
    }
    let marks: Vec<&Mark> = story.marks.iter().filter(|mark| mark.at >= now - span).collect();
    marks.iter().for_each(|mark| sign(&painter, plot, x(mark.at), mark.sort));
    let left = format!("{} ago", clock(span));
    let below = |anchor: Align2, at: f32, text: &str| {
        ui.painter().text(pos2(at, plot.bottom() + 3.0), anchor, text, theme::plain(10.0), theme::FAINT);
    };
    below(Align2::LEFT_TOP, plot.left(), &left);
    below(Align2::RIGHT_TOP, plot.right(), "now");
    legend(ui.painter(), pos2(plot.center().x, plot.bottom() + 9.0));
    let response = ui.interact(plot, ui.scope_id().with("history"), Sense::hover());
    let changes = marks.iter().filter(|mark| mark.sort == Sort::Change).count();
    let rollbacks = marks.iter().filter(|mark| mark.sort == Sort::Rollback).count();
    let summary = format!("Quality over time: {changes} changes, {rollbacks} rollbacks");
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &summary));
    let near = |at: Pos2| marks.iter().rev().min_by(|a, b| (x(a.at) - at.x).abs().total_cmp(&(x(b.at) - at.x).abs()));
    if let Some(mark) = response
        .hover_pos()
        .and_then(near)
        .filter(|mark| response.hover_pos().is_some_and(|at| (x(mark.at) - at.x).abs() < 8.0))
    {
        response.on_hover_text_at_pointer(format!("{}  {}", clock(mark.at), mark.words));
    }
}

fn range(points: &[(f32, Estimate)]) -> (f32, f32) {
    // A veto counts -10: it is drawn at the bottom, and the rest stays readable.
    let means = points.iter().map(|(_, score)| score.mean.clamp(-1.5, 3.0));
    let (low, high) = means.fold((0.0f32, 0.0f32), |(low, high), mean| (low.min(mean), high.max(mean)));
    let margin = 0.12 * (high - low).max(LEAST);
    (low - margin, high.max(low + LEAST) + margin)
}

fn ribbon(edges: impl Iterator<Item = (Pos2, Pos2)>) -> Shape {
    let mut mesh = egui::Mesh::default();
    for (i, (upper, lower)) in edges.enumerate() {
        mesh.colored_vertex(upper, theme::BASE.gamma_multiply(0.16));
        mesh.colored_vertex(lower, theme::BASE.gamma_multiply(0.16));
        if let Some(left) = (2 * i as u32).checked_sub(2) {
            mesh.add_triangle(left, left + 1, left + 2);
            mesh.add_triangle(left + 1, left + 2, left + 3);
        }
    }
    Shape::mesh(mesh)
}

fn colour(sort: Sort) -> Color32 {
    match sort {
        Sort::Change => theme::LEARNED,
        Sort::Rollback => theme::REMOVED,
        Sort::Note => theme::FAINT,
    }
}

fn sign(painter: &Painter, plot: Rect, x: f32, sort: Sort) {
    let colour = colour(sort);
    painter.vline(x, plot.y_range(), Stroke::new(1.0, colour.gamma_multiply(0.35)));
    shape(painter, pos2(x, plot.top() + 7.0), sort, colour);
}

/// A circle for a change, a triangle back for a rollback, a dot for the rest: not by colour alone.
fn shape(painter: &Painter, at: Pos2, sort: Sort, colour: Color32) {
    match sort {
        Sort::Change => _ = painter.circle_filled(at, 3.5, colour),
        Sort::Rollback => {
            let points = [vec2(-4.5, 0.0), vec2(3.0, -4.5), vec2(3.0, 4.5)].map(|v| at + v);
            painter.add(Shape::convex_polygon(points.to_vec(), colour, Stroke::NONE));
        }
        Sort::Note => _ = painter.circle_filled(at, 2.0, colour),
    }
}

fn legend(painter: &Painter, centre: Pos2) {
    for (sort, name, left) in [(Sort::Change, "change", -62.0), (Sort::Rollback, "rollback", 8.0)] {
        shape(painter, centre + vec2(left, 0.0), sort, colour(sort));
        let at = centre + vec2(left + 9.0, 0.0);
        painter.text(at, Align2::LEFT_CENTER, name, theme::plain(10.0), theme::FAINT);
    }
}

/// What was heard before. What the user wants to hear again.
fn snapshots(ui: &mut Ui, rect: Rect, kept: &[Kept]) -> Option<Action> {
    ui.painter().rect_filled(rect, 6.0, theme::GROUND);
    let mut action = None;
    ui.scope_builder(UiBuilder::new().id_salt("snapshots").max_rect(rect.shrink(4.0)), |ui| {
        if kept.is_empty() {
            ui.add_space(6.0);
            ui.vertical_centered(|ui| ui.colored_label(theme::FAINT, "Nothing was learned yet."));
        }
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for (i, kept) in kept.iter().enumerate() {
                ui.horizontal(|ui| {
                    let name = format!("Restore snapshot {}", kept.revision);
                    let button = egui::Button::new(RichText::new(if i == 0 { "heard" } else { "Restore" }).size(11.0));
                    let response = ui.add_enabled(i > 0, button.min_size(vec2(58.0, 20.0)));
                    response.widget_info(|| WidgetInfo::labeled(Role::Button, i > 0, &name));
                    if response.clicked() {
                        action = Some(Action::Restore(kept.revision));
                    }
                    ui.colored_label(theme::FAINT, RichText::new(clock(kept.at)).size(11.0));
                    let gain = if kept.gain == 0.0 { String::new() } else { format!("{:+.2}  ", kept.gain) };
                    let text = RichText::new(format!("{gain}{}", kept.reason)).size(11.5).color(theme::TEXT);
                    ui.add(Label::new(text).truncate());
                });
            }
        });
    });
    action
}

/// The last explanation, and what is heard.
fn words(ui: &mut Ui, rect: Rect, story: &Story) {
    ui.shrink_clip_rect(rect.expand2(vec2(4.0, 0.0)));
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        ui.spacing_mut().interact_size.y = 14.0;
        if let Some(mark) = story.explanation() {
            caption(ui, &format!("Last, at {}", clock(mark.at)));
            ui.add(Label::new(RichText::new(&mark.words).size(12.5).color(theme::TEXT)).wrap());
            ui.add_space(5.0);
        }
        caption(ui, "What I hear");
        match &story.findings[..] {
            [] if story.points.is_empty() => ui.colored_label(theme::FAINT, "Nothing yet."),
            [] => ui.colored_label(theme::DIM, "A good recording: nothing is wrong."),
            findings => {
                let lines = findings.iter().map(|finding| {
                    ui.horizontal(|ui| {
                        let (dot, _) = ui.allocate_exact_size(vec2(8.0, 14.0), Sense::hover());
                        ui.painter().circle_filled(dot.center(), 3.0, severity(finding.severity));
                        ui.add(Label::new(RichText::new(&finding.text).size(12.0).color(theme::TEXT)).truncate())
                    })
                    .inner
                });
                lines.last().expect("there is one")
            }
        };
    });
}

fn caption(ui: &mut Ui, text: &str) {
    ui.label(RichText::new(text).size(11.0).color(theme::FAINT));
}

fn severity(severity: Severity) -> Color32 {
    match severity {
        Severity::Note => theme::FAINT,
        Severity::Slight => theme::DIM,
        Severity::Clear => theme::LEARNED,
        Severity::Severe => theme::REMOVED,
    }
}
