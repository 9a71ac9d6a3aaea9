"""The relay's work: hold the lease, follow the change feed, write copies, announce, show a sign of life."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from shortlink.cache.contract import Announcement, CacheUnavailable, Copy, SharedCache
from shortlink.clock import Clock
from shortlink.errors import CursorExpired, Edge302Error, StoreUnavailable
from shortlink.links import Change, Changes, Link, LinkKey
from shortlink.relay import metrics

LEASE: Final = "relay"
LEASE_SECONDS: Final = 3.0
BEAT_SECONDS: Final = 1.0  # renewals of the lease, and heartbeats
RETRY_SECONDS: Final = 0.1
CHANGES_AT_ONCE: Final = 500

_log = logging.getLogger(__name__)


class Source(Protocol):
    """The part of a store that a relay needs. Every method raises StoreUnavailable."""

    async def generation(self) -> str: ...

    async def get(self, keys: Sequence[LinkKey]) -> Mapping[LinkKey, Link]: ...

    async def changes(self, cursor: str | None, limit: int = ...) -> Changes: ...

    async def changed(self) -> None: ...

    async def take_lease(self, name: str, holder: str, seconds: float) -> int | None: ...

    async def give_lease(self, name: str, holder: str) -> None: ...


class GenerationChanged(Edge302Error):
    """The store was restored meanwhile: start again, with the keys of its new generation."""


class Relay:
    """One relay. Of all that run on one store, the one that holds the lease works; the others wait for it.

    The cursor moves on only when a change is in Redis and announced, so whatever is away is waited for and nothing
    left out. Another relay goes on from where Redis says that the last one came; a Redis that is new knows no copies,
    and so needs no changes of before.
    """

    def __init__(self, store: Source, cache: SharedCache, clock: Clock, *, holder: str, generation: str) -> None:
        """`holder`: names this process; `generation`: the store's, which `cache` was made for."""
        self._store = store
        self._cache = cache
        self._clock = clock
        self._holder = holder
        self._generation = generation
        self._term = 0  # 0: the lease was never ours
        self._leads_until = 0.0
        self._renew_at = 0.0
        self._beat_at = 0.0
        self._cursor: str | None = None  # None: to be asked for
        self._store_answers = True
        self._has_expired = False  # the cursor that Redis remembers leads nowhere
        self._is_current = False  # Redis holds all that the feed told, but for what was committed this moment
        self._cache_answers = True

    async def run(self, stopping: asyncio.Event) -> None:
        """Relay until `stopping` is set, then give the lease back. GenerationChanged."""
        while not stopping.is_set():
            pause = await self._step()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause)
        with contextlib.suppress(StoreUnavailable):
            await self._store.give_lease(LEASE, self._holder)
        metrics.LEADS.set(0)

    async def _step(self) -> float:
        """Do what is next; returns how long to wait after it, in seconds."""
        try:
            await self._renew()
            if not self._leads:
                return BEAT_SECONDS
            if self._cursor is None:
                self._cursor = await self._first_cursor()
            await self._relay(self._cursor)
        except StoreUnavailable as exc:
            self._note_store(exc)
            await self._beat()
            return RETRY_SECONDS
        except CacheUnavailable as exc:
            self._note_cache(exc)
            return RETRY_SECONDS
        except CursorExpired:
            self._cursor, self._has_expired = None, True
        return 0.0

    @property
    def _leads(self) -> bool:
        return self._clock.monotonic() < self._leads_until

    async def _renew(self) -> None:
        """Take or renew the lease when it is time to."""
        now = self._clock.monotonic()
        if now < self._renew_at:
            return
        term = await self._store.take_lease(LEASE, self._holder, LEASE_SECONDS)
        self._note_store(None)
        self._renew_at = now + BEAT_SECONDS
        if term is None:
            self._leads_until, self._cursor = 0.0, None  # without a cursor it says nothing
        else:
            self._leads_until = now + LEASE_SECONDS
            if term != self._term:
                _log.info("this relay leads", extra={"term": term})
                self._term, self._cursor, self._is_current = term, None, False
        metrics.LEADS.set(int(self._leads))

    async def _first_cursor(self) -> str:
        """Where the last relay came to in this Redis; in a new Redis where the feed ends. GenerationChanged."""
        if self._has_expired:
            # Copies live for an hour and the feed for a day: no copy is older than the feed's beginning.
            if await self._store.generation() != self._generation:
                raise GenerationChanged("the store was restored")
            reached = None
        else:
            reached = await self._cache.reached()
            self._note_cache(None)
        cursor = (await self._store.changes(None)).cursor if reached is None else reached
        self._has_expired = False
        return cursor

    async def _relay(self, cursor: str) -> None:
        """Carry what is new; with nothing new, wait for it until the next heartbeat is due."""
        page = await self._store.changes(cursor, CHANGES_AT_ONCE)
        self._note_store(None)
        self._is_current = self._is_current or len(page.changes) < CHANGES_AT_ONCE
        if page.changes:
            await self._carry(cursor, page)
            return
        await self._beat()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(self._beat_at - self._clock.monotonic(), 0.0)):
                await self._store.changed()

    async def _carry(self, cursor: str, page: Changes) -> None:
        now_ms = self._clock.now_ms()
        newest = {change.key: change.version for change in page.changes}
        links = await self._store.get(list(newest))
        copies = {
            key: Copy(version if (link := links.get(key)) is None else link.version, link, now_ms)
            for key, version in newest.items()
        }
        await self._cache.keep(copies)
        await self._say(cursor, page.cursor, [Change(key, copy.version) for key, copy in copies.items()])
        self._cursor = page.cursor
        metrics.PUBLISHED.inc(len(page.changes))

    async def _beat(self) -> None:
        """Say that we live, when it is time to; also without the store, as long as nobody else took the lease there."""
        if self._cursor is None or self._clock.monotonic() < self._beat_at:
            return
        try:
            await self._say(self._cursor, self._cursor, ())
        except CacheUnavailable as exc:
            self._note_cache(exc)

    async def _say(self, before: str, cursor: str, changes: Sequence[Change]) -> None:
        run = self._cache.run
        if run is None:
            raise CacheUnavailable("Redis is not connected")
        answers = self._store_answers and self._is_current
        await self._cache.announce(Announcement(self._term, run, before, cursor, changes, answers))
        self._beat_at = self._clock.monotonic() + BEAT_SECONDS
        self._note_cache(None)

    def _note_store(self, trouble: StoreUnavailable | None) -> None:
        if trouble is not None and self._store_answers:
            _log.warning("the store is away: %s", trouble)
        elif trouble is None and not self._store_answers:
            _log.warning("the store is back")
        self._store_answers = trouble is None
        self._is_current = self._is_current and trouble is None
        metrics.STORE_UP.set(int(self._store_answers))

    def _note_cache(self, trouble: CacheUnavailable | None) -> None:
        if trouble is not None and self._cache_answers:
            _log.warning("changes wait for Redis: %s", trouble)
        elif trouble is None and not self._cache_answers:
            _log.warning("Redis is back")
        self._cache_answers = trouble is None
        metrics.CACHE_UP.set(int(self._cache_answers))
