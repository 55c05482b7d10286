//! Python environments for measuring and training.

use crate::system::{self, Need};
use crate::target;
use anyhow::Result;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The Python of a virtual environment in the target folder, made on first use and again when its
/// recipe changes: the arguments of one `pip install` after the other.
pub fn venv(name: &str, steps: &[&[&str]]) -> Result<PathBuf> {
    let venv = target().join(name);
    let python = venv.join("bin/python");
    let (ready, recipe) = (venv.join("recipe"), format!("{steps:?}"));
    if fs::read_to_string(&ready).is_ok_and(|made| made == recipe) {
        return Ok(python);
    }
    system::ensure(&[
        Need {
            name: "Python 3 with venv and its headers (python3, python3-venv, python3-dev)",
            probe: &[
                "python3",
                "-c",
                "import venv, ensurepip, os, sysconfig; os.stat(sysconfig.get_path('include') + '/Python.h')",
            ],
            packages: &["python3", "python3-venv", "python3-dev"],
        },
        Need { name: "a C compiler (gcc or clang)", probe: &["cc", "--version"], packages: &["gcc", "libc6-dev"] },
    ])?;
    eprintln!("making a Python environment in {}", venv.display());
    system::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv).stdout(std::io::stderr()))?;
    for step in steps {
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(*step);
        system::run(pip.stdout(std::io::stderr()))?;
    }
    fs::write(&ready, recipe)?;
    Ok(python)
}
