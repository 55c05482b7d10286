//! The editor's open window, as the host holds it: nothing of it runs any more once it is closed.

use nice_plug::editor::dpi::NativeSize;
use nice_plug::editor::{EditorHandle, Modifiers, ParentWindowHandle, VirtualKeyCode};
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
        let Ok(task) = std::fs::read_link("/proc/thread-self") else { return };
        let Some(id) = task.file_name() else { return };
        // Names have at most 15 characters.
        let name = format!("attune-w{}", id.display());
        if std::fs::write("/proc/thread-self/comm", &name).is_ok() {
            let _ = self.0.set(name);
        }
    }

    fn run(&self) -> bool {
        let Some(name) = self.0.get() else { return false };
        let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
        let mut names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.any(|other| other.trim_end() == name)
    }
}

/// What the host asks of the window.
pub struct Handle(pub(super) EguiEditorHandle);

/// Closes the window when dropped, and then waits until its threads have ended.
///
/// baseview 0.4 joins its thread only if that still answers a last request, which it mostly does not; the clipboard's
/// is never joined. A host that ends right then would crash in the midst of what they do.
pub struct OpenWindow {
    window: Window,
    /// Dropped after the window.
    end: End,
}

/// Waits, when dropped, until these threads have ended.
struct End(WindowThreads);

impl OpenWindow {
    pub(super) fn new(window: Window, threads: WindowThreads) -> OpenWindow {
        OpenWindow { window, end: End(threads) }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let began = Instant::now();
        while self.0.run() && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl EditorHandle for Handle {
    type Window = OpenWindow;
    type Error = Error;

    fn run_until_closed(OpenWindow { window, end: _end }: OpenWindow) -> Result<(), Error> {
        EguiEditorHandle::run_until_closed(window)
    }

    fn set_parent(&self, parent: ParentWindowHandle, window: &OpenWindow) -> Result<(), Error> {
        self.0.set_parent(parent, &window.window)
    }

    fn show(&self, window: &OpenWindow) -> Result<(), Error> {
        self.0.show(&window.window)
    }

    fn hide(&self, window: &OpenWindow) -> Result<(), Error> {
        self.0.hide(&window.window)
    }

    fn set_size(&self, size: NativeSize<u32>, window: &OpenWindow) -> Result<(), Error> {
        self.0.set_size(size, &window.window)
    }

    fn host_main_thread_callback(&self, window: &OpenWindow) {
        self.0.host_main_thread_callback(&window.window);
    }

    fn adjust_size(&self, size: NativeSize<u32>, window: &OpenWindow) -> Option<NativeSize<u32>> {
        self.0.adjust_size(size, &window.window)
    }

    fn set_fallback_scale_factor(&self, scale: f64, window: &OpenWindow) -> Result<(), Error> {
        self.0.set_fallback_scale_factor(scale, &window.window)
    }

    fn on_virtual_key_from_host(&self, key: VirtualKeyCode, down: bool, modifiers: Modifiers) -> bool {
        self.0.on_virtual_key_from_host(key, down, modifiers)
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
