//! What time it is, and how the cache and the counters write it.

use std::cell::Cell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

use crate::cache::Ticks;

/// A moment, by both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// Of the monotonic clock.
    pub monotonic_ns: u64,
    /// Since the Unix epoch.
    pub unix_ms: u64,
}

/// Reads the clocks.
pub type ReadClock = Box<dyn Fn() -> Now>;

/// The system's clocks. The one that can be set is read once in a quarter of a second, so that a reading costs one
/// look at the other.
#[must_use]
pub fn system_clock() -> ReadClock {
    let seen = Cell::new(Now::default());
    Box::new(move || {
        let monotonic_ns = monotonic_ns();
        let mut before = seen.get();
        if monotonic_ns - before.monotonic_ns >= SEEN_NS || before.unix_ms == 0 {
            before = Now { monotonic_ns, unix_ms: unix_ms() };
            seen.set(before);
        }
        Now { monotonic_ns, unix_ms: before.unix_ms + (monotonic_ns - before.monotonic_ns) / NS_A_MS }
    })
}

impl Now {
    /// The monotonic clock in ticks.
    #[must_use]
    #[inline]
    pub fn ticks(self) -> Ticks {
        ticks(self.monotonic_ns)
    }

    /// Seconds of the monotonic clock.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // it is for budgets
    pub fn seconds(self) -> f64 {
        self.monotonic_ns as f64 / 1e9
    }
}

/// A time of the monotonic clock in ticks, or the latest before it.
#[must_use]
#[inline]
pub fn ticks(monotonic_ns: u64) -> Ticks {
    Ticks::try_from(monotonic_ns / NS_A_TICK).unwrap_or(Ticks::MAX)
}

/// Ticks in so many seconds.
#[must_use]
pub const fn ticks_in(seconds: u32) -> Ticks {
    seconds * TICKS_A_SECOND
}

fn monotonic_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    u64::try_from(time.tv_sec).unwrap_or(0) * NS_A_SECOND + u64::try_from(time.tv_nsec).unwrap_or(0)
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

const NS_A_SECOND: u64 = 1_000_000_000;
const NS_A_MS: u64 = 1_000_000;
const TICKS_A_SECOND: u32 = 16;
const NS_A_TICK: u64 = NS_A_SECOND / TICKS_A_SECOND as u64;
const SEEN_NS: u64 = NS_A_SECOND / 4;
