//! The cache of links: which stay, and which make room.

use std::hash::{BuildHasher, Hash, Hasher};
use std::io;

use ahash::RandomState;
use memmap2::{Advice, MmapMut};

use crate::cache::entry::{Entry, EntryMut, HEADER_BYTES, UNIT_BYTES};
use crate::cache::ghosts::Ghosts;
use crate::cache::index::{Index, SLOT_BYTES};
use crate::cache::prefetch::prefetch;
use crate::cache::ring::Ring;

/// A slot of the index for so many bytes of entries: at 9 of 10 slots in use, entries of 112 bytes fill both.
const BYTES_A_SLOT: usize = 101;
/// A ghost for so many slots.
const SLOTS_A_GHOST: usize = 4;
/// Of all bytes, what new links have to themselves.
const SMALL_SHARE: usize = 10;
/// Entries in use that are put off at most to let one in; then the next goes whatever its use.
const MAX_REPRIEVES: usize = 32;

/// Links by domain and code, in a fixed number of bytes.
pub struct LinkCache {
    memory: MmapMut,
    /// New links; those that are asked for again while they pass through it go on to the next ring.
    small: Ring,
    /// Links that were asked for more than once; used ones begin anew at its end.
    main: Ring,
    index: Index,
    ghosts: Ghosts,
    /// Seeded: codes are chosen by attackers.
    hasher: RandomState,
    /// Reused for entries that move.
    moving: Vec<u8>,
}

impl LinkCache {
    /// A cache that never takes more than `bytes`, all it needs included; memory is taken as it fills.
    ///
    /// # Errors
    /// The system refuses so much address space.
    pub fn new(bytes: usize) -> io::Result<Self> {
        let slots = bytes / (BYTES_A_SLOT + SLOT_BYTES);
        let (index, ghosts) = (Index::new(slots)?, Ghosts::new(slots / SLOTS_A_GHOST));
        let entries =
            bytes.saturating_sub(index.max_bytes() + ghosts.max_bytes()).clamp(MIN_ENTRIES_BYTES, MAX_ENTRIES_BYTES);
        let entries = entries / UNIT_BYTES * UNIT_BYTES;
        let small = entries / SMALL_SHARE / UNIT_BYTES * UNIT_BYTES;
        let memory = MmapMut::map_anon(entries)?;
        // Links are looked up in no order: fewer pages, fewer waits for their addresses. A hint, which old kernels lack.
        let _ = memory.advise(Advice::HugePage);
        Ok(Self {
            memory,
            small: Ring::new(0, small),
            main: Ring::new(small, entries - small),
            index,
            ghosts,
            hasher: RandomState::new(),
            moving: Vec::new(),
        })
    }

