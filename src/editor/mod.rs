//! The editor: one egui app, whatever window it lives in.
//!
//! [`Editor::ui`] draws it for any [`Model`]: the plugin in a host, the live app, or a test. One file a part.

mod analyser;
pub mod display;
mod feedback;
mod groups;
mod header;
mod history;
mod knob;
mod learning;
mod meters;
mod model;
mod quality;
mod setting;
mod spectrum;
pub mod story;
pub(crate) mod theme;

pub use model::{Action, Model, Param, Take, put};

use crate::settings::{Id, Preset};
use analyser::Analyser;
use history::History;
use std::time::Duration;

/// Size at first, and the least, in points.
pub const SIZE: (u32, u32) = (1120, 760);
/// Smaller than this it can't be read.
pub const LEAST_SIZE: (u32, u32) = (960, 640);

/// What the editor keeps between pictures, and between being closed and opened again.
pub struct Editor {
    analyser: Analyser,
    history: History,
    presets: Vec<Preset>,
    /// Snapshots are shown instead of the history.
    list: bool,
    /// What the user was told last, until it is dismissed.
    message: Option<String>,
}

impl Default for Editor {
    fn default() -> Editor {
        Editor {
            analyser: Analyser::new(),
            history: History::default(),
            presets: Preset::built_in(),
            list: false,
            message: None,
        }
    }
}

impl Editor {
    /// To be called once for each new window.
    pub fn build(&mut self, ctx: &egui::Context) {
        theme::apply(ctx);
        self.analyser = Analyser::new();
    }

    /// Draws a picture and does what the user wants.
    pub fn ui(&mut self, ui: &mut egui::Ui, model: &mut dyn Model) {
        // The sound goes on while nobody moves the mouse.
        ui.ctx().request_repaint_after(Duration::from_millis(33));
        let dt = ui.input(|input| input.stable_dt).clamp(0.001, 0.2);
        if let Some(frame) = model.look() {
            self.analyser.hear(frame, dt);
        }
        let mut rect = ui.max_rect();
        ui.painter().rect_filled(rect, 0.0, theme::GROUND);
        rect = rect.shrink2(egui::vec2(theme::GAP + 2.0, theme::GAP));
        header::show(ui, theme::cut_top(&mut rect, 32.0), model, &mut self.history, &self.presets);
        rect.min.y += theme::GAP;
        if let Some(message) = model.message() {
            self.message = Some(message);
        }
        if let Some(message) = &self.message {
            let strip = theme::cut_top(&mut rect, 32.0);
            rect.min.y += theme::GAP;
            if header::notice(ui, strip, message) {
                self.message = None;
            }
        }
        let settings = theme::share(rect.height(), 0.42, 276.0, 380.0);
        let height = rect.height() - settings - theme::GAP;
        let mut top = theme::cut_top(&mut rect, height);
        rect.min.y += theme::GAP;
        let width = theme::share(top.width(), 0.29, 300.0, 420.0);
        let quality = theme::cut_right(&mut top, width);
        quality::show(ui, quality, model, &mut self.list);
        top.max.x -= theme::GAP;
        let meters = theme::cut_right(&mut top, 200.0);
        let base = model.heard();
        let target = (base[Id::LevelRange] > 0.0).then_some(base[Id::LevelTarget]);
        meters::show(ui, meters, &self.analyser, target);
        top.max.x -= theme::GAP;
        spectrum::show(ui, top, &self.analyser);
        groups::show(ui, rect, model, &mut self.history);
    }
}
