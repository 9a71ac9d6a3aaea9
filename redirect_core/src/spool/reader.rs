//! The shipper's end of the spool: batches after a watermark, and segments freed below it.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::spool::batch::Batch;
use crate::spool::catalog::{self, Entry};
use crate::spool::names::Epoch;
use crate::spool::progress::Progress;

const LOCK_NAME: &str = ".reader.lock";

/// The last seq that was counted, by epoch; an epoch that is absent has had none.
pub type Watermarks = HashMap<Epoch, u64>;

/// What a spool takes.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Size {
    /// Bytes of all segments.
    pub bytes: u64,
    /// How many there are.
    pub segments: u64,
    /// When the oldest was made, in ms since the Unix epoch; 0: there is none.
    pub oldest_ms: u64,
}

/// The one reader of a folder.
pub struct SpoolReader {
    folder: PathBuf,
    /// Locked while it is open.
    _lock: File,
    progress: HashMap<Epoch, Progress>,
}

impl SpoolReader {
    /// Take the folder's lock. `None`: another reader has it.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(folder: PathBuf) -> io::Result<Option<Self>> {
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(folder.join(LOCK_NAME))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Self { folder, _lock: lock, progress: HashMap::new() })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Epochs that have segments.
    ///
    /// # Errors
    /// What the system says.
    pub fn epochs(&self) -> io::Result<Vec<Epoch>> {
        let mut epochs: Vec<_> = catalog::segments(&self.folder)?.iter().map(|entry| entry.name.epoch).collect();
        epochs.dedup();
        Ok(epochs)
    }

    /// Names of segments that were set aside because their header is damaged.
    ///
    /// # Errors
    /// What the system says.
    pub fn damaged(&self) -> io::Result<Vec<OsString>> {
        catalog::damaged(&self.folder)
    }

    /// What the spool takes.
    ///
    /// # Errors
    /// What the system says.
    pub fn size(&mut self) -> io::Result<Size> {
        let mut size = Size::default();
        for entry in catalog::segments(&self.folder)? {
            size.bytes += entry.bytes;
            size.segments += 1;
            let progress = self.progress.entry(entry.name.epoch).or_default();
            if let Some(created_ms) = progress.created_ms(&entry)? {
                size.oldest_ms = if size.oldest_ms == 0 { created_ms } else { size.oldest_ms.min(created_ms) };
            }
        }
        Ok(size)
    }

    /// The clicks after each epoch's watermark: at most one batch an epoch, of at most `max_records`.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(&mut self, watermarks: &Watermarks, max_records: u64) -> io::Result<Vec<Batch>> {
        let epochs = by_epoch(catalog::segments(&self.folder)?);
        self.progress.retain(|epoch, _| epochs.contains_key(epoch));
        let mut batches = Vec::new();
        for (epoch, entries) in &epochs {
            let after_seq = watermarks.get(epoch).copied().unwrap_or(0);
            let progress = self.progress.entry(*epoch).or_default();
            batches.extend(progress.read(*epoch, entries, after_seq, max_records)?);
        }
        Ok(batches)
    }

    /// Delete segments that can't grow and have no record above their epoch's watermark; returns bytes freed.
    ///
    /// # Errors
    /// What the system says.
    pub fn free(&mut self, watermarks: &Watermarks) -> io::Result<u64> {
        let mut freed = 0;
        for entry in catalog::segments(&self.folder)? {
            let watermark = watermarks.get(&entry.name.epoch).copied().unwrap_or(0);
            let progress = self.progress.entry(entry.name.epoch).or_default();
            if progress.end(&entry)?.is_some_and(|last_seq| last_seq <= watermark) {
                remove(&entry.path)?;
                progress.forget(entry.name.number);
                freed += entry.bytes;
            }
        }
        Ok(freed)
    }
}

fn by_epoch(entries: Vec<Entry>) -> BTreeMap<Epoch, Vec<Entry>> {
    let mut epochs: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in entries {
        epochs.entry(entry.name.epoch).or_default().push(entry);
    }
    epochs
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
