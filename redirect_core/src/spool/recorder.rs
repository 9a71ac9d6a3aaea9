//! What one click does to the spool: a record at the end of the current segment, or a count in memory.

use std::sync::Arc;

use crate::spool::factory::Factory;
use crate::spool::record::{Record, StoredCode};
use crate::spool::salts::Salts;
use crate::spool::segment::{Appender, Segment};
use crate::spool::visitor::Visitor;
use crate::spool::volatile::{HOUR_MS, MAX_KEYS, Volatile, VolatileKey};

/// One click, as the edge tells it.
#[derive(Clone, Copy, Debug)]
pub struct Click<'a> {
    /// When, in ms since the Unix epoch.
    pub now_ms: u64,
    /// At most `MAX_DOMAIN_BYTES`.
    pub domain: &'a [u8],
    /// 1 to `MAX_CODE_BYTES`.
    pub code: &'a [u8],
    /// Which of the link's targets was chosen.
    pub variant: u8,
    /// `HEAD`, `PREFETCH`, `UNTRACKED`.
    pub flags: u8,
}

/// What became of a click.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// In a segment.
    Spooled,
    /// In a segment, and now it is time to prepare the next one.
    SpooledPastHalf,
    /// Counted in memory alone.
    Volatile,
    /// Not even that.
    Dropped,
}

/// The writing end of an epoch.
pub struct Recorder {
    factory: Arc<Factory>,
    /// `None`: no segment can be had, or the recorder is closed.
    current: Option<Appender>,
    /// Complete, and not yet synced; closing such a file gives its lock back.
    retired: Vec<Arc<Segment>>,
    /// Whether the next segment has been asked for since the current one was begun.
    asked: bool,
    seq: u64,
    clicks: u64,
    dropped: u64,
    volatile: Volatile,
    /// Of visitor hashes.
    pub salts: Salts,
    /// Reused for every payload.
    payload: Vec<u8>,
    closed: bool,
}

/// What is to be synced, and where the writer is.
pub struct Unsynced {
    /// Complete segments.
    pub retired: Vec<Arc<Segment>>,
    /// The current segment and the bytes of it in use.
    pub current: Option<(Arc<Segment>, usize)>,
}

impl Recorder {
    /// At the start of an epoch. `first` `None`: no segment can be had.
    #[must_use]
    pub fn new(factory: Arc<Factory>, first: Option<Segment>, salts: Salts) -> Self {
        Self {
            factory,
            current: first.map(Appender::new),
            retired: Vec::new(),
            asked: false,
            seq: 0,
            clicks: 0,
            dropped: 0,
            volatile: Volatile::new(MAX_KEYS),
            salts,
            payload: Vec::new(),
            closed: false,
        }
    }

    /// Records written, which is also the last seq.
    #[must_use]
    pub fn spooled(&self) -> u64 {
        self.seq
    }

    /// Clicks in the records written.
    #[must_use]
    pub fn clicks(&self) -> u64 {
        self.clicks
    }

    /// Clicks in memory alone.
    #[must_use]
    pub fn volatile(&self) -> u64 {
        self.volatile.clicks()
    }

    /// Clicks lost because too many different ones were in memory, or because it was closed while there was no room.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// True once nothing more can be recorded.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Record a click; it survives the death of the process when it is spooled.
    #[inline]
    pub fn record(&mut self, click: &Click<'_>, visitor: &mut Visitor) -> Fate {
        if self.current.is_some() {
            let record = Record {
                seq: self.seq + 1,
                time_ms: click.now_ms,
                count: 1,
                variant: click.variant,
                flags: click.flags,
                domain: click.domain,
                code: StoredCode::of(click.code),
                visitor: visitor.anonymised(self.salts.at(click.now_ms)),
            };
            record.encode(&mut self.payload);
            if self.append(1) {
                return if self.ask() { Fate::SpooledPastHalf } else { Fate::Spooled };
            }
        }
        self.count_in_memory(click, visitor)
    }

    /// True if no segment is there, or the next one will soon be needed.
    #[must_use]
    pub fn wants_segment(&self) -> bool {
        !self.closed && self.current.as_ref().is_none_or(Appender::is_half_full)
    }

    /// Go on in a segment if one can be had, and write up to `most` of the counts in memory there. True: some are left.
    pub fn restore(&mut self, most: usize) -> bool {
        if self.closed {
            return false;
        }
        if self.current.is_none() {
            self.begin(self.factory.take());
        }
        if self.current.is_none() {
            return false;
        }
        self.write_volatile(most);
        self.current.is_some() && self.volatile.clicks() > 0
    }

    /// Hand over what is to be synced; each complete segment is handed over once.
    pub fn unsynced(&mut self) -> Unsynced {
        let current = self.current.as_ref().map(|end| (Arc::clone(end.segment()), end.position()));
        Unsynced { retired: std::mem::take(&mut self.retired), current }
    }

    /// Write what is in memory if that can be (the rest is lost now), and complete the segment. Idempotent.
    pub fn close(&mut self) {
        if self.closed {
            return;
        }
        if self.current.is_none() && self.volatile.clicks() > 0 {
            self.begin(self.factory.take_at_once().ok());
        }
        self.write_volatile(usize::MAX);
        self.dropped += self.volatile.clicks();
        self.volatile = Volatile::new(0);
        self.retire();
        self.closed = true;
    }

    /// Append `payload`, in the next segment if this one is full. False: there is none.
    fn append(&mut self, clicks: u32) -> bool {
        let seq = self.seq + 1;
        while let Some(current) = &mut self.current {
            if current.append(&self.payload, seq) {
                self.seq = seq;
                self.clicks += u64::from(clicks);
                return true;
            }
            self.retire();
            self.begin(self.factory.take());
        }
        false
    }

    /// True once a segment: when half of it is in use.
    fn ask(&mut self) -> bool {
        let asks = !self.asked && self.current.as_ref().is_some_and(Appender::is_half_full);
        self.asked |= asks;
        asks
    }

    fn begin(&mut self, segment: Option<Segment>) {
        self.current = segment.map(Appender::new);
        self.asked = false;
    }

    fn retire(&mut self) {
        let Some(current) = self.current.take() else {
            return;
        };
        if current.is_empty() {
            // Nothing is lost if it stays: the reader frees empty segments.
            let _ = current.segment().discard();
        } else {
            current.complete(self.seq);
            self.retired.push(Arc::clone(current.segment()));
        }
    }

    fn count_in_memory(&mut self, click: &Click<'_>, visitor: &Visitor) -> Fate {
        let key = VolatileKey {
            hour_ms: click.now_ms / HOUR_MS * HOUR_MS,
            flags: click.flags,
            user_agent: visitor.user_agent(),
            domain: click.domain,
            code: click.code,
        };
        if self.volatile.add(&key) {
            return Fate::Volatile;
        }
        self.dropped += 1;
        Fate::Dropped
    }

    fn write_volatile(&mut self, most: usize) {
        let mut volatile = std::mem::replace(&mut self.volatile, Volatile::new(0));
        volatile.give_back(most, |key, clicks| self.write_count(key, clicks));
        self.volatile = volatile;
    }

    /// One record for all clicks of a key.
    fn write_count(&mut self, key: &VolatileKey<'_>, clicks: u32) -> bool {
        let record = Record {
            seq: self.seq + 1,
            time_ms: key.hour_ms,
            count: clicks,
            variant: 0,
            flags: key.flags,
            domain: key.domain,
            code: StoredCode::of(key.code),
            visitor: &Visitor::nameless(key.user_agent),
        };
        record.encode(&mut self.payload);
        self.append(clicks)
    }
}
