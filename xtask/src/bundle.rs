//! `cargo xtask bundle` and `cargo xtask install-plugin`.

use crate::system::{self, Need};
use crate::target;
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

/// The package that is the plugin; bundler.toml has its name.
const PACKAGE: &str = "attune-plugin";
/// What is made of it.
const BUNDLES: [&str; 2] = ["Attune.clap", "Attune.vst3"];

/// How it is built.
#[derive(clap::Args)]
pub struct Options {
    /// Cargo profile: bundle, or dist (smaller, takes long to link), or dev
    #[arg(long, default_value = "bundle")]
    profile: String,
}

/// Makes target/bundled/Attune.clap and Attune.vst3.
pub fn bundle(options: &Options) -> Result<ExitCode> {
    ensure()?;
    let mut command = vec!["bundle".to_owned(), PACKAGE.to_owned()];
    // The bundler takes the name of a profile for that of its folder, which is another one for dev.
    if options.profile != "dev" {
        command.push(format!("--profile={}", options.profile));
    }
    nice_plug_xtask::main_with_args("cargo xtask", command)?;
    for bundle in BUNDLES {
        let path = bundled().join(bundle);
        println!("{}: {:.1} MB", path.display(), size(&path)? as f64 / 1e6);
    }
    Ok(ExitCode::SUCCESS)
}

/// Makes them, and copies them to where this user's hosts look for them.
pub fn install(options: &Options) -> Result<ExitCode> {
    bundle(options)?;
    for (bundle, folder) in BUNDLES.into_iter().zip(folders(env::consts::OS, |name| env::var_os(name))?) {
        let to = folder.join(bundle);
        remove(&to)?;
        copy(&bundled().join(bundle), &to).with_context(|| format!("can't install {}", to.display()))?;
        println!("installed {}", to.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// What the plugin is built with.
pub fn ensure() -> Result<()> {
    system::ensure(&[
        Need {
            name: "a C++ compiler (g++ or clang++)",
            probe: if cfg!(windows) { &["cmd", "/c", "exit 0"] } else { &["c++", "--version"] },
            packages: &["g++"],
        },
        Need {
            name: "the headers of X11, XCB, xkbcommon and OpenGL, and pkg-config",
            probe: if cfg!(target_os = "linux") {
                &["pkg-config", "--exists", "x11", "x11-xcb", "xcb", "xcb-icccm", "xcursor", "xkbcommon-x11", "gl"]
            } else {
                &["cargo", "--version"]
            },
            packages: &[
                "pkg-config",
                "libx11-dev",
                "libx11-xcb-dev",
                "libxcb1-dev",
                "libxcb-icccm4-dev",
                "libxcursor-dev",
                "libxkbcommon-x11-dev",
                "libgl1-mesa-dev",
            ],
        },
    ])
}

fn bundled() -> PathBuf {
    target().join("bundled")
}

/// The user's folders for CLAP and VST3.
fn folders(system: &str, variable: impl Fn(&str) -> Option<OsString>) -> Result<[PathBuf; 2]> {
    let (home, folders) = match system {
        "linux" => ("HOME", [".clap", ".vst3"]),
        "macos" => ("HOME", ["Library/Audio/Plug-Ins/CLAP", "Library/Audio/Plug-Ins/VST3"]),
        "windows" => ("LOCALAPPDATA", ["Programs/Common/CLAP", "Programs/Common/VST3"]),
        _ => bail!("no folders for plugins are known on {system}; please copy them from {}", bundled().display()),
    };
    let home = PathBuf::from(variable(home).with_context(|| format!("{home} is not set"))?);
    Ok(folders.map(|folder| home.join(folder)))
}

fn remove(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Ok(kind) if kind.is_dir() => fs::remove_dir_all(path)?,
        Ok(_) => fs::remove_file(path)?,
        Err(_) => {}
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to.parent().context("no folder")?)?;
    if !from.is_dir() {
        fs::copy(from, to)?;
        return Ok(());
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

fn size(path: &Path) -> Result<u64> {
    if !path.is_dir() {
        return Ok(fs::metadata(path)?.len());
    }
    fs::read_dir(path)?.map(|entry| size(&entry?.path())).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_has_its_folders() {
        let home = |name: &str| Some(OsString::from(format!("/{name}")));
        assert_eq!(folders("linux", home).unwrap(), ["/HOME/.clap", "/HOME/.vst3"].map(PathBuf::from));
        assert!(folders("macos", home).unwrap()[1].ends_with("Plug-Ins/VST3"));
        assert!(folders("windows", home).unwrap()[0].starts_with("/LOCALAPPDATA"));
        assert!(folders("linux", |_| None).unwrap_err().to_string().contains("HOME"));
        assert!(folders("plan9", home).unwrap_err().to_string().contains("bundled"));
    }

    #[test]
    fn a_bundle_is_copied_whole_over_an_older_one() {
        let scratch = target().join("copied");
        remove(&scratch).unwrap();
        let (from, to) = (scratch.join("new.vst3"), scratch.join("home/old.vst3"));
        fs::create_dir_all(from.join("Contents/deep")).unwrap();
        fs::write(from.join("Contents/deep/a"), "12345").unwrap();
        copy(&from, &to).unwrap();
        fs::write(to.join("stale"), "").unwrap();
        remove(&to).unwrap();
        copy(&from, &to).unwrap();
        assert_eq!((size(&to).unwrap(), to.join("stale").exists()), (5, false));
    }
}
