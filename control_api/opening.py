"""Opens the control plane on the stores that the settings name."""

import contextlib
from collections.abc import AsyncIterator
from typing import Protocol

from clicks.stats import open_stats
from control_api.access import first_key
from control_api.access.ring import KeyRing
from control_api.access.store import KeyStore, SqliteKeyStore
from control_api.plane import ControlPlane
from control_api.request_log import RequestLog
from control_api.short_urls import ShortUrls
from shortlink.clock import Clock
from shortlink.datadir import DataFolder
from shortlink.rules import LinkRules
from shortlink.settings import Settings
from shortlink.stores.contract import LinkStore, SaltStore
from shortlink.stores.opening import postgres_links
from shortlink.stores.sqlite import SqliteLinkStore


class Links(LinkStore, SaltStore, Protocol):
    """What the control plane writes."""


@contextlib.asynccontextmanager
async def opened(settings: Settings, folder: DataFolder, clock: Clock, log: RequestLog) -> AsyncIterator[ControlPlane]:
    """The control plane on SQLite or PostgreSQL, with its first key; closed when this context is.

    Raises:
        StoreUnavailable: the store can't be opened for writing.
        StoreCorrupt: it is damaged.
    """
    async with contextlib.AsyncExitStack() as closing:
        links, key_store = _stores(settings, folder, clock)
        closing.push_async_callback(links.close)
        await links.open()
        keys = KeyRing(key_store, clock)
        await keys.load()
        await first_key.ensure(keys, folder.admin_key)
        clicks = await open_stats(settings, folder, clock)
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


def _stores(settings: Settings, folder: DataFolder, clock: Clock) -> tuple[Links, KeyStore]:
    """Links, and the keys beside them in the same database."""
    if settings.database_url is None:
        links = SqliteLinkStore(folder.links_db, clock)
        return links, SqliteKeyStore(links.file)
    from control_api.access.postgres_keys import PostgresKeyStore

    shared = postgres_links(settings, clock, connections=settings.control_pool, migrate=True)
    return shared, PostgresKeyStore(shared.database)
