//! The editor in the host's window: what it shows comes from here, what it asks for goes there.

use super::handle::{Handle, OpenWindow, WindowThreads};
use super::params::{Params, Setting};
use super::shared::Shared;
use crate::editor::display::{Display, Frame};
use crate::editor::story::Story;
use crate::editor::{Action, Editor, LEAST_SIZE, Model, Param, SIZE, Take};
use crate::settings::{Id, Settings};
use crate::tuner::{Feedback, Order};
use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize};
use nice_plug::editor::{HostMethods, ParentWindowHandle, ResizeHint, SpawnedEditor};
use nice_plug::params::Param as _;
use nice_plug::prelude::ParamPtr;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{
    EguiEditorState, EguiNiceSettings, Frame as WindowFrame, NiceEguiApp, RepaintNotifier, create_egui_editor,
};
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Makes the editor's window whenever the host opens it, in the size in which it was left.
pub struct Window {
    shared: Arc<Shared>,
    desk: Arc<Mutex<Desk>>,
}

/// The editor, and all that it works with.
struct Desk {
    editor: Editor,
    host: Host,
}

/// What the editor shows and changes, in a host.
struct Host {
    params: Arc<Params>,
    shared: Arc<Shared>,
    display: Display,
    /// While the window is open.
    context: Option<GuiContext>,
    /// As it was when the picture was begun.
    story: Story,
}

/// What one window needs: the desk outlives it.
struct App {
    desk: Arc<Mutex<Desk>>,
    threads: WindowThreads,
}

impl Window {
    pub(super) fn new(params: Arc<Params>, shared: Arc<Shared>, display: Display) -> Window {
        let host = Host { params, shared: shared.clone(), display, context: None, story: Story::default() };
        Window { shared, desk: Arc::new(Mutex::new(Desk { editor: Editor::default(), host })) }
    }

    fn points(&self) -> LogicalSize<f32> {
        let (width, height) = self.shared.editor_size().unwrap_or(SIZE);
        LogicalSize::new(width.max(LEAST_SIZE.0) as f32, height.max(LEAST_SIZE.1) as f32)
    }
}

impl nice_plug::editor::Editor for Window {
    type Handle = Handle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Handle>, Box<dyn Error>> {
        keep_egl();
        let state = EguiEditorState::from_size(self.points(), 1.0);
        let settings =
            EguiNiceSettings { resize_hint: self.resize_hint(), ..EguiNiceSettings::new().with_tile("Attune") };
        let threads = WindowThreads::default();
        let app = App { desk: self.desk.clone(), threads: threads.clone() };
        let editor = create_egui_editor(state, RepaintNotifier::new(), settings, app).ok_or("no window")?;
        let SpawnedEditor { handle, window } =
            editor.spawn(parent, wait_for_parent, fallback_scale_factor, gui_context, host)?;
        Ok(SpawnedEditor { handle: Handle(handle), window: OpenWindow::new(window, threads) })
    }

    fn size(&self) -> NativeSize<u32> {
        NativeSize::from_size(self.points().into(), 1.0)
    }

    fn resize_hint(&self) -> ResizeHint {
        ResizeHint::RESIZABLE.with_min_logical_size(LogicalSize::new(LEAST_SIZE.0 as f32, LEAST_SIZE.1 as f32))
    }
}

/// Keeps EGL in memory until the process ends.
///
/// Each window's thread unloads EGL when it ends, and EGL is told of the end of each thread that drew with it. Of two
/// that end at once, ours and another plugin's, the second would run code that the first has just unloaded.
fn keep_egl() {
    #[cfg(target_os = "linux")]
    // SAFETY: the window is about to load the same library; what it runs then is the system's own.
    if let Ok(library) = unsafe { libloading::Library::new("libEGL.so.1") } {
        std::mem::forget(library);
    }
}

impl App {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NiceEguiApp for App {
    fn build(&mut self, egui: egui::Context, host: GuiContext, _: &mut WindowFrame) -> Result<(), HandlerError> {
        self.threads.begin_here();
        let mut desk = self.desk();
        desk.editor.build(&egui);
        desk.host.context = Some(host);
        desk.host.display.watch(true);
        Ok(())
    }

    fn ui(&mut self, ui: &mut egui::Ui, _: &mut WindowFrame) {
        let Desk { editor, host } = &mut *self.desk();
        host.shared.listen();
        host.story.clone_from(&host.shared.story());
        editor.ui(ui, host);
    }

