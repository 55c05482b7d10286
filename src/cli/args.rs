//! What can be typed.

use crate::engine::Latency;
use crate::settings::{Id, Preset, Settings};
use crate::tuner::{Goal, Style};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Enhances recorded speech: noise, reverberation, hum, tone, sibilance, level.
#[derive(Parser)]
#[command(name = "attune", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  attune enhance talk.wav                      writes talk-enhanced.wav beside it
  attune enhance talk.wav -o clean.wav --preset podcast --report talk.html
  attune enhance recordings -o cleaned         a whole folder, with its subfolders
  attune enhance talk.wav --adapt --two-pass   with the settings that suit it best
  attune eval talk.wav                         what is wrong with it
  attune eval --processed out.wav --input talk.wav     what became better
  attune presets                               what --preset can be
  attune settings                              what --set can change";

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Enhances audio files and writes WAV files
    Enhance(Box<Enhance>),
    /// Says what is wrong with recordings, and how good an enhancement is
    Eval(Box<Eval>),
    /// Repeats an adaptation from its log, and says whether the same came out
    Replay(Replay),
    /// Enhances a microphone while you speak
    #[cfg(feature = "live")]
    Live(Box<super::live::Live>),
    /// Says what live sound needs of this computer
    #[cfg(feature = "live")]
    Doctor(super::live::Doctor),
    /// Lists the presets that ship with Attune, or shows one
    Presets {
        #[command(subcommand)]
        action: Option<PresetAction>,
    },
    /// Lists every setting with its range, default and meaning
    Settings {
        /// Prints the table as JSON
        #[arg(long)]
        json: bool,
    },
    /// Prints a completion script for a shell
    #[command(after_help = "Example: attune completions bash > ~/.local/share/bash-completion/completions/attune")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Prints the manual page
    #[command(after_help = "Example: attune man > ~/.local/share/man/man1/attune.1")]
    Man {
        /// The manual page of one command instead, for example `enhance`
        command: Option<String>,
    },
}

/// What to do with presets.
#[derive(Subcommand)]
pub enum PresetAction {
    /// Prints a preset as TOML: a start for a preset file of your own
    #[command(after_help = "Example: attune presets show voice > mine.toml, then --preset mine.toml")]
    Show {
        /// A preset's name or file
        name: String,
    },
}

/// The options of `attune enhance`.
#[derive(Args)]
#[command(after_help = ENHANCE_HELP)]
pub struct Enhance {
    /// Files (WAV, FLAC, MP3, Ogg Vorbis, M4A, AIFF) or folders, searched with their subfolders
    #[arg(required = true, value_name = "INPUT")]
    pub inputs: Vec<PathBuf>,

    /// A .wav file, or a folder (ending in / or existing). Left out: NAME-enhanced.wav beside the input
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,

    #[command(flatten)]
    pub base: Base,

    /// Gets better on the way: listens to what it does, tries other settings unheard, and takes over what is
    /// surely better. How boldly: conservative, balanced (if left out) or greedy
    #[arg(long, value_name = "STYLE", num_args = 0..=1, require_equals = true, default_missing_value = "balanced")]
    pub adapt: Option<Style>,

    /// With --adapt: learns on the whole file first, then enhances it with steady settings. The better
    /// choice for files
    #[arg(long, requires = "adapt")]
    pub two_pass: bool,

    #[command(flatten)]
    pub wishes: Wishes,

    /// With --adapt: writes what was changed when and why, one JSON object a line, for `attune replay` (a
    /// single input only)
    #[arg(long, value_name = "FILE.jsonl", requires = "adapt")]
    pub log: Option<PathBuf>,

    /// Quality of the processing: studio is best for files, live sounds as the live mode does
    #[arg(long, value_enum, default_value_t = Mode::Studio)]
    pub latency: Mode,

    /// How many files to work on at once. Left out: one per processor core
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,

    /// Writes a report with spectrograms, curves and findings: one HTML file
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,

    /// Writes the spectrograms before and after as one picture (a single input only)
    #[arg(long, value_name = "FILE.png")]
    pub spectrogram: Option<PathBuf>,

    /// Prints the results as one JSON document on stdout
    #[arg(long)]
    pub json: bool,

    /// Overwrites files that exist already (never an input)
    #[arg(short, long)]
    pub force: bool,

    /// Checks everything and says what would be done, but writes nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,

    /// Writes what would be removed instead of the enhanced sound, to listen to
    #[arg(long)]
    pub delta: bool,
}

