//! The editor's open window, as the host holds it: nothing of it runs any more once it is closed.

use nice_plug::editor::dpi::NativeSize;
use nice_plug::editor::{EditorHandle, ParentWindowHandle};
use nice_plug_egui::EguiEditorHandle;
use nice_plug_egui::baseview::{Error, Window};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// How long a window may take to close before the host goes on without waiting for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// The threads that a window has for itself, known by their name. Only on Linux has it any.
#[derive(Clone, Default)]
pub(super) struct WindowThreads(Arc<OnceLock<String>>);

impl WindowThreads {
    /// Names the thread that calls this, which is the window's, and with it those that it will start (the clipboard's).
    pub(super) fn begin_here(&self) {
        // Names have at most 15 characters.
        let id = std::fs::read_link("/proc/thread-self").ok().and_then(|task| Some(task.file_name()?.to_owned()));
        let name = id.map(|id| format!("attune-w{}", id.display()));
        if let Some(name) = name.filter(|name| std::fs::write("/proc/thread-self/comm", name).is_ok()) {
            let _ = self.0.set(name);
        }
    }

    fn run(&self) -> bool {
        let tasks = self.0.get().and_then(|name| Some((name, std::fs::read_dir("/proc/self/task").ok()?)));
        tasks.is_some_and(|(name, tasks)| {
            let mut names = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
            names.any(|other| other.trim_end() == name)
        })
    }
}

/// What the host asks of the window.
pub struct Handle(pub(super) EguiEditorHandle);

/// Closes the window when dropped, and waits until its threads have ended.
///
/// baseview 0.4 joins its thread only if that still answers a last request, which it mostly does not; the clipboard's
/// is never joined. A host that ends right then would crash in the midst of what they do.
pub struct OpenWindow {
    /// Until it is closed.
    window: Option<Window>,
    threads: WindowThreads,
}

impl OpenWindow {
    pub(super) fn new(window: Window, threads: WindowThreads) -> OpenWindow {
        OpenWindow { window: Some(window), threads }
    }

    fn get(&self) -> &Window {
        self.window.as_ref().expect("it is open")
    }
}

impl Drop for OpenWindow {
    fn drop(&mut self) {
        drop(self.window.take());
        let began = Instant::now();
        while self.threads.run() && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl EditorHandle for Handle {
    type Window = OpenWindow;
    type Error = Error;

    fn run_until_closed(mut window: OpenWindow) -> Result<(), Error> {
        window.window.take().map_or(Ok(()), EguiEditorHandle::run_until_closed)
    }

    fn set_parent(&self, parent: ParentWindowHandle, window: &OpenWindow) -> Result<(), Error> {
        self.0.set_parent(parent, window.get())
    }

    fn show(&self, window: &OpenWindow) -> Result<(), Error> {
        self.0.show(window.get())
    }

    fn hide(&self, window: &OpenWindow) -> Result<(), Error> {
        self.0.hide(window.get())
    }

    fn set_size(&self, size: NativeSize<u32>, window: &OpenWindow) -> Result<(), Error> {
        self.0.set_size(size, window.get())
    }

    fn host_main_thread_callback(&self, window: &OpenWindow) {
        self.0.host_main_thread_callback(window.get());
    }

    fn adjust_size(&self, size: NativeSize<u32>, window: &OpenWindow) -> Option<NativeSize<u32>> {
        self.0.adjust_size(size, window.get())
    }

    fn set_fallback_scale_factor(&self, scale: f64, window: &OpenWindow) -> Result<(), Error> {
        self.0.set_fallback_scale_factor(scale, window.get())
    }

    fn state_changed(&self) {
        self.0.state_changed();
    }

    fn param_value_changed(&self, id: &str, value: f32) {
        self.0.param_value_changed(id, value);
    }

    fn param_modulation_changed(&self, id: &str, offset: f32) {
        self.0.param_modulation_changed(id, offset);
    }
}
