//! What all connections of an engine share: the links it knows, the replies it writes, the clicks it records.

use std::sync::Arc;

use crate::cache::{Entry, Leads, LinkCache, Ticks};
use crate::edge::absences::Absences;
use crate::edge::budget::UnknownBudget;
use crate::edge::clients::{Client, Clients};
use crate::edge::clock::{Now, ReadClock, ticks_in};
use crate::edge::counters::{Counters, Name as Counter};
use crate::edge::flights::{Flights, Name, Waiter};
use crate::edge::lent::Lent;
use crate::edge::orphans::Orphans;
use crate::edge::owed::{Asked, Outcome, Owed, Route};
use crate::http::{Answer, Persistence, ReplyStarts, status_index, write_with_query};
use crate::spool::{Click, HEAD, SpoolWriter};

/// Even a worker that is cut off from all stores serves no copy older than that; contract.py's `STALE_SECONDS`.
const STALE_TICKS: Ticks = ticks_in(3_600);
/// After no store answered, an old copy serves for so long before the stores are tried again for its sake.
pub const HOLD_OVER_TICKS: Ticks = ticks_in(1);

/// See this file's first line.
pub struct Shared {
    pub clock: ReadClock,
    /// As of the last `read_clock`.
    pub now: Now,
    /// Whether the time has been read in this step.
    pub is_timed: bool,
    pub starts: ReplyStarts,
    pub counters: Counters,
    pub cache: LinkCache,
    /// Copies read no later than that are suspect.
    pub suspect_at: Ticks,
    pub absences: Absences,
    pub flights: Flights,
    pub budget: UnknownBudget,
    pub clients: Clients,
    pub spool: Arc<SpoolWriter>,
    pub clicks: UnspooledClicks,
    pub lent: Lent,
    pub orphans: Orphans,
    /// How many requests a connection may make.
    pub keepalive_requests: u64,
    /// Every reply says `Connection: close`.
    pub draining: bool,
}

impl Shared {
    /// Read the time once for all that is done now.
    #[inline]
    pub fn read_clock(&mut self) {
        self.is_timed = true;
        self.now = (self.clock)();
        self.starts.at(self.now.unix_ms / 1_000);
    }

    /// Read it if that wasn't done in this step.
    #[inline]
    pub fn read_clock_once(&mut self) {
        if !self.is_timed {
            self.read_clock();
        }
    }

    /// Nanoseconds since `now`.
    pub fn elapsed_ns(&self) -> u64 {
        (self.clock)().monotonic_ns.saturating_sub(self.now.monotonic_ns)
    }

    /// Send a cached link's reply at once (`hash`: its name's), if it may be sent as it is and the connection stays open after it.
    #[inline]
    pub fn hit(&mut self, hash: u64, client: &Client, code: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(entry) = self.cache.find(hash, client.domain, code) else {
            return false;
        };
        if !entry.is_plain() || self.now.ticks() >= entry.refresh_at() || entry.asked_at() <= self.suspect_at {
            return false;
        }
        let status = entry.status();
        out.extend_from_slice(self.starts.redirect(status, Persistence::Open));
        out.extend_from_slice(entry.target());
        write_ending(entry.cache_control(), out);
        self.counters.reply(Route::Redirect, status + FIRST_REDIRECT);
        self.record(client, code, client.flags);
        true
    }

    /// Give a request for a code its outcome if that is known, else have it wait for the resolver, or refuse it.
    /// `is_behind`: others must be answered before it.
    pub fn find(&mut self, asked: &Asked, owed: &mut Owed, waiter: Waiter, is_behind: bool) {
        let (client, code) = (&*asked.client, &*asked.code);
        let name = Name::new(client.domain, code);
        let held = held(&self.cache, &name, self.now);
        if let Some(fresh) = held.filter(|entry| is_fresh(*entry, self.now, self.suspect_at)) {
            let (is_stale, is_due) = (fresh.is_stale(), self.now.ticks() >= fresh.refresh_at());
            let copy = if is_behind { self.lent.copy_of(&name, fresh) } else { fresh.0.into() };
            owed.outcome = Some(Outcome::Link(copy));
            self.cache.touch(name.domain, &name.code);
            if is_stale {
                self.counters.add(Counter::CacheStaleHits, 1);
                return;
            }
            self.counters.add(Counter::CacheHits, 1);
            if is_due {
                self.flights.refresh(name);
            }
            return;
        }
        // Who joins a flight asks the stores for nothing: a crowd that comes for one link before it is cached pays once.
        let is_free = held.is_some() || self.flights.has(&name);
        let refused = if is_free { None } else { self.budget.take(client.network, self.now.seconds()) };
        if let Some(seconds) = refused {
            owed.outcome = Some(Outcome::Answer(Answer::TooManyUnknown(seconds)));
        } else if self.absences.has(&name, self.now.monotonic_ns) {
            self.counters.add(Counter::CacheAbsentHits, 1);
            owed.outcome = Some(Outcome::Answer(Answer::NotFound));
        } else {
            owed.network = client.network.filter(|_| !is_free);
            self.wait(name, owed, waiter);
        }
    }

