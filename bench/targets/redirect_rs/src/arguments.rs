//! The command line.

use std::error::Error;
use std::path::PathBuf;

/// What the service is told when it starts.
#[derive(Default)]
pub struct Arguments {
    /// Where it listens, on loopback.
    pub port: u16,
    /// Where Redis listens, on loopback.
    pub redis_port: u16,
    /// A links database of edge302.
    pub store: PathBuf,
    /// Whether targets are kept in memory.
    pub cache: bool,
    /// The value of X-Padding in each redirect.
    pub padding: String,
}

impl Arguments {
    /// Read pairs of a flag and its value.
    ///
    /// # Errors
    /// A flag is unknown, or its value is not one that it takes.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut parsed = Self::default();
        while let Some(flag) = words.next() {
            let value = words.next().ok_or_else(|| format!("{flag} takes a value"))?;
            match (flag.as_str(), value.as_str()) {
                ("--port", _) => parsed.port = value.parse()?,
                ("--redis-port", _) => parsed.redis_port = value.parse()?,
                ("--store", _) => parsed.store = value.into(),
                ("--cache", "on" | "off") => parsed.cache = value == "on",
                ("--padding", _) => parsed.padding = value,
                _ => return Err(format!("no such flag or value: {flag} {value}").into()),
            }
        }
        Ok(parsed)
    }
}
