//! The CLAP entry point: what `nice_export_clap!` makes, and one thing more.
//!
//! Ardour tells VST3s each automated value at the end of its block, one sample behind the last. clap-wrapper 0.3.1 passes
//! on that one alone, and nice-plug 0.4.2 never gets there: automation would not be heard. An event that comes too late
//! belongs to the last sample.

use attune::plugin::Attune;
use clap_sys::process::{CLAP_PROCESS_ERROR, clap_process, clap_process_status};
use nice_plug::wrapper::clap::{
    CLAP_PLUGIN_FACTORY_ID, CLAP_VERSION, PluginDescriptor, Wrapper, clap_host, clap_plugin, clap_plugin_descriptor,
    clap_plugin_entry, clap_plugin_factory,
};
use nice_plug::wrapper::setup_logger;
use std::ffi::{CStr, c_char, c_void};
use std::ptr::null;
use std::sync::{Arc, OnceLock};

/// What hosts look for.
#[unsafe(no_mangle)]
#[used]
#[allow(non_upper_case_globals, reason = "CLAP calls it so")]
pub static clap_entry: clap_plugin_entry = clap_plugin_entry {
    clap_version: CLAP_VERSION,
    init: Some(init),
    deinit: Some(deinit),
    get_factory: Some(get_factory),
};

static FACTORY: clap_plugin_factory = clap_plugin_factory {
    get_plugin_count: Some(get_plugin_count),
    get_plugin_descriptor: Some(get_plugin_descriptor),
    create_plugin: Some(create_plugin),
};

/// How nice-plug processes.
type Process = unsafe extern "C" fn(*const clap_plugin, *const clap_process) -> clap_process_status;
static PROCESS: OnceLock<Process> = OnceLock::new();

fn descriptor() -> &'static PluginDescriptor {
    static DESCRIPTOR: OnceLock<PluginDescriptor> = OnceLock::new();
    DESCRIPTOR.get_or_init(PluginDescriptor::for_plugin::<Attune>)
}

extern "C" fn init(_path: *const c_char) -> bool {
    setup_logger::<Attune>();
    true
}

extern "C" fn deinit() {}

extern "C" fn get_factory(id: *const c_char) -> *const c_void {
    // SAFETY: hosts give a string or null.
    let is_ours = !id.is_null() && unsafe { CStr::from_ptr(id) } == CLAP_PLUGIN_FACTORY_ID;
    if is_ours { (&raw const FACTORY).cast() } else { null() }
}

unsafe extern "C" fn get_plugin_count(_: *const clap_plugin_factory) -> u32 {
    1
}

unsafe extern "C" fn get_plugin_descriptor(_: *const clap_plugin_factory, index: u32) -> *const clap_plugin_descriptor {
    if index == 0 { descriptor().clap_plugin_descriptor() } else { null() }
}

unsafe extern "C" fn create_plugin(
    _: *const clap_plugin_factory,
    host: *const clap_host,
    id: *const c_char,
) -> *const clap_plugin {
    // SAFETY: as above.
    if id.is_null() || unsafe { CStr::from_ptr(id) } != descriptor().clap_id() {
        return null();
    }
    // The host's last call, `destroy`, drops it.
    // SAFETY: it lives until then.
    let wrapper = unsafe { &*Arc::into_raw(Wrapper::<Attune>::new(host)) };
    let mut plugin = wrapper.clap_plugin.borrow_mut();
    if let Some(theirs) = plugin.process.replace(process) {
        PROCESS.get_or_init(|| theirs);
    }
    &raw const *plugin
}

unsafe extern "C" fn process(plugin: *const clap_plugin, block: *const clap_process) -> clap_process_status {
    let Some(theirs) = PROCESS.get() else { return CLAP_PROCESS_ERROR };
    // SAFETY: the host's block and its events live until it has been processed, and nobody else has them meanwhile.
    unsafe {
        if let Some(block) = block.as_ref() {
            hold_back(block);
        }
        theirs(plugin, block)
    }
}

/// No event comes after the last sample.
///
/// # Safety
/// The block's events must be there, and nobody else's while this runs.
unsafe fn hold_back(block: &clap_process) {
    let Some(last) = block.frames_count.checked_sub(1) else { return };
    // SAFETY: as above; hosts that keep the rules are only read from.
    unsafe {
        let Some(events) = block.in_events.as_ref() else { return };
        let (Some(size), Some(get)) = (events.size, events.get) else { return };
        for i in 0..size(events) {
            let event = get(events, i).cast_mut();
            if !event.is_null() && (*event).time > last {
                (*event).time = last;
            }
        }
    }
}
