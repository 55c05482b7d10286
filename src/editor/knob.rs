//! A knob that shows two things: what the user set, and what was learned.

use super::theme;
use crate::settings::Spec;
use egui::accesskit::{Action, ActionData, Role};
use egui::{Color32, EventFilter, Key, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, WidgetInfo, vec2};
use std::f32::consts::{PI, TAU};

/// Where the travel begins and how far it goes: three quarters of a turn, open at the bottom.
const START: f32 = 0.75 * PI;
const SWEEP: f32 = 1.5 * PI;
/// Pixels of dragging for the whole travel; with shift ten times as many.
const DRAG: f32 = 180.0;
/// Steps of the keyboard; page up and down are five.
const STEP: f32 = 0.02;

/// What the user does with a knob, as travels from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Turn {
    /// Took hold of it.
    Begin,
    /// Moved it.
    To(f32),
    /// Let go.
    End,
    /// All at once, by keyboard, screen reader or double click.
    Jump(f32),
}

/// What a knob shows; travels from 0 to 1.
pub struct Knob<'a> {
    /// What is set.
    pub spec: &'a Spec,
    /// What the user set.
    pub base: f32,
    /// What is heard.
    pub heard: f32,
    /// Whether its effect is at work.
    pub active: bool,
    /// Read out beside the value.
    pub note: String,
}

impl Knob<'_> {
    /// Draws it and says what was done with it, in order.
    pub fn show(self, ui: &mut Ui, rect: Rect) -> (Response, Vec<Turn>) {
        let Knob { spec, .. } = self;
        let [base, heard] = [self.base, self.heard].map(|value| spec.normalise(value));
        let response = ui.allocate_rect(rect, Sense::click_and_drag());
        self.describe(ui, &response);
        let turns = turns(ui, &response, spec, base);
        let shown = turns.iter().rev().find_map(|turn| match turn {
            Turn::To(travel) | Turn::Jump(travel) => Some(*travel),
            _ => None,
        });
        let (shown, heard) =
            (shown.unwrap_or(base), if shown.is_some() && base == heard { shown } else { Some(heard) });
        let neutral = if spec.min < 0.0 && spec.max > 0.0 { spec.normalise(0.0) } else { 0.0 };
        let hot = response.hovered() || response.dragged() || response.has_focus();
        self.paint(ui.painter(), rect, [neutral, shown, heard.unwrap_or(shown)], hot);
        theme::focus_ring(ui, &response, rect.expand(2.0));
        (response, turns)
    }

    fn describe(&self, ui: &Ui, response: &Response) {
        let spec = self.spec;
        let enabled = ui.is_enabled();
        response.widget_info(|| WidgetInfo::slider(enabled, f64::from(self.base), spec.name));
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_role(Role::Slider);
            node.set_value(format!("{}{}", spec.format(self.base), self.note));
            node.set_numeric_value(f64::from(self.base));
            node.set_min_numeric_value(f64::from(spec.min));
            node.set_max_numeric_value(f64::from(spec.max));
            node.set_description(spec.help);
            for action in [Action::SetValue, Action::Increment, Action::Decrement] {
                node.add_action(action);
            }
        });
    }

    fn paint(&self, painter: &Painter, rect: Rect, [neutral, base, heard]: [f32; 3], hot: bool) {
        let (centre, radius) = (rect.center() + vec2(0.0, 1.0), 0.5 * rect.width().min(rect.height()) - 2.5);
        let colour = if self.active { theme::BASE } else { theme::FAINT };
        arc(painter, centre, radius, (0.0, 1.0), Stroke::new(3.0, theme::LINE));
        arc(painter, centre, radius, (neutral, base), Stroke::new(3.0, colour));
        let learned = (heard - base).abs() > 0.004;
        if learned {
            arc(painter, centre, radius, (base, heard), Stroke::new(3.0, theme::LEARNED));
            painter.circle_filled(on_circle(centre, radius, heard), 4.0, theme::CARD);
            painter.circle_filled(on_circle(centre, radius, heard), 3.0, theme::LEARNED);
        }
        let body = if hot { Color32::from_rgb(0x3a, 0x41, 0x51) } else { theme::RAISED };
        painter.circle_filled(centre, radius - 5.0, body);
        let pointer = [radius - 13.0, radius - 6.0].map(|r| on_circle(centre, r.max(2.0), base));
        painter.line_segment(pointer, Stroke::new(2.0, if self.active { theme::TEXT } else { theme::DIM }));
    }
}

