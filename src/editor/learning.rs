//! How it learns: on or off, how boldly, how much of it is heard, and whether it is kept.

use super::history::History;
use super::model::{Action, Model, Param, is_on, put};
use super::theme::{self, Choice};
use crate::tuner::Style;
use egui::accesskit::Role;
use egui::{Align2, Rect, RichText, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

/// Shows the card.
pub fn show(ui: &mut Ui, rect: Rect, model: &mut dyn Model, history: &mut History) {
    theme::card(ui, rect, "learning", |ui| {
        let mut rect = rect.shrink2(vec2(12.0, 8.0));
        let mut head = theme::cut_top(&mut rect, 22.0);
        let at = pos2(head.left(), head.center().y - 2.0);
        ui.painter().text(at, Align2::LEFT_CENTER, "Adapt", theme::strong(12.5), theme::TEXT);
        let place = theme::cut_right(&mut head, 30.0).translate(vec2(0.0, -1.0));
        let on = is_on(model, Param::Adapt);
        ui.scope_builder(UiBuilder::new().max_rect(place), |ui| {
            let response = theme::switch(ui, on, "Adapt", theme::LEARNED);
            if response.on_hover_text("Listens, tries other settings unheard, and takes over what is better.").clicked()
            {
                put(model, Param::Adapt, f32::from(u8::from(!on)));
            }
        });
        rect.min.y += 4.0;
        style(ui, theme::cut_top(&mut rect, 24.0), model);
        rect.min.y += 6.0;
        amount(ui, theme::cut_top(&mut rect, 32.0), model);
        let buttons = Rect::from_min_max(pos2(rect.left(), (rect.bottom() - 26.0).max(rect.top())), rect.max);
        let half = 0.5 * (buttons.width() - 6.0);
        let place = |i: f32| Rect::from_min_size(buttons.min + vec2(i * (half + 6.0), 0.0), vec2(half, 24.0));
        hold(ui, place(0.0), model);
        commit(ui, place(1.0), model, history);
    });
}

fn style(ui: &mut Ui, rect: Rect, model: &mut dyn Model) {
    const HELP: [&str; 3] = [
        "Greedy: takes what is probably better.",
        "Balanced: takes what is better with fair certainty.",
        "Conservative: only what is surely better, in small steps.",
    ];
    const SHORT: [&str; 3] = ["Greedy", "Balanced", "Careful"];
    let names = Style::ALL.map(|style| format!("Style: {}", style.name()));
    // From the most careful to the boldest, as one reads.
    let order = [2, 1, 0];
    let choices = order.map(|i| Choice { text: SHORT[i], name: &names[i], help: HELP[i], learned: false });
    let now = model.value(Param::Style).clamp(0.0, 2.0) as usize;
    let shown = order.iter().position(|i| *i == now).unwrap_or(1);
    if let Some(chosen) = theme::choose(ui, rect, false, &choices, shown) {
        put(model, Param::Style, order[chosen] as f32);
    }
}

/// A slider: how much of what was learned is heard.
fn amount(ui: &mut Ui, rect: Rect, model: &mut dyn Model) {
    let value = model.value(Param::Amount).clamp(0.0, 100.0);
    let painter = ui.painter();
    painter.text(rect.left_top(), Align2::LEFT_TOP, "Amount", theme::plain(11.0), theme::DIM);
    painter.text(rect.right_top(), Align2::RIGHT_TOP, format!("{value:.0} %"), theme::plain(11.5), theme::TEXT);
    let place = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 18.0), rect.max);
    let mut moved = value;
    let response = ui
        .scope_builder(UiBuilder::new().max_rect(place), |ui| {
            ui.spacing_mut().slider_width = place.width();
            ui.spacing_mut().interact_size.y = 16.0;
            ui.visuals_mut().selection.bg_fill = theme::LEARNED;
            ui.visuals_mut().widgets.inactive.bg_fill = theme::LINE;
            ui.add(egui::Slider::new(&mut moved, 0.0..=100.0).show_value(false).trailing_fill(true))
        })
        .inner;
    response.widget_info(|| WidgetInfo::slider(true, f64::from(value), "Amount"));
    match (response.drag_started(), response.dragged() || response.drag_stopped(), response.changed()) {
        (true, ..) => {
            model.begin(Param::Amount);
            model.set(Param::Amount, moved);
        }
        (_, true, changed) => {
            if changed {
                model.set(Param::Amount, moved);
            }
            if response.drag_stopped() {
                model.end(Param::Amount);
            }
        }
        (_, _, true) => put(model, Param::Amount, moved),
        _ => {}
    }
    response.on_hover_text("How much of what was learned is heard, beside what you set.");
}

fn hold(ui: &mut Ui, rect: Rect, model: &mut dyn Model) {
    let on = is_on(model, Param::Hold);
    let response = button(ui, rect, "Hold", on, theme::LEARNED);
    if response.on_hover_text("Keeps what was learned as it is; changes nothing until you let go.").clicked() {
        put(model, Param::Hold, f32::from(u8::from(!on)));
    }
}

fn commit(ui: &mut Ui, rect: Rect, model: &mut dyn Model, history: &mut History) {
    let learned = model.heard() != model.take().base;
    ui.add_enabled_ui(learned, |ui| {
        let response = button(ui, rect, "Commit", false, theme::BASE);
        if response.on_hover_text("Makes what is heard now your own setting. Undo takes it back.").clicked() {
            history.change(model, Action::Commit);
        }
    });
}

/// A button of an exact size.
fn button(ui: &mut Ui, rect: Rect, label: &str, on: bool, colour: egui::Color32) -> egui::Response {
    let response = ui.allocate_rect(rect, Sense::click());
    let enabled = ui.is_enabled();
    response.widget_info(|| WidgetInfo::selected(Role::Button, enabled, on, label));
    let fill = match (on, response.hovered()) {
        (true, _) => colour,
        (_, true) => ui.visuals().widgets.hovered.bg_fill,
        _ => theme::RAISED,
    };
    ui.painter().rect_filled(rect, 6.0, fill);
    let text = RichText::new(label).font(theme::plain(12.0)).color(match (on, enabled) {
        (true, _) => theme::GROUND,
        (_, true) => theme::TEXT,
        _ => theme::FAINT,
    });
    ui.put(rect, egui::Label::new(text).selectable(false).sense(Sense::empty()));
    theme::focus_ring(ui, &response, rect);
    response
}
