"""Stores on a real PostgreSQL, several on one database as on several nodes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from shortlink.clock import SystemClock
from shortlink.stores.postgres import PostgresLinkStore
from shortlink.stores.postgres_database import PostgresDatabase


def store(
    url: str, *, replicas: Sequence[str] = (), timeout_ms: int = 10_000, statement_cache: int = 100, direct: str = ""
) -> PostgresLinkStore:
    def database(url: str) -> PostgresDatabase:
        return PostgresDatabase(
            url,
            connections=4,
            timeout_ms=timeout_ms,
            statement_cache=statement_cache,
            direct_url=direct or None,
        )

    return PostgresLinkStore(database(url), SystemClock(), replicas=[database(url) for url in replicas], migrate=True)


@asynccontextmanager
async def opened(*stores: PostgresLinkStore) -> AsyncIterator[None]:
    """All of them opened at once, and closed at the end."""
    async with AsyncExitStack() as closing:
        for one in stores:
            closing.push_async_callback(one.close)
        await asyncio.gather(*(one.open() for one in stores))
        yield
