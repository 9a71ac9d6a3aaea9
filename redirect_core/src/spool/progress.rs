//! One epoch as its reader knows it from call to call.

use std::collections::HashMap;
use std::io;

use crate::spool::batch::{Batch, Mark, Reading};
use crate::spool::catalog::Entry;
use crate::spool::header::HEADER_BYTES;
use crate::spool::names::Epoch;
use crate::spool::scan::{End, Scan};

/// What is known of an epoch from earlier calls, so that a tail is found at once.
#[derive(Default)]
pub struct Progress {
    /// Where the last batch began and where it ended: it comes again if it could not be stored.
    marks: [Mark; 2],
    /// The last seq of segments that can't grow, by number; 0: no record.
    ends: HashMap<u32, u64>,
    /// When segments were made, by number.
    created_ms: HashMap<u32, u64>,
}

impl Progress {
    /// The batch after `after_seq`, of at most `max_records`; `None`: nothing is new.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(
        &mut self,
        epoch: Epoch,
        entries: &[Entry],
        after_seq: u64,
        max_records: u64,
    ) -> io::Result<Option<Batch>> {
        let start = self.start(entries, after_seq)?;
        let mut reading = Reading::new(start, after_seq, max_records);
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
            self.ends.insert(entry.name.number, reading.found());
        }
        self.marks = [start, reading.mark()];
        Ok(reading.finish(epoch))
    }

    /// The last seq of a segment that can't grow (0: no record); `None`: it can, or it is not to be read.
    ///
    /// # Errors
    /// What the system says.
    pub fn end(&mut self, entry: &Entry) -> io::Result<Option<u64>> {
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
        let mut reading = Reading::new(Mark::default(), u64::MAX, u64::MAX);
        reading.enter(entry.name.number);
        reading.segment(&mut scan, end)?;
        self.ends.insert(entry.name.number, reading.found());
        Ok(Some(reading.found()))
    }

    /// When a segment was made, in ms since the Unix epoch; `None`: it is not to be read.
    ///
    /// # Errors
    /// What the system says.
    pub fn created_ms(&mut self, entry: &Entry) -> io::Result<Option<u64>> {
        if let Some(&known) = self.created_ms.get(&entry.name.number) {
            return Ok(Some(known));
        }
        let created_ms = Scan::open(entry)?.map(|scan| scan.header().created_ms);
        self.created_ms.extend(created_ms.map(|created_ms| (entry.name.number, created_ms)));
        Ok(created_ms)
    }

    /// A segment is deleted.
    pub fn forget(&mut self, number: u32) {
        self.ends.remove(&number);
        self.created_ms.remove(&number);
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
}
