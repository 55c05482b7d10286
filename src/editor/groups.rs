//! The settings, grouped by effect in the order of the sound, in two rows on one grid.

use super::history::History;
use super::model::Model;
use super::{learning, setting, theme};
use crate::settings::{Id, Settings};
use egui::{Rect, Sense, Ui, pos2, vec2};

/// Cells of a row.
const CELLS: usize = 14;
/// Height of a title.
const TITLE: f32 = 22.0;

struct Group {
    name: &'static str,
    settings: &'static [Id],
}

const FIRST: [Group; 4] = [
    Group { name: "Hum", settings: &[Id::Hum, Id::HumFrequency] },
    Group {
        name: "Denoise",
        settings: &[Id::Method, Id::Reduction, Id::Oversubtraction, Id::Smoothing, Id::Adaptation],
    },
    Group { name: "Dereverb", settings: &[Id::Dereverb, Id::Decay] },
    Group { name: "De-ess", settings: &[Id::Deess, Id::DeessFrequency] },
];
const SECOND: [Group; 3] = [
    Group {
        name: "Tone",
        settings: &[Id::LowCut, Id::EqLow, Id::EqMid, Id::EqMidFrequency, Id::EqPresence, Id::EqAir],
    },
    Group {
        name: "Level",
        settings: &[Id::LevelTarget, Id::LevelRange, Id::LevelSpeed, Id::CompThreshold, Id::CompRatio],
    },
    Group { name: "Output", settings: &[Id::Mix, Id::OutputGain, Id::Ceiling] },
];

/// Shows all settings.
pub fn show(ui: &mut Ui, rect: Rect, model: &mut dyn Model, history: &mut History) {
    let height = 0.5 * (rect.height() - theme::GAP);
    let column = (rect.width() + theme::GAP) / CELLS as f32;
    let place = |row: usize, from: usize, cells: usize| {
        let min = pos2(rect.left() + column * from as f32, rect.top() + (height + theme::GAP) * row as f32);
        Rect::from_min_size(min, vec2(column * cells as f32 - theme::GAP, height))
    };
    let learning = CELLS - FIRST.iter().map(|group| group.settings.len()).sum::<usize>();
    learning::show(ui, place(0, 0, learning), model, history);
    for (row, groups, mut from) in [(0, &FIRST[..], learning), (1, &SECOND[..], 0)] {
        for group in groups {
            let cells = group.settings.len();
            show_group(ui, place(row, from, cells), group, model, history);
            from += cells;
        }
    }
}

fn show_group(ui: &mut Ui, rect: Rect, group: &Group, model: &mut dyn Model, history: &mut History) {
    let heard = model.heard();
    let active = group.settings.iter().any(|id| works(*id, &heard));
    theme::card(ui, rect, group.name, |ui| {
        // The cells use the card's whole width.
        let mut rect = rect.shrink2(vec2(4.0, 8.0));
        let mut head = theme::cut_top(&mut rect, TITLE);
        head.min.x += 8.0;
        let lamp = pos2(head.left() + 4.0, head.center().y - 2.0);
        match active {
            true => ui.painter().circle_filled(lamp, 3.5, theme::BASE),
            false => ui.painter().circle_stroke(lamp, 3.0, egui::Stroke::new(1.2, theme::FAINT)),
        };
        let colour = if active { theme::TEXT } else { theme::DIM };
        let at = lamp + vec2(10.0, 0.0);
        ui.painter().text(at, egui::Align2::LEFT_CENTER, group.name, theme::strong(12.5), colour);
        let state = ui.interact(head, ui.scope_id().with(group.name), Sense::hover());
        let words = format!("{}: {}", group.name, if active { "at work" } else { "does nothing" });
        state.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::Label, true, &words));
        let width = rect.width() / group.settings.len() as f32;
        for (i, id) in group.settings.iter().enumerate() {
            let min = pos2(rect.left() + width * i as f32, rect.top());
            let cell = Rect::from_min_size(min, vec2(width, rect.height()));
            setting::show(ui, cell, *id, model, history, works(*id, &heard) || active && helps(*id, &heard));
        }
    });
}

/// Whether a setting by itself makes a difference to the sound.
fn works(id: Id, heard: &Settings) -> bool {
    match id {
        Id::Reduction => heard[Id::Reduction] > 0.0 && heard[Id::Method] > 0.0,
        Id::Method => heard[Id::Reduction] > 0.0 && heard[Id::Method] > 0.0,
        Id::CompThreshold => heard[Id::CompThreshold] < 0.0 && heard[Id::CompRatio] > 1.0,
        Id::LowCut => heard[id] > id.spec().min,
        Id::Ceiling => true,
        Id::Mix => heard[id] < 100.0,
        Id::Hum | Id::Dereverb | Id::Deess | Id::LevelRange => heard[id] > 0.0,
        Id::EqLow | Id::EqMid | Id::EqPresence | Id::EqAir | Id::OutputGain => heard[id] != 0.0,
        _ => false,
    }
}

/// Whether a setting matters to another one that works.
fn helps(id: Id, heard: &Settings) -> bool {
    let main = match id {
        Id::Oversubtraction | Id::Smoothing | Id::Adaptation => Id::Reduction,
        Id::Decay => Id::Dereverb,
        Id::HumFrequency => Id::Hum,
        Id::EqMidFrequency => Id::EqMid,
        Id::DeessFrequency => Id::Deess,
        Id::LevelTarget | Id::LevelSpeed => Id::LevelRange,
        Id::CompRatio => Id::CompThreshold,
        Id::Mix => return true,
        _ => return false,
    };
    works(main, heard)
}
