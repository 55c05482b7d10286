use super::devices::{self, Side};
use super::running::{End, Running};
use super::view::{Action, Scene, View};
use super::{Controls, LiveError, Profile};
use crate::engine::Latency;
use crate::settings::{Id, Settings};
use crate::tuner::{Goals, Memory, Style};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// What is wanted of the live program.
#[derive(Clone, Debug)]
pub struct Options {
    /// The audio system, by name; else the usual one.
    pub host: Option<String>,
    /// The microphone, by name; else the default.
    pub input: Option<String>,
    /// Where the voice goes, by name; else the default.
    pub output: Option<String>,
    /// Hz; else what the devices like best.
    pub rate: Option<u32>,
    /// Frames at a time.
    pub buffer: u32,
    /// What waits between input and output beyond what they bring and take at a time, s.
    pub reserve: f64,
    /// The engine's latency mode.
    pub latency: Latency,
    /// What the user set.
    pub settings: Settings,
    /// How to adapt, if at all.
    pub adapt: Option<Adapt>,
    /// Where what is learned is kept, if anywhere.
    pub profile: Option<Profile>,
    /// Plays silence.
    pub muted: bool,
    /// Where what goes in and comes out is recorded, if anywhere.
    pub record: Option<PathBuf>,
}

/// How to adapt.
#[derive(Clone, Debug)]
pub struct Adapt {
    /// How boldly.
    pub style: Style,
    /// What is wanted besides.
    pub goals: Goals,
    /// Settings that are left alone.
    pub locked: Vec<Id>,
}

/// Waits between attempts: the first, doubled up to the longest.
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(10);
/// A connection that lasted so long was a good one.
const GOOD: Duration = Duration::from_secs(10);
/// How often the view is brought up to date.
pub const TICK: Duration = Duration::from_millis(50);

/// All devices of the audio system of this name, for people.
///
/// # Errors
/// When there is no such audio system.
pub fn list_devices(host: Option<&str>) -> Result<String, LiveError> {
    let present = format!("audio systems: {}\n", devices::hosts().join(", "));
    Ok(present + &devices::list(&devices::host(host)?))
}

/// Runs until it is told to stop, by `stop` or by the view. Whatever happens to the devices, it tries again; only
/// what can't pass by itself ends it. What was learned is kept in the profile.
///
/// # Errors
/// When it can't begin, or what was learned can't be stored.
pub fn run(options: &Options, stop: &AtomicBool, view: &mut dyn View) -> Result<(), LiveError> {
    let mut memory = match &options.profile {
        Some(profile) => profile.load()?,
        None => None,
    };
    let mut scene = Scene::new(Controls::of(options));
    let (mut wait, mut connected) = (FIRST, false);
    loop {
        let began = Instant::now();
        let why = match Running::open(options, memory.as_ref(), &mut scene, view) {
            Ok(running) => {
                connected = true;
                view.say(&scene.devices);
                match running.watch(options, &mut memory, &mut scene, stop, view) {
                    End::Asked => break,
                    End::Again => continue,
                    End::Failed(why) => why,
                }
            }
            Err(error) if connected && error.may_pass() => error.to_string(),
            Err(error) => return Err(error),
        };
        wait = if began.elapsed() > GOOD { FIRST } else { wait };
        view.say(&format!("{why}; trying again in {:.1} s", wait.as_secs_f32()));
        scene.problem = Some(why);
        if !pause(wait, &mut scene, stop, view) {
            break;
        }
        wait = (2 * wait).min(LONGEST);
    }
    view.end(&scene);
    match &options.profile {
        Some(profile) => profile.save(&scene.controls.base, memory.as_ref()),
        None => Ok(()),
    }
}

/// Waits; false if it should end meanwhile.
fn pause(wait: Duration, scene: &mut Scene, stop: &AtomicBool, view: &mut dyn View) -> bool {
    let until = Instant::now() + wait;
    while Instant::now() < until {
        for action in view.show(scene) {
            match action {
                Action::Quit => return false,
                Action::Set(controls) => scene.controls = *controls,
                Action::Install(offsets, _) => scene.offsets = *offsets,
                _ => {}
            }
        }
        if stop.load(Relaxed) {
            return false;
        }
        std::thread::sleep(TICK);
    }
    true
}

/// Stores what was set and learned now and then, so that little is lost whatever happens.
pub(super) struct Keeper {
    stored: Instant,
    dirty: bool,
}

const OFTEN: Duration = Duration::from_secs(30);

impl Keeper {
    pub fn new() -> Keeper {
        Keeper { stored: Instant::now(), dirty: false }
    }

    /// There is something new.
    pub fn note(&mut self) {
        self.dirty = true;
    }

    /// Stores it, if that is due.
    pub fn keep(&mut self, profile: Option<&Profile>, base: &Settings, memory: Option<&Memory>, view: &mut dyn View) {
        if !self.dirty || self.stored.elapsed() < OFTEN {
            return;
        }
        (self.stored, self.dirty) = (Instant::now(), false);
        if let Some(Err(error)) = profile.map(|profile| profile.save(base, memory)) {
            view.say(&error.to_string());
        }
    }
}

/// The default device of this side, if no other was asked for: it may change.
pub(super) fn default_name(options: &Options, side: Side) -> Option<String> {
    let wanted = match side {
        Side::Input => &options.input,
        Side::Output => &options.output,
    };
    if wanted.is_some() {
        return None;
    }
    // Looking at JACK's devices makes new clients.
    let host = devices::host(options.host.as_deref()).ok().filter(|host| host.id().name() != "JACK")?;
    devices::default_name(&host, side)
}
