//! Development tasks of Attune: `cargo xtask help`.

fn main() {}