/// What the user sets.
#[derive(Args)]
pub struct Base {
    /// A preset's name (`attune presets` lists them) or a preset file
    #[arg(short, long, value_name = "PRESET", value_parser = parse_preset)]
    pub preset: Option<Preset>,

    /// Changes one setting on top of the preset; may be repeated (`attune settings` lists them)
    #[arg(short, long, value_name = "ID=VALUE", value_parser = parse_setting)]
    pub set: Vec<(Id, f32)>,
}

impl Base {
    /// Whether nothing was asked for.
    #[cfg(feature = "live")]
    pub fn is_empty(&self) -> bool {
        self.preset.is_none() && self.set.is_empty()
    }

    /// The preset with the changes.
    pub fn settings(&self) -> Settings {
        let preset = self.preset.as_ref().map(|preset| preset.settings).unwrap_or_default();
        self.set.iter().fold(preset, |settings, (id, value)| settings.with(*id, *value))
    }
}

/// What is wished of adapting.
#[derive(Args)]
pub struct Wishes {
    /// With --adapt: something to aim for besides, as noise=20 or loudness=-16; may be repeated
    #[arg(long, value_name = "NAME=TARGET", requires = "adapt")]
    pub goal: Vec<Goal>,

    /// With --adapt: a setting that is to be left as it is; may be repeated
    #[arg(long, value_name = "ID", requires = "adapt", value_parser = parse_id)]
    pub lock: Vec<Id>,
}

const ENHANCE_HELP: &str = "\
The output is a WAV file with the sample rate, channels, bit depth and length of the
input, aligned with it to the sample. MP3, Ogg and AAC have no bit depth: their output
has 24 bits. Two channels are treated as one stereo image; more than two as independent
microphones.

Exit code: 0 all is well, 1 some file failed (the others are done), 2 wrong usage,
130 interrupted.

Examples:
  attune enhance talk.wav
  attune enhance talk.wav -o clean.wav --preset podcast --set reduction=18
  attune enhance day1 day2 -o cleaned --jobs 4 --report cleaned/report.html
  attune enhance talk.wav -o removed.wav --delta      hear what is taken away
  attune enhance talk.wav --adapt --two-pass --report talk.html    finds the best settings for it
  attune enhance talk.wav --adapt --lock method --goal noise=12
  attune enhance recordings -o cleaned --dry-run      see what would be done";

/// The options of `attune replay`.
#[derive(Args)]
#[command(after_help = REPLAY_HELP)]
pub struct Replay {
    /// A log that `attune enhance --adapt --log` wrote
    #[arg(value_name = "LOG")]
    pub log: PathBuf,

    /// The recording that it is about
    #[arg(value_name = "INPUT")]
    pub input: PathBuf,

    /// A .wav file for what comes out. Left out: it is only compared
    #[arg(short, long, value_name = "OUT.wav")]
    pub output: Option<PathBuf>,

    /// Overwrites an output that exists already (never the input or the log)
    #[arg(short, long)]
    pub force: bool,
}

const REPLAY_HELP: &str = "\
Does again what the log says was asked for, with the settings, the seed and the mode of then, and
compares every event and the samples that come out. Where something differs, the first line that
does is shown as it was logged and as it is now. The same program on the same kind of computer
gives the same to the bit; another processor may round differently.

Exit code: 0 it is the same, 1 it differs, or could not be done, 2 wrong usage, 130 interrupted.

Example:
  attune enhance talk.wav --adapt --log talk.jsonl
  attune replay talk.jsonl talk.wav";

/// The options of `attune eval`.
#[derive(Args)]
#[command(after_help = EVAL_HELP)]
pub struct Eval {
    /// Recordings to listen to, or folders of them: what is wrong with them
    #[arg(value_name = "RECORDING", required_unless_present = "processed", conflicts_with_all = ["reference", "processed", "input", "manifest"])]
    pub recordings: Vec<PathBuf>,

    /// The clean recording, or a folder of them
    #[arg(short, long, value_name = "CLEAN", requires = "processed")]
    pub reference: Option<PathBuf>,

    /// The processed recording, or a folder of them, named as their references and inputs are
    #[arg(short, long, value_name = "OUT")]
    pub processed: Option<PathBuf>,

    /// The unprocessed recording, or a folder of them: shows what was gained
    #[arg(short, long, value_name = "NOISY", requires = "processed", conflicts_with = "manifest")]
    pub input: Option<PathBuf>,

    /// A JSON file that lists a set: `items`, each with its `clean` and `noisy` file. The processed
    /// files are named as the noisy ones
    #[arg(short, long, value_name = "FILE", requires = "processed", conflicts_with = "reference")]
    pub manifest: Option<PathBuf>,

