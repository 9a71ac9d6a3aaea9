//! Cached links: one allocation of fixed size, in which a link costs little more than its own text.
//!
//! S3-FIFO (Yang et al., "FIFO queues are all you need for cache eviction", SOSP 2023) over two rings of bytes: the
//! order in which entries lie in a ring is the order of its queue, so no entry has links to others, no allocator
//! leaves gaps, and the bound is one of bytes. A hit writes two bits at most.

mod entry;
mod ghosts;
mod index;
mod links;
mod prefetch;
mod ring;

pub use entry::{Entry, EntryMut, Leads, Limits, NewEntry, Ticks};
pub use links::LinkCache;
