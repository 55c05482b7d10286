//! The bar at the top: presets, undo, A and B, what is heard.

use super::history::History;
use super::model::{Action, Model, Param, Take, is_on, put};
use super::theme::{self, Choice};
use crate::settings::{Offsets, Preset};
use egui::{Align, ComboBox, Key, KeyboardShortcut, Label, Layout, Modifiers, Rect, RichText, Ui, UiBuilder, vec2};

const UNDO: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Z);
const REDO: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::Z);

/// Shows the bar.
pub fn show(ui: &mut Ui, rect: Rect, model: &mut dyn Model, history: &mut History, presets: &[Preset]) {
    ui.scope_builder(UiBuilder::new().max_rect(rect).layout(Layout::left_to_right(Align::Center)), |ui| {
        ui.add_space(4.0);
        ui.label(RichText::new("Attune").font(theme::strong(19.0)).color(theme::TEXT));
        ui.add_space(10.0);
        choose_preset(ui, model, history, presets);
        ui.add_space(6.0);
        undo(ui, model, history);
        ui.add_space(6.0);
        compare(ui, model, history);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| listen(ui, model));
    });
}

/// Tells the user something; whether it was dismissed.
pub fn notice(ui: &mut Ui, rect: Rect, message: &str) -> bool {
    ui.painter().rect_filled(rect, 6.0, theme::CARD.lerp_to_gamma(theme::LEARNED, 0.22));
    let inside = UiBuilder::new().max_rect(rect.shrink2(vec2(12.0, 3.0)));
    let layout = Layout::right_to_left(Align::Center);
    ui.scope_builder(inside.layout(layout), |ui| {
        let dismissed = ui.button("Dismiss").clicked();
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            ui.add(Label::new(RichText::new(message).color(theme::TEXT)).truncate());
        });
        dismissed
    })
    .inner
}

fn choose_preset(ui: &mut Ui, model: &mut dyn Model, history: &mut History, presets: &[Preset]) {
    let base = model.take().base;
    let current = presets.iter().find(|preset| preset.settings == base);
    let name = current.map_or("Own settings", |preset| preset.name.as_str()).to_owned();
    let response = ComboBox::from_id_salt("preset").width(150.0).selected_text(&name).height(400.0).show_ui(ui, |ui| {
        for preset in presets {
            let chosen = current.is_some_and(|current| current.name == preset.name);
            let response = ui.selectable_label(chosen, &preset.name).on_hover_text(&preset.description);
            if response.clicked() {
                let take = Take { base: preset.settings, offsets: Offsets::default() };
                history.change(model, Action::Recall(take));
            }
        }
    });
    response
        .response
        .widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::ComboBox, true, format!("Preset: {name}")));
}

fn undo(ui: &mut Ui, model: &mut dyn Model, history: &mut History) {
    let (undo, redo) = history.can(&model.take());
    let shortcut = |ui: &mut Ui, keys| ui.input_mut(|input| input.consume_shortcut(&keys));
    // With shift first: the other one would take it too.
    let redo_key = shortcut(ui, REDO);
    let undo_key = shortcut(ui, UNDO);
    let button = |ui: &mut Ui, enabled, label, help: String| {
        ui.add_enabled(enabled, egui::Button::new(label)).on_hover_text(help).clicked()
    };
    let help = |what, keys| format!("{what} ({})", ui.ctx().format_shortcut(keys));
    let (undo_help, redo_help) = (help("Undo", &UNDO), help("Redo", &REDO));
    if button(ui, undo, "Undo", undo_help) || undo_key {
        history.undo(model);
    }
    if button(ui, redo, "Redo", redo_help) || redo_key {
        history.redo(model);
    }
}

fn compare(ui: &mut Ui, model: &mut dyn Model, history: &mut History) {
    let (rect, _) = ui.allocate_exact_size(vec2(72.0, 26.0), egui::Sense::hover());
    let help = "Two sets to compare, each with its own undo.";
    let choices = ["A", "B"].map(|text| Choice { text, help, ..Choice::default() });
    if let Some(chosen) = theme::choose(ui, rect, false, &choices, usize::from(history.is_b())) {
        history.compare(model, chosen == 1);
    }
    let label = if history.is_b() { "B to A" } else { "A to B" };
    if ui.button(label).on_hover_text("Copies what is heard to the other one.").clicked() {
        history.copy(model);
    }
}

/// What is heard, from the right.
fn listen(ui: &mut Ui, model: &mut dyn Model) {
    ui.add_space(4.0);
    let mut flip = |ui: &mut Ui, param, label, help, colour| {
        let on = is_on(model, param);
        if theme::toggle(ui, on, label, colour).on_hover_text(help).clicked() {
            put(model, param, f32::from(u8::from(!on)));
        }
    };
    flip(ui, Param::Bypass, "Bypass", "Hear the untouched sound, at the same delay.", theme::TEXT);
    flip(ui, Param::Delta, "Delta", "Hear only what is removed.", theme::REMOVED);
    ui.add_space(6.0);
    let (rect, _) = ui.allocate_exact_size(vec2(124.0, 26.0), egui::Sense::hover());
    let choices = [
        Choice { text: "Live", name: "Latency: live", help: "About 11 ms of delay: to hear oneself.", learned: false },
        Choice {
            text: "Studio",
            name: "Latency: studio",
            help: "About 42 ms of delay, the best quality. The host makes up for it.",
            learned: false,
        },
    ];
    let studio = usize::from(is_on(model, Param::Latency));
    if let Some(chosen) = theme::choose(ui, rect, false, &choices, studio) {
        put(model, Param::Latency, chosen as f32);
    }
}
