//! The shared library that hosts load: CLAP, and by way of it VST3. All that it does is in [`attune::plugin`].

mod entry;

// Others than the entry point's macro write the code below.
#[allow(missing_docs)]
mod vst3 {
    clap_wrapper::export_vst3!();
}

pub use entry::clap_entry;
pub use vst3::*;
