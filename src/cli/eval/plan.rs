//! Which file is measured against which: settled before any work begins.

use super::super::args::Eval;
use super::super::plan::{audio_files, same};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// What belongs together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// What it is called: the processed file's path within its folder.
    pub name: String,
    /// The clean recording, where there is one.
    pub reference: Option<PathBuf>,
    /// What came out; or a recording by itself.
    pub processed: PathBuf,
    /// What went in, where that is asked for.
    pub input: Option<PathBuf>,
}

/// A file to measure, or what is missing for it: its name and a reason.
pub type Job = Result<Files, (String, String)>;

/// The jobs for what was typed. The error tells a person what to type instead.
pub fn plan(args: &Eval) -> Result<Vec<Job>, String> {
    let others = || [&args.reference, &args.input].into_iter().flatten();
    let jobs = match (&args.processed, &args.manifest) {
        (None, _) => from_recordings(&args.recordings)?,
        (Some(processed), Some(manifest)) => from_manifest(manifest, processed)?,
        (Some(processed), None) if args.reference.is_none() && args.input.is_none() => {
            from_recordings(std::slice::from_ref(processed))?
        }
        (Some(processed), None) if processed.is_dir() || args.reference.as_ref().is_some_and(|r| r.is_dir()) => {
            from_folders(processed, args)?
        }
        (Some(processed), None) => {
            if let Some(folder) = others().find(|path| path.is_dir()) {
                return Err(format!("{}: is a folder, but the other inputs are files", folder.display()));
            }
            vec![Ok(Files {
                name: file_name(processed),
                reference: args.reference.clone(),
                processed: processed.clone(),
                input: args.input.clone(),
            })]
        }
    };
    refuse_overwriting(&jobs, args)?;
    Ok(jobs)
}

/// Recordings by themselves: files, and what is in folders.
fn from_recordings(recordings: &[PathBuf]) -> Result<Vec<Job>, String> {
    let mut jobs: Vec<Job> = Vec::new();
    for recording in recordings {
        let files = if recording.is_dir() { Folder::read(recording)?.files } else { vec![recording.clone()] };
        for file in files {
            let name = match file.strip_prefix(recording) {
                Ok(relative) if recording.is_dir() => relative.to_string_lossy().into_owned(),
                _ => file_name(&file),
            };
            if !jobs.iter().flatten().any(|known| known.processed == file) {
                jobs.push(Ok(Files { name, reference: None, processed: file, input: None }));
            }
        }
    }
    Ok(jobs)
}

fn from_folders(processed: &Path, args: &Eval) -> Result<Vec<Job>, String> {
    let processed = Folder::read(processed)?;
    let references = args.reference.as_deref().map(Folder::read).transpose()?;
    let inputs = args.input.as_deref().map(Folder::read).transpose()?;
    let mut jobs = Vec::new();
    let mut used = Vec::new();
    for file in &processed.files {
        let relative = file.strip_prefix(processed.path).unwrap_or(file);
        let name = relative.to_string_lossy().into_owned();
        let find = |folder: &Option<Folder>, what| folder.as_ref().map(|f| f.find(relative, what)).transpose();
        let files = find(&references, "reference").and_then(|reference| {
            used.extend(reference.clone());
            let input = find(&inputs, "input")?;
            used.extend(input.clone());
            Ok(Files { name: name.clone(), reference, processed: file.clone(), input })
        });
        jobs.push(files.map_err(|reason| (name, format!("{}: {reason}", file.display()))));
    }
    // A set that lost a file must not look complete: each reference, or else each input, has its output.
    let Some(originals) = references.as_ref().or(inputs.as_ref()) else { return Ok(jobs) };
    let what = if references.is_some() { "reference" } else { "input" };
    for file in originals.files.iter().filter(|file| !used.contains(file)) {
        let relative = file.strip_prefix(originals.path).unwrap_or(file);
        let reason = processed.find(relative, "processed file").err();
        let reason = reason.unwrap_or_else(|| format!("another {what} goes with its processed file"));
        jobs.push(Err((relative.to_string_lossy().into_owned(), format!("{}: {reason}", file.display()))));
    }
    Ok(jobs)
}

fn from_manifest(manifest: &Path, processed: &Path) -> Result<Vec<Job>, String> {
    let shown = manifest.display();
    let text = fs::read_to_string(manifest).map_err(|e| format!("{shown}: can't be read ({e})"))?;
    let parsed: Value = serde_json::from_str(&text).map_err(|e| format!("{shown}: is no JSON ({e})"))?;
    let items = parsed["items"].as_array().filter(|items| !items.is_empty());
    let items = items.ok_or_else(|| format!("{shown}: has no `items`; it lists files as attune eval --help shows"))?;
    let outputs = Folder::read(processed)?;
    let root = manifest.parent().unwrap_or(Path::new(""));
    let job = |(number, item): (usize, &Value)| {
        let path = |key: &str| {
            let file = item[key].as_str();
            file.map(|file| root.join(file)).ok_or_else(|| format!("{shown}: item {} has no `{key}`", number + 1))
        };
        let (reference, input) = (path("clean")?, path("noisy")?);
        let name = file_name(&input);
        Ok(match outputs.find(Path::new(&name), "processed file") {
            Ok(processed) => Ok(Files { name, reference: Some(reference), processed, input: Some(input) }),
            Err(reason) => Err((name, format!("{}: {reason}", input.display()))),
        })
    };
    items.iter().enumerate().map(job).collect()
}

/// The audio files of a folder.
struct Folder<'a> {
    path: &'a Path,
    files: Vec<PathBuf>,
}

impl Folder<'_> {
    fn read(path: &Path) -> Result<Folder<'_>, String> {
        if !path.is_dir() {
            let what = if path.exists() { "is a file, but the others are folders" } else { "does not exist" };
            return Err(format!("{}: {what}; give a folder of recordings", path.display()));
        }
        let files = audio_files(path, None);
        if files.is_empty() {
            return Err(format!("{}: no audio files in this folder", path.display()));
        }
        Ok(Folder { path, files })
    }

    /// The file of this relative path; or, whatever its extension, the one of this stem.
    fn find(&self, relative: &Path, what: &str) -> Result<PathBuf, String> {
        let wanted = self.path.join(relative);
        if self.files.contains(&wanted) {
            return Ok(wanted);
        }
        let stem = wanted.with_extension("");
        let found: Vec<_> = self.files.iter().filter(|file| file.with_extension("") == stem).collect();
        match found[..] {
            [one] => Ok(one.clone()),
            [] => Err(format!("has no {what}: there is no {} (nor of another audio format)", wanted.display())),
            [a, b, ..] => Err(format!("could go with {} and with {}; remove one", a.display(), b.display())),
        }
    }
}

fn refuse_overwriting(jobs: &[Job], args: &Eval) -> Result<(), String> {
    let Some(report) = &args.report else { return Ok(()) };
    let shown = report.display();
    let mut inputs = jobs.iter().flatten().flat_map(|f| [f.reference.as_ref(), Some(&f.processed), f.input.as_ref()]);
    if inputs.any(|input| input.is_some_and(|input| same(input, report))) {
        return Err(format!("{shown}: is an input and will not be overwritten; choose another name"));
    }
    if report.is_dir() {
        return Err(format!("{shown}: is a folder; give the name of a file in it"));
    }
    if report.exists() && !args.force {
        return Err(format!("{shown}: exists already; add --force to overwrite it"));
    }
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
