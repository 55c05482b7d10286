//! What the tasks need of the system.

use anyhow::{Context, Result, bail};
use std::fs;
use std::process::{Command, Stdio};

/// A program that is needed, and the Debian packages that bring it.
pub struct Need {
    /// What it is, for the person who has to install it.
    pub name: &'static str,
    /// A command that succeeds where it is present.
    pub probe: &'static [&'static str],
    /// Debian's packages.
    pub packages: &'static [&'static str],
}

/// Installs what is missing on Debian and Ubuntu; elsewhere says what to install.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let missing: Vec<&Need> = needs.iter().filter(|need| !succeeds(need.probe)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.iter().map(|need| need.name).collect::<Vec<_>>().join(", ");
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.packages.iter().copied()).collect();
    if !debian() {
        bail!("please install: {names}");
    }
    eprintln!("missing: {names}; installing {}", packages.join(" "));
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], packages.as_slice()].concat())?;
    match missing.iter().find(|need| !succeeds(need.probe)) {
        Some(need) => bail!("{} is still missing after the installation", need.name),
        None => Ok(()),
    }
}

/// Runs a command to its end; fails if it can't be run or if it fails.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = format!("{command:?}");
    let status = command.status().with_context(|| format!("can't run {shown}"))?;
    if !status.success() {
        bail!("{shown} failed ({status})");
    }
    Ok(())
}

fn succeeds(probe: &[&str]) -> bool {
    Command::new(probe[0])
        .args(&probe[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn debian() -> bool {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    release.lines().any(|line| {
        line.strip_prefix("ID=")
            .or(line.strip_prefix("ID_LIKE="))
            .is_some_and(|ids| ids.trim_matches('"').split_whitespace().any(|id| id == "debian" || id == "ubuntu"))
    })
}

fn apt(args: &[&str]) -> Result<()> {
    let root = succeeds(&["sh", "-c", "test $(id -u) -eq 0"]);
    let mut command = Command::new(if root { "apt-get" } else { "sudo" });
    if !root {
        command.arg("apt-get");
    }
    // Cargo's progress and a task's result go their own ways: apt's chatter is no result.
    run(command.args(args).env("DEBIAN_FRONTEND", "noninteractive").stdout(std::io::stderr()))
}
