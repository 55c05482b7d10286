//! Development tasks of Attune: `cargo xtask help`.

mod bundle;
mod check_eval;
mod ears;
mod python;
mod readme;
mod score;
mod score_loop;
mod system;
mod test;

use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Development tasks of Attune
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Everything that must pass: format, lints, docs, the tests, the README's commands
    ///
    /// Installs what is missing on Debian and Ubuntu, says what to install elsewhere. Stops at the
    /// first failure. The last line counts the tests.
    Test(test::Options),
    /// Builds the plugin: target/bundled/Attune.clap and Attune.vst3
    Bundle(bundle::Options),
    /// Builds the plugin, and copies it to where this user's hosts look for it
    InstallPlugin(bundle::Options),
    /// Enhances a set of noisy recordings and scores it against the clean ones: PESQ, STOI, SI-SDR
    #[command(after_help = score::HELP)]
    Score(score::Options),
    /// Compares the measures of `attune eval` with pystoi's over a set
    #[command(after_help = check_eval::HELP)]
    CheckEval(check_eval::Options),
    /// Trains the score that judges without a reference, and writes its weights to assets/score
    #[command(after_help = ears::TRAIN_HELP)]
    TrainScore(ears::Options),
    /// Checks the score on recordings, voices and rooms that its training never saw
    #[command(after_help = ears::CHECK_HELP)]
    CheckScore(ears::Options),
    /// Shows what adapting is worth: untouched, fixed settings, `--adapt`, and the best that was possible
    #[command(after_help = score_loop::HELP)]
    ScoreLoop(score_loop::Options),
    /// Shows how far what is estimated of a recording (SNR, decay time, hum) is from what is known of it
    #[command(after_help = ears::CONTEXT_HELP)]
    CheckContext(ears::Set),
}

fn main() -> ExitCode {
    let outcome = match Task::parse() {
        Task::Test(options) => test::run(&options),
        Task::Bundle(options) => bundle::bundle(&options),
        Task::InstallPlugin(options) => bundle::install(&options),
        Task::Score(options) => score::run(&options),
        Task::CheckEval(options) => check_eval::run(&options),
        Task::TrainScore(options) => ears::train(&options),
        Task::CheckScore(options) => ears::check(&options),
        Task::ScoreLoop(options) => score_loop::run(&options),
        Task::CheckContext(set) => ears::context(&set),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository")
}

/// Where cargo builds, and where the tasks put what they make.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}
