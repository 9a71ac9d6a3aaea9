//! What the engine lacks: one flight a name, however many wait for it, and what changed while it was under way.

use std::collections::HashMap;

use ahash::RandomState;

use crate::edge::engine::ConnectionKey;

/// A link's name: index of its domain, and its code.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Name {
    /// Into the engine's domains.
    pub domain: u16,
    /// 1 to 64 bytes.
    pub code: Box<[u8]>,
}

impl Name {
    /// The name of a link.
    #[must_use]
    pub fn new(domain: u16, code: &[u8]) -> Self {
        Self { domain, code: code.into() }
    }
}

/// A place in a connection's queue that waits for a flight.
#[derive(Clone, Copy)]
pub struct Waiter {
    /// Whose it is.
    pub connection: ConnectionKey,
    /// The number of its place, counted over the connection's life.
    pub place: u64,
}

/// A name on its way from the stores.
#[derive(Default)]
pub struct Flight {
    /// Oldest first; empty for a refresh in the background. Some may have left.
    pub waiters: Vec<Waiter>,
    /// How many of them have left.
    left: usize,
    /// The resolver has been told to find it.
    handed_out: bool,
    /// Nobody waits for it, so it goes with many others once a second.
    can_wait: bool,
    /// The newest version announced since it was handed out; an older answer is outdated.
    heard_version: u64,
}

impl Flight {
    /// True when an answer of this version (0: absent) may have been read before a change that was announced.
    #[must_use]
    pub fn is_outdated(&self, version: u64) -> bool {
        version < self.heard_version
    }
}

/// All names under way.
pub struct Flights {
    limit: usize,
    by_name: HashMap<Name, Flight, RandomState>,
    wanted: Vec<Name>,
    can_wait: Vec<Name>,
}

impl Flights {
    /// At most `limit` at a time.
    pub fn new(limit: usize) -> Self {
        Self { limit, by_name: HashMap::default(), wanted: Vec::new(), can_wait: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// True when `take` has something to give.
    #[inline]
    pub fn is_wanted(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// True when `name` is being looked up.
    pub fn has(&self, name: &Name) -> bool {
        self.by_name.contains_key(name)
    }

    /// Wait for the flight of `name`, begun if there is none. False: too many are under way.
    #[must_use]
    pub fn join(&mut self, name: Name, waiter: Waiter) -> bool {
        if let Some(flight) = self.by_name.get_mut(&name) {
            flight.waiters.push(waiter);
            if flight.can_wait {
                flight.can_wait = false;
                self.wanted.push(name);
            }
        } else if self.by_name.len() < self.limit {
            self.wanted.push(name.clone());
            self.by_name.insert(name, Flight { waiters: vec![waiter], ..Flight::default() });
        } else {
            return false;
        }
        true
    }

    /// A waiter has left; `is_here`: whose connection is still there.
    pub fn leave(&mut self, name: &Name, is_here: impl Fn(ConnectionKey) -> bool) {
        let Some(flight) = self.by_name.get_mut(name) else {
            return;
        };
        flight.left += 1;
        // Now and then, so that each that leaves costs little, and those that are gone never outnumber the others much.
        if flight.left > flight.waiters.len() / 2 {
            flight.waiters.retain(|waiter| is_here(waiter.connection));
            flight.left = 0;
        }
    }

    /// Have `name` found anew without haste: asked for together, links cost a tenth of what each costs alone.
    ///
    /// Refreshes leave half the room to those who wait.
    pub fn refresh(&mut self, name: Name) {
        if self.by_name.len() < self.limit / 2 && !self.by_name.contains_key(&name) {
            self.can_wait.push(name.clone());
            self.by_name.insert(name, Flight { can_wait: true, ..Flight::default() });
        }
    }

    /// From now on `take` gives what could wait until now.
    pub fn release(&mut self) {
        for name in self.can_wait.drain(..) {
            if let Some(flight) = self.by_name.get_mut(&name).filter(|flight| flight.can_wait) {
                flight.can_wait = false;
                self.wanted.push(name);
            }
        }
    }

    /// Hand out what must be found.
    pub fn take(&mut self) -> Vec<Name> {
        for name in &self.wanted {
            if let Some(flight) = self.by_name.get_mut(name) {
                flight.handed_out = true;
                flight.heard_version = 0;
            }
        }
        std::mem::take(&mut self.wanted)
    }

    /// End the flight of `name`; `None`: nobody was told to find it.
    pub fn land(&mut self, name: &Name) -> Option<Flight> {
        if !self.by_name.get(name)?.handed_out {
            return None;
        }
        self.by_name.remove(name)
    }

    /// Its answer was outdated: it flies once more, and its waiters go on waiting.
    pub fn again(&mut self, name: Name, mut flight: Flight) {
        flight.handed_out = false;
        self.wanted.push(name.clone());
        self.by_name.insert(name, flight);
    }

    /// The link has changed.
    pub fn hear(&mut self, name: &Name, version: u64) {
        if let Some(flight) = self.by_name.get_mut(name) {
            flight.heard_version = flight.heard_version.max(version);
        }
    }

    /// Any link may have changed.
    pub fn hear_of_all(&mut self) {
        for flight in self.by_name.values_mut() {
            flight.heard_version = u64::MAX;
        }
    }
}

/// When a change was heard of last, by bucket of names: fixed memory, however many links change.
///
/// It is for answers that no flight asked for: a change of another link in the same bucket costs one look-up.
pub struct LastHeard {
    at_ns: Box<[u64]>,
    hasher: RandomState,
}

impl LastHeard {
    pub fn new() -> Self {
        Self { at_ns: vec![0; BUCKETS].into_boxed_slice(), hasher: RandomState::new() }
    }

    pub fn note(&mut self, name: &Name, now_ns: u64) {
        let bucket = self.bucket(name);
        self.at_ns[bucket] = now_ns;
    }

    pub fn note_all(&mut self, now_ns: u64) {
        self.at_ns.fill(now_ns);
    }

    /// True when a change of `name` may have been heard of at or after `asked_at_ns`.
    pub fn is_outdated(&self, name: &Name, asked_at_ns: u64) -> bool {
        asked_at_ns <= self.at_ns[self.bucket(name)]
    }

    #[allow(clippy::cast_possible_truncation)] // any bits will do
    fn bucket(&self, name: &Name) -> usize {
        self.hasher.hash_one(name) as usize % BUCKETS
    }
}

const BUCKETS: usize = 4_096;

#[cfg(test)]
mod tests {
    use slotmap::SlotMap;

    use super::*;

    #[test]
    fn those_who_left_take_no_room_for_long() {
        let mut flights = Flights::new(1);
        let mut connections: SlotMap<ConnectionKey, ()> = SlotMap::with_key();
        let name = Name::new(0, b"missing");
        let stays = connections.insert(());
        assert!(flights.join(name.clone(), Waiter { connection: stays, place: 0 }));
        for _ in 0..1_000 {
            let leaves = connections.insert(());
            assert!(flights.join(name.clone(), Waiter { connection: leaves, place: 0 }));
            connections.remove(leaves);
            flights.leave(&name, |connection| connections.contains_key(connection));
        }
        flights.take();
        let waiters = flights.land(&name).map(|flight| flight.waiters).unwrap_or_default();
        assert!(waiters.iter().any(|waiter| waiter.connection == stays));
        assert!(waiters.len() <= 4, "{}", waiters.len());
    }
}
