//! One page from many sections.
//!
//! Each section is written to a temporary file as soon as it is made, so a batch of a thousand files
//! takes no more memory than one.

use super::super::encode;
use super::html::{escape, fill};
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A page in the making.
pub struct Pages {
    path: PathBuf,
    sections: TempDir,
}

impl Pages {
    /// Begins a page.
    pub fn new(path: &Path) -> io::Result<Pages> {
        Ok(Pages { path: path.to_owned(), sections: tempfile::tempdir()? })
    }

    /// Adds a section; may be called from any thread, in any order.
    pub fn add(&self, index: usize, section: &str) -> io::Result<()> {
        fs::write(self.file(index), section)
    }

    /// Puts everything together and moves the page to its place: the template with its values, and, in
    /// the place of `{{sections}}`, the sections in their order, or what failed (name, reason) instead.
    /// The error is a reason in words.
    pub fn finish(
        self,
        template: &str,
        values: &[(&str, &str)],
        failures: impl Iterator<Item = Option<(String, String)>>,
    ) -> Result<(), String> {
        let folder = self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = BufWriter::new(encode::temporary(folder).map_err(|e| encode::explain(&e))?);
        self.write(&mut file, template, values, failures).map_err(|e| encode::explain(&e))?;
        let file = file.into_inner().map_err(|e| encode::explain(e.error()))?;
        encode::persist(file, &self.path)
    }

    fn write(
        &self,
        file: &mut impl Write,
        template: &str,
        values: &[(&str, &str)],
        failures: impl Iterator<Item = Option<(String, String)>>,
    ) -> io::Result<()> {
        let (head, tail) = template.split_once("{{sections}}").unwrap_or((template, ""));
        file.write_all(fill(head, values).as_bytes())?;
        for (index, failure) in failures.enumerate() {
            match failure {
                None => {
                    io::copy(&mut fs::File::open(self.file(index))?, file)?;
                }
                Some((name, reason)) => write!(
                    file,
                    "<section class=\"card\" id=\"file{index}\"><h2>{}</h2>\
                     <ul class=\"findings\"><li class=\"bad\">{}</li></ul></section>",
                    escape(&name),
                    escape(&reason)
                )?,
            }
        }
        file.write_all(fill(tail, values).as_bytes())
    }

    fn file(&self, index: usize) -> PathBuf {
        self.sections.path().join(index.to_string())
    }
}
