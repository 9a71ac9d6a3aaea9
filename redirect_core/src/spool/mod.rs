//! The click spool: what a worker writes, and what the shipper reads; docs/spool.md describes the files.

mod batch;
mod bytes;
mod catalog;
mod factory;
mod header;
mod names;
mod progress;
mod reader;
mod record;
mod recorder;
mod salts;
mod scan;
mod segment;
mod tally;
mod visitor;
mod volatile;
mod writer;

pub use batch::Batch;
pub use names::Epoch;
pub use reader::{Size, SpoolReader, Watermarks};
pub use record::{HEAD, MAX_CODE_BYTES, MAX_DOMAIN_BYTES, PREFETCH, UNTRACKED};
pub use recorder::Click;
pub use salts::Salt;
pub use tally::Count;
pub use visitor::{Privacy, Visitor};
pub use writer::{Options, SEGMENT_BYTES, SpoolWriter};