    /// How many links are cached.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// True when none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that it takes now.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.small.touched() + self.main.touched() + self.index.bytes() + self.ghosts.bytes()
    }

    /// The hash of a name.
    #[must_use]
    #[inline]
    pub fn hash(&self, domain: u16, code: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u16(domain);
        code.hash(&mut hasher);
        hasher.finish()
    }

    /// Have what [`LinkCache::find`] looks at first fetched.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        self.index.prefetch(hash);
    }

    /// Have what [`LinkCache::find`] looks at next fetched; a moment after `prefetch`.
    #[inline]
    pub fn prefetch_entry(&self, hash: u64) {
        if let Some(unit) = self.index.find(hash, |_| true) {
            prefetch(&self.memory, unit * UNIT_BYTES, USUAL_ENTRY_BYTES);
        }
    }

    /// The entry of this name, which has this hash; it counts as used by it.
    #[inline]
    pub fn find(&mut self, hash: u64, domain: u16, code: &[u8]) -> Option<Entry<'_>> {
        let at = self.place(hash, domain, code)?;
        EntryMut(&mut self.memory[at..]).touch();
        Some(self.at(at))
    }

    /// The same, without counting as a use.
    #[must_use]
    pub fn peek(&self, domain: u16, code: &[u8]) -> Option<Entry<'_>> {
        self.place(self.hash(domain, code), domain, code).map(|at| self.at(at))
    }

    /// Change the entry of this name where it lies, if there is one.
    pub fn change(&mut self, domain: u16, code: &[u8], change: impl FnOnce(EntryMut<'_>)) {
        if let Some(at) = self.place(self.hash(domain, code), domain, code) {
            let size = self.at(at).size();
            change(EntryMut(&mut self.memory[at..at + size]));
        }
    }

    /// Forget the entry of this name, if there is one.
    pub fn remove(&mut self, domain: u16, code: &[u8]) {
        let hash = self.hash(domain, code);
        if let Some(at) = self.place(hash, domain, code) {
            // A link that changes comes back to its place among those that proved their worth.
            if at >= self.small.capacity() {
                self.ghosts.add(hash);
            }
            self.let_go(hash, at);
        }
    }

    /// The entry of this name counts as used.
    pub fn touch(&mut self, domain: u16, code: &[u8]) {
        self.change(domain, code, |mut entry| entry.touch());
    }

    /// Keep an entry that `NewEntry::encode` made, in place of another of its name; others make room for it.
    pub fn keep(&mut self, encoded: &[u8]) {
        let new = Entry(encoded);
        let hash = self.hash(new.domain(), new.code());
        let held = self.place(hash, new.domain(), new.code());
        let is_proven = held.is_some_and(|at| at >= self.small.capacity()) || self.ghosts.take(hash);
        if let Some(at) = held {
            self.let_go(hash, at);
        }
        if encoded.len() > self.small.capacity() / 2 {
            return;
        }
        while self.index.is_full() {
            if !self.shrink() {
                return;
            }
        }
        let at = if is_proven { self.room_in_main(encoded.len()) } else { self.room_in_small(encoded.len()) };
        if let Some(at) = at {
            self.memory[at..at + encoded.len()].copy_from_slice(encoded);
            self.index.insert(hash, at / UNIT_BYTES);
        }
    }

    #[inline]
    fn place(&self, hash: u64, domain: u16, code: &[u8]) -> Option<usize> {
        let unit = self.index.find(hash, |unit| Entry(&self.memory[unit * UNIT_BYTES..]).is_of(domain, code))?;
        Some(unit * UNIT_BYTES)
    }

    #[inline]
    fn at(&self, at: usize) -> Entry<'_> {
        let size = Entry(&self.memory[at..]).size();
        Entry(&self.memory[at..at + size])
    }

    fn let_go(&mut self, hash: u64, at: usize) {
        self.index.remove(hash, at / UNIT_BYTES);
        EntryMut(&mut self.memory[at..]).remove();
    }

    /// Let one entry go, from the ring that has more than its share. False: there is none at all.
    fn shrink(&mut self) -> bool {
        let (before, mut reprieves) = (self.index.len(), MAX_REPRIEVES);
        while self.index.len() == before {
            let is_small_due = self.small.used() * SMALL_SHARE > self.small.used() + self.main.used();
            let passed = is_small_due && self.pass_small() || self.pass_main(&mut reprieves);
            if !passed && !self.pass_small() {
                return false;
            }
        }
        true
    }

    fn room_in_small(&mut self, size: usize) -> Option<usize> {
        while !self.small.fits(size) {
            self.pass_small().then_some(())?;
        }
        Some(self.small.append(size, &mut self.memory))
    }

    fn room_in_main(&mut self, size: usize) -> Option<usize> {
        let mut reprieves = MAX_REPRIEVES;
        while !self.main.fits(size) {
            self.pass_main(&mut reprieves).then_some(())?;
        }
        Some(self.main.append(size, &mut self.memory))
    }

    /// The oldest new entry goes on if it was used, or if there is room; else it is let go of. False: there is none.
    fn pass_small(&mut self) -> bool {
        let Some(at) = self.small.oldest() else {
            return false;
        };
        let entry = self.at(at);
        let (size, is_gone, is_used) = (entry.size(), entry.is_gone(), entry.frequency() > 0);
        self.small.pop(at, &self.memory);
        if is_gone {
            return true;
        }
        let hash = self.hash(self.at(at).domain(), self.at(at).code());
        if !is_used && (!self.main.fits(size) || self.index.is_full()) {
            self.ghosts.add(hash);
            self.let_go(hash, at);
            return true;
        }
        match self.room_in_main(size) {
            Some(to) => {
                self.memory.copy_within(at..at + size, to);
                EntryMut(&mut self.memory[to..]).set_frequency(0);
                self.index.relocate(hash, at / UNIT_BYTES, to / UNIT_BYTES);
            }
            None => self.index.remove(hash, at / UNIT_BYTES),
        }
        true
    }

    /// The oldest entry of the main ring begins anew if it was used, and a reprieve is left; else it is let go of.
    /// False: there is none.
    fn pass_main(&mut self, reprieves: &mut usize) -> bool {
        let Some(at) = self.main.oldest() else {
            return false;
        };
        let entry = self.at(at);
        let (size, is_gone, frequency) = (entry.size(), entry.is_gone(), entry.frequency());
        self.main.pop(at, &self.memory);
        if is_gone {
            return true;
        }
        let hash = self.hash(self.at(at).domain(), self.at(at).code());
        if frequency > 0 && *reprieves > 0 && self.main.fits(size) {
            *reprieves -= 1;
            // Its new place may begin within its old one.
            self.moving.clear();
            self.moving.extend_from_slice(&self.memory[at..at + size]);
            EntryMut(&mut self.moving).set_frequency(frequency - 1);
            let to = self.main.append(size, &mut self.memory);
            self.memory[to..to + size].copy_from_slice(&self.moving);
            self.index.relocate(hash, at / UNIT_BYTES, to / UNIT_BYTES);
        } else {
            self.let_go(hash, at);
        }
        true
    }
}

