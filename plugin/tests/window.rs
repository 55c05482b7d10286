//! The editor on a real screen: the CLAP in a host of its own, on an X server without a monitor.
#![cfg(target_os = "linux")]

mod hosts;
#[path = "../../tests/screen/mod.rs"]
mod screen;

use clack_extensions::gui::{GuiApiType, GuiConfiguration, PluginGui, Window};
use clack_host::prelude::*;
use hosts::clap::{Change, Plugin};
use screen::Screen;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::DirEntry;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{TryRecvError, channel};
use std::time::Duration;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt, CreateWindowAux, WindowClass};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// The window of the host, in which the plugin puts its own.
struct Parent {
    _connection: RustConnection,
    window: u32,
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
        Parent { _connection: connection, window }
    }
}

#[test]
fn the_editor_opens_and_closes_fifty_times_while_parameters_are_automated() {
    let screen = Screen::start();
    // In a process of its own: which screen there is must stand in its environment from the start.
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "on_the_screen", "--ignored", "--nocapture"])
        .env("DISPLAY", screen.display())
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
    let played = AtomicUsize::new(0);
    let audio = PluginAudioConfiguration { sample_rate: 48_000.0, min_frames_count: 1, max_frames_count: 512 };
    let processor = plugin.instance.activate(|_, _| (), audio).unwrap();
    let moves: Vec<_> = (0..=20).map(|i| plugin.events(&moved(f64::from(i) / 20.0))).collect();
    let stopped = std::thread::scope(|scope| {
        let (played, moves) = (&played, &moves);
        // Disconnected as well where something below panics.
        let (open, closed) = channel::<()>();
        let audio = scope.spawn(move || {
            let mut processor = processor.start_processing().unwrap();
            let sound = hosts::speech();
            for (block, events) in sound.chunks_exact(512).cycle().zip(moves.iter().cycle()) {
                if closed.try_recv() == Err(TryRecvError::Disconnected) {
                    break;
                }
                hosts::clap::process(&mut processor, vec![block.to_vec(); 2], events);
                played.fetch_add(1, Relaxed);
                std::thread::sleep(Duration::from_millis(3));
            }
            processor.stop_processing()
        });
        let screen = Screen::here();
        let mut parent = None;
        for round in 0..50 {
            let before = threads();
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
            while tries < round % 5 || (round % 10 == 9 && !screen.shows_the_editor()) {
                std::thread::sleep(Duration::from_millis(20));
                plugin.instance.call_on_main_thread_callback();
                tries += 1;
                assert!(tries < 3000, "the editor is not drawn");
            }
            if round == 49 {
                screen.save(&std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("window.png"));
            }
            gui.destroy(&plugin.instance.plugin_handle());
            // A host that ends next would crash in the midst of what one of its threads still does.
            let left: Vec<_> = threads().difference(&before).cloned().collect();
            assert!(left.is_empty(), "threads of window {round} still run: {left:?}");
            // Another plugin's threads that drew with it may still end: its code has to be there for them.
            let map = std::fs::read_to_string("/proc/self/maps").unwrap();
            assert!(map.contains("/libEGL.so.1"), "EGL was unloaded");
        }
        drop(open);
        audio.join().expect("the sound went on")
    });
    plugin.instance.deactivate(stopped);
    assert!(played.load(Relaxed) > 50, "while sound was played");
    let values = plugin.values();
    assert!((values["Reduction"] - values["Air"]).abs() < 1e-6, "automation arrived");
}

/// The numbers of the threads that run code now, but for the plugin's that last.
fn threads() -> BTreeSet<OsString> {
    let runs = |task: &DirEntry| {
        // proc_pid_stat(5): the name in brackets, and the seventh after it the flags, of which 4 is "exiting": such a
        // thread was joined, and is still being put away by the kernel.
        let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        let Some((name, fields)) = stat.rsplit_once(") ") else { return false };
        let flags: u64 = fields.split(' ').nth(6).and_then(|flags| flags.parse().ok()).expect("flags");
        !name.ends_with("(attune-side") && !name.ends_with("(attune-keeper") && flags & 4 == 0
    };
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(Result::unwrap);
    tasks.filter(runs).map(|task| task.file_name()).collect()
}

fn moved(travel: f64) -> [Change<'static>; 3] {
    [(0, "Reduction", travel), (7, "Air", travel), (100, "Mix", 1.0 - travel)]
}
