"""The change feed and the visitor salts: what a worker hears from the store without having asked."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from gateway.engines.contract import Engine
from shortlink.clock import Clock
from shortlink.errors import CursorExpired, StoreCorrupt, StoreUnavailable
from shortlink.links import Changes

RETRY_FIRST_SECONDS: Final = 0.05
RETRY_MOST_SECONDS: Final = 1.0
TRIES_BEFORE_A_WORD: Final = 8  # some 5 s: at a node's start the workers may be quicker than the control plane
# The feed is read this often even when nothing wakes us: a lost wake-up costs a second, not a lifetime.
READ_AT_LEAST_EVERY_SECONDS: Final = 1.0
SALTS_EVERY_SECONDS: Final = 60.0
SALTS_RETRY_SECONDS: Final = 1.0
_DAY_MS: Final = 86_400_000

_log = logging.getLogger(__name__)


class ChangeFeed(Protocol):
    """The part of a LinkStore that tells what changed."""

    async def changes(self, cursor: str | None, limit: int = ...) -> Changes:
        """What changed after `cursor`; None: nothing, but where the feed ends now. CursorExpired, StoreUnavailable."""
        ...

    async def changed(self) -> None:
        """Return when the feed may have grown."""
        ...


class Follower:
    """Reads the change feed for as long as the worker lives, and announces each change to the engine.

    A store that is away is asked again; the cursor is kept, so nothing is missed. When the feed can't be
    followed from the cursor (CursorExpired), a new position is taken first and every copy called suspect
    second: in this order no change falls between. The same order at the start makes any link that was
    filled before there was a position suspect as well.
    """

    def __init__(
        self,
        engine: Engine,
        feed: ChangeFeed,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._engine = engine
        self._feed = feed
        self._sleep = sleep
        self._cursor: str | None = None
        self._retry_seconds = RETRY_FIRST_SECONDS
        self._tries = 0

    async def run(self) -> None:
        """Follow the feed; returns only when cancelled."""
        while True:
            try:
                await self._step()
            except CursorExpired:
                _log.warning("the change feed has a gap; every cached link is asked for again")
                self._cursor = None
            except (StoreUnavailable, StoreCorrupt) as exc:
                await self._back_off(exc)
            except Exception as exc:
                # Without the feed this worker would serve edits up to a lifetime late, in silence.
                _log.exception("the change feed failed in a way it never should")
                self._cursor = None
                await self._back_off(exc)

    async def _step(self) -> None:
        """Take a position if there is none; else read what is new, or wait until there may be something."""
        read = await self._feed.changes(self._cursor)
        self._heard()
        if self._cursor is None:
            self._engine.forget_all()
        self._cursor = read.cursor
        if read.changes:
            self._engine.announce(read.changes)
        else:
            await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(READ_AT_LEAST_EVERY_SECONDS):
                await self._feed.changed()
        except TimeoutError:
            return

    def _heard(self) -> None:
        if self._tries >= TRIES_BEFORE_A_WORD:
            _log.warning("the change feed is back")
        self._retry_seconds, self._tries = RETRY_FIRST_SECONDS, 0

    async def _back_off(self, trouble: Exception) -> None:
        self._tries += 1
        if self._tries == TRIES_BEFORE_A_WORD:
            _log.warning("the change feed is away: %s", trouble)
        await self._sleep(self._retry_seconds)
        self._retry_seconds = min(self._retry_seconds * 2, RETRY_MOST_SECONDS)


class SaltSource(Protocol):
    """The part of a SaltStore that the edge reads."""

    async def salts(self) -> Mapping[int, bytes]:
        """By UTC day number. StoreUnavailable, StoreCorrupt."""
        ...


async def follow_salts(
    engine: Engine,
    store: SaltSource,
    clock: Clock,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Keep the engine's salts up to date; returns only when cancelled.

    The control plane makes each day's salt ahead of time. Until today's is there (a first start, or a store
    that is away) it is looked for each second; the spool uses a random one meanwhile.
    """
    while True:
        try:
            salts = await store.salts()
            engine.set_salts(salts)
            known = clock.now_ms() // _DAY_MS in salts
        except (StoreUnavailable, StoreCorrupt):
            known = False
        except Exception:
            _log.exception("the salts could not be read")
            known = False
        await sleep(SALTS_EVERY_SECONDS if known else SALTS_RETRY_SECONDS)
