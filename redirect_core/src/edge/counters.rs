//! A worker's counters page as its engine writes it: unsigned 64-bit numbers that other processes read.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::edge::owed::{Route, Tier};
use crate::http::STATUSES;

/// Where each number lies in the page, in words.
#[derive(Clone, Debug)]
pub struct Layout {
    requests: [[usize; STATUSES.len()]; 3],
    latency: [Vec<usize>; 3],
    latency_sum_us: [usize; 3],
    bounds_ns: Vec<u64>,
    named: [usize; NAMES.len()],
}

/// A number that the page doesn't have.
#[derive(Debug, PartialEq, Eq)]
pub struct MissingName(pub String);

/// What is counted besides replies and latencies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)] // gateway/counters.py says what each is
pub enum Name {
    MissesInFlight,
    CachedLinks,
    CachedBytes,
    AbsentCodes,
    ClicksVolatile,
    ClicksSpooled,
    ClicksDroppedMemory,
    ClicksHead,
    CacheHits,
    CacheStaleHits,
    CacheAbsentHits,
    CacheMisses,
    RedisHits,
    StoreHits,
    StoreAbsent,
    StoreUnavailable,
    MissesRefused,
    EngineErrors,
    ChangesHeard,
}

const NAMES: [&str; 19] = [
    "misses_in_flight",
    "cached_links",
    "cached_bytes",
    "absent_codes",
    "clicks_volatile",
    "clicks_spooled",
    "clicks_dropped_memory",
    "clicks_head",
    "cache_hits",
    "cache_stale_hits",
    "cache_absent_hits",
    "cache_misses",
    "redis_hits",
    "store_hits",
    "store_absent",
    "store_unavailable",
    "misses_refused",
    "engine_errors",
    "changes_heard",
];
const ROUTES: [&str; 3] = ["redirect", "fixed", "refused"];
const TIERS: [&str; 3] = ["cache", "redis", "store"];

impl Layout {
    /// The layout of a page in which `index` finds numbers by name, with these bounds of latency buckets.
    ///
    /// # Errors
    /// The first name that it doesn't find.
    pub fn new(bounds_us: &[u64], mut index: impl FnMut(&str) -> Option<usize>) -> Result<Self, MissingName> {
        let mut find = |name: String| index(&name).ok_or(MissingName(name));
        let mut layout = Self {
            requests: Default::default(),
            latency: Default::default(),
            latency_sum_us: Default::default(),
            bounds_ns: bounds_us.iter().map(|bound| bound * 1_000).collect(),
            named: Default::default(),
        };
        for (name, at) in NAMES.iter().zip(&mut layout.named) {
            *at = find((*name).to_owned())?;
        }
        for (route, places) in ROUTES.iter().zip(&mut layout.requests) {
            for (status, at) in STATUSES.iter().zip(places) {
                *at = find(format!("requests.{route}.{status}"))?;
            }
        }
        for (tier, name) in TIERS.iter().enumerate() {
            for bucket in 0..=bounds_us.len() {
                layout.latency[tier].push(find(format!("latency.{name}.{bucket}"))?);
            }
            layout.latency_sum_us[tier] = find(format!("latency.{name}.sum_us"))?;
        }
        Ok(layout)
    }

    /// One for a page of its own, and how many words that needs.
    ///
    /// # Panics
    /// Never: each name gets a number.
    #[must_use]
    pub fn alone(bounds_us: &[u64]) -> (Self, usize) {
        let mut words = 0;
        let layout = Self::new(bounds_us, |_| {
            words += 1;
            Some(words - 1)
        });
        (layout.expect("each name gets a number"), words)
    }

    fn largest(&self) -> usize {
        let all = self.requests.iter().flatten().chain(self.latency.iter().flatten());
        all.chain(&self.latency_sum_us).chain(&self.named).copied().max().unwrap_or(0)
    }
}

/// The page. One process writes it, so that adding needs no atomic read-modify-write.
pub struct Counters {
    words: *const AtomicU64,
    layout: Layout,
    /// Of each tier, what the page's whole microseconds leave.
    rest_ns: [u64; 3],
}

impl Counters {
    /// A page at `words`; `None`: it is too short for its layout.
    ///
    /// # Safety
    /// `words` points to `count` words that stay mapped for as long as this lives, and that no other thread of this
    /// process writes at the same time.
    #[must_use]
    pub unsafe fn new(words: *mut u64, count: usize, layout: Layout) -> Option<Self> {
        (layout.largest() < count && words.is_aligned()).then_some(Self {
            words: words.cast(),
            layout,
            rest_ns: [0; 3],
        })
    }

    #[inline]
    fn word(&self, at: usize) -> &AtomicU64 {
        // SAFETY: `at` comes from the layout, whose largest index was checked against the page's length; the page is
        // aligned and mapped by the contract of `new`.
        unsafe { &*self.words.add(at) }
    }

    #[inline]
    fn add_at(&self, at: usize, by: u64) {
        let word = self.word(at);
        word.store(word.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
    }

    /// Count.
    #[inline]
    pub fn add(&self, name: Name, by: u64) {
        self.add_at(self.layout.named[name as usize], by);
    }

    /// Set a gauge.
    pub fn set(&self, name: Name, value: u64) {
        self.word(self.layout.named[name as usize]).store(value, Ordering::Relaxed);
    }

    /// One number.
    #[must_use]
    pub fn get(&self, name: Name) -> u64 {
        self.word(self.layout.named[name as usize]).load(Ordering::Relaxed)
    }

    /// One reply entered the output; `status`: an index into `STATUSES`.
    #[inline]
    pub fn reply(&self, route: Route, status: usize) {
        self.add_at(self.layout.requests[route as usize][status], 1);
    }

    /// So many replies went out `ns` after their requests came in.
    #[inline]
    pub fn latency(&mut self, tier: Tier, ns: u64, replies: u64) {
        let bounds = &self.layout.bounds_ns;
        let bucket = bounds.iter().position(|&bound| ns <= bound).unwrap_or(bounds.len());
        self.add_at(self.layout.latency[tier as usize][bucket], replies);
        let sum = self.rest_ns[tier as usize] + ns * replies;
        self.add_at(self.layout.latency_sum_us[tier as usize], sum / 1_000);
        self.rest_ns[tier as usize] = sum % 1_000;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_a_name_is_refused() {
        let missing = Layout::new(&[1], |name| (name != "requests.fixed.204").then_some(3));
        assert_eq!(missing.err(), Some(MissingName("requests.fixed.204".into())));
    }

    #[test]
    fn what_is_counted_is_in_the_page() {
        let (layout, count) = Layout::alone(&[1, 10]);
        let mut words = vec![0_u64; count];
        // SAFETY: the words outlive the counters, and nothing else writes them.
        let mut counters = unsafe { Counters::new(words.as_mut_ptr(), count, layout.clone()) }.expect("long enough");
        counters.add(Name::StoreHits, 3);
        counters.latency(Tier::Store, 1_600, 2);
        counters.reply(Route::Fixed, 1);
        assert_eq!(counters.get(Name::StoreHits), 3);
        assert_eq!(words[layout.latency[2][1]], 2);
        assert_eq!(words[layout.latency_sum_us[2]], 3);
        assert_eq!(words[layout.requests[1][1]], 1);
        // SAFETY: as above; it is refused.
        assert!(unsafe { Counters::new(words.as_mut_ptr(), count - 1, layout) }.is_none());
    }
}
