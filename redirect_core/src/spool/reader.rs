//! The shipper's end of the spool: batches after a watermark, and segments freed below it.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::spool::catalog::{self, Entry};
use crate::spool::format::{Epoch, HEADER_BYTES};
use crate::spool::scan::{End, Scan};
use crate::spool::tally::{Count, Tally};

const LOCK_NAME: &str = ".reader.lock";

/// The last seq that was counted, by epoch; an epoch that is absent has had none.
pub type Watermarks = HashMap<Epoch, u64>;

/// Clicks of one epoch, added up.
#[derive(Debug)]
pub struct Batch {
    /// Whose clicks.
    pub epoch: Epoch,
    /// The watermark that they follow.
    pub after_seq: u64,
    /// The watermark that they reach.
    pub last_seq: u64,
    /// Records read.
    pub records: u64,
    /// Seqs above `after_seq`, up to `last_seq`, without a record.
    pub lost: u64,
    /// Time of the oldest record, in ms since the Unix epoch; 0 without records.
    pub oldest_ms: u64,
    /// The distinct user agents.
    pub user_agents: Vec<Vec<u8>>,
    /// Each combination once.
    pub counts: Vec<Count>,
}

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

/// What is known of an epoch from earlier calls, so that a tail is found at once.
#[derive(Default)]
struct Progress {
    /// Where the last batch began and where it ended: it comes again if it could not be stored.
    marks: [Mark; 2],
    /// The last seq of segments that can't grow, by number; 0: no record.
    ends: HashMap<u32, u64>,
    /// When segments were made, by number.
    created_ms: HashMap<u32, u64>,
}

/// A place in an epoch: all before it, in this segment and in those below, has a seq of at most `seq`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
struct Mark {
    seq: u64,
    number: u32,
    at: usize,
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
            if let Some(created_ms) = self.created_ms(&entry)? {
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

    fn created_ms(&mut self, entry: &Entry) -> io::Result<Option<u64>> {
        let progress = self.progress.entry(entry.name.epoch).or_default();
        if let Some(&known) = progress.created_ms.get(&entry.name.number) {
            return Ok(Some(known));
        }
        let created_ms = Scan::open(entry)?.map(|scan| scan.header().created_ms);
        progress.created_ms.extend(created_ms.map(|created_ms| (entry.name.number, created_ms)));
        Ok(created_ms)
    }
}

impl Progress {
    fn read(&mut self, epoch: Epoch, entries: &[Entry], after_seq: u64, max_records: u64) -> io::Result<Option<Batch>> {
        let start = self.start(entries, after_seq)?;
        let mut reading = Reading { mark: start, after_seq, max_records, ..Reading::default() };
        for entry in entries.iter().filter(|entry| entry.name.number >= start.number) {
            let Some(mut scan) = Scan::open(entry)? else {
                continue;
            };
            reading.enter(entry.name.number);
            let end = scan.end()?;
            let at_end = reading.segment(&mut scan, end)?;
            if !at_end || end == End::Open {
                break;
            }
            self.ends.insert(entry.name.number, reading.found);
        }
        self.marks = [start, reading.mark];
        Ok(reading.finish(epoch))
    }

    /// Where to begin for what follows `after_seq`.
    fn start(&self, entries: &[Entry], after_seq: u64) -> io::Result<Mark> {
        let known = self.marks.iter().filter(|mark| mark.seq <= after_seq).max().copied().unwrap_or_default();
        if known != Mark::default() || after_seq == 0 {
            return Ok(known);
        }
        // After a restart: whole segments are skipped by the first seq of the next.
        for entry in entries.iter().rev() {
            let first_seq = match Scan::open(entry)? {
                Some(scan) => scan.first_seq()?,
                None => None,
            };
            if let Some(before) = first_seq.and_then(|seq| seq.checked_sub(1)).filter(|&before| before <= after_seq) {
                return Ok(Mark { seq: before, number: entry.name.number, at: HEADER_BYTES });
            }
        }
        Ok(known)
    }

    /// The last seq of a segment that can't grow (0: no record); `None`: it can, or it is not to be read.
    fn end(&mut self, entry: &Entry) -> io::Result<Option<u64>> {
        if let Some(&known) = self.ends.get(&entry.name.number) {
            return Ok(Some(known));
        }
        let Some(mut scan) = Scan::open(entry)? else {
            return Ok(None);
        };
        let end = scan.end()?;
        if end == End::Open {
            return Ok(None);
        }
        let mut reading = Reading { after_seq: u64::MAX, max_records: u64::MAX, ..Reading::default() };
        reading.enter(entry.name.number);
        reading.segment(&mut scan, end)?;
        self.ends.insert(entry.name.number, reading.found);
        Ok(Some(reading.found))
    }

    fn forget(&mut self, number: u32) {
        self.ends.remove(&number);
        self.created_ms.remove(&number);
    }
}

/// A batch in the making.
#[derive(Default)]
struct Reading {
    /// How far it came.
    mark: Mark,
    after_seq: u64,
    max_records: u64,
    /// The last seq of the segment being read; 0: none found.
    found: u64,
    records: u64,
    oldest_ms: Option<u64>,
    tally: Tally,
}

impl Reading {
    /// Go on in the segment of this number.
    fn enter(&mut self, number: u32) {
        self.found = 0;
        if self.mark.number == number && self.mark.at > 0 {
            self.found = self.mark.seq;
        } else {
            self.mark = Mark { seq: self.mark.seq, number, at: HEADER_BYTES };
        }
    }

    /// Read the rest of a segment. False: the batch is full before its end.
    fn segment(&mut self, scan: &mut Scan, end: End) -> io::Result<bool> {
        let complete = end.last_seq();
        if let Some(last_seq) = complete.filter(|&last_seq| last_seq <= self.after_seq) {
            self.found = last_seq;
            return Ok(true);
        }
        loop {
            if self.records >= self.max_records {
                return Ok(false);
            }
            if self.record(scan)? {
                continue;
            }
            if end == End::Open || complete.is_some_and(|last_seq| self.mark.seq >= last_seq) {
                return Ok(true);
            }
            let Some(at) = scan.resync(self.mark.at, self.mark.seq)? else {
                break;
            };
            self.mark.at = at;
        }
        self.mark.at = scan.header().size as usize; // so that what is torn is searched once
        if let Some(last_seq) = complete {
            self.found = last_seq; // its last records are lost
            self.mark.seq = self.mark.seq.max(last_seq);
        }
        Ok(true)
    }

    /// Read the record at the mark. False: there is none.
    fn record(&mut self, scan: &mut Scan) -> io::Result<bool> {
        let Some((record, next)) = scan.record(self.mark.at, self.mark.seq)? else {
            return Ok(false);
        };
        self.mark.seq = record.seq;
        self.mark.at = next;
        self.found = record.seq;
        if record.seq > self.after_seq {
            self.tally.add(&record);
            self.records += 1;
            self.oldest_ms = Some(self.oldest_ms.map_or(record.time_ms, |oldest| oldest.min(record.time_ms)));
        }
        Ok(true)
    }

    /// The batch; `None`: nothing is new.
    fn finish(self, epoch: Epoch) -> Option<Batch> {
        let last_seq = self.mark.seq;
        let seqs = last_seq.checked_sub(self.after_seq).filter(|&seqs| seqs > 0)?;
        let (user_agents, counts) = self.tally.finish();
        Some(Batch {
            epoch,
            after_seq: self.after_seq,
            last_seq,
            records: self.records,
            lost: seqs.saturating_sub(self.records),
            oldest_ms: self.oldest_ms.unwrap_or(0),
            user_agents,
            counts,
        })
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