    fn wait(&mut self, name: Name, owed: &mut Owed, waiter: Waiter) {
        if self.flights.join(name, waiter) {
            self.counters.add(Counter::CacheMisses, 1);
            return;
        }
        self.counters.add(Counter::MissesRefused, 1);
        self.budget.give_back(owed.network, self.now.seconds());
        owed.outcome = Some(Outcome::Answer(Answer::Unavailable));
    }

    /// The entry of this name, unless it is so old that nobody may be served it.
    pub fn held(&self, name: &Name) -> Option<Entry<'_>> {
        held(&self.cache, name, self.now)
    }

    /// True if it may be served without asking.
    pub fn is_fresh(&self, entry: Entry<'_>) -> bool {
        is_fresh(entry, self.now, self.suspect_at)
    }

    /// Write a reply that has its outcome and enters the output now; its click is recorded.
    pub fn write_reply(&mut self, owed: &Owed, out: &mut Vec<u8>) {
        match &owed.outcome {
            None => debug_assert!(false, "only ready replies are sent"),
            Some(Outcome::Answer(answer)) => {
                if let (Answer::NotFound, false, Some(asked)) = (answer, owed.is_head, &owed.asked) {
                    self.orphans.visit(Name::new(asked.client.domain, &asked.code));
                }
                self.write_answer(*answer, owed, out);
            }
            Some(Outcome::Link(bytes)) => match Entry(bytes).leads(self.now.unix_ms) {
                Leads::Nowhere(answer) => self.write_answer(answer, owed, out),
                Leads::To { status, target, cache_control, with_query } => {
                    self.counters.reply(owed.route, status + FIRST_REDIRECT);
                    out.extend_from_slice(self.starts.redirect(status, owed.persistence));
                    let asked = owed.asked.as_ref();
                    let query = asked.filter(|_| with_query).map_or(&[][..], |asked| &asked.query);
                    write_with_query(target, query, out);
                    write_ending(cache_control, out);
                    if let Some(asked) = asked {
                        self.record(
                            &asked.client,
                            &asked.code,
                            asked.client.flags | if owed.is_head { HEAD } else { 0 },
                        );
                    }
                }
            },
        }
    }

    fn write_answer(&mut self, answer: Answer, owed: &Owed, out: &mut Vec<u8>) {
        self.counters.reply(owed.route, status_index(answer.status()));
        if answer == Answer::InternalError {
            self.counters.add(Counter::EngineErrors, 1);
        }
        self.starts.write_other(answer.status(), owed.persistence, out);
        answer.write_rest(owed.is_head, out);
    }

    #[inline]
    fn record(&mut self, client: &Client, code: &[u8], flags: u8) {
        let domain = self.clients.domain_name(client.domain);
        let click = Click { now_ms: self.now.unix_ms, domain, code, variant: 0, flags };
        if self.spool.record(&click, &mut client.visitor.borrow_mut()) == Some(true) {
            self.counters.add(Counter::ClicksSpooled, 1);
        } else {
            self.clicks.recorded += 1;
        }
        if flags & HEAD != 0 {
            self.counters.add(Counter::ClicksHead, 1);
        }
    }

    /// Say in the page what became of the clicks that were counted in memory alone.
    pub fn settle_clicks(&mut self) {
        let (volatile, dropped) = (self.spool.volatile(), self.spool.dropped());
        let newly_dropped = dropped - self.clicks.dropped;
        let newly_settled = self.clicks.recorded.saturating_sub(volatile).saturating_sub(self.clicks.settled);
        self.counters.set(Counter::ClicksVolatile, volatile);
        self.counters.add(Counter::ClicksDroppedMemory, newly_dropped);
        self.counters.add(Counter::ClicksSpooled, newly_settled.saturating_sub(newly_dropped));
        self.clicks.settled += newly_settled;
        self.clicks.dropped = dropped;
    }
}

fn held<'a>(cache: &'a LinkCache, name: &Name, now: Now) -> Option<Entry<'a>> {
    let entry = cache.peek(name.domain, &name.code)?;
    (now.ticks() < entry.asked_at().saturating_add(STALE_TICKS)).then_some(entry)
}

fn is_fresh(entry: Entry<'_>, now: Now, suspect_at: Ticks) -> bool {
    let held_from =
        if entry.is_stale() { entry.fresh_until().saturating_sub(HOLD_OVER_TICKS) } else { entry.asked_at() };
    now.ticks() < entry.fresh_until() && held_from > suspect_at
}

/// Clicks that were counted in memory alone.
#[derive(Default)]
pub struct UnspooledClicks {
    /// All of them.
    pub recorded: u64,
    /// Those of which the page says that they were spooled later, or dropped.
    pub settled: u64,
    /// Those that it says were dropped.
    pub dropped: u64,
}

/// All that follows the target in a redirect.
#[inline]
fn write_ending(cache_control: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(b"\r\nCache-Control: ");
    out.extend_from_slice(cache_control);
    out.extend_from_slice(b"\r\nContent-Length: 0\r\n\r\n");
}

/// Where the first of `REDIRECT_STATUSES` stands in `STATUSES`.
const FIRST_REDIRECT: usize = 2;
