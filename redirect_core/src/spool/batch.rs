//! A batch: what is read of one epoch at a time.

use std::io;
use std::ops::Bound;

use crate::spool::header::HEADER_BYTES;
use crate::spool::names::{Epoch, SegmentName};
use crate::spool::record::Record;
use crate::spool::scan::{End, Scan, Seqs};

/// Clicks of one epoch, in the form that its reader asked for.
#[derive(Debug)]
pub struct Batch<T> {
    /// Whose clicks.
    pub epoch: Epoch,
    /// The slot of the worker whose epoch it is.
    pub worker: u32,
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
    /// What was made of the records.
    pub clicks: T,
}

/// What takes the records of a batch one by one.
pub trait Collect: Default {
    /// What it makes of them.
    type Clicks;

    /// Take a record.
    fn add(&mut self, record: &Record<'_>);

    /// What became of all records.
    fn finish(self) -> Self::Clicks;
}

/// Takes no notice of the records.
impl Collect for () {
    type Clicks = ();

    fn add(&mut self, _record: &Record<'_>) {}

    fn finish(self) {}
}

/// A place in an epoch: all before it, in this segment and in those below, has a seq of at most `seq`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Mark {
    /// The last seq before it.
    pub seq: u64,
    /// The segment's number.
    pub number: u32,
    /// Where in it; 0: at its first record.
    pub at: usize,
}

/// A batch in the making.
#[derive(Default)]
pub struct Reading<C> {
    /// How far it came.
    mark: Mark,
    after_seq: u64,
    max_records: u64,
    /// The last seq of the segment being read; 0: none found.
    found: u64,
    records: u64,
    oldest_ms: Option<u64>,
    collected: C,
}

impl<C: Collect> Reading<C> {
    /// A batch that begins at `start` and has at most `max_records` with a seq above `after_seq`.
    #[must_use]
    pub fn new(start: Mark, after_seq: u64, max_records: u64) -> Self {
        Self { mark: start, after_seq, max_records, ..Self::default() }
    }

    /// How far it came.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// The last seq found in the segment entered last; 0: none.
    #[must_use]
    pub fn found(&self) -> u64 {
        self.found
    }

    /// Go on in the segment of this number.
    pub fn enter(&mut self, number: u32) {
        self.found = 0;
        if self.mark.number == number && self.mark.at > 0 {
            self.found = self.mark.seq;
        } else {
            self.mark = Mark { seq: self.mark.seq, number, at: HEADER_BYTES };
        }
    }

    /// Read the rest of a segment. False: the batch is full before its end.
    ///
    /// # Errors
    /// What the system says.
    pub fn segment(&mut self, scan: &mut Scan, end: End) -> io::Result<bool> {
        let complete = end.last_seq();
        if let Some(last_seq) = complete.filter(|&last_seq| last_seq <= self.after_seq) {
            self.found = last_seq;
            return Ok(true);
        }
        // A block of a later segment may lie in this one: whether its records count can't hang on where a batch ends.
        let last = complete.map_or(Bound::Unbounded, Bound::Included);
        loop {
            if self.records >= self.max_records {
                return Ok(false);
            }
            let seqs = (Bound::Excluded(self.mark.seq), last);
            if self.record(scan, seqs)? {
                continue;
            }
            if end == End::Open || complete.is_some_and(|last_seq| self.mark.seq >= last_seq) {
                return Ok(true);
            }
            let Some(at) = scan.resync(self.mark.at, seqs)? else {
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

    /// The batch, of the epoch to which this segment belongs; `None`: nothing is new.
    #[must_use]
    pub fn finish(self, of: SegmentName) -> Option<Batch<C::Clicks>> {
        let last_seq = self.mark.seq;
        let seqs = last_seq.checked_sub(self.after_seq).filter(|&seqs| seqs > 0)?;
        Some(Batch {
            epoch: of.epoch,
            worker: of.worker,
            after_seq: self.after_seq,
            last_seq,
            records: self.records,
            lost: seqs.saturating_sub(self.records),
            oldest_ms: self.oldest_ms.unwrap_or(0),
            clicks: self.collected.finish(),
        })
    }

    /// Read the record at the mark. False: there is none.
    fn record(&mut self, scan: &mut Scan, seqs: Seqs) -> io::Result<bool> {
        let Some((record, next)) = scan.record(self.mark.at, seqs)? else {
            return Ok(false);
        };
        self.mark.seq = record.seq;
        self.mark.at = next;
        self.found = record.seq;
        if record.seq > self.after_seq {
            self.collected.add(&record);
            self.records += 1;
            self.oldest_ms = Some(self.oldest_ms.map_or(record.time_ms, |oldest| oldest.min(record.time_ms)));
        }
        Ok(true)
    }
}
