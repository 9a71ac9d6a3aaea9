"""Links in the Redis that nodes share: asked first while a relay keeps them current, last when no store answers."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from gateway.counters import CountersPage
from gateway.sources.breaker import Breaker
from gateway.sources.watch import RelayWatch
from shortlink.cache.contract import CacheUnavailable, Copy
from shortlink.clock import Clock
from shortlink.links import Link, LinkKey

MAX_FILLS: Final = 4  # writes under way; what comes meanwhile is not written: the next miss brings it again
LEAST_WAIT_SECONDS: Final = 0.002  # with less left of the budget Redis is not asked

_log = logging.getLogger(__name__)


class StaleCopy(NamedTuple):
    """A link as it was at `confirmed_at` (clock.monotonic())."""

    link: Link
    confirmed_at: float


class SharedLinks:
    """Never raises and never waits longer than it is told to: what Redis does not say, the store must.

    A breaker keeps a slow or dead Redis from costing every miss its whole wait.
    """

    def __init__(self, watch: RelayWatch, clock: Clock, page: CountersPage) -> None:
        self._watch = watch
        self._clock = clock
        self._page = page
        self._breaker = Breaker(clock)
        self._fills: set[asyncio.Task[None]] = set()

    @property
    def run(self) -> str | None:
        """The Redis that may be asked first, and filled with what the store says from now on; None: none may.

        A Redis that no relay follows is not filled: what changes later would stay there as it was.
        """
        return self._watch.cache.run if self._watch.cache is not None and self._watch.is_source else None

    async def current(self, keys: Sequence[LinkKey], seconds: float) -> dict[LinkKey, Link | None]:
        """The answers there are within this time; empty unless Redis can be trusted now."""
        run = self.run
        if run is None or seconds < LEAST_WAIT_SECONDS:
            return {}
        copies = await self._get(keys, seconds)
        if self.run != run:  # the relay may have fallen silent meanwhile, or Redis be another one
            return {}
        return {key: copy.link for key, copy in copies.items() if self._watch.is_current(key, copy)}

    async def stale(self, keys: Sequence[LinkKey], seconds: float) -> dict[LinkKey, StaleCopy]:
        """The copies there are of links that no store could be asked for; removed links are left out."""
        ahead = self._clock.monotonic() - self._clock.now_ms() / 1_000
        return {
            # A clock of another node may be ahead of ours; nothing was confirmed in the future.
            key: StaleCopy(copy.link, min(copy.confirmed_ms / 1_000 + ahead, self._clock.monotonic()))
            for key, copy in (await self._get(keys, seconds)).items()
            if copy.link is not None and self._watch.is_current(key, copy)
        }

    def fill(self, found: Mapping[LinkKey, Link], asked_ms: int, run: str) -> None:
        """Write what the store said into Redis, in the background. `run`: as it was before the store was asked."""
        if found and len(self._fills) < MAX_FILLS and not self._breaker.is_open:
            copies = {key: Copy(link.version, link, asked_ms) for key, link in found.items()}
            task = asyncio.get_running_loop().create_task(self._fill(copies, run))
            self._fills.add(task)
            task.add_done_callback(self._fills.discard)

    def tick(self) -> None:
        """Bring the gauges up to date."""
        self._page["relay_live"] = self._watch.is_live
        self._page["redis_breaker_open"] = self._breaker.is_open

    async def close(self) -> None:
        """Give up the writes under way."""
        for task in self._fills:
            task.cancel()
        await asyncio.gather(*self._fills, return_exceptions=True)

    async def _get(self, keys: Sequence[LinkKey], seconds: float) -> Mapping[LinkKey, Copy]:
        cache = self._watch.cache
        if cache is None or cache.run is None or not self._breaker.allows():
            return {}
        try:
            async with asyncio.timeout(seconds):
                copies = await cache.get(keys)
        except (CacheUnavailable, TimeoutError) as exc:
            self._note(exc)
            return {}
        except Exception as exc:
            _log.exception("Redis failed in a way it never should")
            self._note(exc)
            return {}
        self._note(None)
        return copies

    async def _fill(self, copies: Mapping[LinkKey, Copy], run: str) -> None:
        cache = self._watch.cache
        current = {key: copy for key, copy in copies.items() if self._watch.is_current(key, copy)}
        if cache is None or self.run != run or not current:
            return
        try:
            await cache.keep(current)
        except CacheUnavailable:
            self._page.add("redis_errors")
        except Exception:
            _log.exception("Redis failed in a way it never should")

    def _note(self, trouble: Exception | None) -> None:
        was_open = self._breaker.is_open
        self._breaker.note(answered=trouble is None)
        if trouble is not None:
            self._page.add("redis_errors")
        if self._breaker.is_open != was_open:
            _log.warning("Redis answers again" if was_open else "Redis is not asked for now: %s", *_why(trouble))


def _why(trouble: Exception | None) -> tuple[str, ...]:
    return () if trouble is None else (str(trouble) or "no answer in time",)
