//! A queue of entries in a fixed piece of memory: appended at one end, taken from the other.

use crate::cache::entry::{Entry, HEADER_BYTES, UNIT_BYTES, encode_filler};

/// Where a ring lies, and which of its bytes are in use. The bytes themselves are the caller's.
pub struct Ring {
    /// Of its first byte in the memory.
    start: usize,
    capacity: usize,
    // Both count all bytes since the beginning.
    head: u64,
    tail: u64,
}

impl Ring {
    /// An empty ring of so many bytes from `start`; both are multiples of [`UNIT_BYTES`].
    pub fn new(start: usize, capacity: usize) -> Self {
        Self { start, capacity, head: 0, tail: 0 }
    }

    /// Bytes that lie between both ends.
    #[allow(clippy::cast_possible_truncation)] // at most `capacity`
    pub fn used(&self) -> usize {
        (self.head - self.tail) as usize
    }

    /// Bytes that were ever in use: those that take memory.
    #[allow(clippy::cast_possible_truncation)] // at most `capacity`
    pub fn touched(&self) -> usize {
        self.head.min(self.capacity as u64) as usize
    }

    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// True if an entry of this size can be appended now.
    pub fn fits(&self, size: usize) -> bool {
        self.used() + self.gap_before(size) + size <= self.capacity
    }

    /// Take the room of an entry that fits; where it is. What is left before the ring's end gets a filler.
    pub fn append(&mut self, size: usize, memory: &mut [u8]) -> usize {
        let gap = self.gap_before(size);
        if gap >= HEADER_BYTES {
            let at = self.place(self.head);
            let units = u16::try_from(gap / UNIT_BYTES).unwrap_or(u16::MAX); // shorter than the entry that didn't fit
            encode_filler(units, &mut memory[at..at + HEADER_BYTES]);
        }
        self.head += gap as u64;
        let at = self.place(self.head);
        self.head += size as u64;
        at
    }

    /// Where the oldest entry is; `None`: there is none.
    pub fn oldest(&mut self) -> Option<usize> {
        let rest = self.rest(self.tail);
        if rest < HEADER_BYTES && self.tail < self.head {
            self.tail += rest as u64; // too little for a filler
        }
        (self.tail < self.head).then(|| self.place(self.tail))
    }

    /// Let go of the oldest entry, which lies at `at`.
    pub fn pop(&mut self, at: usize, memory: &[u8]) {
        debug_assert_eq!(self.place(self.tail), at);
        self.tail += Entry(&memory[at..]).size() as u64;
    }

    /// Bytes that must be left free so that the next entry lies in one piece.
    fn gap_before(&self, size: usize) -> usize {
        let rest = self.rest(self.head);
        if rest < size { rest } else { 0 }
    }

    #[allow(clippy::cast_possible_truncation)] // a remainder below `capacity`
    fn rest(&self, position: u64) -> usize {
        self.capacity - (position % self.capacity as u64) as usize
    }

    #[allow(clippy::cast_possible_truncation)] // a remainder below `capacity`
    fn place(&self, position: u64) -> usize {
        self.start + (position % self.capacity as u64) as usize
    }
}
