//! What the edge compiles. This file only converts between Python and the rest, which never mentions it.

pub mod cache;
pub mod codes;
pub mod edge;
pub mod http;
pub mod spool;

#[cfg(feature = "extension-module")]
mod python;
