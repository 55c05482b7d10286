//! Keeps the README true: its links lead somewhere and its commands work.

use crate::{root, target};
use anyhow::{Context, Result, bail, ensure};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Checks every relative link, and runs every `attune` command in a folder of its own, with the
/// files that the README speaks of standing in it as copies of the demo recording.
pub fn check() -> Result<()> {
    let text = fs::read_to_string(root().join("README.md"))?;
    for link in links(&text) {
        ensure!(root().join(link).exists(), "README.md links to {link}, which does not exist");
    }
    let demo = commands(&text)
        .flat_map(str::split_whitespace)
        .find(|word| word.starts_with("assets/demo/") && word.ends_with(".wav"))
        .context("README.md enhances no demo recording")?;

    let stage = target().join("readme");
    if stage.exists() {
        fs::remove_dir_all(&stage)?;
    }
    for copy in [demo, "talk.wav", "recordings/monday.wav", "recordings/guests/tuesday.wav"] {
        let copy = stage.join(copy);
        fs::create_dir_all(copy.parent().unwrap_or(Path::new("")))?;
        fs::copy(root().join(demo), copy)?;
    }
    let binaries = std::path::absolute(target().join("debug"))?;
    let path = std::env::join_paths(
        [binaries].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    )?;
    for command in commands(&text) {
        let typed = command.replace("cargo run --release -- ", "attune ");
        let output = Command::new("sh").args(["-c", &typed]).env("PATH", &path).current_dir(&stage).output()?;
        if !output.status.success() {
            bail!("a command of README.md fails: {command}\n{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    Ok(())
}

/// The targets of `[text](target)` within the repository.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(link, _)| link.split('#').next().unwrap_or_default())
        .filter(|link| !link.is_empty() && !link.contains("://"))
}

/// The lines of code blocks that run the binary, without the remark behind them.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    text.split("```")
        .skip(1)
        .step_by(2)
        .flat_map(str::lines)
        .filter(|line| line.starts_with("attune ") || line.starts_with("cargo run --release -- "))
        .map(|line| line.split(" # ").next().unwrap_or(line).trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_commands_are_found() {
        let text =
            "See [a](b/c.md#d) and [web](https://x.y).\n```sh\nattune presets   # a remark\nls\n```\nattune no\n";
        assert_eq!(links(text).collect::<Vec<_>>(), ["b/c.md"]);
        assert_eq!(commands(text).collect::<Vec<_>>(), ["attune presets"]);
    }
}
