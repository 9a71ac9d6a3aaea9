//! Where each entry is: a hash table of bounded size, with linear probing and no tombstones.

use std::io;

use memmap2::{Advice, MmapMut};

use crate::cache::prefetch::prefetch;

/// Slots of a hash's upper half and a place; a place of 0 is an empty slot.
///
/// It grows with its entries, so that few of them lie close together: each look-up of a sparse table would wait for
/// memory, and for the page's address, too.
pub struct Index {
    slots: Slots,
    max_slots: usize,
    count: usize,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// The upper half of the hash; where it would like to be follows from it.
    tag: u32,
    /// In units, plus one.
    place: u32,
}

/// Bytes of one slot.
pub const SLOT_BYTES: usize = 8;

impl Index {
    /// Room for nine tenths of `max_slots` entries.
    ///
    /// # Errors
    /// The system refuses the memory of a small table.
    pub fn new(max_slots: usize) -> io::Result<Self> {
        Ok(Self { slots: Slots::new(MIN_SLOTS)?, max_slots: max_slots.max(MIN_SLOTS), count: 0 })
    }

    pub fn len(&self) -> usize {
        self.count
    }

    /// True when nothing may be added, for want of slots or of memory for them.
    pub fn is_full(&mut self) -> bool {
        self.count >= most(self.slots.len()) && !self.grow()
    }

    pub fn bytes(&self) -> usize {
        self.slots.len() * SLOT_BYTES
    }

    pub fn max_bytes(&self) -> usize {
        self.max_slots * SLOT_BYTES
    }

    /// The place, in units, that `is_it` says yes to.
    #[inline]
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(usize) -> bool) -> Option<usize> {
        let tag = tag_of(hash);
        let mut at = self.slots.home(tag);
        loop {
            let slot = self.slots.get(at);
            if slot.place == 0 {
                return None;
            }
            let unit = slot.place as usize - 1;
            if slot.tag == tag && is_it(unit) {
                return Some(unit);
            }
            at = self.slots.after(at);
        }
    }

    /// Have the slots fetched where `find` will begin.
    #[inline]
    pub fn prefetch(&self, hash: u64) {
        prefetch(&self.slots.memory, self.slots.home(tag_of(hash)) * SLOT_BYTES, SLOT_BYTES);
    }

    /// Add an entry that isn't there; the index must not be full.
    pub fn insert(&mut self, hash: u64, unit: usize) {
        self.slots.add(Slot { tag: tag_of(hash), place: place_of(unit) });
        self.count += 1;
    }

    /// An entry has moved.
    pub fn relocate(&mut self, hash: u64, from: usize, to: usize) {
        if let Some(at) = self.slot_of(hash, from) {
            self.slots.set(at, Slot { tag: tag_of(hash), place: place_of(to) });
        }
    }

    /// Forget an entry; those behind it close the gap.
    pub fn remove(&mut self, hash: u64, unit: usize) {
        let Some(mut gap) = self.slot_of(hash, unit) else {
            return;
        };
        self.count -= 1;
        let mut at = gap;
        loop {
            at = self.slots.after(at);
            let slot = self.slots.get(at);
            if slot.place == 0 {
                break;
            }
            // It may only move towards its home.
            if self.slots.distance(self.slots.home(slot.tag), at) >= self.slots.distance(gap, at) {
                self.slots.set(gap, slot);
                gap = at;
            }
        }
        self.slots.set(gap, Slot::default());
    }

    /// Twice the slots, if so many may be. Both tables are in the order of their tags, so it is a walk along both.
    fn grow(&mut self) -> bool {
        let slots = (2 * self.slots.len()).min(self.max_slots);
        if slots == self.slots.len() {
            return false;
        }
        let Ok(mut larger) = Slots::new(slots) else {
            return false;
        };
        let filled = (0..self.slots.len()).map(|at| self.slots.get(at)).filter(|slot| slot.place != 0);
        filled.for_each(|slot| larger.add(slot));
        self.slots = larger;
        true
    }

    fn slot_of(&self, hash: u64, unit: usize) -> Option<usize> {
        let place = place_of(unit);
        let mut at = self.slots.home(tag_of(hash));
        loop {
            match self.slots.get(at).place {
                0 => return None,
                here if here == place => return Some(at),
                _ => at = self.slots.after(at),
            }
        }
    }
}

/// The table itself, in pages as large as can be had: it is looked into in no order.
struct Slots {
    memory: MmapMut,
    count: usize,
}

impl Slots {
    fn new(count: usize) -> io::Result<Self> {
        let memory = MmapMut::map_anon(count * SLOT_BYTES)?;
        let _ = memory.advise(Advice::HugePage); // a hint, which old kernels lack
        Ok(Self { memory, count })
    }

    #[inline]
    fn len(&self) -> usize {
        self.count
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // both halves
    fn get(&self, at: usize) -> Slot {
        let mut bytes = [0; SLOT_BYTES];
        bytes.copy_from_slice(&self.memory[at * SLOT_BYTES..(at + 1) * SLOT_BYTES]);
        let word = u64::from_le_bytes(bytes);
        Slot { tag: (word >> 32) as u32, place: word as u32 }
    }

    fn set(&mut self, at: usize, slot: Slot) {
        let word = u64::from(slot.tag) << 32 | u64::from(slot.place);
        self.memory[at * SLOT_BYTES..(at + 1) * SLOT_BYTES].copy_from_slice(&word.to_le_bytes());
    }

    fn add(&mut self, slot: Slot) {
        let mut at = self.home(slot.tag);
        while self.get(at).place != 0 {
            at = self.after(at);
        }
        self.set(at, slot);
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // below the number of slots
    fn home(&self, tag: u32) -> usize {
        ((u64::from(tag) * self.count as u64) >> 32) as usize
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.count { 0 } else { at + 1 }
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.count - from }
    }
}

/// Entries in so many slots: beyond, probing gets slow.
fn most(slots: usize) -> usize {
    slots / 10 * 9
}

#[inline]
#[allow(clippy::cast_possible_truncation)] // that is what it is for
pub fn tag_of(hash: u64) -> u32 {
    (hash >> 32) as u32
}

fn place_of(unit: usize) -> u32 {
    u32::try_from(unit + 1).unwrap_or(u32::MAX) // the memory is bounded so that this can't be
}

const MIN_SLOTS: usize = 512; // a page

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(
            steps in prop::collection::vec((0..3_000_usize, prop::sample::select(vec![0_u64, 1 << 32, 5 << 32, !0, !0 << 40])), 0..1_500),
        ) {
            let mut index = Index::new(4 * MIN_SLOTS).expect("some pages");
            let mut map = HashMap::new();
            for (unit, hash) in steps {
                match map.remove(&unit) {
                    Some(hash) => index.remove(hash, unit),
                    None if !index.is_full() => {
                        map.insert(unit, hash);
                        index.insert(hash, unit);
                    }
                    None => {}
                }
                prop_assert_eq!(index.len(), map.len());
            }
            for (&unit, &hash) in &map {
                prop_assert_eq!(index.find(hash, |one| one == unit), Some(unit));
            }
        }
    }
}
