"""The change feed by way of Redis: announcements of the relay, and the store's own feed for what they leave out."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Final

from gateway.sources.breaker import Breaker
from gateway.sources.watch import RelayWatch
from shortlink.cache.contract import Announcement, CacheUnavailable, SharedCache
from shortlink.errors import StoreUnavailable
from shortlink.links import Changes
from shortlink.stores.contract import EdgeStore

RETRY_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


class RelayedFeed:
    """Implements gateway.follow.ChangeFeed.

    While a live relay is heard nothing is asked of the store, unless an announcement does not follow on the cursor.
    Else the store is asked each time, which Follower does at once and then each second.
    """

    def __init__(self, store: EdgeStore, watch: RelayWatch, breaker: Breaker) -> None:
        """`breaker`: the miss path's before the store; that the feed is answered closes it."""
        self._store = store
        self._watch = watch
        self._breaker = breaker

    async def changes(self, cursor: str | None, limit: int = 10_000) -> Changes:
        read = None if cursor is None else self._watch.after(cursor)
        if read is not None:
            return read
        try:
            read = await self._store.changes(cursor, limit)
        except StoreUnavailable:
            if cursor is not None or (reached := self._watch.reached) is None:
                raise
            return Changes((), reached)  # a position to go on from when the store is back
        # What changed is asked for next, and its copy is gone: that must not wait for a probe.
        self._breaker.note(answered=True)
        self._store.announced(read.cursor)
        self._watch.remember(read.changes)
        return read

    async def changed(self) -> None:
        await self._watch.news.wait()
        self._watch.news.clear()

    async def listen(self, cache: SharedCache) -> None:
        """Hear what relays say in this cache; returns only when cancelled."""
        self._watch.watch(cache)
        try:
            while True:
                try:
                    await self._hear(cache.announcements())
                except CacheUnavailable as exc:
                    _log.warning("announcements can't be heard: %s", exc)
                except Exception:
                    _log.exception("an announcement could not be taken in")
                self._watch.hear(None)
                await asyncio.sleep(RETRY_SECONDS)
        finally:
            self._watch.watch(None)

    async def _hear(self, announcements: AsyncIterator[Announcement | None]) -> None:
        async with contextlib.aclosing(announcements) as heard:  # type: ignore[type-var]
            async for said in heard:
                if self._watch.hear(said) and said is not None:
                    self._store.announced(said.cursor)
