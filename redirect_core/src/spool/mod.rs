//! The click spool: what a worker writes, and what the shipper reads; docs/spool.md describes the files.

mod batch;
mod bytes;
mod catalog;
mod distinct;
mod encode;
mod events;
mod factory;
mod header;
mod json;
mod link_key;
mod murmur2;
mod names;
mod progress;
mod reader;
mod record;
mod recorder;
mod salts;
mod scan;
mod segment;
mod tally;
mod troubles;
mod visitor;
mod volatile;
mod writer;

pub use batch::Batch;
pub use encode::{Description, Encoder, Mismatch};
pub use events::{Event, Events};
pub use murmur2::partition;
pub use names::Epoch;
pub use reader::{Size, SpoolReader, Watermarks};
pub use record::{HEAD, MAX_CODE_BYTES, MAX_DOMAIN_BYTES, PREFETCH, UNTRACKED};
pub use recorder::Click;
pub use salts::Salt;
pub use tally::{Count, Counts};
pub use visitor::{Address, Privacy, Visitor};
pub use writer::{Options, SEGMENT_BYTES, SpoolWriter};
