//! A segment as its reader has it: header, stamps, and record after record as far as they are sound.
//!
//! Segments are read, not mapped: what a writer stores meanwhile then can't change under a borrow, a file cut short is
//! no SIGBUS, and a record caught half-written fails its CRC like any torn one.

use std::fs::{self, File};
use std::io;
use std::ops::{Bound, RangeBounds};
use std::os::unix::fs::FileExt;

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::spool::catalog::{BAD_SUFFIX, Entry};
use crate::spool::header::{FIRST_SEQ_AT, HEADER_BYTES, Header, LAST_SEQ_AT, STAMP_BYTES, read_stamp};
use crate::spool::record::{ALIGNMENT, MAX_RECORD_BYTES, Record, read_record};

/// Read at once; a tail of a few records costs no more than it has.
const CHUNK_BYTES: usize = 256 * 1024;

/// The seqs that a record may have: above the last one read, up to the last that its segment can have.
pub type Seqs = (Bound<u64>, Bound<u64>);

/// A segment that can be read.
pub struct Scan {
    file: File,
    header: Header,
    seed: u32,
    /// A part of the file, and where in the file it begins.
    buffer: Vec<u8>,
    buffer_at: usize,
}

impl Scan {
    /// Open a segment. `None`: there is nothing to be read, and nothing to be done about it but what was done: a
    /// segment being born is left alone, an unborn one of a dead writer is deleted, a damaged one is set aside.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(entry: &Entry) -> io::Result<Option<Self>> {
        let file = match File::open(&entry.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let mut header = read_header(&file, entry)?;
        if header.is_none() {
            if !is_abandoned(&file)? {
                return Ok(None);
            }
            header = read_header(&file, entry)?; // what its writer wrote before it let go
        }
        let Some(header) = header else {
            // The lock is still held here, so that no writer can begin with what is taken away.
            clear_away(&file, entry)?;
            return Ok(None);
        };
        let seed = header.name.epoch.seed();
        Ok(Some(Self { file, header, seed, buffer: Vec::new(), buffer_at: 0 }))
    }

    /// The segment's header.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The seq of its first record; `None`: it has none yet, or the stamp did not reach the disk.
    ///
    /// # Errors
    /// What the system says.
    pub fn first_seq(&self) -> io::Result<Option<u64>> {
        self.stamp(FIRST_SEQ_AT)
    }

    /// Whether anything can still be appended; to be asked before reading, so that what is read then is all.
    ///
    /// # Errors
    /// What the system says.
    pub fn end(&self) -> io::Result<End> {
        if let Some(last_seq) = self.stamp(LAST_SEQ_AT)? {
            return Ok(End::Complete(last_seq));
        }
        if !is_abandoned(&self.file)? {
            return Ok(End::Open);
        }
        // Between the two looks it may have been completed and closed.
        Ok(self.stamp(LAST_SEQ_AT)?.map_or(End::Abandoned, End::Complete))
    }

    /// The record at `at` if it is sound and its seq among `seqs`, with where the next one begins.
    ///
    /// # Errors
    /// What the system says.
    pub fn record(&mut self, at: usize, seqs: Seqs) -> io::Result<Option<(Record<'_>, usize)>> {
        self.fill(at)?;
        let seed = self.seed;
        let bytes = self.buffer.get(at - self.buffer_at..).unwrap_or_default();
        Ok(read_record(bytes, seed)
            .filter(|(record, _)| seqs.contains(&record.seq))
            .map(|(record, length)| (record, at + length)))
    }

    /// Where the next sound record behind `at` begins: what lies between was torn. `None`: there is none.
    ///
    /// # Errors
    /// What the system says.
    pub fn resync(&mut self, at: usize, seqs: Seqs) -> io::Result<Option<usize>> {
        let mut place = at + ALIGNMENT;
        while place < self.header.size as usize {
            self.fill(place)?;
            let Some(bytes) = self.buffer.get(place - self.buffer_at..).filter(|bytes| !bytes.is_empty()) else {
                return Ok(None); // the file was cut short
            };
            let seed = self.seed;
            let is_last = self.buffer_at + self.buffer.len() >= self.header.size as usize;
            let steps = if is_last { bytes.len() } else { (bytes.len() + 1).saturating_sub(MAX_RECORD_BYTES).max(1) };
            for step in (0..steps).step_by(ALIGNMENT) {
                if read_record(&bytes[step..], seed).is_some_and(|(record, _)| seqs.contains(&record.seq)) {
                    return Ok(Some(place + step));
                }
            }
            place += steps.next_multiple_of(ALIGNMENT);
        }
        Ok(None)
    }

    /// Have the longest record that may begin at `at` in the buffer, if the file reaches so far.
    fn fill(&mut self, at: usize) -> io::Result<()> {
        let end = (at + MAX_RECORD_BYTES).min(self.header.size as usize);
        if self.buffer_at <= at && end <= self.buffer_at + self.buffer.len() {
            return Ok(());
        }
        let wanted = CHUNK_BYTES.min((self.header.size as usize).saturating_sub(at));
        self.buffer.resize(wanted, 0);
        self.buffer_at = at;
        let read = read_whole(&self.file, &mut self.buffer, at)?;
        self.buffer.truncate(read);
        Ok(())
    }

    fn stamp(&self, at: usize) -> io::Result<Option<u64>> {
        let mut bytes = [0; STAMP_BYTES];
        read_whole(&self.file, &mut bytes, at)?;
        Ok(read_stamp(&bytes, self.seed))
    }
}

/// Whether a segment can grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Its writer lives.
    Open,
    /// Its writer said that this is the last seq in it.
    Complete(u64),
    /// Its writer is gone, without a word.
    Abandoned,
}

impl End {
    /// The last seq, where the writer said it.
    #[must_use]
    pub fn last_seq(self) -> Option<u64> {
        match self {
            Self::Complete(last_seq) => Some(last_seq),
            Self::Open | Self::Abandoned => None,
        }
    }
}

/// The header, if it is sound and the file's own.
fn read_header(file: &File, entry: &Entry) -> io::Result<Option<Header>> {
    let mut bytes = [0; HEADER_BYTES];
    read_whole(file, &mut bytes, 0)?;
    Ok(Header::decode(&bytes).filter(|header| header.name == entry.name))
}

/// True if no writer has the file locked; it is locked for reading from then on, until it is closed.
fn is_abandoned(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Delete a segment without any content, set aside one whose header is damaged.
fn clear_away(file: &File, entry: &Entry) -> io::Result<()> {
    if is_blank(file)? {
        return fs::remove_file(&entry.path);
    }
    let mut bad = entry.path.clone().into_os_string();
    bad.push(BAD_SUFFIX);
    fs::rename(&entry.path, bad)
}

fn is_blank(file: &File) -> io::Result<bool> {
    let mut bytes = vec![0; CHUNK_BYTES];
    let mut at = 0;
    loop {
        let read = read_whole(file, &mut bytes, at)?;
        if bytes[..read].iter().any(|&byte| byte != 0) {
            return Ok(false);
        }
        if read < bytes.len() {
            return Ok(true);
        }
        at += read;
    }
}

/// Fill `bytes` from the file; returns how many it had.
fn read_whole(file: &File, bytes: &mut [u8], at: usize) -> io::Result<usize> {
    let mut read = 0;
    while read < bytes.len() {
        match file.read_at(&mut bytes[read..], (at + read) as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}
