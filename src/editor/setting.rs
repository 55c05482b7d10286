//! One setting: its name, its knob or choices, its values, its lock.

use super::history::History;
use super::knob::{Knob, Turn};
use super::model::{Action, Model, Param, put};
use super::theme::{self, Choice};
use crate::settings::{Id, Kind, Spec};
use crate::tuner::TUNED;
use egui::{Align2, Color32, Pos2, Rect, Sense, Stroke, StrokeKind, TextEdit, Ui, WidgetInfo, pos2, vec2};

/// Height of a cell without its control.
const TEXTS: f32 = 50.0;

/// Shows a setting in a cell.
pub fn show(ui: &mut Ui, mut rect: Rect, id: Id, model: &mut dyn Model, history: &mut History, active: bool) {
    let spec = id.spec();
    let whole = rect;
    let name = theme::cut_top(&mut rect, 18.0);
    let colour = if active { theme::DIM } else { theme::FAINT };
    let text = short(id);
    ui.painter_at(name).text(name.center(), Align2::CENTER_CENTER, text, theme::plain(11.0), colour);
    match spec.kind {
        Kind::Choice(names) => choices(ui, rect, id, names, model, history),
        Kind::Number => number(ui, rect, spec, model, history, active),
    }
    // Last, as it lies on the corner of the knob.
    if TUNED.contains(&id) {
        lock(ui, whole, id, model);
    }
}

fn choices(ui: &mut Ui, rect: Rect, id: Id, names: &[&str], model: &mut dyn Model, history: &mut History) {
    let (base, heard) = (model.take().base[id] as usize, model.heard()[id] as usize);
    let spec = id.spec();
    let long: Vec<String> = names.iter().map(|name| format!("{}: {name}", spec.name)).collect();
    let choice = |(i, name): (usize, &&'static str)| Choice {
        text: label(name),
        name: &long[i],
        help: spec.help,
        learned: heard != base && i == heard,
    };
    // The names live as long as the table, but their slice doesn't say so.
    let Kind::Choice(names) = spec.kind else { return };
    let choices: Vec<Choice<'_>> = names.iter().enumerate().map(choice).collect();
    let size = vec2(rect.width() - 6.0, (24.0 * choices.len() as f32).min(rect.height() - 4.0));
    let place = Rect::from_min_size(pos2(rect.center().x - 0.5 * size.x, rect.top() + 2.0), size);
    if let Some(chosen) = theme::choose(ui, place, true, &choices, base) {
        history.note(model.take());
        put(model, Param::Setting(id), chosen as f32);
    }
}

fn label(name: &'static str) -> &'static str {
    match name {
        "50" => "50 Hz",
        "60" => "60 Hz",
        name => name,
    }
}

fn number(ui: &mut Ui, rect: Rect, spec: &Spec, model: &mut dyn Model, history: &mut History, active: bool) {
    let (base, heard) = (model.take().base[spec.key], model.heard()[spec.key]);
    let is_learned = (spec.normalise(heard) - spec.normalise(base)).abs() > 0.004;
    let size = (rect.height() + 18.0 - TEXTS).min(rect.width() - 8.0).clamp(24.0, 72.0);
    let place = Rect::from_center_size(pos2(rect.center().x, rect.top() + 0.5 * size), vec2(size, size));
    let note = if is_learned { format!(", learned: {}", spec.format(heard)) } else { String::new() };
    let (response, turns) = Knob { spec, base, heard, active, note }.show(ui, place);
    let param = Param::Setting(spec.key);
    for turn in turns {
        match turn {
            Turn::Begin => {
                history.note(model.take());
                model.begin(param);
            }
            Turn::To(travel) => model.set(param, spec.denormalise(travel)),
            Turn::End => model.end(param),
            Turn::Jump(travel) => {
                history.note(model.take());
                put(model, param, spec.denormalise(travel));
            }
        }
    }
    response.on_hover_ui(|ui| help(ui, spec, base, is_learned.then_some(heard)));
    let line = Rect::from_center_size(pos2(rect.center().x, place.bottom() + 10.0), vec2(rect.width(), 16.0));
    if let Some(value) = value(ui, line, spec, base, active) {
        history.note(model.take());
        put(model, param, value);
    }
    if is_learned {
        let at = line.center_bottom() + vec2(0.0, 6.0);
        let text = spec.format(heard).replace('-', "−");
        ui.painter().text(at, Align2::CENTER_CENTER, text, theme::plain(11.0), theme::LEARNED);
    }
}

fn help(ui: &mut Ui, spec: &Spec, base: f32, heard: Option<f32>) {
    ui.set_max_width(260.0);
    ui.label(egui::RichText::new(spec.name).font(theme::strong(12.5)).color(theme::TEXT));
    ui.label(spec.help);
    ui.label(format!("Set to {}, from {}.", spec.format(base), spec.allowed()));
    if let Some(heard) = heard {
        ui.colored_label(theme::LEARNED, format!("Learned: {} is heard.", spec.format(heard)));
    }
    ui.weak("Double click: default. Shift: fine. Click the value to type.");
}

/// The value as text; a click lets the user type another. What was typed, if it is a value.
fn value(ui: &mut Ui, rect: Rect, spec: &Spec, base: f32, active: bool) -> Option<f32> {
    let id = ui.scope_id().with((spec.id, "typed"));
    let mut typed: Option<String> = ui.data(|data| data.get_temp(id)).flatten();
    if let Some(text) = &mut typed {
        let edit = TextEdit::singleline(text).id(id).align(egui::Align2::CENTER_CENTER).font(theme::plain(11.5));
        let response = ui.put(rect.expand2(vec2(0.0, 2.0)), edit.margin(vec2(2.0, 1.0)));
        response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::TextInput, true, spec.name));
        let done = response.lost_focus();
        let value = (done && !ui.input(|input| input.key_pressed(egui::Key::Escape))).then(|| spec.parse(text));
        ui.data_mut(|data| data.insert_temp(id, if done { None } else { typed }));
        return value?.ok();
    }
    let response = ui.interact(rect, id.with("shown"), Sense::click());
    let text = spec.format(base);
    response.widget_info(|| {
        WidgetInfo::labeled(egui::accesskit::Role::Button, true, format!("Type {}: {text}", spec.name))
    });
    let colour = match (response.hovered(), active) {
        (true, _) => theme::BASE,
        (_, true) => theme::TEXT,
        _ => theme::DIM,
    };
    let shown = text.replace('-', "−");
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, shown, theme::plain(11.5), colour);
    theme::focus_ring(ui, &response, rect.shrink2(vec2(6.0, 0.0)));
    if response.clicked() {
        ui.data_mut(|data| data.insert_temp(id, Some(text)));
        ui.memory_mut(|memory| memory.request_focus(id));
    }
    None
}

