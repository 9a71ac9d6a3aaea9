//! One worker's engine, sans I/O: bytes of connections in, replies out; docs/http.md says which.
//!
//! gateway/engines/contract.py is what it implements, and its words are used here. No file here knows Python.

mod absences;
mod budget;
mod clients;
mod clock;
mod connection;
mod counters;
mod engine;
mod flights;
mod lent;
mod orphans;
mod owed;
mod shared;

pub use clients::Discretion;
pub use clock::{Now, ReadClock, system_clock};
pub use connection::{Attention, State};
pub use counters::{Counters, Layout, MissingName};
pub use engine::{Answered, ConnectionKey, Engine, Found, Key, Settings};
pub use owed::Tier;
