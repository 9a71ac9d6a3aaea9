//! What lies in a spool folder.

use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use crate::spool::names::SegmentName;

/// Behind the name of a segment that was set aside.
pub const BAD_SUFFIX: &str = ".bad";

/// A segment's file.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What its name says.
    pub name: SegmentName,
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
}

/// All segments, each epoch's together and in order.
///
/// # Errors
/// The folder can't be read.
pub fn segments(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for file in fs::read_dir(folder)? {
        let file = file?;
        let Some(name) = file.file_name().to_str().and_then(SegmentName::parse) else {
            continue;
        };
        if let Some(bytes) = length(&file)? {
            entries.push(Entry { name, path: file.path(), bytes });
        }
    }
    entries.sort_unstable_by_key(|entry| entry.name);
    Ok(entries)
}

/// Names of segments that were set aside, sorted.
///
/// # Errors
/// The folder can't be read.
pub fn damaged(folder: &Path) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for file in fs::read_dir(folder)? {
        let name = file?.file_name();
        if name.to_str().and_then(|text| text.strip_suffix(BAD_SUFFIX)).and_then(SegmentName::parse).is_some() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// `None`: deleted meanwhile.
fn length(file: &DirEntry) -> io::Result<Option<u64>> {
    match file.metadata() {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
