"""Opens the control plane on a node's data folder."""

import contextlib
from collections.abc import AsyncIterator

from clicks.stats import open_stats
from control_api.access import first_key
from control_api.access.ring import KeyRing
from control_api.access.store import SqliteKeyStore
from control_api.plane import ControlPlane
from control_api.request_log import RequestLog
from control_api.short_urls import ShortUrls
from shortlink.clock import Clock
from shortlink.datadir import DataFolder
from shortlink.rules import LinkRules
from shortlink.settings import Settings
from shortlink.stores.sqlite import SqliteLinkStore


@contextlib.asynccontextmanager
async def opened(settings: Settings, folder: DataFolder, clock: Clock, log: RequestLog) -> AsyncIterator[ControlPlane]:
    """The control plane on SQLite, with its first key; closed when this context is.

    Raises:
        StoreUnavailable: the store can't be opened for writing.
        StoreCorrupt: it is damaged.
    """
    async with contextlib.AsyncExitStack() as closing:
        links = SqliteLinkStore(folder.links_db, clock)
        closing.push_async_callback(links.close)
        await links.open()
        keys = KeyRing(SqliteKeyStore(links.file), clock)
        await keys.load()
        await first_key.ensure(keys, folder.admin_key)
        clicks = await open_stats(folder, clock)
        closing.push_async_callback(clicks.close)
        yield ControlPlane(
            settings=settings,
            clock=clock,
            links=links,
            salts=links,
            clicks=clicks,
            keys=keys,
            rules=LinkRules(settings.own_hosts, frozenset(settings.domains)),
            short_urls=ShortUrls(settings),
            log=log,
            started_ms=clock.now_ms(),
        )
