"""The miss path: finds in Redis and in the store what the engine lacks, many links a query."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, Protocol

from gateway.counters import CountersPage
from gateway.engines.contract import Engine, Tier, Unavailable
from gateway.sources.breaker import Breaker
from gateway.sources.shared_links import SharedLinks
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
    """Asks for the misses of each loop turn, gathered over all connections: Redis first, the store for the rest.

    There is no tick: a query leaves in the turn after its misses came, or as soon as one of those under way
    to that tier is done; what comes meanwhile goes together into the next. A store that is slow holds up nothing that
    Redis has. One flight a code is the engine's care.

    Args:
        shared: None: there is no Redis.
        budget_seconds: longest wait for Redis before the store is asked.
        queries: to the store at once.
        patience_seconds: longest wait for the store.
        breaker: before the store, used where there is a Redis to fall back on; None: one of its own.
    """

    def __init__(
        self,
        engine: Engine,
        store: LinkSource,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        page: CountersPage,
        *,
        shared: SharedLinks | None = None,
        budget_seconds: float = 0.05,
        queries: int = MAX_QUERIES,
        patience_seconds: float = PATIENCE_SECONDS,
        breaker: Breaker | None = None,
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._loop = loop
        self._page = page
        self._shared = shared
        self._budget_seconds = budget_seconds
        self._patience_seconds = patience_seconds
        self._scheduled = False
        self._in_shared = _Queries(loop, clock, self._ask_shared, self._done, MAX_QUERIES)
        self._in_store = _Queries(loop, clock, self._ask_store, self._done, queries)
        self._breaker = breaker or Breaker(clock)
        self._answers_well = True

    def schedule(self) -> None:
        """Gather the engine's misses at the end of this loop turn; cheap to call many times."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._gather)

    async def close(self) -> None:
        """Give up the queries under way; their keys are not answered."""
        await self._in_shared.close()
        await self._in_store.close()

    def _gather(self) -> None:
        self._scheduled = False
        misses = self._engine.take_misses()
        if self._shared is not None and self._shared.run is not None:
            self._in_shared.add(misses)
        else:
            self._in_store.add(misses)

    def _done(self, fault: BaseException | None) -> None:
        if fault is not None:
            _log.error("the engine could not take an answer", exc_info=fault)
            self._page.add("engine_errors")
        self._gather()  # what came meanwhile, and keys whose answer was too old to keep

    async def _ask_shared(self, keys: Sequence[LinkKey], since: float) -> None:
        """Answer what Redis knows; the rest goes together with that of other queries to the store."""
        assert self._shared is not None
        asked_at = self._clock.monotonic()
        found = await self._shared.current(keys, since + self._budget_seconds - asked_at)
        self._in_store.add([key for key in keys if key not in found])
        if found:
            self._put(found, asked_at, Tier.REDIS)

    async def _ask_store(self, keys: Sequence[LinkKey], since: float) -> None:
        asked_at, asked_ms = self._clock.monotonic(), self._clock.now_ms()
        run = None if self._shared is None else self._shared.run
        found = await self._find(keys)
        if found is None:
            await self._answer_without_store(keys)
            return
        self._put({key: found.get(key) for key in keys}, asked_at, Tier.STORE)
        if self._shared is not None and run is not None:
            self._shared.fill(found, asked_ms, run)

    async def _answer_without_store(self, keys: Sequence[LinkKey]) -> None:
        """Old copies are better than 503; each is as old as it is, whatever the engine makes of that."""
        copies = {} if self._shared is None else await self._shared.stale(keys, self._budget_seconds)
        missing: list[LinkKey] = [key for key in keys if key not in copies]
        for key, copy in copies.items():
            self._put({key: copy.link}, copy.confirmed_at, Tier.REDIS)
        if missing:
            self._put(dict.fromkeys(missing, Unavailable.UNAVAILABLE), self._clock.monotonic(), Tier.STORE)

    def _put(self, answers: Mapping[LinkKey, Link | Unavailable | None], asked_at: float, tier: Tier) -> None:
        for wake in self._engine.put(answers, asked_at=asked_at, tier=tier):
            wake()

    async def _find(self, keys: Sequence[LinkKey]) -> Mapping[LinkKey, Link] | None:
        """What the store has; None: it could not be asked."""
        if self._shared is not None and not self._breaker.allows():
            return None  # an old copy now is better than one after a time-out; alone, the store may answer this time
        try:
            async with asyncio.timeout(self._patience_seconds):
                found = await self._store.get(keys)
        except (StoreUnavailable, StoreCorrupt, TimeoutError) as exc:
            self._note(exc)
            return None
        except Exception:
            _log.exception("the store failed in a way it never should")
            self._breaker.note(answered=False)
            return None
        self._note(None)
        return found

    def _note(self, trouble: Exception | None) -> None:
        """Log when the store stops or starts answering, not at each query between."""
        self._breaker.note(answered=trouble is None)
        if trouble is not None and self._answers_well:
            _log.warning("the store can't answer: %s", str(trouble) or "no answer in time")
        elif trouble is None and not self._answers_well:
            _log.warning("the store answers again")
        self._answers_well = trouble is None


class _Queries:
    """The keys that wait for one tier, and the queries to it that are under way."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        ask: Callable[[Sequence[LinkKey], float], Coroutine[Any, Any, None]],
        done: Callable[[BaseException | None], None],
        most: int,
    ) -> None:
        """`ask`: is told since when the keys have waited, at most; `done`: how each query ended; `most`: at once."""
        self._loop = loop
        self._clock = clock
        self._ask = ask
        self._tell = done
        self._most = most
        self._waiting: deque[LinkKey] = deque()
        self._waiting_since = 0.0
        self._under_way: set[asyncio.Task[None]] = set()

    def add(self, keys: Sequence[LinkKey]) -> None:
        """Have them asked for; also called without keys when a query may go."""
        if not self._waiting:
            self._waiting_since = self._clock.monotonic()
        self._waiting.extend(keys)
        self._send()

    async def close(self) -> None:
        self._waiting.clear()
        for query in self._under_way:
            query.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _send(self) -> None:
        while self._waiting and len(self._under_way) < self._most:
            keys = [self._waiting.popleft() for _ in range(min(MAX_KEYS_A_QUERY, len(self._waiting)))]
            query = self._loop.create_task(self._ask(keys, self._waiting_since))
            self._under_way.add(query)
            query.add_done_callback(self._done)
            self._waiting_since = self._clock.monotonic()  # of those left, the oldest are asked for next

    def _done(self, query: asyncio.Task[None]) -> None:
        self._under_way.discard(query)
        if not query.cancelled():
            self._tell(query.exception())
            self._send()
