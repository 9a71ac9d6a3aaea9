"""Which shared cache to use: the one of the store's generation, as the store says, or as it said last."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.sources.relayed_feed import RelayedFeed
from shortlink.cache.contract import SharedCache
from shortlink.errors import StoreCorrupt, StoreUnavailable
from shortlink.stores.contract import EdgeStore

UNKNOWN_RETRY_SECONDS: Final = 1.0
LOOK_SECONDS: Final = 10.0  # a restore begins another generation

_log = logging.getLogger(__name__)


class GenerationKeeper:
    """Keeps the cache of the store's generation open, and listens in it.

    The generation is kept in a file, so that a worker that starts while the store is away finds copies in Redis. As
    long as it is not known at all there is no Redis.
    """

    def __init__(
        self, store: EdgeStore, feed: RelayedFeed, make_cache: Callable[[str], SharedCache], remembered: Path
    ) -> None:
        self._store = store
        self._feed = feed
        self._make_cache = make_cache
        self._remembered = remembered
        self._generation: str | None = None
        self._cache: SharedCache | None = None
        self._listening: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Go with the store's generation; returns only when cancelled."""
        try:
            while True:
                generation = await self._ask() or self._generation or self._recall()
                if generation is not None and generation != self._generation:
                    await self._try_to_use(generation)
                await asyncio.sleep(UNKNOWN_RETRY_SECONDS if generation is None else LOOK_SECONDS)
        finally:
            await self._let_go()

    async def _ask(self) -> str | None:
        """What the store says; None: it is away."""
        try:
            generation = await self._store.generation()
        except (StoreUnavailable, StoreCorrupt):
            return None
        except Exception:
            _log.exception("the store's generation could not be read")
            return None
        if generation != self._generation:
            self._remember(generation)
        return generation

    async def _try_to_use(self, generation: str) -> None:
        """Whatever is wrong with Redis costs Redis alone: it is tried again."""
        try:
            await self._use(generation)
        except Exception:
            _log.exception("the shared cache can't be used")
            self._generation = None

    async def _use(self, generation: str) -> None:
        await self._let_go()
        _log.info("using the shared cache", extra={"generation": generation})
        self._generation, self._cache = generation, self._make_cache(generation)
        await self._cache.open()
        self._listening = asyncio.create_task(self._feed.listen(self._cache))

    async def _let_go(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        if self._cache is not None:
            await self._cache.close()
        self._listening = self._cache = self._generation = None

    def _recall(self) -> str | None:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return self._remembered.read_text().strip() or None
        return None

    def _remember(self, generation: str) -> None:
        """Every worker of the node writes the same; a rename leaves no half-written file."""
        draft = self._remembered.with_name(f"{self._remembered.name}.{os.getpid()}")
        try:
            draft.write_text(generation + "\n")
            draft.replace(self._remembered)
        except OSError as exc:
            _log.warning("the store's generation can't be remembered: %s", exc)