/// The lock at the cell's corner: faint while it is open.
fn lock(ui: &mut Ui, cell: Rect, id: Id, model: &mut dyn Model) {
    let locked = model.is_locked(id);
    let choice = matches!(id.spec().kind, Kind::Choice(_));
    let right = cell.right().min(cell.center().x + 46.0);
    let centre = pos2(right - 9.0, cell.top() + if choice { 9.0 } else { 25.0 });
    let rect = Rect::from_center_size(centre, vec2(15.0, 17.0));
    let response = ui.interact(rect, ui.scope_id().with((id, "lock")), Sense::click());
    let name = format!("Lock {}", id.spec().name);
    response.widget_info(|| WidgetInfo::selected(egui::accesskit::Role::CheckBox, true, locked, &name));
    let colour = match (locked, response.hovered() || ui.rect_contains_pointer(cell)) {
        (true, _) => theme::TEXT,
        (false, true) => theme::FAINT,
        (false, false) => theme::LINE.gamma_multiply(0.6),
    };
    padlock(ui, centre, locked, colour);
    theme::focus_ring(ui, &response, rect);
    if response.clicked() {
        model.act(Action::Lock(id, !locked));
    }
    response.on_hover_text(if locked { "Locked: learning leaves it alone." } else { "Lock it against learning." });
}

fn padlock(ui: &Ui, centre: Pos2, closed: bool, colour: Color32) {
    let painter = ui.painter();
    let body = Rect::from_center_size(centre + vec2(0.0, 2.0), vec2(8.0, 6.0));
    painter.rect(body, 1.5, colour, Stroke::NONE, StrokeKind::Inside);
    let lift = if closed { 0.0 } else { -1.5 };
    let top = body.top() + lift - 1.0;
    let shackle = (0..=8).map(|i| {
        let angle = std::f32::consts::PI * (1.0 + i as f32 / 8.0);
        pos2(centre.x, top) + 2.6 * egui::Vec2::angled(angle)
    });
    let mut line: Vec<Pos2> = shackle.collect();
    line.insert(0, pos2(centre.x - 2.6, body.top()));
    if closed {
        line.push(pos2(centre.x + 2.6, body.top()));
    }
    painter.add(egui::Shape::line(line, Stroke::new(1.3, colour)));
}

/// A name that fits under its group's title.
fn short(id: Id) -> &'static str {
    match id {
        Id::Method => "Method",
        Id::Oversubtraction => "Over-sub.",
        Id::Adaptation => "Follow",
        Id::Dereverb => "Amount",
        Id::Decay => "Decay",
        Id::Hum => "Depth",
        Id::HumFrequency => "Mains",
        Id::EqMidFrequency => "Mid at",
        Id::Deess => "Amount",
        Id::DeessFrequency => "From",
        Id::LevelTarget => "Target",
        Id::LevelRange => "Range",
        Id::LevelSpeed => "Speed",
        Id::CompThreshold => "Threshold",
        Id::CompRatio => "Ratio",
        Id::Ceiling => "Ceiling",
        Id::OutputGain => "Gain",
        id => id.spec().name,
    }
}
