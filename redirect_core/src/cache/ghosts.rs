//! Entries that were let go of lately: a set of fixed size that may forget, and seldom takes one for another.

use crate::cache::index::tag_of;

/// Tags of hashes, each in its one possible slot.
pub struct Ghosts {
    tags: Box<[u32]>,
    /// Whether there ever was one: until then they take no memory.
    is_used: bool,
}

impl Ghosts {
    /// Room for so many.
    pub fn new(slots: usize) -> Self {
        Self { tags: vec![0; slots.max(1)].into_boxed_slice(), is_used: false }
    }

    pub fn bytes(&self) -> usize {
        if self.is_used { self.max_bytes() } else { 0 }
    }

    pub fn max_bytes(&self) -> usize {
        size_of_val(&*self.tags)
    }

    /// Remember one, in place of another perhaps.
    pub fn add(&mut self, hash: u64) {
        let at = self.slot(hash);
        self.tags[at] = tag_of(hash);
        self.is_used = true;
    }

    /// True once for one that is remembered.
    pub fn take(&mut self, hash: u64) -> bool {
        let at = self.slot(hash);
        let is_here = self.tags[at] == tag_of(hash) && self.tags[at] != 0;
        if is_here {
            self.tags[at] = 0;
        }
        is_here
    }

    #[allow(clippy::cast_possible_truncation)] // below the number of slots
    fn slot(&self, hash: u64) -> usize {
        (((hash & 0xffff_ffff) * self.tags.len() as u64) >> 32) as usize
    }
}
