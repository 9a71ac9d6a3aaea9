//! One worker's engine: its connections, and what it does with what the resolver found.

use std::collections::{HashMap, HashSet};
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use ipnet::IpNet;
use slotmap::{SlotMap, new_key_type};

use crate::cache::{Entry, EntryMut, LinkCache, NewEntry, Ticks};
use crate::edge::absences::Absences;
use crate::edge::budget::UnknownBudget;
use crate::edge::clients::{Clients, Discretion};
use crate::edge::clock::{Now, ReadClock, ticks, ticks_in};
use crate::edge::connection::{Connection, State};
use crate::edge::counters::{Counters, Name as Counter};
use crate::edge::flights::{Flight, Flights, LastHeard, Name};
use crate::edge::lent::Lent;
use crate::edge::orphans::Orphans;
use crate::edge::owed::{Outcome, Tier};
use crate::edge::shared::{HOLD_OVER_TICKS, Shared, UnspooledClicks};
use crate::http::{Answer, ClientAddresses, ReplyStarts};
use crate::spool::SpoolWriter;

new_key_type! {
    /// Names one connection; it never names another later.
    pub struct ConnectionKey;
}

/// What is chosen at the start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Of the cache of links, in all.
    pub cache_bytes: usize,
    /// What may be recorded of clients.
    pub discretion: Discretion,
    /// Domains besides the default one, in lower case.
    pub domains: Vec<String>,
    /// Requests of one connection; 0: no limit.
    pub keepalive_requests: u64,
    /// Misses in flight.
    pub max_misses: usize,
    /// Of redirects.
    pub referrer_policy: String,
    /// Networks of proxies.
    pub trusted_proxies: Vec<IpNet>,
    /// Unknown codes of one network; 0: no limit.
    pub unknown_per_minute: u32,
}

/// A link's domain and code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Key<'a> {
    /// Empty: the default one.
    pub domain: &'a str,
    /// 1 to 64 characters.
    pub code: &'a str,
}

/// A store's answer about one link. Its `NewEntry::domain` and `code` are taken from the key.
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    /// There it is.
    Link(NewEntry<'a>),
    /// There is none.
    Absent,
    /// No store could be asked.
    Unavailable,
}

/// When and where an answer was read.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// No earlier than that, by the monotonic clock.
    pub asked_at_ns: u64,
    /// Where.
    pub tier: Tier,
}

/// See this file's first line.
pub struct Engine {
    shared: Shared,
    connections: SlotMap<ConnectionKey, Connection>,
    heard: LastHeard,
    /// By index; the first is the default one.
    domains: Vec<String>,
    /// Replies of the step under way.
    out: Vec<u8>,
    /// Reused for new entries.
    encoded: Vec<u8>,
}

impl Engine {
    /// An engine that knows nothing yet.
    ///
    /// # Errors
    /// The system refuses the cache's address space.
    pub fn new(settings: Settings, clock: ReadClock, counters: Counters, spool: Arc<SpoolWriter>) -> io::Result<Self> {
        let domains: Vec<String> = std::iter::once(String::new()).chain(settings.domains).collect();
        let indices = domains.iter().zip(0..=u16::MAX).skip(1).map(|(name, index)| (name.clone().into_bytes(), index));
        let indices: HashMap<_, _> = indices.collect();
        let keepalive = settings.keepalive_requests;
        let shared = Shared {
            now: clock(),
            is_timed: true,
            clock,
            starts: ReplyStarts::new(&settings.referrer_policy),
            counters,
            cache: LinkCache::new(settings.cache_bytes)?,
            suspect_at: 0,
            absences: Absences::default(),
            flights: Flights::new(settings.max_misses),
            budget: UnknownBudget::new(settings.unknown_per_minute),
            clients: Clients::new(ClientAddresses::new(settings.trusted_proxies), settings.discretion, indices),
            clicks: UnspooledClicks { dropped: spool.dropped(), ..UnspooledClicks::default() },
            lent: Lent::default(),
            orphans: Orphans::new(),
            spool,
            keepalive_requests: if keepalive == 0 { u64::MAX } else { keepalive },
            draining: false,
        };
        Ok(Self {
            shared,
            connections: SlotMap::with_key(),
            heard: LastHeard::new(),
            domains,
            out: Vec::new(),
            encoded: Vec::new(),
        })
    }

