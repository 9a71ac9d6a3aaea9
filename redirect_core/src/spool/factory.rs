//! Where segments come from: numbers, the folder's limit, one prepared ahead.

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::spool::catalog;
use crate::spool::header::Header;
use crate::spool::names::{Epoch, SegmentName};
use crate::spool::segment::Segment;

/// How long after a failure it is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Makes one worker's segments, in the order of their numbers.
pub struct Factory {
    folder: PathBuf,
    worker: u32,
    epoch: Epoch,
    segment_bytes: u32,
    limit_bytes: u64,
    line: Mutex<Line>,
}

/// Held while a segment is made, so that numbers keep the order of use.
struct Line {
    next: Option<Segment>,
    next_number: u32,
    failure: Option<Failure>,
}

struct Failure {
    reason: String,
    at: Instant,
}

impl Factory {
    /// A factory that has made nothing yet. `limit_bytes`: of all segments in `folder` together.
    #[must_use]
    pub fn new(folder: PathBuf, worker: u32, epoch: Epoch, segment_bytes: u32, limit_bytes: u64) -> Self {
        let line = Mutex::new(Line { next: None, next_number: 0, failure: None });
        Self { folder, worker, epoch, segment_bytes, limit_bytes, line }
    }

    /// Have a segment ready, unless one is, or the last try failed just now. True: one is ready.
    pub fn prepare(&self) -> bool {
        let mut line = self.line();
        if line.next.is_none() && line.failure.as_ref().is_none_or(Failure::is_over) {
            line.next = self.make(&mut line).inspect(Segment::warm).ok();
        }
        line.next.is_some()
    }

    /// The prepared segment, or one made now if the last try did not fail.
    pub fn take(&self) -> Option<Segment> {
        let mut line = self.line();
        line.next.take().or_else(|| {
            if line.failure.is_some() {
                return None;
            }
            self.make(&mut line).ok()
        })
    }

    /// The prepared segment, or one made now whatever the last try was.
    ///
    /// # Errors
    /// Why there is none.
    pub fn take_at_once(&self) -> io::Result<Segment> {
        let mut line = self.line();
        line.next.take().map_or_else(|| self.make(&mut line), Ok)
    }

    /// Why the last try failed; `None`: it did not.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        self.line().failure.as_ref().map(|failure| failure.reason.clone())
    }

    /// Delete the segment that is ready and will not be used.
    ///
    /// # Errors
    /// What the system says.
    pub fn discard(&self) -> io::Result<()> {
        self.line().next.take().map_or(Ok(()), |segment| segment.discard())
    }

    fn make(&self, line: &mut Line) -> io::Result<Segment> {
        let made = self.check_limit().and_then(|()| {
            let name = SegmentName { epoch: self.epoch, number: line.next_number, worker: self.worker };
            let header = Header { name, size: self.segment_bytes, created_ms: now_ms() };
            Segment::create(&self.folder, &header)
        });
        match &made {
            Ok(_) => {
                line.next_number += 1;
                line.failure = None;
            }
            Err(error) => line.failure = Some(Failure { reason: error.to_string(), at: Instant::now() }),
        }
        made
    }

    fn check_limit(&self) -> io::Result<()> {
        let used: u64 = catalog::segments(&self.folder)?.iter().map(|entry| entry.bytes).sum();
        if used + u64::from(self.segment_bytes) > self.limit_bytes {
            let reason = format!("the spool has reached its limit of {} bytes", self.limit_bytes);
            return Err(io::Error::new(io::ErrorKind::StorageFull, reason));
        }
        Ok(())
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        // A panic while it was held leaves a number unused at worst.
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failure {
    fn is_over(&self) -> bool {
        self.at.elapsed() >= RETRY_AFTER
    }
}

#[allow(clippy::cast_possible_truncation)] // 64 bits of ms last for 584 million years
fn now_ms() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
