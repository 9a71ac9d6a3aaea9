//! What the edge compiles. This file only converts between Python and the rest, which never mentions it.

pub mod codes;
pub mod spool;

#[cfg(feature = "extension-module")]
mod python;