    /// How many files to work on at once. Left out: one per processor core
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,

    /// Writes a report with the findings or measures, spectrograms and levels: one HTML file
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,

    /// Prints the results as one JSON document on stdout
    #[arg(long)]
    pub json: bool,

    /// Overwrites a report that exists already
    #[arg(short, long)]
    pub force: bool,
}

const EVAL_HELP: &str = "\
Without a reference, Attune listens. Of recordings by themselves it says what is wrong with them:
noise, room, hum, tone, level, clipping; the worst first (severe, clear, slight, note). With
--processed and --input it also says what was done to the input, and by how much the output is
better, in PESQ points with the standard deviation of the error; 0.05 is just noticeable. This score
is learned, and may err; it is the mean over passages of about 6 s with speech, weighed by their
speech. A fault (speech swallowed, clipping, musical noise, ...) counts -10 in its passage. Where
there is no speech, there is no score.

With --reference it measures (higher is better, unless said):
  STOI, ESTOI   intelligibility, 0 to 1
  SI-SDR        signal to distortion, dB, whatever the level
  SSNR, fwSSNR  segmental signal to noise, plain and weighted by frequency, -10 to 35 dB
  LSD           log-spectral distance, dB, level-aligned; lower is better
  Level         loudness over the reference's, LU; near 0 is better
  LUFS, dBTP    loudness and true peak of the processed file
  Score         where there is an input: as above

A delay of the processed file of up to 100 ms either way is found and taken out. A file of another
sample rate is resampled to that of its reference (without one, of its input). Of several channels
the mean is measured; loudness and true peak take all of them. Where the reference is silent there is
nothing to measure: a dash here, null in JSON, and the file is left out of the means. The mean of
Level is that of its magnitude. Comparing takes 0.7 GB of memory for each hour and file at 48 kHz.

JSON: `files`, each with `name`, the paths `reference`, `processed`, `input`, then `rate`, `channels`,
`duration_s`, `loudness_lufs`, `true_peak_dbtp`, `warnings` and `error`.
  Without a reference: `file`, the recording or the input, with its `context` (numbers by name) and
  `findings` (`severity`, `text`); of an output `context_after` and `findings_after`.
  With an input: `score` (`mean`, `sigma`; null without speech), `verdict`, `quality` (measures by
  name), `veto` (the first fault, or null), `excerpts` (each with `start_s`, `end_s`, `speech_s`,
  `score`, `veto`, `quality`), and, without a reference, `delay_ms`.
  With a reference: `delay_ms`, `measures` (stoi, estoi, si_sdr_db, ssnr_db, fw_ssnr_db, lsd_db,
  level_lu), and the delay, measures and levels of the input as `before`.
After them `mean` and `mean_before` (as `measures`) and `measured`; or `mean_score` and `scored`; and
`failed` (how many).

Exit code: 0 all is well, 1 some file failed (the others are done), 2 wrong usage,
130 interrupted.

Examples:
  attune eval talk.wav recordings/                    what is wrong with them
  attune eval --processed out.wav --input noisy.wav   what was done, and is it better?
  attune eval --processed enhanced/ --input noisy/ --report eval.html
  attune eval --reference clean.wav --processed out.wav
  attune eval --reference clean/ --processed enhanced/ --input noisy/ --report eval.html
  attune eval --manifest set/manifest.json --processed enhanced/ --json";

/// The latency modes, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// Short windows, as when listening live
    Live,
    /// Long windows, the best quality
    Studio,
}

impl From<Mode> for Latency {
    fn from(mode: Mode) -> Latency {
        match mode {
            Mode::Live => Latency::Live,
            Mode::Studio => Latency::Studio,
        }
    }
}

fn parse_preset(text: &str) -> Result<Preset, String> {
    Preset::find(text).map_err(|e| e.to_string())
}

fn parse_id(text: &str) -> Result<Id, String> {
    let id = text.trim();
    Id::from_name(id).ok_or_else(|| format!("there is no setting \"{id}\"; `attune settings` lists them all"))
}

fn parse_setting(text: &str) -> Result<(Id, f32), String> {
    let (id, value) = text.split_once('=').ok_or("write it as ID=VALUE, for example reduction=12")?;
    let mut settings = Settings::default();
    settings.set_text(id.trim(), value).map_err(|e| e.to_string())?;
    let id = Id::from_name(id.trim()).ok_or("unknown setting")?;
    Ok((id, settings.get(id)))
}