    // Connections.

    /// A new client. `peer`: its IP address; `None`: a unix socket.
    pub fn connect(&mut self, peer: Option<&str>) -> ConnectionKey {
        let peer = self.shared.clients.peer(peer);
        self.connections.insert_with_key(|key| Connection::new(key, peer))
    }

    /// Take what was read; all replies that are ready.
    pub fn feed(&mut self, key: ConnectionKey, data: &[u8]) -> &[u8] {
        self.step(key, |connection, shared, out| connection.feed(shared, data, out))
    }

    /// Go on with the held rest of a read; the replies that became ready since.
    pub fn resume(&mut self, key: ConnectionKey) -> &[u8] {
        self.step(key, Connection::resume)
    }

    /// The client half-closed.
    pub fn eof(&mut self, key: ConnectionKey) -> &[u8] {
        self.step(key, Connection::eof)
    }

    /// The head took too long.
    pub fn timeout(&mut self, key: ConnectionKey) -> &[u8] {
        self.step(key, Connection::timeout)
    }

    /// Parse nothing more until the next `resume`.
    pub fn pause(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.pause();
        }
    }

    /// Its next reply is the last.
    pub fn drain_one(&mut self, key: ConnectionKey) {
        if let Some(connection) = self.connections.get_mut(key) {
            connection.drain();
        }
    }

    /// The transport is gone.
    pub fn lost(&mut self, key: ConnectionKey) {
        if let Some(mut connection) = self.connections.remove(key) {
            connection.lost(&mut self.shared, |key| self.connections.contains_key(key));
        }
    }

    /// What the protocol must know of a connection after its last step.
    #[must_use]
    #[inline]
    pub fn state(&self, key: ConnectionKey) -> State {
        self.connections.get(key).map_or_else(State::default, Connection::state)
    }

    #[inline]
    fn step(&mut self, key: ConnectionKey, step: impl FnOnce(&mut Connection, &mut Shared, &mut Vec<u8>)) -> &[u8] {
        self.out.clear();
        if let Some(connection) = self.connections.get_mut(key) {
            self.shared.is_timed = false;
            step(connection, &mut self.shared, &mut self.out);
        }
        &self.out
    }

    // Links.

    /// Names that must be found, each once however many wait.
    pub fn take_misses(&mut self) -> Vec<Name> {
        self.shared.flights.take()
    }

    /// Visits to codes that no link has since the last call: the most visited, most first.
    pub fn take_orphans(&mut self) -> Vec<(Name, u64)> {
        self.shared.orphans.take()
    }

    /// The name of a domain by its index.
    #[must_use]
    pub fn domain(&self, index: u16) -> &str {
        self.domains.get(usize::from(index)).map_or("", String::as_str)
    }

    /// What was found of one link; connections that may have replies ready now are added to `woken`.
    pub fn put(&mut self, key: Key<'_>, found: Found<'_>, answered: Answered, woken: &mut Vec<ConnectionKey>) {
        self.shared.read_clock();
        let Some(name) = self.name(key) else {
            return;
        };
        let flight = self.shared.flights.land(&name);
        let outcome = match found {
            Found::Unavailable => {
                self.shared.counters.add(Counter::StoreUnavailable, 1);
                self.hold_over(&name)
            }
            _ if self.is_outdated(&name, flight.as_ref(), &found, answered) => {
                if let Some(flight) = flight {
                    self.shared.flights.again(name, flight);
                }
                return;
            }
            Found::Absent => self.keep_absence(name, answered),
            Found::Link(link) => self.keep(&name, link, answered),
        };
        self.settle(flight.as_ref(), &outcome, answered.tier, woken);
    }

    /// Give those who waited for a flight its outcome.
    fn settle(&mut self, flight: Option<&Flight>, outcome: &Outcome, tier: Tier, woken: &mut Vec<ConnectionKey>) {
        for waiter in flight.into_iter().flat_map(|flight| &flight.waiters) {
            let Some(connection) = self.connections.get_mut(waiter.connection) else {
                continue; // it left
            };
            if let Some(owed) = connection.settle(waiter.place, outcome, tier) {
                if !matches!(outcome, Outcome::Answer(Answer::NotFound)) {
                    self.shared.budget.give_back(owed.network, self.shared.now.seconds());
                }
                woken.push(waiter.connection);
            }
        }
    }

    /// A fault of ours kept the answer about a link from being put: those who wait for it get what there is instead.
    pub fn give_up(&mut self, key: Key<'_>, woken: &mut Vec<ConnectionKey>) {
        self.shared.counters.add(Counter::EngineErrors, 1);
        if let Some(name) = self.name(key) {
            let flight = self.shared.flights.land(&name);
            self.settle(flight.as_ref(), &Outcome::Answer(Answer::Unavailable), Tier::Store, woken);
        }
    }

    /// Of the connections that [`Engine::put`] named, each once, those that can be resumed.
    #[must_use]
    pub fn ready(&self, mut woken: Vec<ConnectionKey>) -> Vec<ConnectionKey> {
        let mut seen = HashSet::new();
        woken.retain(|&key| seen.insert(key) && self.connections.get(key).is_some_and(Connection::is_ready));
        woken
    }

    /// A link changed: an older copy is dropped, and never comes back.
    pub fn announce(&mut self, key: Key<'_>, version: u64) {
        self.shared.read_clock();
        self.shared.counters.add(Counter::ChangesHeard, 1);
        let Some(name) = self.name(key) else {
            return; // of a domain that has no links here
        };
        self.shared.flights.hear(&name, version);
        self.heard.note(&name, self.shared.now.monotonic_ns);
        self.shared.absences.remove(&name);
        if self.shared.cache.peek(name.domain, &name.code).is_some_and(|entry| entry.version() < version) {
            self.shared.cache.remove(name.domain, &name.code);
        }
    }

    /// Every copy is suspect: ask again before serving it, but keep it as stale.
    pub fn forget_all(&mut self) {
        self.shared.read_clock();
        let now = self.shared.now;
        self.shared.suspect_at = now.ticks();
        self.shared.flights.hear_of_all();
        self.heard.note_all(now.monotonic_ns);
        self.shared.absences.clear();
    }

    // The rest.

    /// What need not be done on the hot path.
    pub fn tick(&mut self) {
        self.shared.read_clock();
        let shared = &mut self.shared;
        shared.flights.release();
        shared.absences.expire(shared.now.monotonic_ns);
        shared.lent.tidy();
        shared.settle_clicks();
        shared.counters.set(Counter::MissesInFlight, shared.flights.len() as u64);
        shared.counters.set(Counter::CachedLinks, shared.cache.len() as u64);
        shared.counters.set(Counter::CachedBytes, shared.cache.size_bytes() as u64);
        shared.counters.set(Counter::AbsentCodes, shared.absences.len() as u64);
        self.out.shrink_to(MOST_OUTPUT_KEPT);
    }

    /// Every reply from now on says `Connection: close`.
    pub fn drain(&mut self) {
        self.shared.draining = true;
    }

    /// Close the spool cleanly; nothing may be fed afterwards.
    ///
    /// # Errors
    /// What was recorded last may not be on disk.
    pub fn close(&mut self) -> io::Result<()> {
        let closed = self.shared.spool.close();
        self.shared.settle_clicks();
        closed
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Now {
        self.shared.now
    }

    fn name(&self, key: Key<'_>) -> Option<Name> {
        let domain = self.domains.iter().position(|domain| domain == key.domain)?;
        Some(Name::new(u16::try_from(domain).ok()?, key.code.as_bytes()))
    }

    fn is_outdated(&self, name: &Name, flight: Option<&Flight>, found: &Found<'_>, answered: Answered) -> bool {
        let version = if let Found::Link(link) = found { link.version } else { 0 };
        match flight {
            Some(flight) => flight.is_outdated(version),
            None => self.heard.is_outdated(name, answered.asked_at_ns),
        }
    }

    fn keep_absence(&mut self, name: Name, answered: Answered) -> Outcome {
        self.shared.counters.add(Counter::StoreAbsent, 1);
        self.shared.cache.remove(name.domain, &name.code);
        self.shared.absences.add(name, answered.asked_at_ns + ABSENT_NS);
        Outcome::Answer(Answer::NotFound)
    }

    /// Remember a link; a newer copy is never replaced by an older one.
    fn keep(&mut self, name: &Name, link: NewEntry<'_>, answered: Answered) -> Outcome {
        let shared = &mut self.shared;
        let from = if answered.tier == Tier::Redis { Counter::RedisHits } else { Counter::StoreHits };
        shared.counters.add(from, 1);
        shared.absences.remove(name);
        let asked_at = ticks(answered.asked_at_ns);
        let lifetime = lifetime(shared.cache.hash(name.domain, &name.code) ^ answered.asked_at_ns);
        let (refresh_at, fresh_until) = (asked_at + lifetime / 5 * 4, asked_at + lifetime);
        let is_stale_copy = fresh_until <= shared.now.ticks();
        let held = shared.held(name).map(|held| (held.version(), held.asked_at()));
        match held {
            Some((version, _)) if version > link.version => {}
            Some((version, before)) if version == link.version => {
                if before <= asked_at {
                    shared.cache.change(name.domain, &name.code, |mut entry| {
                        entry.confirm(asked_at, refresh_at, fresh_until);
                    });
                }
            }
            _ => {
                let entry = NewEntry { domain: name.domain, code: &name.code, ..link };
                if !entry.encode(&mut self.encoded) {
                    return Outcome::Answer(Answer::InternalError);
                }
                EntryMut(&mut self.encoded).confirm(asked_at, refresh_at, fresh_until);
                shared.cache.keep(&self.encoded);
                if !is_stale_copy {
                    return Outcome::Link(Rc::from(&self.encoded[..]));
                }
            }
        }
        if is_stale_copy {
            return self.hold_over(name);
        }
        shared.held(name).map_or(Outcome::Answer(Answer::Unavailable), |held| Outcome::Link(held.0.into()))
    }

    /// No store answers: an old copy must do, unless it is of a link that is known to be disabled.
    fn hold_over(&mut self, name: &Name) -> Outcome {
        let shared = &mut self.shared;
        let Some(held) = shared.held(name).filter(Entry::may_be_stale) else {
            return Outcome::Answer(Answer::Unavailable);
        };
        let (outcome, is_fresh, was_stale) = (Outcome::Link(held.0.into()), shared.is_fresh(held), held.is_stale());
        let until = shared.now.ticks() + HOLD_OVER_TICKS;
        let until = if is_fresh { until.min(held.fresh_until()) } else { until };
        shared.cache.change(name.domain, &name.code, |mut entry| entry.hold_over(until, is_fresh));
        if !is_fresh || was_stale {
            shared.counters.add(Counter::CacheStaleHits, 1);
        }
        outcome
    }
}

/// A link's lifetime in ticks, ±10 %; `chance`: any number.
fn lifetime(chance: u64) -> Ticks {
    #[allow(clippy::cast_possible_truncation)] // a remainder
    let jitter = (chance % u64::from(LIFETIME_TICKS / 5 + 1)) as Ticks;
    LIFETIME_TICKS - LIFETIME_TICKS / 10 + jitter
}

// contract.py's LIFETIME_SECONDS and ABSENT_SECONDS.
const LIFETIME_TICKS: Ticks = ticks_in(30);
const ABSENT_NS: u64 = 2_000_000_000;
/// More than that is given back once a second.
const MOST_OUTPUT_KEPT: usize = 256 * 1024;
