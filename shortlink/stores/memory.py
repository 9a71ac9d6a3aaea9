"""Links in memory: the plainest store that keeps the contract, for tests and as a measure for the others."""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from shortlink.clock import Clock
from shortlink.codes import MAX_DRAWS, random_code
from shortlink.errors import CursorExpired, StoreUnavailable
from shortlink.links import (
    Added,
    Change,
    Changes,
    Idempotency,
    Link,
    LinkKey,
    LinkPage,
    LinkPatch,
    LinkQuery,
    Missed,
    NewLink,
    Order,
    Refused,
)
from shortlink.stores.adding import link_to_store
from shortlink.stores.cursors import cursor_after, position_of, sorted_by
from shortlink.stores.lifetimes import FEED_MS, IDEMPOTENCY_MS, SALT_BYTES, TOMBSTONE_MS, day_of
from shortlink.stores.versions import next_version


@dataclass(slots=True)
class _Row:
    """A link, or what is left of it; `first_version` tells it from one added again later."""

    link: Link
    first_version: int
    removed_at: int | None = None


@dataclass(frozen=True, slots=True)
class _Answered:
    """What an idempotency key was answered with."""

    fingerprint: bytes
    key: LinkKey
    first_version: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class _Lease:
    """Who holds it until when; nobody: the empty string."""

    holder: str
    term: int
    until: float


