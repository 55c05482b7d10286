//! The `attune` binary.

mod adapt;
mod analysis;
mod args;
mod batch;
mod coded;
mod columns;
mod decode;
mod encode;
mod enhance;
mod eval;
#[cfg(feature = "live")]
mod live;
mod log;
mod mp4;
mod picture;
mod plan;
mod replay;
mod report;
mod spectrogram;
mod summary;
mod tables;
mod wav;
mod workers;

use args::{Cli, Command, PresetAction};
use clap::{CommandFactory, Parser};
use std::io::Write;
use std::process::ExitCode;

/// Runs the command line. Exit code 0: all is well, 1: something failed, 2: wrong usage,
/// 130: interrupted.
pub fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Enhance(args) => batch::run(&args),
        Command::Eval(args) => eval::run(&args),
        Command::Replay(args) => replay::run(&args),
        #[cfg(feature = "live")]
        Command::Live(args) => live::run(&args),
        #[cfg(feature = "live")]
        Command::Doctor(args) => live::doctor(&args),
        Command::Presets { action: None } => print(&tables::presets()),
        Command::Presets { action: Some(PresetAction::Show { name }) } => match crate::settings::Preset::find(&name) {
            Ok(preset) => print(&preset.to_toml()),
            Err(error) => usage(&error.to_string()),
        },
        Command::Settings { json: false } => print(&tables::settings()),
        Command::Settings { json: true } => print(&tables::settings_json()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "attune", &mut script);
            print(&String::from_utf8_lossy(&script))
        }
        Command::Man { command } => manual(command.as_deref()),
    }
}

fn manual(command: Option<&str>) -> ExitCode {
    let mut page = Cli::command();
    page.build();
    if let Some(name) = command {
        match page.find_subcommand(name) {
            Some(found) => page = found.clone().display_name(format!("attune-{name}")),
            None => return usage(&format!("there is no command `{name}`; `attune --help` lists them all")),
        }
    }
    let mut text = Vec::new();
    match clap_mangen::Man::new(page).render(&mut text) {
        Ok(()) => print(&String::from_utf8_lossy(&text)),
        Err(error) => usage(&error.to_string()),
    }
}

/// Prints to stdout. A reader that has seen enough (`| head`) is no error.
fn print(text: &str) -> ExitCode {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::from(1),
        _ => ExitCode::SUCCESS,
    }
}

fn usage(message: &str) -> ExitCode {
    eprintln!("error: {message}\n\nFor more information, try '--help'.");
    ExitCode::from(2)
}
