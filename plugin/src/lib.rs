//! The shared library that hosts load: CLAP, and by way of it VST3. All that it does is in [`attune::plugin`].

// Others than the entry points' macros write the code below.
#![allow(missing_docs, clippy::undocumented_unsafe_blocks)]

use attune::plugin::Attune;

nice_plug::nice_export_clap!(Attune);
clap_wrapper::export_vst3!();
