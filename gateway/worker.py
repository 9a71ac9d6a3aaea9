"""One process of the edge: its parts put together, from the first heartbeat to the last reply."""

import asyncio
import contextlib
import gc
import logging
import os
import resource
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway.counters import CountersPage
from gateway.engines import load_engine
from gateway.engines.contract import Engine
from gateway.follow import Follower, follow_salts
from gateway.orphans import OrphanFiles
from gateway.protocol import Edge, EdgeProtocol
from gateway.resolver import Resolver
from gateway.server import Listeners
from gateway.sources.opening import Sources, open_store
from redirect_core import SpoolWriter
from shortlink.clock import Clock
from shortlink.datadir import DataFolder
from shortlink.errors import StoreCorrupt, StoreUnavailable
from shortlink.settings import Settings
from shortlink.stores.contract import EdgeStore

TICK_SECONDS: Final = 1.0
DRAIN_LOOK_SECONDS: Final = 0.02
GC_THRESHOLDS: Final = (50_000, 20, 100)
_MIB: Final = 1 << 20
SEGMENT_BYTES: Final = 16 << 20

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a worker gets from its supervisor.

    Attributes:
        slot: which of the node's workers this is, from 0; names its counters page and spool segments.
        listeners: file descriptors of listening sockets.
        supervisor: read end of a pipe of which only the supervisor has the other end; None: nobody supervises.
    """

    slot: int
    listeners: Sequence[int]
    supervisor: int | None


async def serve(
    settings: Settings,
    inherited: Inherited,
    clock: Clock,
    make_store: Callable[[Settings, DataFolder, Clock], EdgeStore] = open_store,
) -> None:
    """Answer requests until told to stop, then drain; returns when the spool is closed.

    OSError: the spool or the counters page can't be made. BadSetting: there is no such engine.
    """
    folder = DataFolder(settings.data)
    page = CountersPage(folder.counters_page(inherited.slot))
    page["pid"] = os.getpid()
    page["started_ms"] = clock.now_ms()
    spool = SpoolWriter(
        str(folder.spool),
        inherited.slot,
        segment_bytes=segment_bytes(settings),
        limit_bytes=settings.spool_mb * _MIB,
    )
    engine = load_engine(settings.engine)(settings, clock, page, spool)
    store = make_store(settings, folder, clock)
    sources = Sources(settings, folder, store, clock, page)
    try:
        await Worker(settings, engine, sources, clock, page).run(inherited)
    finally:
        engine.close()
        await store.close()
        page["pid"] = page["draining"] = 0
        page.close()


def segment_bytes(settings: Settings) -> int:
    """Of a worker's segments. Each worker holds up to two, idle or not: half of the spool has room for those of all,
    or some would never get one, and their clicks stayed in memory."""
    return min(SEGMENT_BYTES, settings.spool_mb * _MIB // (4 * max(1, settings.workers)))


class Worker:
    """The edge's parts around one engine and its sources, on the running loop."""

    def __init__(self, settings: Settings, engine: Engine, sources: Sources, clock: Clock, page: CountersPage) -> None:
        self._settings = settings
        self._engine = engine
        self._sources = sources
        self._clock = clock
        self._page = page
        self._loop = asyncio.get_running_loop()
        self._resolver = Resolver(
            engine,
            sources.store,
            clock,
            self._loop,
            page,
            shared=sources.shared,
            budget_seconds=settings.miss_budget_ms / 1_000,
            queries=sources.queries,
            breaker=sources.breaker,
        )
        self._edge = Edge(engine, settings, clock, page, self._loop, self._resolver.schedule)
        self._listeners = Listeners(self._loop, lambda: EdgeProtocol(self._edge))
        self._stopping = asyncio.Event()
        self._hastened = asyncio.Event()
        self._next_tick: asyncio.TimerHandle

    async def run(self, inherited: Inherited) -> None:
        """Serve until SIGTERM, SIGINT or the supervisor's end, then drain."""
        self._heed(inherited.supervisor)
        await self._open_store()
        orphans = OrphanFiles(self._engine, DataFolder(self._settings.data).orphans, inherited.slot, self._clock)
        followers = [
            self._loop.create_task(self._sources.run()),
            self._loop.create_task(Follower(self._engine, self._sources.feed).run()),
            self._loop.create_task(follow_salts(self._engine, self._sources.store, self._clock)),
            self._loop.create_task(orphans.run()),
        ]
        await self._listeners.open(inherited.listeners)
        _calm_the_collector()
        self._tick()
        await self._stopping.wait()
        await self._drain()
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)
        await orphans.write()
        await self._resolver.close()
        self._next_tick.cancel()  # the engine is closed next

    async def _open_store(self) -> None:
        """A store that isn't there yet costs 503 on misses, not the edge; it is opened when it appears."""
        try:
            await self._sources.store.open()
        except (StoreUnavailable, StoreCorrupt) as exc:
            _log.warning("starting without the store: %s", exc)

    def _tick(self) -> None:
        """The heartbeat comes from the loop itself, so that a stuck loop is a silent one."""
        self._page["heartbeat_ms"] = self._clock.now_ms()
        self._edge.tick()
        self._sources.tick()
        self._resolver.schedule()  # links due for a refresh
        self._next_tick = self._loop.call_later(TICK_SECONDS, self._tick)

    def _heed(self, supervisor: int | None) -> None:
        """Stop at the first signal, or when the supervisor is gone; a second signal hastens."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._stop)
        if supervisor is not None:
            self._loop.add_reader(supervisor, self._orphaned, supervisor)

    def _stop(self) -> None:
        if self._stopping.is_set():
            self._hastened.set()
        self._stopping.set()

    def _orphaned(self, supervisor: int) -> None:
        """Nothing is ever written into the pipe: it becomes readable when its other end is closed."""
        self._loop.remove_reader(supervisor)
        _log.warning("the supervisor is gone; draining")
        self._stopping.set()

    async def _drain(self) -> None:
        """Take what the listen queue holds, finish every request, close what is idle; until the deadline."""
        self._page["draining"] = 1
        self._edge.drain()
        await self._listeners.drain()
        deadline = self._clock.monotonic() + self._settings.drain_seconds
        while not self._edge.idle and not self._hastened.is_set():
            if self._clock.monotonic() > deadline:
                _log.warning("drain deadline: %d connections are cut", self._page["connections"])
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hastened.wait(), DRAIN_LOOK_SECONDS)


def raise_descriptor_limit(connections: int) -> None:
    """Allow as many open files as the system lets us, and say so when that is fewer than `connections` need."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most != resource.RLIM_INFINITY and most < connections:
        _log.warning("only %d open files are allowed (ulimit -Hn), too few for %d connections", most, connections)


def _calm_the_collector() -> None:
    """Keep Python's cycle collector off the hot path.

    The hot path makes no cycles: counting references frees all that requests leave behind. What the collector would
    do is walk the cache, 0.2 s with 200,000 links in it, each time a quarter of them was replaced. So what is there
    after the start is never looked at again, what is young seldom, and the whole only after some leak of 100 million
    objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