/// What the mouse, the keyboard and a screen reader do.
fn turns(ui: &Ui, response: &Response, spec: &Spec, base: f32) -> Vec<Turn> {
    let mut turns = Vec::new();
    let id = response.id;
    if response.clicked() || response.drag_started() {
        response.request_focus();
    }
    if response.drag_started() {
        ui.data_mut(|data| data.insert_temp(id, base));
        turns.push(Turn::Begin);
    }
    if response.dragged() {
        let slow = if ui.input(|input| input.modifiers.shift) { 10.0 } else { 1.0 };
        let delta = (response.drag_delta().x - response.drag_delta().y) / (DRAG * slow);
        let travel = ui.data(|data| data.get_temp(id)).unwrap_or(base) + delta;
        // Beyond the ends nothing is owed.
        ui.data_mut(|data| data.insert_temp(id, travel.clamp(0.0, 1.0)));
        if delta != 0.0 {
            turns.push(Turn::To(travel.clamp(0.0, 1.0)));
        }
    }
    if response.drag_stopped() {
        turns.push(Turn::End);
    }
    if response.double_clicked() {
        turns.push(Turn::Jump(spec.normalise(spec.default)));
    }
    if let Some(travel) = keys(ui, response, base) {
        turns.push(Turn::Jump(travel));
    }
    let asked = ui.input(|input| {
        let by = input.num_accesskit_action_requests(id, Action::Increment) as f32
            - input.num_accesskit_action_requests(id, Action::Decrement) as f32;
        let to = input.accesskit_action_requests(id, Action::SetValue).filter_map(|request| match request.data {
            Some(ActionData::NumericValue(value)) => Some(spec.normalise(value as f32)),
            _ => None,
        });
        to.last().or((by != 0.0).then(|| (base + by * STEP).clamp(0.0, 1.0)))
    });
    turns.extend(asked.map(Turn::Jump));
    turns
}

/// Where the keyboard moves it.
fn keys(ui: &Ui, response: &Response, base: f32) -> Option<f32> {
    if !response.has_focus() {
        return None;
    }
    // The arrows would move the focus otherwise.
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    ui.input(|input| {
        let count = |key| input.num_presses(key) as f32;
        let fine = if input.modifiers.shift { 0.1 } else { 1.0 };
        let small = count(Key::ArrowUp) + count(Key::ArrowRight) - count(Key::ArrowDown) - count(Key::ArrowLeft);
        let large = 5.0 * (count(Key::PageUp) - count(Key::PageDown));
        let by = (small * fine + large) * STEP;
        match (input.key_pressed(Key::Home), input.key_pressed(Key::End)) {
            (true, _) => Some(0.0),
            (_, true) => Some(1.0),
            _ => (by != 0.0).then(|| (base + by).clamp(0.0, 1.0)),
        }
    })
}

fn on_circle(centre: Pos2, radius: f32, travel: f32) -> Pos2 {
    centre + radius * egui::Vec2::angled(START + SWEEP * travel)
}

fn arc(painter: &Painter, centre: Pos2, radius: f32, (from, to): (f32, f32), stroke: Stroke) {
    let steps = (((to - from).abs() * SWEEP / TAU * 72.0) as usize).max(1);
    let at = |i| on_circle(centre, radius, from + (to - from) * i as f32 / steps as f32);
    painter.add(Shape::line((0..=steps).map(at).collect(), stroke));
}
