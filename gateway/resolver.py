"""The miss path: finds in the store what the engine lacks, many links a query."""

import asyncio
import logging
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from gateway.counters import CountersPage
from gateway.engines.contract import Engine, Tier, Unavailable
from shortlink.clock import Clock
from shortlink.errors import StoreCorrupt, StoreUnavailable
from shortlink.links import Link, LinkKey

MAX_KEYS_A_QUERY: Final = 512
# A second query goes out while a slow one is under way; more would only queue in the store, where they
# can't be gathered any longer.
MAX_QUERIES: Final = 2
PATIENCE_SECONDS: Final = 2.0  # a visitor would rather read 503 than wait longer

_log = logging.getLogger(__name__)


class LinkSource(Protocol):
    """The part of a LinkStore that the miss path needs."""

    async def get(self, keys: Sequence[LinkKey]) -> Mapping[LinkKey, Link]:
        """The links that exist, by key. StoreUnavailable: the store can't answer."""
        ...


class Resolver:
    """Asks the store for the misses of each loop turn, gathered over all connections.

    There is no tick: a query leaves in the turn after its misses came, or as soon as one of MAX_QUERIES is
    done; what comes meanwhile goes together into the next. One flight a code is the engine's care.
    """

    def __init__(
        self,
        engine: Engine,
        store: LinkSource,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        page: CountersPage,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._loop = loop
        self._page = page
        self._patience_seconds = patience_seconds
        self._scheduled = False
        self._waiting: deque[LinkKey] = deque()
        self._queries: set[asyncio.Task[None]] = set()
        self._answers_well = True

    def schedule(self) -> None:
        """Gather the engine's misses at the end of this loop turn; cheap to call many times."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._gather)

    async def close(self) -> None:
        """Give up the queries under way; their keys are not answered."""
        self._waiting.clear()
        for query in self._queries:
            query.cancel()
        await asyncio.gather(*self._queries, return_exceptions=True)

    def _gather(self) -> None:
        self._scheduled = False
        self._waiting.extend(self._engine.take_misses())
        self._send()

    def _send(self) -> None:
        while self._waiting and len(self._queries) < MAX_QUERIES:
            keys = [self._waiting.popleft() for _ in range(min(MAX_KEYS_A_QUERY, len(self._waiting)))]
            query = self._loop.create_task(self._resolve(keys))
            self._queries.add(query)
            query.add_done_callback(self._done)

    def _done(self, query: asyncio.Task[None]) -> None:
        self._queries.discard(query)
        if query.cancelled():
            return
        if fault := query.exception():
            _log.error("the engine could not take an answer", exc_info=fault)
            self._page.add("engine_errors")
        self._gather()  # what came meanwhile, and keys whose answer was too old to keep

    async def _resolve(self, keys: Sequence[LinkKey]) -> None:
        asked_at = self._clock.monotonic()
        answers = await self._ask(keys)
        for wake in self._engine.put(answers, asked_at=asked_at, tier=Tier.STORE):
            wake()

    async def _ask(self, keys: Sequence[LinkKey]) -> Mapping[LinkKey, Link | Unavailable | None]:
        """The answer for each key; whatever goes wrong with the store is an answer too."""
        try:
            async with asyncio.timeout(self._patience_seconds):
                found = await self._store.get(keys)
        except (StoreUnavailable, StoreCorrupt, TimeoutError) as exc:
            self._note(exc)
            return dict.fromkeys(keys, Unavailable.UNAVAILABLE)
        except Exception:
            _log.exception("the store failed in a way it never should")
            return dict.fromkeys(keys, Unavailable.UNAVAILABLE)
        self._note(None)
        return {key: found.get(key) for key in keys}

    def _note(self, trouble: Exception | None) -> None:
        """Log when the store stops or starts answering, not at each query between."""
        if trouble is not None and self._answers_well:
            _log.warning("the store can't answer: %s", str(trouble) or "no answer in time")
        elif trouble is None and not self._answers_well:
            _log.warning("the store answers again")
        self._answers_well = trouble is None
