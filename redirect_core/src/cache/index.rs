//! Where each entry is: a hash table of fixed size, with linear probing and no tombstones.

/// Slots of a hash's upper half and a place; a place of 0 is an empty slot.
pub struct Index {
    slots: Box<[Slot]>,
    count: usize,
}

#[derive(Clone, Copy, Default)]
#[repr(C)]
struct Slot {
    /// The upper half of the hash; where it would like to be follows from it.
    tag: u32,
    /// In units, plus one.
    place: u32,
}

/// Bytes of one slot.
pub const SLOT_BYTES: usize = size_of::<Slot>();

impl Index {
    /// Room for `slots` entries less an eighth.
    pub fn new(slots: usize) -> Self {
        Self { slots: vec![Slot::default(); slots.max(MIN_SLOTS)].into_boxed_slice(), count: 0 }
    }

    pub fn len(&self) -> usize {
        self.count
    }

    /// True when nothing may be added: probing gets slow beyond.
    pub fn is_full(&self) -> bool {
        self.count >= self.slots.len() / 8 * 7
    }

    pub fn bytes(&self) -> usize {
        self.slots.len() * SLOT_BYTES
    }

    /// The place, in units, that `is_it` says yes to.
    #[inline]
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(usize) -> bool) -> Option<usize> {
        let tag = tag_of(hash);
        let mut at = self.home(tag);
        loop {
            let slot = self.slots[at];
            if slot.place == 0 {
                return None;
            }
            let unit = slot.place as usize - 1;
            if slot.tag == tag && is_it(unit) {
                return Some(unit);
            }
            at = self.after(at);
        }
    }

    /// Add an entry that isn't there; the index must not be full.
    pub fn insert(&mut self, hash: u64, unit: usize) {
        let tag = tag_of(hash);
        let mut at = self.home(tag);
        while self.slots[at].place != 0 {
            at = self.after(at);
        }
        self.slots[at] = Slot { tag, place: place_of(unit) };
        self.count += 1;
    }

    /// An entry has moved.
    pub fn relocate(&mut self, hash: u64, from: usize, to: usize) {
        if let Some(at) = self.slot_of(hash, from) {
            self.slots[at].place = place_of(to);
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
            at = self.after(at);
            let slot = self.slots[at];
            if slot.place == 0 {
                break;
            }
            // It may only move towards its home.
            if self.distance(self.home(slot.tag), at) >= self.distance(gap, at) {
                self.slots[gap] = slot;
                gap = at;
            }
        }
        self.slots[gap] = Slot::default();
    }

    fn slot_of(&self, hash: u64, unit: usize) -> Option<usize> {
        let (tag, place) = (tag_of(hash), place_of(unit));
        let mut at = self.home(tag);
        while self.slots[at].place != 0 {
            if self.slots[at].place == place {
                return Some(at);
            }
            at = self.after(at);
        }
        None
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)] // below the number of slots
    fn home(&self, tag: u32) -> usize {
        ((u64::from(tag) * self.slots.len() as u64) >> 32) as usize
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.slots.len() { 0 } else { at + 1 }
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from { to - from } else { to + self.slots.len() - from }
    }
}

#[inline]
#[allow(clippy::cast_possible_truncation)] // that is what it is for
pub fn tag_of(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[inline]
fn place_of(unit: usize) -> u32 {
    u32::try_from(unit + 1).unwrap_or(u32::MAX) // the memory is bounded so that this can't be
}

const MIN_SLOTS: usize = 64;

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(
            steps in prop::collection::vec((any::<u8>(), prop::sample::select(vec![0_u64, 1 << 32, 5 << 32, !0, !0 << 40])), 0..200),
        ) {
            let mut index = Index::new(MIN_SLOTS);
            let mut map = HashMap::new();
            for (unit, hash) in steps {
                let unit = usize::from(unit % 40);
                match map.remove(&unit) {
                    Some(hash) => index.remove(hash, unit),
                    None if !index.is_full() => {
                        map.insert(unit, hash);
                        index.insert(hash, unit);
                    }
                    None => {}
                }
                prop_assert_eq!(index.len(), map.len());
                for (&unit, &hash) in &map {
                    prop_assert_eq!(index.find(hash, |one| one == unit), Some(unit));
                }
            }
        }
    }
}
