//! The editor on a real screen: the CLAP in a host of its own, on an X server without a monitor.
#![cfg(target_os = "linux")]

mod hosts;

use clack_extensions::gui::{GuiApiType, GuiConfiguration, PluginGui, Window};
use clack_host::prelude::*;
use hosts::clap::{Change, Plugin};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt, CreateWindowAux, ImageFormat, WindowClass};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// An X server that shows nothing to anybody.
struct Server {
    process: Child,
    display: String,
}

impl Server {
    fn start() -> Server {
        let mut process = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x900x24", "+extension", "GLX", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb can be run; `cargo xtask test` installs it");
        let mut number = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut number).unwrap();
        Server { process, display: format!(":{}", number.trim()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The window of the host, in which the plugin puts its own.
struct Parent {
    connection: RustConnection,
    window: u32,
    size: (u16, u16),
}

impl Parent {
    fn open(size: (u16, u16)) -> Parent {
        let (connection, screen) = x11rb::connect(None).expect("the X server answers");
        let root = &connection.setup().roots[screen];
        let window = connection.generate_id().unwrap();
        let look = CreateWindowAux::new().background_pixel(0x00ff_00ff);
        let class = WindowClass::INPUT_OUTPUT;
        connection.create_window(root.root_depth, window, root.root, 0, 0, size.0, size.1, 0, class, 0, &look).unwrap();
        connection.map_window(window).unwrap();
        connection.sync().unwrap();
        Parent { connection, window, size }
    }

    /// What is seen of it, as red, green, blue.
    fn picture(&self) -> Vec<[u8; 3]> {
        let (width, height) = self.size;
        let image = self.connection.get_image(ImageFormat::Z_PIXMAP, self.window, 0, 0, width, height, !0).unwrap();
        image.reply().unwrap().data.chunks_exact(4).map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect()
    }

    /// Whether the editor is seen: its ground, its cards, and text.
    fn shows_the_editor(&self) -> bool {
        let picture = self.picture();
        let share =
            |colour: [u8; 3]| picture.iter().filter(|pixel| **pixel == colour).count() as f32 / picture.len() as f32;
        let colours: BTreeSet<[u8; 3]> = picture.iter().copied().collect();
        share([0x11, 0x13, 0x18]) > 0.03 && share([0x1a, 0x1d, 0x25]) > 0.2 && colours.len() > 100
    }
}

#[test]
fn the_editor_opens_and_closes_fifty_times_while_parameters_are_automated() {
    let server = Server::start();
    // In a process of its own: which screen there is must stand in its environment from the start.
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "on_the_screen", "--ignored", "--nocapture"])
        .env("DISPLAY", &server.display)
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}

#[test]
#[ignore = "needs the screen that the other test makes"]
fn on_the_screen() {
    let mut plugin = Plugin::new();
    let gui: PluginGui = plugin.instance.plugin_handle().get_extension().expect("there is an editor");
    let configuration = GuiConfiguration { api_type: GuiApiType::X11, is_floating: false };
    let (stop, played) = (AtomicBool::new(false), AtomicUsize::new(0));
    let audio = PluginAudioConfiguration { sample_rate: 48_000.0, min_frames_count: 1, max_frames_count: 512 };
    let processor = plugin.instance.activate(|_, _| (), audio).unwrap();
    let moves: Vec<_> = (0..=20).map(|i| plugin.events(&moved(f64::from(i) / 20.0))).collect();
    let stopped = std::thread::scope(|scope| {
        let (stop, played, moves) = (&stop, &played, &moves);
        let audio = scope.spawn(move || {
            let mut processor = processor.start_processing().unwrap();
            let sound = hosts::speech();
            for (block, events) in sound.chunks_exact(512).cycle().zip(moves.iter().cycle()) {
                if stop.load(Relaxed) {
                    break;
                }
                hosts::clap::process(&mut processor, vec![block.to_vec(); 2], events);
                played.fetch_add(1, Relaxed);
                std::thread::sleep(Duration::from_millis(3));
            }
            processor.stop_processing()
        });
        let mut parent = None;
        for round in 0..50 {
            let instance = &mut plugin.instance;
            gui.create(&instance.plugin_handle(), configuration).unwrap();
            let size = gui.get_size(&instance.plugin_handle()).unwrap();
            let parent = parent.get_or_insert_with(|| Parent::open((size.width as u16, size.height as u16)));
            let window = Window::from_x11_handle(parent.window.into());
            // SAFETY: the window lives until the last editor is closed.
            unsafe { gui.set_parent(&instance.plugin_handle(), window).unwrap() };
            gui.show(&instance.plugin_handle()).unwrap();
            // Some are closed at once, some in the middle of being drawn, some when they were seen.
            let mut tries = 0;
            while tries < round % 5 || (round % 10 == 9 && !parent.shows_the_editor()) {
                std::thread::sleep(Duration::from_millis(20));
                plugin.instance.call_on_main_thread_callback();
                tries += 1;
                assert!(tries < 3000, "the editor is not drawn");
            }
            if round == 49 {
                keep(parent);
            }
            gui.destroy(&plugin.instance.plugin_handle());
        }
        stop.store(true, Relaxed);
        audio.join().expect("the sound went on")
    });
    plugin.instance.deactivate(stopped);
    assert!(played.load(Relaxed) > 50, "while sound was played");
    let values = plugin.values();
    assert!((values["Reduction"] - values["Air"]).abs() < 1e-6, "automation arrived");
}

fn moved(travel: f64) -> [Change<'static>; 3] {
    [(0, "Reduction", travel), (7, "Air", travel), (100, "Mix", 1.0 - travel)]
}

/// For people to look at.
fn keep(parent: &Parent) {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("window.png");
    let file = std::fs::File::create(path).unwrap();
    let mut encoder = png::Encoder::new(file, parent.size.0.into(), parent.size.1.into());
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(parent.picture().as_flattened()).unwrap();
}
