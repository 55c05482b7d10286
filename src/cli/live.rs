//! `attune live` and `attune doctor`.

use super::args::{Base, Mode, Wishes};
use super::{print, workers};
use crate::live::{self, Adapt, Controls, LiveError, Options, Plain, Profile, Terminal, View, Window};
use crate::tuner::{Goals, Style};
use clap::{Args, ValueEnum};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

/// The options of `attune live`.
#[derive(Args)]
#[command(after_help = HELP)]
pub struct Live {
    /// Lists the devices with their rates, channels and buffers, and ends
    #[arg(long)]
    pub list_devices: bool,

    /// The audio system, as --list-devices names it. Left out: the system's own (on Linux ALSA)
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,

    /// The microphone, by its name or a part of it. Left out: the default
    #[arg(short, long, value_name = "DEVICE")]
    pub input: Option<String>,

    /// Where the enhanced voice goes, by its name or a part of it. Left out: the default, and silence unless
    /// --monitor on
    #[arg(short, long, value_name = "DEVICE")]
    pub output: Option<String>,

    /// Samples per second, 8000 to 192000. Left out: what the output likes best
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(8000..=192_000))]
    pub rate: Option<u32>,

    /// Frames that the devices bring and take at a time
    #[arg(long, value_name = "FRAMES", default_value_t = 256, value_parser = clap::value_parser!(u32).range(16..=8192))]
    pub buffer: u32,

    /// What waits beyond that, for devices that are not punctual, ms. More is safer, less is faster
    #[arg(long, value_name = "MS", default_value_t = 10.0, value_parser = parse_reserve)]
    pub reserve: f64,

    /// The engine's delay: live is 11 ms, studio 42 ms and better
    #[arg(long, value_enum, default_value_t = Mode::Live)]
    pub latency: Mode,

    #[command(flatten)]
    pub base: Base,

    /// Gets better on the way: tries other settings unheard, and takes over what is surely better. How boldly:
    /// conservative, balanced (if left out) or greedy
    #[arg(long, value_name = "STYLE", num_args = 0..=1, require_equals = true, default_missing_value = "balanced")]
    pub adapt: Option<Style>,

    #[command(flatten)]
    pub wishes: Wishes,

    /// Remembers what was set and learned under this name, and goes on from there the next time
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,

    /// Whether you hear yourself on the default output, where no --output is chosen: with headphones only, as
    /// loudspeakers howl
    #[arg(long, value_enum, default_value_t = Switch::Off)]
    pub monitor: Switch,

    /// Records what goes in and what comes out as WAV files in this folder
    #[arg(long, value_name = "DIR")]
    pub record: Option<PathBuf>,

    /// Writes lines instead of the terminal view: for logs
    #[arg(long)]
    pub plain: bool,

    /// Shows a window instead: the editor, with knobs, spectra and what was learned
    #[arg(long, conflicts_with = "plain")]
    pub gui: bool,
}

const HELP: &str = "\
The terminal view shows the levels, by how much the output is better than the input, what was
changed last and why, the load and the delay. Without a terminal, or with --plain, there are lines;
with --gui there is a window, in which all can be changed while it runs.
Keys: b bypass, d what is removed, m mute, + good, - not good (then the reason), u undo, r roll back,
q quit. Ctrl-C fades out and ends as well.

xruns: the device had nothing to play, or nowhere to write. underruns: the input had not brought
enough (more --reserve helps). skips: too much waited, and was left out. late: blocks that took
longer than they last (a larger --buffer helps); after two in a row the untouched sound is heard
until the engine has caught up.

A microphone for other programs: a virtual device whose input is the --output here.
  PipeWire, PulseAudio  pactl load-module module-null-sink sink_name=attune
                        PULSE_SINK=attune attune live --input pulse --output pulse
                        and choose \"Monitor of attune\" as the microphone
  macOS                 BlackHole:  attune live --output BlackHole
  Windows               VB-Cable:   attune live --output \"CABLE Input\"

Exit code: 0 it ended as it should, 1 it could not go on, 2 wrong usage.

Examples:
  attune live --list-devices
  attune live --monitor on --preset podcast           hear yourself, with headphones
  attune live --output BlackHole --adapt --profile desk
  attune live --output BlackHole --gui --profile desk   with a window
  attune live --input pulse --output pulse --plain --record takes";

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Silence
    Off,
    /// You hear yourself
    On,
}

/// The options of `attune doctor`.
#[derive(Args)]
#[command(after_help = "Example: attune doctor --audio")]
pub struct Doctor {
    /// Looks at live sound: the engine's load, devices, priorities, the processor's governor
    #[arg(long, required = true)]
    pub audio: bool,

    /// The audio system, as `attune live --list-devices` names it. Left out: the system's own
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
}

fn parse_reserve(text: &str) -> Result<f64, String> {
    let ms: f64 = text.parse().map_err(|_| "write it as a number of ms, for example 10".to_owned())?;
    if (0.0..=1000.0).contains(&ms) { Ok(ms) } else { Err("0 to 1000 ms".into()) }
}

/// Runs `attune live`.
pub fn run(args: &Live) -> ExitCode {
    let done = if args.list_devices {
        live::list_devices(args.host.as_deref()).map(|list| print(&list))
    } else {
        play(args).map(|()| ExitCode::SUCCESS)
    };
    done.unwrap_or_else(|error| failed(&error))
}

/// Runs `attune doctor`.
pub fn doctor(args: &Doctor) -> ExitCode {
    match live::examine(args.host.as_deref()) {
        Ok(text) => print(&text),
        Err(error) => failed(&error.into()),
    }
}

fn failed(error: &LiveError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(1)
}

fn play(args: &Live) -> Result<(), LiveError> {
    let Wishes { goal, lock } = &args.wishes;
    let adapt = args.adapt.map(|style| Adapt { style, goals: Goals(goal.clone()), locked: lock.clone() });
    let profile = args.profile.as_deref().map(Profile::named).transpose()?;
    let kept = profile.as_ref().filter(|_| args.base.is_empty()).map_or(Ok(None), Profile::base)?;
    let options = Options {
        host: args.host.clone(),
        input: args.input.clone(),
        output: args.output.clone(),
        rate: args.rate,
        buffer: args.buffer,
        reserve: args.reserve / 1000.0,
        latency: args.latency.into(),
        settings: kept.unwrap_or_else(|| args.base.settings()),
        adapt,
        profile,
        muted: args.output.is_none() && args.monitor == Switch::Off,
        record: args.record.clone(),
    };
    workers::stop_on_ctrl_c();
    if args.gui {
        return Window::run(Controls::of(&options), |view| {
            hint(&options, view);
            live::run(&options, &workers::STOP, view)
        });
    }
    let mut plain = Plain::default();
    // Where there is no terminal after all, lines do as well.
    let terminal = if args.plain || !std::io::stdout().is_terminal() { None } else { Terminal::new().ok() };
    match terminal {
        Some(mut terminal) => {
            hint(&options, &mut terminal);
            live::run(&options, &workers::STOP, &mut terminal)
        }
        None => {
            hint(&options, &mut plain);
            live::run(&options, &workers::STOP, &mut plain)
        }
    }
}

fn hint(options: &Options, view: &mut dyn View) {
    if options.muted {
        view.say("no --output: nothing is played; --monitor on lets you hear yourself (with headphones)");
    }
}
