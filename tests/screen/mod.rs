//! An X server that shows nothing to anybody, with a mouse.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    BUTTON_PRESS_EVENT, BUTTON_RELEASE_EVENT, ClientMessageEvent, ConnectionExt as _, EventMask, ImageFormat,
    MOTION_NOTIFY_EVENT,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

pub struct Screen {
    /// If it is ours.
    server: Option<Child>,
    display: String,
    connection: RustConnection,
    root: u32,
}

const SIZE: (u16, u16) = (1280, 900);

impl Screen {
    pub fn start() -> Screen {
        let mut process = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x900x24", "+extension", "GLX", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb can be run; `cargo xtask test` installs it");
        let mut number = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut number).unwrap();
        let display = format!(":{}", number.trim());
        let mut screen = Screen::of(display);
        screen.server = Some(process);
        screen
    }

    /// The one that the environment names.
    pub fn here() -> Screen {
        Screen::of(std::env::var("DISPLAY").expect("DISPLAY is set"))
    }

    fn of(display: String) -> Screen {
        let (connection, screen) = x11rb::connect(Some(&display)).expect("the X server answers");
        let root = connection.setup().roots[screen].root;
        Screen { server: None, display, connection, root }
    }

    pub fn display(&self) -> &str {
        &self.display
    }

    /// What is seen, as red, green, blue.
    fn picture(&self) -> Vec<[u8; 3]> {
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, self.root, 0, 0, SIZE.0, SIZE.1, !0).unwrap();
        image.reply().unwrap().data.chunks_exact(4).map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect()
    }

    pub fn save(&self, path: &Path) {
        let mut encoder = png::Encoder::new(File::create(path).unwrap(), u32::from(SIZE.0), u32::from(SIZE.1));
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().unwrap().write_image_data(self.picture().as_flattened()).unwrap();
    }

    /// Whether the editor is seen: its ground, its cards, and text.
    pub fn shows_the_editor(&self) -> bool {
        let picture = self.picture();
        let share =
            |colour: [u8; 3]| picture.iter().filter(|pixel| **pixel == colour).count() as f32 / picture.len() as f32;
        let colours: BTreeSet<[u8; 3]> = picture.iter().copied().collect();
        share([0x11, 0x13, 0x18]) > 0.03 && share([0x1a, 0x1d, 0x25]) > 0.2 && colours.len() > 100
    }

    fn mouse(&self, kind: u8, detail: u8, (x, y): (i16, i16)) {
        self.connection.xtest_fake_input(kind, detail, 0, self.root, x, y, 0).unwrap();
        self.connection.sync().unwrap();
        // A person is slower; two pictures of the editor come in between.
        sleep(Duration::from_millis(70));
    }

    pub fn click(&self, at: (i16, i16)) {
        self.drag(at, 0);
    }

    /// Upwards is negative.
    pub fn drag(&self, (x, y): (i16, i16), by: i16) {
        self.mouse(MOTION_NOTIFY_EVENT, 0, (x, y));
        self.mouse(BUTTON_PRESS_EVENT, 1, (x, y));
        (1..=10).for_each(|i| self.mouse(MOTION_NOTIFY_EVENT, 0, (x, y + by * i / 10)));
        self.mouse(BUTTON_RELEASE_EVENT, 1, (x, y + by));
    }

    /// As the cross in its corner does.
    pub fn close_window(&self) {
        let connection = &self.connection;
        let atom = |name: &[u8]| connection.intern_atom(false, name).unwrap().reply().unwrap().atom;
        let (protocols, delete) = (atom(b"WM_PROTOCOLS"), atom(b"WM_DELETE_WINDOW"));
        for window in connection.query_tree(self.root).unwrap().reply().unwrap().children {
            let message = ClientMessageEvent::new(32, window, protocols, [delete, 0, 0, 0, 0]);
            connection.send_event(false, window, EventMask::NO_EVENT, message).unwrap();
        }
        connection.sync().unwrap();
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}
