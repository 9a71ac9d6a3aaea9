"""One worker's engine: what it knows of links, and what it does with what the resolver found."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from cachetools import TLRUCache

from gateway.budget import UnknownBudget
from gateway.counters import CountersPage
from gateway.engines.contract import ABSENT_SECONDS, LIFETIME_SECONDS, MAX_ABSENT, Tier, Unavailable
from gateway.engines.python.cache import LinkCache
from gateway.engines.python.clients import Clients
from gateway.engines.python.connection import PythonConnection
from gateway.engines.python.entries import Entry, Name, make_entry, name_of
from gateway.engines.python.flights import Flight, Flights, LastHeard
from gateway.engines.python.orphans import Orphans
from gateway.engines.python.owed import Owed
from gateway.engines.python.tallies import Tallies
from gateway.http.addresses import ClientAddresses
from gateway.http.answers import INTERNAL_ERROR, NOT_FOUND, UNAVAILABLE, Answer, too_many_unknown
from gateway.http.head import Persistence
from gateway.http.replies import ReplyStarts
from redirect_core import SpoolWriter
from redirect_core._core import HEAD
from shortlink.clock import Clock
from shortlink.links import Change, Link, LinkKey
from shortlink.orphans import Visits
from shortlink.settings import Settings

# After no store answered, an old copy serves for so long before the stores are tried again for its sake.
HOLD_OVER_SECONDS: Final = 1.0


class PythonEngine:
    """Implements gateway.engines.contract.Engine.

    Attributes, all for its connections and read-only to them:
        now: seconds, monotonic, as of the last `read_clock`; now_ms: the same in ms since the epoch.
        monotonic: reads the clock.
        starts: first lines of replies, with the date of now; open_redirects: those of redirects after which the
            connection stays open, by status.
        cache: links by name; an entry is there until not even a worker that is cut off may serve it.
        draining: every reply says `Connection: close`.
        keepalive_requests: how many requests a connection may make.
        clients: who sends what.
    """

    def __init__(self, settings: Settings, clock: Clock, page: CountersPage, spool: SpoolWriter) -> None:
        self._page = page
        self._spool = spool
        self.monotonic = clock.monotonic
        self._read_ms = clock.now_ms
        self._second_ms = -1_000
        self.starts = ReplyStarts(settings.referrer_policy)
        self.open_redirects = self.starts.redirects[Persistence.OPEN]
        self.now = self.read_clock()

        domains = frozenset(domain.encode() for domain in settings.domains)
        self.clients = Clients(ClientAddresses(settings.trusted_proxies), domains, settings)
        self.keepalive_requests = settings.keepalive_requests or _NO_LIMIT
        self.draining = False

        self.tallies = Tallies(page, spool)
        self.words = page.words
        self.record = spool.record
        self.cache = LinkCache(settings.cache_mb << 20, self._cached_now, domains)
        self._absent: TLRUCache[Name, float] = TLRUCache(
            MAX_ABSENT, ttu=lambda name, until, now: until, timer=self._cached_now
        )
        self._suspect_at = float("-inf")
        self.flights = Flights(settings.max_misses)
        self._heard = LastHeard()
        self._budget = UnknownBudget(settings.unknown_per_minute)
        self._orphans = Orphans()

    # The contract.

    def connection(self, peer: str | None, wake: Callable[[], None]) -> PythonConnection:
        return PythonConnection(self, peer, wake)

    def take_misses(self) -> Sequence[LinkKey]:
        return self.flights.take()

    def put(
        self, answers: Mapping[LinkKey, Link | Unavailable | None], *, asked_at: float, tier: Tier
    ) -> Iterable[Callable[[], None]]:
        now = self.read_clock()
        changed: dict[PythonConnection, None] = {}
        for key, answer in answers.items():
            name = name_of(key)
            flight = self.flights.land(name)
            if isinstance(answer, Unavailable):
                self.tallies.add("store_unavailable")
                outcome = self._hold_over(name)
            elif self._is_outdated(name, flight, answer, asked_at):
                if flight is not None:
                    self.flights.again(name, flight)
                continue
            else:
                outcome = self._keep(name, answer, asked_at, tier)
            for owed in flight.waiters if flight is not None else ():
                self._settle(owed, outcome, tier, now)
                if owed.connection is not None:
                    changed[owed.connection] = None
        return [connection.wake for connection in changed if connection.is_ready]

    def announce(self, changes: Sequence[Change]) -> None:
        now = self.read_clock()
        for change in changes:
            name = name_of(change.key)
            self.flights.hear(name, change.version)
            self._heard.note(name, now)
            self._absent.pop(name, None)
            entry = self.cache.find(name)
            if entry is not None and entry.version < change.version:
                self.cache.drop(name)
        self.tallies.add("changes_heard", len(changes))

    def forget_all(self) -> None:
        now = self.read_clock()
        self._suspect_at = now
        self.cache.distrust()
        self.flights.hear_of_all()
        self._heard.note_all(now)
        self._absent.clear()

    def tick(self) -> None:
        self.read_clock()
        self.flights.release()
        self.tallies.settle()
        self._page["misses_in_flight"] = len(self.flights)
        self._page["cached_links"] = len(self.cache)
        self._page["cached_bytes"] = self.cache.size_bytes
        self._page["absent_codes"] = len(self._absent)

    def take_orphans(self) -> Sequence[Visits]:
        taken, self._orphans = self._orphans, Orphans()
        return taken.ranked()

    def set_salts(self, salts: Mapping[int, bytes]) -> None:
        self._spool.set_salts(salts)

    def drain(self) -> None:
        self.draining = True

    def close(self) -> None:
        self._spool.close()
        self.tallies.settle()

    # For its connections.

    def read_clock(self) -> float:
        """Read the time once for all that is done now; returns `now`."""
        self.now = now = self.monotonic()
        self.now_ms = now_ms = self._read_ms()
        if not 0 <= now_ms - self._second_ms < 1_000:
            self._second_ms = now_ms - now_ms % 1_000
            self.starts.at(now_ms // 1_000)
            self.open_redirects = self.starts.redirects[Persistence.OPEN]
        return now

    def elapsed(self) -> float:
        """Seconds since `now`."""
        return self.monotonic() - self.now

    def find(self, name: Name, owed: Owed, network: bytes) -> None:
        """Give `owed` its outcome if it is known, else have it wait for the resolver, or refuse it."""
        entry = self._fresh(name)
        if entry is not None:
            owed.outcome = entry
            return
        # Who joins a flight asks the stores for nothing: a crowd that comes for one link before it is cached pays once.
        is_free = name in self.cache or name in self.flights
        if not is_free and (wait_seconds := self._budget.take(network, self.now)):
            owed.outcome = too_many_unknown(wait_seconds)
        elif name in self._absent:
            self.tallies.add("cache_absent_hits")
            owed.outcome = NOT_FOUND
        else:
            owed.network = b"" if is_free else network
            self._wait(name, owed)

    def reply(self, owed: Owed) -> bytes:
        """The bytes of a reply that enters the output now; its click is recorded."""
        outcome = owed.outcome
        assert outcome is not None, "only ready replies are sent"
        found = outcome if isinstance(outcome, Answer) else outcome.at(self.now_ms, owed.query)
        self.tallies.reply(owed.route, found.status)
        if isinstance(found, Answer):
            if outcome is NOT_FOUND and owed.click is not None and not owed.is_head:
                self._orphans.visit(owed.click.domain, owed.click.code)
            if found is INTERNAL_ERROR:
                self.tallies.add("engine_errors")
            rest = found.rest_of_head if owed.is_head else found.rest
            return self.starts.other(found.status, owed.persistence) + rest
        if (click := owed.click) is not None:
            spooled = self.record(self.now_ms, click.domain, click.code, 0, click.flags, click.visitor)
            self.tallies.click(spooled, head=bool(click.flags & HEAD))
        return self.starts.redirects[owed.persistence][found.status] + found.target + found.ending

    # Inside.

    def _cached_now(self) -> float:
        return self.now

    def _fresh(self, name: Name) -> Entry | None:
        """The entry, if it may be served without asking; one that is due is asked for in the background."""
        entry = self.cache.find(name)
        if entry is None or not self._is_fresh(entry):
            return None
        if entry.is_stale:
            self.tallies.add("cache_stale_hits")
            return entry
        if self.now >= entry.refresh_at:
            self.flights.refresh(name)
        self.tallies.add("cache_hits")
        return entry

    def _is_fresh(self, entry: Entry) -> bool:
        return self.now < entry.fresh_until and entry.held_from > self._suspect_at

    def _wait(self, name: Name, owed: Owed) -> None:
        flight = self.flights.join(name)
        if flight is None:
            self.tallies.add("misses_refused")
            self._budget.give_back(owed.network, self.now)
            owed.outcome = UNAVAILABLE
            return
        self.tallies.add("cache_misses")
        owed.flight = flight
        flight.waiters[owed] = None

    def _is_outdated(self, name: Name, flight: Flight | None, answer: Link | None, asked_at: float) -> bool:
        if flight is not None:
            return flight.is_outdated(answer)
        return self._heard.is_outdated(name, asked_at)

    def _keep(self, name: Name, link: Link | None, asked_at: float, tier: Tier) -> Entry | Answer:
        """Remember what a store said; a newer copy is never replaced by an older one."""
        held = self.cache.find(name)
        if link is None:
            self.tallies.add("store_absent")
            self.cache.drop(name)
            self._absent[name] = asked_at + ABSENT_SECONDS
            return NOT_FOUND
        self.tallies.add("redis_hits" if tier is Tier.REDIS else "store_hits")
        if name in self._absent:
            del self._absent[name]
        lifetime = LIFETIME_SECONDS * random.uniform(0.9, 1.1)  # noqa: S311 spreads refreshes; no secret
        is_stale_copy = asked_at + lifetime <= self.now
        entry = _newest(held, link, asked_at, lifetime)
        if self.now >= entry.stale_until:
            self.cache.drop(name)  # not even what is held, which is older
        elif entry is not held:
            self.cache.keep(name, entry, is_plain=entry.limits is None and self._is_fresh(entry))
        return self._hold_over(name) if is_stale_copy else entry

    def _hold_over(self, name: Name) -> Entry | Answer:
        """No store answers: an old copy must do, unless it is of a link that is known to be disabled."""
        held = self.cache.find(name)
        if held is None or not held.may_be_stale:
            return UNAVAILABLE
        entry = held.held_over(self.now + HOLD_OVER_SECONDS, self.now, is_fresh=self._is_fresh(held))
        self.cache.keep(name, entry, is_plain=False)
        if entry.is_stale:
            self.tallies.add("cache_stale_hits")
        return entry

    def _settle(self, owed: Owed, outcome: Entry | Answer, tier: Tier, now: float) -> None:
        owed.outcome = outcome
        owed.tier = tier
        owed.flight = None
        if outcome is not NOT_FOUND:
            self._budget.give_back(owed.network, now)


def _newest(held: Entry | None, link: Link, asked_at: float, lifetime: float) -> Entry:
    """Of what is held and what was found the newer version; of one version, as it was asked for last."""
    if held is None or held.version < link.version:
        return make_entry(link, asked_at, lifetime)
    if held.version == link.version and held.asked_at <= asked_at:
        return held.confirmed(asked_at, lifetime)
    return held


_NO_LIMIT: Final = 1 << 62
