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
use crate::spool::events::Events;
use crate::spool::names::Epoch;
use crate::spool::progress::{Progress, Span};
use crate::spool::tally::Counts;
use crate::spool::troubles::Troubles;

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
    troubles: Troubles,
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
            Ok(()) => Ok(Some(Self { folder, _lock: lock, progress: HashMap::new(), troubles: Troubles::default() })),
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

    /// Segments that could not be read when that was tried last, and why. They hold up their epoch alone, which is read
    /// as far as they are.
    #[must_use]
    pub fn errors(&self) -> Vec<(String, String)> {
        self.troubles.told()
    }

    /// What the spool takes.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn size(&mut self) -> io::Result<Size> {
        let mut size = Size::default();
        for (created_ms, entry) in self.by_age()? {
            size.bytes += entry.bytes;
            size.segments += 1;
            if let Some(created_ms) = created_ms {
                size.oldest_ms = if size.oldest_ms == 0 { created_ms } else { size.oldest_ms.min(created_ms) };
            }
        }
        Ok(size)
    }

    /// The clicks after each epoch's watermark, added up: at most one batch an epoch, of at most `max_records`.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn read(&mut self, watermarks: &Watermarks, max_records: u64) -> io::Result<Vec<Batch<Counts>>> {
        self.batches(watermarks, max_records, Progress::read)
    }

    /// As `read`, click by click; its place in the spool is kept apart from that of `read`.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn read_events(&mut self, watermarks: &Watermarks, max_records: u64) -> io::Result<Vec<Batch<Events>>> {
        self.batches(watermarks, max_records, Progress::read_events)
    }

    /// Delete segments that can't grow and have no record above their epoch's watermark; returns bytes freed.
    ///
    /// # Errors
    /// The folder can't be read, or a segment not be deleted.
    pub fn free(&mut self, watermarks: &Watermarks) -> io::Result<u64> {
        self.free_oldest(watermarks, u64::MAX)
    }

    /// As `free`, oldest first, and no more than it takes to free `bytes_wanted`.
    ///
    /// # Errors
    /// As `free`.
    pub fn free_oldest(&mut self, watermarks: &Watermarks, bytes_wanted: u64) -> io::Result<u64> {
        let mut freed = 0;
        for (_, entry) in self.by_age()? {
            if freed >= bytes_wanted {
                break;
            }
            let watermark = watermarks.get(&entry.name.epoch).copied().unwrap_or(0);
            let progress = self.progress.entry(entry.name.epoch).or_default();
            let end = self.troubles.note(&entry, progress.end(&entry)).flatten();
            if end.is_some_and(|last_seq| last_seq <= watermark) {
                remove(&entry.path)?;
                progress.forget(entry.name.number);
                freed += entry.bytes;
            }
        }
        Ok(freed)
    }

    fn batches<T>(
        &mut self,
        watermarks: &Watermarks,
        max_records: u64,
        read: impl Fn(&mut Progress, &Span<'_>, &mut Troubles) -> Option<Batch<T>>,
    ) -> io::Result<Vec<Batch<T>>> {
        let entries = catalog::segments(&self.folder)?;
        self.troubles.retain(&entries);
        let epochs = by_epoch(entries);
        self.progress.retain(|epoch, _| epochs.contains_key(epoch));
        let batches = epochs.iter().filter_map(|(epoch, entries)| {
            let after_seq = watermarks.get(epoch).copied().unwrap_or(0);
            let progress = self.progress.entry(*epoch).or_default();
            read(progress, &Span { entries, after_seq, max_records }, &mut self.troubles)
        });
        Ok(batches.collect())
    }

    /// All segments and when they were made, oldest first; `None`, and first of all: that can't be told.
    fn by_age(&mut self) -> io::Result<Vec<(Option<u64>, Entry)>> {
        let mut segments = Vec::new();
        for entry in catalog::segments(&self.folder)? {
            let progress = self.progress.entry(entry.name.epoch).or_default();
            let created_ms = self.troubles.note(&entry, progress.created_ms(&entry)).flatten();
            segments.push((created_ms, entry));
        }
        segments.sort_by_key(|&(created_ms, _)| created_ms); // stable: an epoch's segments stay in order
        Ok(segments)
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
