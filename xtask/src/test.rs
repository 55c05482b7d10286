//! `cargo xtask test`: everything that must pass, one step after the other.

use crate::system::{self, Need};
use crate::{bundle, python, readme, root, target};
use anyhow::{Context, Result};
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

/// A cargo command that must pass.
struct Step {
    what: &'static str,
    args: &'static str,
    env: &'static [(&'static str, &'static str)],
}

const STEPS: &[Step] = &[
    Step { what: "format", args: "fmt --all --check", env: &[] },
    Step {
        what: "lints",
        args: "clippy --workspace --exclude attune-plugin --all-targets --all-features -- -D warnings",
        env: &[],
    },
    Step {
        what: "lints, default features",
        args: "clippy --package attune-audio --lib --bins -- -D warnings",
        env: &[],
    },
    Step {
        what: "lints of the bare library",
        args: "clippy --package attune-audio --lib --tests --no-default-features -- -D warnings",
        env: &[],
    },
    // By itself: in debug builds it has an allocator that stops where the audio thread allocates.
    Step { what: "lints of the plugin", args: "clippy --package attune-plugin --all-targets -- -D warnings", env: &[] },
    Step {
        what: "documentation",
        args: "doc --workspace --no-deps --all-features --document-private-items",
        env: &[("RUSTDOCFLAGS", "-D warnings")],
    },
    Step { what: "tests", args: "test --workspace --exclude attune-plugin --all-features", env: &[] },
    Step { what: "tests of the plugin in hosts", args: "test --package attune-plugin", env: &[] },
    Step {
        what: "models of what threads share",
        args: "test --lib --no-default-features --target-dir target/loom model",
        env: &[("RUSTFLAGS", "--cfg loom")],
    },
];

/// What takes a whole DAW.
const HOSTS_STEP: Step = Step {
    what: "tests of the plugin in Ardour",
    args: "test --package attune-plugin --test ardour -- --ignored",
    env: &[],
};

/// What is tested besides.
#[derive(clap::Args)]
pub struct Options {
    /// Also in Ardour (Linux; installs it): scanned, set, automated, saved, loaded and exported
    #[arg(long)]
    hosts: bool,
}

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u64,
    failed: u64,
}

