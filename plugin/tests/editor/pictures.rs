//! What it looks like. The pictures lie in `target/tmp/editor` for people to look at.

use super::{Desk, open_with};
use attune::editor::{LEAST_SIZE, SIZE};
use egui_kittest::Harness;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

type Picture = (u32, Vec<[u8; 4]>);

fn picture(name: &str, desk: Desk, size: (u32, u32), scale: f32) -> Picture {
    // One after the other: each uses all processors, and the renderer gives up when it has to wait.
    static ALONE: Mutex<()> = Mutex::new(());
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut window = open_with(Harness::builder().with_pixels_per_point(scale).wgpu(), desk, size);
    let image = (0..5).find_map(|_| window.render().ok()).expect("it is rendered");
    drop(alone);
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("editor");
    std::fs::create_dir_all(&folder).unwrap();
    let file = std::fs::File::create(folder.join(name).with_extension("png")).unwrap();
    let mut encoder = png::Encoder::new(file, image.width(), image.height());
    encoder.set_color(png::ColorType::Rgba);
    encoder.write_header().unwrap().write_image_data(&image).unwrap();
    (image.width(), image.pixels().map(|pixel| pixel.0).collect())
}

/// How much of it has about this colour.
fn share(picture: &Picture, colour: [u8; 3]) -> f32 {
    let near = |pixel: &&[u8; 4]| pixel.iter().zip(colour).all(|(a, b)| a.abs_diff(b) <= 6);
    picture.1.iter().filter(near).count() as f32 / picture.1.len() as f32
}

const CARD: [u8; 3] = [0x1a, 0x1d, 0x25];
const BASE: [u8; 3] = [0x5e, 0xd4, 0xc2];
const LEARNED: [u8; 3] = [0xf5, 0xb9, 0x5f];

#[test]
fn it_is_drawn_at_every_size_and_scale() {
    for (name, size, scale) in
        [("usual", SIZE, 1.0), ("sharp", SIZE, 2.0), ("least", LEAST_SIZE, 1.0), ("large", (1920, 1080), 1.0)]
    {
        let picture = picture(name, Desk::at_work(), size, scale);
        assert_eq!(picture.0, (size.0 as f32 * scale) as u32);
        assert!(share(&picture, CARD) > 0.3, "{name}: cards");
        assert!(share(&picture, BASE) > 0.001 && share(&picture, LEARNED) > 0.0005, "{name}: what was set and learned");
        assert!(picture.1.iter().collect::<BTreeSet<_>>().len() > 500, "{name}: text and shades");
    }
}

#[test]
fn what_was_learned_shows() {
    let mut nothing = Desk::at_work();
    nothing.take.offsets = Default::default();
    nothing.story = Default::default();
    let [nothing, learned] =
        [("nothing-learned", nothing), ("learned", Desk::at_work())].map(|(name, desk)| picture(name, desk, SIZE, 1.0));
    assert!(share(&learned, LEARNED) > share(&nothing, LEARNED) * 1.1);
}

#[test]
fn long_texts_and_an_empty_desk_are_no_trouble() {
    let mut long = Desk::at_work();
    long.make_long();
    for (name, desk) in [("long", long), ("empty", Desk::new())] {
        let picture = picture(name, desk, LEAST_SIZE, 1.0);
        assert!(share(&picture, CARD) > 0.3, "{name}");
    }
}