    fn resized(&mut self, size: WindowSize) {
        let points = (size.logical.width.round() as u32, size.logical.height.round() as u32);
        self.desk().host.shared.set_editor_size(points);
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let mut desk = self.desk();
        desk.host.context = None;
        desk.host.display.watch(false);
    }
}

impl Host {
    fn pointer(&self, param: Param) -> ParamPtr {
        let params = &self.params;
        match param {
            Param::Setting(id) => match params.setting(id) {
                Setting::Number(param) => param.as_ptr(),
                Setting::Choice(param) => param.as_ptr(),
            },
            Param::Adapt => params.adapt.as_ptr(),
            Param::Amount => params.amount.as_ptr(),
            Param::Style => params.style.as_ptr(),
            Param::Hold => params.hold.as_ptr(),
            Param::Latency => params.latency.as_ptr(),
            Param::Delta => params.delta.as_ptr(),
            Param::Bypass => params.bypass.as_ptr(),
        }
    }

    /// The travel of a parameter's control for this value.
    fn travel(&self, param: Param, value: f32) -> f32 {
        match param {
            Param::Setting(id) => match self.params.setting(id) {
                Setting::Number(_) => id.spec().normalise(value),
                Setting::Choice(param) => param.preview_normalized(value.round() as i32),
            },
            Param::Amount => value / 100.0,
            Param::Style => self.params.style.preview_normalized(value.round() as i32),
            Param::Latency => self.params.latency.preview_normalized(value.round() as i32),
            Param::Adapt | Param::Hold | Param::Delta | Param::Bypass => value,
        }
    }

    /// Another base, as one gesture.
    fn move_base(&mut self, base: &Settings) {
        let before = self.params.base();
        let moved: Vec<Param> = Id::all().filter(|id| before[*id] != base[*id]).map(Param::Setting).collect();
        moved.iter().for_each(|param| self.begin(*param));
        for param in &moved {
            if let Param::Setting(id) = *param {
                self.set(*param, base[id]);
            }
        }
        moved.iter().for_each(|param| self.end(*param));
    }
}

impl Model for Host {
    fn value(&self, param: Param) -> f32 {
        let on = |on: bool| f32::from(u8::from(on));
        match param {
            Param::Setting(id) => self.params.base()[id],
            Param::Adapt => on(self.params.adapt.value()),
            Param::Amount => 100.0 * self.params.amount.value(),
            Param::Style => self.params.style.value() as f32,
            Param::Hold => on(self.params.hold.value()),
            Param::Latency => self.params.latency.value() as f32,
            Param::Delta => on(self.params.delta.value()),
            Param::Bypass => on(self.params.bypass.value()),
        }
    }

    fn begin(&mut self, param: Param) {
        if let Some(context) = &self.context {
            // SAFETY: the parameters live as long as `self.params`.
            unsafe { context.raw_begin_set_parameter(self.pointer(param)) };
        }
    }

    fn set(&mut self, param: Param, value: f32) {
        if let Some(context) = &self.context {
            // SAFETY: as above.
            unsafe { context.raw_set_parameter_normalized(self.pointer(param), self.travel(param, value)) };
        }
    }

    fn end(&mut self, param: Param) {
        if let Some(context) = &self.context {
            // SAFETY: as above.
            unsafe { context.raw_end_set_parameter(self.pointer(param)) };
        }
    }

    fn take(&self) -> Take {
        Take { base: self.params.base(), offsets: self.shared.offsets() }
    }

    fn heard(&self) -> Settings {
        let amount = if self.params.adapt.value() { self.params.amount.value() } else { 0.0 };
        self.shared.offsets().without(self.shared.locked()).apply(&self.params.base(), amount)
    }

    fn is_locked(&self, id: Id) -> bool {
        self.shared.is_locked(id)
    }

    fn act(&mut self, action: Action) {
        let base = self.params.base();
        let feedback = |feedback| Order::Feedback(feedback);
        match action {
            Action::Lock(id, locked) => self.shared.set_locked(id, locked),
            Action::Commit => {
                let committed = self.shared.commit(&base, self.params.amount.value());
                self.move_base(&committed);
            }
            Action::Recall(take) => {
                self.shared.recall(&take.base, &take.offsets, "you went back to it");
                self.move_base(&take.base);
            }
            Action::Like => self.shared.order(feedback(Feedback::Rating(5))),
            Action::Dislike(reason) => self.shared.order(feedback(Feedback::Dislike(reason))),
            Action::AlreadyFine => self.shared.recall(&base, &Default::default(), "you found it fine without"),
            Action::Restore(revision) => self.shared.order(Order::Restore(revision)),
        }
    }

    fn look(&mut self) -> Option<&Frame> {
        self.display.look()
    }

    fn story(&self) -> &Story {
        &self.story
    }

    fn message(&mut self) -> Option<String> {
        self.shared.take_message()
    }
}
