//! Salts of visitor hashes, by UTC day.

use std::collections::HashMap;
use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

/// Milliseconds of a day.
pub const DAY_MS: u64 = 86_400_000;

/// What makes one day's visitor hashes unlike any other's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Salt(pub [u8; 16]);

/// The salts that a writer knows, and those that it drew itself for want of one.
pub struct Salts {
    /// The day asked for last, so that a click costs one comparison.
    today: (u64, Salt),
    /// Shared by all workers, so that they count a visitor once.
    shared: HashMap<u64, Salt>,
    /// Serves a day that has none: such hashes meet no other worker's, and no day's but their own.
    own: Salt,
}

impl Salts {
    /// No day has a salt yet.
    ///
    /// # Errors
    /// The system has no random bits.
    pub fn new() -> io::Result<Self> {
        let own = Salt(random()?);
        Ok(Self { today: (0, own.on(0)), shared: HashMap::new(), own })
    }

    /// Replace the shared salts, by UTC day number.
    pub fn set(&mut self, shared: HashMap<u64, Salt>) {
        self.shared = shared;
        self.today = (self.today.0, self.find(self.today.0));
    }

    /// The salt of the day that has `now_ms`.
    #[inline]
    pub fn at(&mut self, now_ms: u64) -> Salt {
        let day = now_ms / DAY_MS;
        if day != self.today.0 {
            self.today = (day, self.find(day));
        }
        self.today.1
    }

    fn find(&self, day: u64) -> Salt {
        self.shared.get(&day).copied().unwrap_or_else(|| self.own.on(day))
    }
}

impl Salt {
    /// This salt, changed so that no two days share it.
    fn on(self, day: u64) -> Self {
        Self((u128::from_le_bytes(self.0) ^ u128::from(day)).to_le_bytes())
    }
}

/// 16 bytes from the system.
///
/// # Errors
/// The system has no random bits.
pub fn random() -> io::Result<[u8; 16]> {
    let mut bytes = [0; 16];
    getrandom(&mut bytes, GetRandomFlags::empty())?; // up to 256 bytes come whole: getrandom(2)
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_days_own_salt_replaces_the_drawn_one() -> io::Result<()> {
        let mut salts = Salts::new()?;
        let drawn = salts.at(5);
        assert_eq!(salts.at(DAY_MS - 1), drawn);
        salts.set(HashMap::from([(0, Salt([7; 16]))]));
        assert_eq!(salts.at(5), Salt([7; 16]));
        assert_ne!(salts.at(DAY_MS), Salt([7; 16]));
        Ok(())
    }

    #[test]
    fn days_without_a_salt_share_none() -> io::Result<()> {
        let mut salts = Salts::new()?;
        assert_ne!(salts.at(0), salts.at(DAY_MS));
        assert_ne!(salts.at(0), Salts::new()?.at(0));
        Ok(())
    }
}
