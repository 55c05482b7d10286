//! What draws the window.

/// Keeps EGL in memory until the process ends; to be called before a window is opened.
///
/// Each window's thread unloads EGL when it ends, and EGL is told of the end of each thread that drew with it. Of two
/// windows closed one after the other, the second's thread would run code that the first has just unloaded.
pub(crate) fn keep_loaded() {
    #[cfg(target_os = "linux")]
    // SAFETY: the window is about to load the same library; what it runs then is the system's own.
    if let Ok(library) = unsafe { libloading::Library::new("libEGL.so.1") } {
        std::mem::forget(library);
    }
}
