//! Segments that could not be read, and why.

use std::collections::BTreeMap;
use std::io;

use crate::spool::catalog::Entry;
use crate::spool::names::SegmentName;

/// What the system said of each, when it was tried last.
#[derive(Default)]
pub struct Troubles(BTreeMap<SegmentName, String>);

impl Troubles {
    /// What was asked of the segment; `None`: it can't be read, which is noted.
    pub fn note<T>(&mut self, entry: &Entry, asked: io::Result<T>) -> Option<T> {
        asked.inspect_err(|error| drop(self.0.insert(entry.name, error.to_string()))).ok()
    }

    /// It was read to its end.
    pub fn is_over(&mut self, entry: &Entry) {
        self.0.remove(&entry.name);
    }

    /// Forget segments that are no more.
    pub fn retain(&mut self, entries: &[Entry]) {
        self.0.retain(|name, _| entries.binary_search_by_key(name, |entry| entry.name).is_ok());
    }

    /// Names of files, and why they can't be read.
    #[must_use]
    pub fn told(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(name, reason)| (name.to_string(), reason.clone())).collect()
    }
}
