//! Which file becomes which: settled, and checked, before any work begins.

use super::args::Enhance;
use super::decode;
use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

/// One file to enhance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// What is read.
    pub input: PathBuf,
    /// What is written.
    pub output: PathBuf,
}

/// The jobs for what was typed. The error tells a person what to type instead.
pub fn plan(args: &Enhance) -> Result<Vec<Job>, String> {
    let suffix = if args.delta { "-removed" } else { "-enhanced" };
    let folder = output_folder(args)?;
    let mut jobs = Vec::new();
    for input in &args.inputs {
        if input.is_dir() {
            let target = match (&folder, &args.output) {
                (Some(folder), _) => folder.clone(),
                (None, _) => beside(input, suffix, "")?,
            };
            if same(input, &target) {
                return Err(format!(
                    "{}: the output folder is the input folder; choose another with -o",
                    input.display()
                ));
            }
            let before = jobs.len();
            for file in audio_files(input, Some(&target)) {
                let relative = file.strip_prefix(input).unwrap_or(&file);
                jobs.push(Job { output: target.join(relative).with_extension("wav"), input: file });
            }
            if jobs.len() == before {
                return Err(format!(
                    "{}: no audio files in this folder ({})",
                    input.display(),
                    decode::EXTENSIONS.join(", ")
                ));
            }
        } else {
            let output = match (&folder, &args.output) {
                (Some(folder), _) => folder.join(input.file_name().unwrap_or_default()).with_extension("wav"),
                (None, Some(file)) => file.clone(),
                (None, None) => beside(input, suffix, ".wav")?,
            };
            jobs.push(Job { input: input.clone(), output });
        }
    }
    refuse_conflicts(jobs, args)
}

/// The output folder, if the output is one.
fn output_folder(args: &Enhance) -> Result<Option<PathBuf>, String> {
    let Some(output) = &args.output else { return Ok(None) };
    let slash = output.as_os_str().to_string_lossy().ends_with(['/', MAIN_SEPARATOR]);
    let many = args.inputs.len() > 1 || args.inputs.iter().any(|input| input.is_dir());
    let wav = output.extension().is_some_and(|e| e.eq_ignore_ascii_case("wav"));
    let shown = output.display();
    if output.is_dir() || slash || many && !wav {
        if output.is_file() {
            return Err(format!("{shown}: is a file, but the output of several inputs must be a folder"));
        }
        return Ok(Some(output.clone()));
    }
    if many {
        return Err(format!("{shown}: the output of several inputs must be a folder; write `-o FOLDER/`"));
    }
    if !wav {
        return Err(format!(
            "{shown}: the output is a WAV file, so its name must end in .wav; for a folder write `-o {shown}/`"
        ));
    }
    Ok(None)
}

/// `talk.flac` to `talk-enhanced.wav`, `day1/` to `day1-enhanced`.
fn beside(input: &Path, suffix: &str, extension: &str) -> Result<PathBuf, String> {
    let whole =
        if input.file_name().is_some() { input.to_owned() } else { fs::canonicalize(input).unwrap_or_default() };
    let name = if extension.is_empty() { whole.file_name() } else { whole.file_stem() };
    let mut name: OsString = name.ok_or_else(|| format!("{}: say with -o where to write", input.display()))?.to_owned();
    name.push(suffix);
    name.push(extension);
    Ok(whole.with_file_name(name))
}

/// All audio files below a folder, sorted; nothing hidden, nothing in the output folder.
pub fn audio_files(folder: &Path, output: Option<&Path>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    walk(folder, output, &mut HashSet::new(), &mut files);
    files
}

fn walk(folder: &Path, output: Option<&Path>, visited: &mut HashSet<PathBuf>, files: &mut Vec<PathBuf>) {
    let new = fs::canonicalize(folder).is_ok_and(|real| visited.insert(real));
    if !new || output.is_some_and(|output| same(folder, output)) {
        return;
    }
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        if hidden {
        } else if path.is_dir() {
            walk(&path, output, visited, files);
        } else if decode::EXTENSIONS.contains(&extension.as_str()) {
            files.push(path);
        }
    }
}

/// Two inputs must not become one output, and no output may be an input, of any job, nor the report.
fn refuse_conflicts(jobs: Vec<Job>, args: &Enhance) -> Result<Vec<Job>, String> {
    let mut inputs = HashMap::new();
    for job in &jobs {
        if let Some(identity) = identity(&job.input) {
            inputs.entry(identity).or_insert(&job.input);
        }
    }
    let mut outputs: HashMap<PathBuf, PathBuf> = HashMap::new();
    let mut unique: Vec<Job> = Vec::new();
    for extra in args.report.iter().chain(&args.spectrogram).chain(&args.log) {
        if identity(extra).is_some_and(|identity| inputs.contains_key(&identity)) {
            return Err(format!("{}: is an input and will not be overwritten; choose another name", extra.display()));
        }
        if extra.is_dir() {
            return Err(format!("{}: is a folder; give the name of a file in it", extra.display()));
        }
        if extra.exists() && !args.force {
            return Err(format!("{}: exists already; add --force to overwrite it", extra.display()));
        }
        if let Some(other) = outputs.insert(resolved(extra), extra.clone()) {
            return Err(format!("{}: would be written twice", other.display()));
        }
    }
    for job in &jobs {
        let shown = job.output.display();
        if let Some(input) = identity(&job.output).and_then(|identity| inputs.get(&identity)) {
            return Err(format!(
                "{shown}: is the input {} and will not be overwritten; choose another name with -o",
                input.display()
            ));
        }
        match outputs.insert(resolved(&job.output), job.input.clone()) {
            Some(other) if same(&other, &job.input) => {}
            Some(other) => {
                let (a, b) = (other.display(), job.input.display());
                return Err(format!("{shown}: both {a} and {b} would be written there; enhance them one at a time"));
            }
            None => unique.push(job.clone()),
        }
    }
    Ok(unique)
}

/// What makes a file the same file, whatever its name: symbolic and hard links are seen through.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

/// Whether two paths lead to one file.
pub fn same(a: &Path, b: &Path) -> bool {
    a == b || identity(a).is_some_and(|identity_of_a| identity(b) == Some(identity_of_a))
}

/// A path that need not exist yet, with its existing part made canonical.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(real) = fs::canonicalize(path) {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if parent.as_os_str().is_empty() => resolved(Path::new(".")).join(name),
        (Some(parent), Some(name)) => resolved(parent).join(name),
        _ => path.to_owned(),
    }
}
