//! The editor, driven as a person drives it, and looked at.

mod desk;
mod hands;
mod pictures;

use attune::editor::Editor;
use desk::Desk;
use egui_kittest::{Harness, HarnessBuilder};

/// The editor and what it shows.
struct Table {
    editor: Editor,
    desk: Desk,
    built: bool,
}

/// The editor in a window of this size.
fn open(desk: Desk, size: (u32, u32)) -> Harness<'static, Table> {
    open_with(Harness::builder(), desk, size)
}

/// The same, somehow.
fn open_with(builder: HarnessBuilder<Table>, desk: Desk, (width, height): (u32, u32)) -> Harness<'static, Table> {
    let table = Table { editor: Editor::default(), desk, built: false };
    let picture = |ui: &mut egui::Ui, table: &mut Table| {
        // Fonts count from the next picture on.
        if !std::mem::replace(&mut table.built, true) {
            return table.editor.build(ui.ctx());
        }
        table.desk.play(0.05);
        table.editor.ui(ui, &mut table.desk);
    };
    let mut harness = builder.with_size([width as f32, height as f32]).build_ui_state(picture, table);
    harness.run_steps(30);
    harness
}
