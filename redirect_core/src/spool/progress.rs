//! One epoch as its reader knows it from call to call.

use std::collections::HashMap;
use std::io;

use crate::spool::batch::{Batch, Collect, Mark, Reading};
use crate::spool::catalog::Entry;
use crate::spool::events::{EventLog, Events};
use crate::spool::header::HEADER_BYTES;
use crate::spool::scan::{End, Scan};
use crate::spool::tally::{Counts, Tally};
use crate::spool::troubles::Troubles;

/// What is known of an epoch from earlier calls, so that a tail is found at once.
#[derive(Default)]
pub struct Progress {
    counts: Place,
    events: Place,
    segments: Segments,
}

impl Progress {
    /// The batch of counts after `after_seq`, of at most `max_records`; `None`: nothing is new.
    pub fn read(&mut self, span: &Span<'_>, troubles: &mut Troubles) -> Option<Batch<Counts>> {
        self.counts.read::<Tally>(span, &mut self.segments, troubles)
    }

    /// As `read`, click by click.
    pub fn read_events(&mut self, span: &Span<'_>, troubles: &mut Troubles) -> Option<Batch<Events>> {
        self.events.read::<EventLog>(span, &mut self.segments, troubles)
    }

    /// The last seq of a segment that can't grow (0: no record); `None`: it can, or it is not to be read.
    ///
    /// # Errors
    /// What the system says.
    pub fn end(&mut self, entry: &Entry) -> io::Result<Option<u64>> {
        if let Some(&known) = self.segments.ends.get(&entry.name.number) {
            return Ok(Some(known));
        }
        let Some(mut scan) = Scan::open(entry)? else {
            return Ok(None);
        };
        let end = scan.end()?;
        if end == End::Open {
            return Ok(None);
        }
        let mut reading = Reading::<()>::new(Mark::default(), u64::MAX, u64::MAX);
        reading.enter(entry.name.number);
        reading.segment(&mut scan, end)?;
        self.segments.ends.insert(entry.name.number, reading.found());
        Ok(Some(reading.found()))
    }

    /// When a segment was made, in ms since the Unix epoch; `None`: it is not to be read.
    ///
    /// # Errors
    /// What the system says.
    pub fn created_ms(&mut self, entry: &Entry) -> io::Result<Option<u64>> {
        if let Some(&known) = self.segments.created_ms.get(&entry.name.number) {
            return Ok(Some(known));
        }
        let created_ms = Scan::open(entry)?.map(|scan| scan.header().created_ms);
        self.segments.created_ms.extend(created_ms.map(|created_ms| (entry.name.number, created_ms)));
        Ok(created_ms)
    }

    /// A segment is deleted.
    pub fn forget(&mut self, number: u32) {
        self.segments.ends.remove(&number);
        self.segments.created_ms.remove(&number);
    }
}

/// What is asked of an epoch.
pub struct Span<'a> {
    /// Its segments, in order.
    pub entries: &'a [Entry],
    /// The watermark that the batch follows.
    pub after_seq: u64,
    /// How many records it may have.
    pub max_records: u64,
}

/// What is known of segments, by number.
#[derive(Default)]
struct Segments {
    /// The last seq of those that can't grow; 0: no record.
    ends: HashMap<u32, u64>,
    /// When they were made.
    created_ms: HashMap<u32, u64>,
}

/// Where the last batch began and where it ended: it comes again if it could not be stored.
#[derive(Default)]
struct Place([Mark; 2]);

impl Place {
    /// Stops in front of what can't be read; what comes before it counts.
    fn read<C: Collect>(
        &mut self,
        span: &Span<'_>,
        segments: &mut Segments,
        troubles: &mut Troubles,
    ) -> Option<Batch<C::Clicks>> {
        let start = self.start(span, troubles);
        let mut reading = Reading::<C>::new(start, span.after_seq, span.max_records);
        for entry in span.entries.iter().filter(|entry| entry.name.number >= start.number) {
            let asked = read_segment(&mut reading, entry, segments);
            let Some(goes_on) = troubles.note(entry, asked) else {
                break;
            };
            troubles.is_over(entry);
            if !goes_on {
                break;
            }
        }
        self.0 = [start, reading.mark()];
        reading.finish(span.entries.first()?.name)
    }

    /// Where to begin for what follows the watermark.
    fn start(&self, span: &Span<'_>, troubles: &mut Troubles) -> Mark {
        let known = self.0.iter().filter(|mark| mark.seq <= span.after_seq).max().copied().unwrap_or_default();
        if known != Mark::default() || span.after_seq == 0 {
            return known;
        }
        // After a restart: whole segments are skipped by the first seq of the next.
        for entry in span.entries.iter().rev() {
            let first_seq = troubles.note(entry, first_seq(entry)).flatten();
            if let Some(before) = first_seq.and_then(|seq| seq.checked_sub(1)).filter(|&seq| seq <= span.after_seq) {
                return Mark { seq: before, number: entry.name.number, at: HEADER_BYTES };
            }
        }
        known
    }
}

/// Read the rest of a segment. False: what follows it is not to be read now.
fn read_segment<C: Collect>(reading: &mut Reading<C>, entry: &Entry, segments: &mut Segments) -> io::Result<bool> {
    let Some(mut scan) = Scan::open(entry)? else {
        return Ok(true);
    };
    reading.enter(entry.name.number);
    let end = scan.end()?;
    let at_end = reading.segment(&mut scan, end)?;
    if !at_end || end == End::Open {
        return Ok(false);
    }
    segments.ends.insert(entry.name.number, reading.found());
    Ok(true)
}

fn first_seq(entry: &Entry) -> io::Result<Option<u64>> {
    Scan::open(entry)?.map_or(Ok(None), |scan| scan.first_seq())
}