class MemoryLinkStore:
    """A LinkStore, EdgeStore, SaltStore and LeaseStore that forgets all when it goes; used from one asyncio loop.

    Args:
        clock: gives created_at, updated_at and versions.
        draw_code: where codes come from when a link brings none.
    """

    def __init__(self, clock: Clock, *, draw_code: Callable[[], str] = random_code) -> None:
        self._clock = clock
        self._draw_code = draw_code
        self._rows: dict[LinkKey, _Row] = {}
        self._answered: dict[tuple[str, str], _Answered] = {}
        self._feed: list[tuple[int, Change]] = []  # at_ms, change
        self._purged = 0  # changes that are gone from the feed's beginning
        self._salts: dict[int, bytes] = {}
        self._leases: dict[str, _Lease] = {}
        self._generation = os.urandom(8).hex()
        self._news = asyncio.Event()

    async def open(self) -> None:
        self._news.set()

    async def close(self) -> None:
        return

    async def add(self, links: Sequence[NewLink]) -> list[Added | Refused]:
        chosen = {LinkKey(new.domain, new.code) for new in links if new.code is not None}
        return [self._add(new, chosen) for new in links]

    def _add(self, new: NewLink, chosen: set[LinkKey]) -> Added | Refused:
        answered = self._repeated(new.idempotency)
        if answered is not None:
            return answered
        key = self._draw(new.domain, chosen) if new.code is None else LinkKey(new.domain, new.code)
        row = self._rows.get(key)
        if row is not None and row.removed_at is None:
            return Refused.TAKEN
        now_ms = self._clock.now_ms()
        link = link_to_store(new, key, None if row is None else row.link.version, now_ms)
        self._rows[key] = _Row(link, link.version)
        if (idempotency := new.idempotency) is not None:
            request = idempotency.scope, idempotency.key
            self._answered[request] = _Answered(idempotency.fingerprint, key, link.version, now_ms)
        self._tell(link)
        return Added(link)

    def _repeated(self, idempotency: Idempotency | None) -> Added | Refused | None:
        if idempotency is None:
            return None
        answered = self._answered.get((idempotency.scope, idempotency.key))
        if answered is None:
            return None
        if answered.fingerprint != idempotency.fingerprint:
            return Refused.IDEMPOTENCY_REUSED
        row = self._rows.get(answered.key)
        if row is None or row.removed_at is not None or row.first_version != answered.first_version:
            return Refused.IDEMPOTENCY_REMOVED
        return Added(row.link, replayed=True)

    def _draw(self, domain: str, chosen: set[LinkKey]) -> LinkKey:
        for _ in range(MAX_DRAWS):
            key = LinkKey(domain, self._draw_code())
            if key not in self._rows and key not in chosen:
                return key
        raise StoreUnavailable(f"no free code in {MAX_DRAWS} draws")

    async def get(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
        return {key: row.link for key in keys if (row := self._live(key)) is not None}

    async def change(self, key: LinkKey, patch: LinkPatch, if_version: int | None = None) -> Link | Missed:
        row = self._expected(key, if_version)
        if isinstance(row, Missed):
            return row
        if patch.values:
            now_ms = self._clock.now_ms()
            version = next_version(row.link.version, now_ms)
            row.link = replace(row.link, **patch.values, updated_at=now_ms, version=version)
            self._tell(row.link)
        return row.link

    async def remove(self, key: LinkKey, if_version: int | None = None) -> Missed | None:
        row = self._expected(key, if_version)
        if isinstance(row, Missed):
            return row
        now_ms = self._clock.now_ms()
        row.link = replace(row.link, target="", updated_at=now_ms, version=next_version(row.link.version, now_ms))
        row.removed_at = now_ms
        self._tell(row.link)
        return None

    async def list(self, query: LinkQuery) -> LinkPage:
        links = [row.link for row in self._rows.values() if row.removed_at is None and _matches(query, row.link)]
        descending = query.order in (Order.NEWEST, Order.UPDATED)

        def place(value: int, key: LinkKey) -> tuple[int, LinkKey]:
            return (-value if descending else value), key

        links.sort(key=lambda link: place(sorted_by(query.order, link), link.key))
        if query.cursor is not None:
            start = place(*position_of(query.order, query.cursor))
            links = [link for link in links if place(sorted_by(query.order, link), link.key) > start]
        page = links[: query.limit]
        return LinkPage(page, cursor_after(query.order, page[-1]) if len(links) > query.limit else None)

    async def count(self) -> int:
        return sum(row.removed_at is None for row in self._rows.values())

    async def changes(self, cursor: str | None, limit: int = 10_000) -> Changes:
        end = self._purged + len(self._feed)
        if cursor is None:
            return Changes((), str(end))
        if not cursor.isascii() or not cursor.isdigit() or not self._purged <= (position := int(cursor)) <= end:
            raise CursorExpired(f"the change feed does not reach back to {cursor!r}")
        start = position - self._purged
        changes = [change for _, change in self._feed[start : start + limit]]
        return Changes(changes, str(position + len(changes)))

    async def changed(self) -> None:
        await self._news.wait()
        self._news.clear()

    async def purge(self, now_ms: int) -> int:
        before = len(self._rows) + len(self._answered) + len(self._feed)
        self._rows = {
            key: row
            for key, row in self._rows.items()
            if row.removed_at is None or row.removed_at >= now_ms - TOMBSTONE_MS
        }
        self._answered = {
            request: answered
            for request, answered in self._answered.items()
            if answered.at_ms >= now_ms - IDEMPOTENCY_MS
        }
        old = [n for n, (at_ms, _) in enumerate(self._feed, 1) if at_ms < now_ms - FEED_MS]
        gone = old[-1] if old else 0
        self._purged += gone
        del self._feed[:gone]
        return before - len(self._rows) - len(self._answered) - len(self._feed)

    async def salts(self) -> Mapping[int, bytes]:
        return dict(self._salts)

    async def rotate_salts(self, now_ms: int) -> None:
        today = day_of(now_ms)
        self._salts = {day: salt for day, salt in self._salts.items() if day >= today - 1}
        for day in (today, today + 1):
            self._salts.setdefault(day, os.urandom(SALT_BYTES))

    async def generation(self) -> str:
        return self._generation

    def announced(self, cursor: str) -> None:
        """Nothing lags behind: there are no replicas."""

    async def take_lease(self, name: str, holder: str, seconds: float) -> int | None:
        now = self._clock.monotonic()
        lease = self._leases.get(name, _Lease("", 0, 0.0))
        if lease.holder not in ("", holder) and now < lease.until:
            return None
        term = lease.term if lease.holder == holder and now < lease.until else lease.term + 1
        self._leases[name] = _Lease(holder, term, now + seconds)
        return term

    async def give_lease(self, name: str, holder: str) -> None:
        lease = self._leases.get(name)
        if lease is not None and lease.holder == holder:
            self._leases[name] = _Lease("", lease.term, 0.0)

    def _live(self, key: LinkKey) -> _Row | None:
        row = self._rows.get(key)
        return None if row is None or row.removed_at is not None else row

    def _expected(self, key: LinkKey, if_version: int | None) -> _Row | Missed:
        row = self._live(key)
        if row is None:
            return Missed.ABSENT
        return row if if_version is None or if_version == row.link.version else Missed.STALE

    def _tell(self, link: Link) -> None:
        self._feed.append((link.updated_at, Change(link.key, link.version)))
        self._news.set()


def _matches(query: LinkQuery, link: Link) -> bool:
    text = (query.search or "").casefold()
    return (
        (query.domain is None or link.domain == query.domain)
        and (query.tag is None or query.tag in link.tags)
        and any(text in part.casefold() for part in (link.code, link.target, link.title or ""))
    )
