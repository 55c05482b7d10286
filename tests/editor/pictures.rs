//! What it looks like. The pictures lie in `target/editor` for people to look at.

use super::{Desk, open};
use attune::plugin::editor::{LEAST_SIZE, SIZE};

fn picture(name: &str, desk: Desk, size: (u32, u32), scale: f32) {
    let image = open(desk, size, scale).render().unwrap();
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("editor");
    std::fs::create_dir_all(&folder).unwrap();
    let file = std::fs::File::create(folder.join(name).with_extension("png")).unwrap();
    let mut encoder = png::Encoder::new(file, image.width(), image.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header().unwrap().write_image_data(&image).unwrap();
}

#[test]
fn at_work() {
    picture("at-work", Desk::at_work(), SIZE, 1.0);
    picture("at-work-2x", Desk::at_work(), SIZE, 2.0);
    picture("least", Desk::at_work(), LEAST_SIZE, 1.0);
    picture("large", Desk::at_work(), (1920, 1080), 1.0);
    picture("empty", Desk::new(), SIZE, 1.0);
}