/// Of most entries: what is fetched ahead.
const USUAL_ENTRY_BYTES: usize = 160;
const MIN_ENTRIES_BYTES: usize = 1 << 20;
/// As far as 32 bits of units reach.
const MAX_ENTRIES_BYTES: usize = (u32::MAX as usize - 1) * UNIT_BYTES;
const _: () = assert!(HEADER_BYTES % UNIT_BYTES == 0);

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::cache::{Limits, NewEntry};

    fn keep(cache: &mut LinkCache, number: u32, version: u64, target_bytes: usize) {
        let (code, target) = (code(number), vec![b'x'; target_bytes]);
        let mut bytes = Vec::new();
        let (cache_control, limits) = (crate::http::DEFAULT_CACHE_CONTROL, Limits::default());
        let new = NewEntry { version, domain: 0, code: &code, status: 1, target: &target, cache_control, limits };
        assert!(new.encode(&mut bytes));
        cache.keep(&bytes);
    }

    fn find(cache: &mut LinkCache, number: u32) -> Option<Entry<'_>> {
        let hash = cache.hash(0, &code(number));
        cache.find(hash, 0, &code(number))
    }

    fn code(number: u32) -> Vec<u8> {
        format!("{number:07}").into_bytes()
    }

    fn small() -> LinkCache {
        LinkCache::new(2 << 20).expect("two megabytes")
    }

    #[test]
    fn what_is_used_outlives_a_scan() {
        let mut cache = small();
        for number in 0..100 {
            keep(&mut cache, number, 1, 80);
            assert!(find(&mut cache, number).is_some());
        }
        for number in 1_000..200_000 {
            keep(&mut cache, number, 1, 80);
        }
        let left = (0..100).filter(|&number| cache.peek(0, &code(number)).is_some()).count();
        assert_eq!(left, 100);
    }

    #[test]
    fn short_links_that_fill_the_index_before_the_rings_are_kept_as_well() {
        let mut cache = LinkCache::new(4 << 20).expect("four megabytes");
        let mut hits = 0;
        let mut chance = 1_u64;
        for _ in 0..600_000 {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let number = 200_000_f64.powf((chance >> 11) as f64 / (1_u64 << 53) as f64) as u32; // Zipf, about
            if find(&mut cache, number).is_some() {
                hits += 1;
            } else {
                keep(&mut cache, number, 1, 25 + number as usize % 36);
            }
        }
        assert!(hits > 472_000, "{hits} hits"); // LRU with room for as many: 469,263
    }

    #[test]
    fn it_fills_before_anything_is_let_go_of() {
        let mut cache = small();
        let mut number = 0;
        while cache.size_bytes() < (2 << 20) * 95 / 100 {
            keep(&mut cache, number, 1, 80);
            number += 1;
        }
        let lost = (0..number).filter(|&number| cache.peek(0, &code(number)).is_none()).count();
        assert!(lost < 1_000, "{lost} of {number}");
    }

    #[test]
    fn its_bound_is_one_of_bytes() {
        for target_bytes in [1, 80, 1_000, 8_000] {
            let mut cache = small();
            for number in 0..100_000 {
                keep(&mut cache, number, 1, target_bytes);
            }
            assert!(((2 << 20) * 90 / 100..=2 << 20).contains(&cache.size_bytes()) || target_bytes == 1);
        }
    }

    #[test]
    fn a_link_costs_48_bytes_beside_its_code_and_target() {
        let mut cache = LinkCache::new(64 << 20).expect("64 megabytes");
        for number in 0..1_000_000 {
            keep(&mut cache, number, 1, 80);
        }
        let bytes = cache.size_bytes() / cache.len();
        assert!(bytes <= 7 + 80 + 48, "{bytes} bytes a link");
    }

    proptest! {
        #[test]
        fn what_it_finds_is_what_was_kept_last(
            steps in prop::collection::vec((0..60_u32, 0..4_u8, 0..8_000_usize), 1..400),
        ) {
            let mut cache = small();
            let mut kept: HashMap<u32, (u64, usize)> = HashMap::new();
            for (version, (number, step, size)) in (1..).zip(steps) {
                match step {
                    0 => {
                        cache.remove(0, &code(number));
                        kept.remove(&number);
                    }
                    1 => {
                        let known = kept.get(&number).copied();
                        if let Some(entry) = find(&mut cache, number) {
                            prop_assert_eq!(Some((entry.version(), entry.target().len())), known);
                        }
                    }
                    _ => {
                        keep(&mut cache, number, version, size);
                        kept.insert(number, (version, size));
                    }
                }
                prop_assert!(cache.len() <= kept.len());
            }
            for number in 0..60 {
                if let Some(entry) = cache.peek(0, &code(number)) {
                    prop_assert_eq!(Some(&(entry.version(), entry.target().len())), kept.get(&number));
                }
            }
        }
    }
}
