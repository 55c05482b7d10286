//! Keeps the README true: its links lead somewhere, its tables are those of the program, and its
//! commands work.

use crate::{root, target};
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Checks every relative link and the tables of presets and settings, and runs every `attune`
/// command in a folder of its own, with the files that the README speaks of standing in it as copies
/// of the demo recording.
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
    let recordings = ["talk.wav", "recordings/monday.wav", "recordings/guests/tuesday.wav"];
    let originals = ["original.wav", "originals/monday.wav", "originals/guests/tuesday.wav"];
    for copy in [demo].into_iter().chain(recordings).chain(originals) {
        let copy = stage.join(copy);
        fs::create_dir_all(copy.parent().unwrap_or(Path::new("")))?;
        fs::copy(root().join(demo), copy)?;
    }
    for table in [settings()?, presets()?] {
        ensure!(text.contains(&table), "a table of README.md is out of date; it should be:\n\n{table}");
    }
    for command in commands(&text) {
        shell(&command.replace("cargo run --release -- ", "attune "), &stage)
            .with_context(|| format!("a command of README.md fails: {command}"))?;
    }
    Ok(())
}

/// What a command prints, with the `attune` of the last build on the path.
fn shell(command: &str, folder: &Path) -> Result<String> {
    let binaries = std::path::absolute(target().join("debug"))?;
    let known = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([binaries].into_iter().chain(std::env::split_paths(&known)))?;
    let output = Command::new("sh").args(["-c", command]).env("PATH", path).current_dir(folder).output()?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The table of settings, as the program has it.
fn settings() -> Result<String> {
    let json: Value = serde_json::from_str(&shell("attune settings --json", root())?)?;
    let plain = |value: &Value| value.as_f64().map_or(value.as_str().unwrap_or_default().to_owned(), |n| n.to_string());
    let rows = json["settings"].as_array().context("no settings")?.iter().map(|setting| {
        let unit = match setting["unit"].as_str().unwrap_or_default() {
            "" => String::new(),
            unit if unit.starts_with(':') => unit.to_owned(),
            unit => format!(" {unit}"),
        };
        let allowed = match setting["choices"].as_array() {
            Some(choices) => choices.iter().map(plain).collect::<Vec<_>>().join(", "),
            None => format!("{} to {}{unit}", plain(&setting["min"]), plain(&setting["max"])),
        };
        let (id, default, help) = (plain(&setting["id"]), plain(&setting["default"]), plain(&setting["help"]));
        format!("| `{id}` | {allowed} | {default} | {help} |\n")
    });
    Ok(format!("| id | range | default | what it does |\n|---|---|---|---|\n{}", rows.collect::<String>()))
}

/// The table of presets, as the program has it.
fn presets() -> Result<String> {
    let text = shell("attune presets", root())?;
    let rows = text.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(' '));
    let rows: String = rows.map(|(name, what)| format!("| `{name}` | {} |\n", what.trim())).collect();
    Ok(format!("| preset | for |\n|---|---|\n{rows}"))
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
