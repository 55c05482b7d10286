use super::console::{Console, Wire};
use super::{Action, View, faults};
use crate::editor::{Editor, LEAST_SIZE, SIZE, theme};
use crate::live::{Controls, LiveError};
use egui::{Align, Label, Layout, RichText, UiBuilder, vec2};
use egui_baseview::baseview::{self, HandlerError, dpi::LogicalSize};
use egui_baseview::{App, EguiWindow, EguiWindowSettings, Frame};

/// The editor in a window of its own, with a strip for what only the live program knows.
pub struct Window;

/// Height of the strip, points.
const STRIP: f32 = 30.0;

impl Window {
    /// Opens it on this thread, which must be the main one, and runs the session on another until one of them ends.
    ///
    /// # Errors
    /// What the session says, or that there is no screen.
    pub fn run(
        controls: Controls,
        session: impl FnOnce(&mut dyn View) -> Result<(), LiveError> + Send,
    ) -> Result<(), LiveError> {
        let wire = Wire::new(controls);
        let (console, mut view) = (Console::new(wire.clone()), wire.clone());
        let size = |(width, height): (u32, u32)| LogicalSize::new(width as f32, height as f32 + STRIP);
        let settings = EguiWindowSettings::new()
            .with_title("Attune live")
            .with_size(size(SIZE))
            .with_min_size(Some(size(LEAST_SIZE)))
            .with_resizable(true);
        // SAFETY: this process is the program, not somebody's host.
        unsafe { baseview::assume_standalone_in_process() };
        let problem = |error: baseview::Error| LiveError::Window(error.to_string());
        let window = EguiWindow::create(settings, Pane { editor: Editor::default(), console }).map_err(problem)?;
        std::thread::scope(|scope| {
            let session = scope.spawn(move || {
                let done = session(&mut view);
                view.board().ended = true;
                done
            });
            let shown = window.run_until_closed().map_err(problem);
            wire.board().wanted.push(Action::Quit);
            let done = session.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            done.and(shown)
        })
    }
}

struct Pane {
    editor: Editor,
    console: Console,
}

impl App for Pane {
    fn build(&mut self, context: egui::Context, _: &mut Frame) -> Result<(), HandlerError> {
        self.editor.build(&context);
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut Frame) {
        if !self.console.refresh() {
            frame.baseview_window().request_close();
        }
        let mut rect = ui.max_rect();
        let strip = theme::cut_bottom(&mut rect, STRIP);
        ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| self.editor.ui(ui, &mut self.console));
        ui.painter().rect_filled(strip, 0.0, theme::CARD);
        let inside = UiBuilder::new().max_rect(strip.shrink2(vec2(theme::GAP + 2.0, 2.0)));
        ui.scope_builder(inside.layout(Layout::right_to_left(Align::Center)), |ui| self.strip(ui));
    }
}

impl Pane {
    /// From the right: the sound card, then what happened.
    fn strip(&mut self, ui: &mut egui::Ui) {
        let scene = &self.console.scene;
        let muted = scene.controls.muted;
        if theme::toggle(ui, muted, "Mute", theme::REMOVED).on_hover_text("Play silence.").clicked() {
            self.console.control(|controls| controls.muted = !muted);
        }
        let scene = &self.console.scene;
        let reading = &scene.reading;
        let numbers = format!(
            "{:.0} ms   load {:.0} %   {}",
            reading.latency,
            100.0 * reading.load,
            if reading.rescued { "the engine is late: untouched sound".to_owned() } else { faults(scene) }
        );
        let colour = if reading.rescued { theme::REMOVED } else { theme::FAINT };
        ui.label(RichText::new(numbers).size(12.0).color(colour)).on_hover_text(
            "The delay from the microphone to the loudspeaker; the engine's share of its time; sound that was lost. A \
             larger --buffer or --reserve helps where these counts grow.",
        );
        let (words, colour) = match &scene.problem {
            Some(problem) => (problem, theme::REMOVED),
            None if self.console.said.is_empty() => (&scene.devices, theme::FAINT),
            None => (&self.console.said, theme::FAINT),
        };
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            // The font has no such arrow.
            let words = words.replace('▸', "→");
            ui.add(Label::new(RichText::new(words).size(12.0).color(colour)).truncate()).on_hover_text(&scene.devices);
        });
    }
}
