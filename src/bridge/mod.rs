//! Between the threads: settings to the audio thread, without a lock.
