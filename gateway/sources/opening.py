"""The sources that the settings name, put together."""

from functools import partial
from typing import TYPE_CHECKING

from gateway.counters import CountersPage
from gateway.resolver import MAX_QUERIES
from gateway.sources.breaker import Breaker
from gateway.sources.generation import GenerationKeeper
from gateway.sources.relayed_feed import RelayedFeed
from gateway.sources.shared_links import SharedLinks
from gateway.sources.watch import RelayWatch
from shortlink.cache.opening import shared_cache
from shortlink.clock import Clock
from shortlink.datadir import DataFolder
from shortlink.settings import Settings
from shortlink.stores.contract import EdgeStore
from shortlink.stores.opening import postgres_links
from shortlink.stores.sqlite import SqliteLinkStore

if TYPE_CHECKING:
    from gateway.follow import ChangeFeed


def open_store(settings: Settings, folder: DataFolder, clock: Clock) -> EdgeStore:
    """The store as a worker reads it, not yet opened.

    It has one connection more than the miss path can occupy: the change feed never waits for misses.
    """
    if settings.database_url is None:
        return SqliteLinkStore(folder.links_db, clock, read_only=True, readers=MAX_QUERIES + 1)
    return postgres_links(settings, clock, connections=settings.edge_pool + 1, from_replicas=True)


class Sources:
    """All that a worker asks and hears.

    Attributes:
        store: where links are in the end.
        feed: what changed: of the store itself, or by way of Redis.
        shared: links in Redis; None: there is no Redis.
        breaker: before the store, where there is a Redis to fall back on.
        queries: look-ups of the miss path in the store at once.
    """

    def __init__(
        self, settings: Settings, folder: DataFolder, store: EdgeStore, clock: Clock, page: CountersPage
    ) -> None:
        self.store = store
        self.queries = MAX_QUERIES if settings.database_url is None else settings.edge_pool
        self.breaker = Breaker(clock)
        self.feed: ChangeFeed = store
        self.shared: SharedLinks | None = None
        self._keeper: GenerationKeeper | None = None
        if settings.redis_url is not None:
            watch = RelayWatch(clock)
            self.feed = feed = RelayedFeed(store, watch, self.breaker)
            self.shared = SharedLinks(watch, clock, page)
            self._keeper = GenerationKeeper(store, feed, partial(shared_cache, settings), folder.generation)

    async def run(self) -> None:
        """Keep Redis at hand, if there is one; ends at once if there is none, else only when cancelled."""
        if self._keeper is not None and self.shared is not None:
            try:
                await self._keeper.run()
            finally:
                await self.shared.close()

    def tick(self) -> None:
        """Called about once a second."""
        if self.shared is not None:
            self.shared.tick()
