//! The click spool: what a worker writes, and what the shipper reads; docs/spool.md describes the files.

mod catalog;
mod factory;
mod format;
mod reader;
mod recorder;
mod salts;
mod scan;
mod segment;
mod tally;
mod visitor;
mod volatile;
mod writer;

pub use format::{Epoch, HEAD, MAX_CODE_BYTES, MAX_DOMAIN_BYTES, PREFETCH};
pub use reader::{Batch, Size, SpoolReader, Watermarks};
pub use recorder::Click;
pub use salts::Salt;
pub use tally::Count;
pub use visitor::Visitor;
pub use writer::{Options, SEGMENT_BYTES, SpoolWriter};
