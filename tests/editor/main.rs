//! The editor, driven as a person drives it, and looked at.

mod desk;
mod hands;
mod pictures;

use attune::plugin::editor::Editor;
use desk::Desk;
use egui_kittest::Harness;

/// The editor and what it shows.
struct Table {
    editor: Editor,
    desk: Desk,
    built: bool,
}

/// The editor in a window of this size and scale.
fn open(desk: Desk, (width, height): (u32, u32), scale: f32) -> Harness<'static, Table> {
    let table = Table { editor: Editor::default(), desk, built: false };
    let mut harness = Harness::builder()
        .with_size([width as f32, height as f32])
        .with_pixels_per_point(scale)
        .wgpu()
        .build_ui_state(
            |ui, table: &mut Table| {
                if !std::mem::replace(&mut table.built, true) {
                    table.editor.build(ui.ctx());
                    return;
                }
                table.desk.play(0.05);
                table.editor.ui(ui, &mut table.desk);
            },
            table,
        );
    harness.run_steps(60);
    harness
}