/// Runs the task.
pub fn run(options: &Options) -> Result<ExitCode> {
    prepare()?;
    if options.hosts {
        system::ensure(DAW)?;
    }
    let mut count = Count::default();
    let mut done = STEPS.iter().chain(options.hosts.then_some(&HOSTS_STEP)).try_for_each(|step| {
        let began = Instant::now();
        println!("── {}: {}", step.what, step.shown());
        let (ok, tests) = step.run()?;
        count.passed += tests.passed;
        // A step without tests of its own that fails is a failure too.
        count.failed += if ok { tests.failed } else { tests.failed.max(1) };
        if !ok {
            anyhow::bail!("{} did not pass; to repeat just this: {}", step.what, step.shown());
        }
        println!("   {:.0} s", began.elapsed().as_secs_f32());
        Ok(())
    });
    if done.is_ok() {
        println!("── the README's links and commands");
        done = readme::check();
        count.failed += u64::from(done.is_err());
    }
    if let Err(error) = &done {
        println!("FAILED: {error:#}");
    }
    println!("{} passed, {} failed", count.passed, count.failed);
    Ok(if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What a fresh machine may lack.
fn prepare() -> Result<()> {
    system::ensure(&[Need {
        name: "a C compiler (gcc or clang)",
        probe: &["cc", "--version"],
        packages: &["gcc", "libc6-dev"],
    }])?;
    bundle::ensure()?;
    if cfg!(target_os = "linux") {
        system::ensure(SOUND)?;
        system::ensure(SCREEN)?;
    }
    python::venv("hosts-venv", &[HOSTS])?;
    for (component, probe) in [("rustfmt", "fmt"), ("clippy", "clippy")] {
        let mut version = Command::new(env!("CARGO"));
        version.args([probe, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
        if !version.status()?.success() {
            system::run(Command::new("rustup").args(["component", "add", component]))
                .with_context(|| format!("please install {component}"))?;
        }
    }
    Ok(())
}

/// What `attune live` is built with, and the audio servers that its tests start.
const SOUND: &[Need] = &[
    Need { name: "pkg-config", probe: &["pkg-config", "--version"], packages: &["pkg-config"] },
    Need { name: "ALSA's headers", probe: &["pkg-config", "--exists", "alsa"], packages: &["libasound2-dev"] },
    Need { name: "JACK's headers", probe: &["pkg-config", "--exists", "jack"], packages: &["libjack-jackd2-dev"] },
    Need { name: "JACK", probe: &["sh", "-c", "command -v jackd && command -v jack_metro"], packages: &["jackd2"] },
    Need {
        name: "PulseAudio with its tools",
        probe: &["sh", "-c", "command -v pulseaudio && command -v paplay"],
        packages: &["pulseaudio", "pulseaudio-utils"],
    },
    Need {
        name: "ALSA's plugin for PulseAudio",
        probe: &["sh", "-c", "ls /usr/lib/*/alsa-lib/libasound_module_pcm_pulse.so"],
        packages: &["libasound2-plugins"],
    },
];

/// A screen for the editor where there is none, and drawing without a graphics card.
const SCREEN: &[Need] = &[
    Need { name: "Xvfb", probe: &["sh", "-c", "command -v Xvfb"], packages: &["xvfb", "libgl1-mesa-dri"] },
    Need {
        name: "the X libraries that JUCE loads",
        probe: &[
            "sh",
            "-c",
            "for lib in X11.so.6 Xext.so.6 Xcursor.so.1 Xinerama.so.1 Xrandr.so.2; do ls /usr/lib/*/lib$lib || exit 1; done",
        ],
        packages: &["libx11-6", "libxext6", "libxcursor1", "libxinerama1", "libxrandr2"],
    },
    Need {
        name: "a Vulkan driver, such as Mesa's",
        probe: &["sh", "-c", "ls /usr/share/vulkan/icd.d/*.json"],
        packages: &["libvulkan1", "mesa-vulkan-drivers"],
    },
];

/// A digital audio workstation.
const DAW: &[Need] = &[Need { name: "Ardour", probe: &["sh", "-c", "command -v ardour7-lua"], packages: &["ardour"] }];

/// A host for the VST3, in Python.
const HOSTS: &[&str] = &["numpy==2.4.6", "pedalboard==0.9.26"];

impl Step {
    /// The command as a person types it.
    fn shown(&self) -> String {
        let env: String = self.env.iter().map(|(key, value)| format!("{key}=\"{value}\" ")).collect();
        format!("{env}cargo {}", self.args)
    }

    /// Runs it, showing everything but the tests that pass. Whether it passed, and the tests.
    fn run(&self) -> Result<(bool, Count)> {
        let mut child = Command::new(env!("CARGO"))
            .args(self.args.split(' '))
            .envs(self.env.iter().copied())
            .env("CARGO_TARGET_DIR", target())
            .current_dir(root())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("can't run {}", self.shown()))?;
        let mut count = Count::default();
        for line in BufReader::new(child.stdout.take().context("no output")?).lines() {
            let line = line?;
            if let Some(result) = parse(&line) {
                count.passed += result.passed;
                count.failed += result.failed;
            } else if !(line.is_empty() || line.ends_with(" ... ok") || line.starts_with("running ")) {
                println!("{line}");
            }
        }
        Ok((child.wait()?.success(), count))
    }
}

/// The counts in a line like `test result: ok. 12 passed; 0 failed; …`.
fn parse(line: &str) -> Option<Count> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |what| counts.split("; ").find_map(|part| part.strip_suffix(what)?.trim().parse().ok());
    Some(Count { passed: number("passed")?, failed: number("failed")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted() {
        let ok = "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.52s";
        assert_eq!(parse(ok), Some(Count { passed: 12, failed: 0 }));
        let bad = "test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s";
        assert_eq!(parse(bad), Some(Count { passed: 3, failed: 2 }));
        assert_eq!(parse("test engine::tests::a ... ok"), None);
    }
}
