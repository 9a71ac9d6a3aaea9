"""Are the databases whole, and do they answer?"""

import asyncio
from collections.abc import Iterator

from edge302.doctor.findings import Finding, fail, ok, warn
from edge302.store_files import store_files
from shortlink.cache.opening import shared_cache
from shortlink.datadir import DataFolder
from shortlink.errors import StoreUnavailable
from shortlink.settings import Settings
from shortlink.stores.sqlite_file import SqliteFile


def check(settings: Settings) -> Iterator[Finding]:
    """The stores' findings; reads SQLite's files from end to end."""
    if settings.database_url is not None:
        yield from asyncio.run(_look_at_servers(settings))
        return
    for store in store_files(DataFolder(settings.data)):
        yield _look(store)


async def _look_at_servers(settings: Settings) -> list[Finding]:
    """PostgreSQL and its replicas, and Redis, each by what a role would first ask it."""
    named = [("database", settings.database_url), ("direct database", settings.direct_database_url)]
    named += [(f"replica {number}", url) for number, url in enumerate(settings.read_database_urls, 1)]
    found = [await _look_at_database(name, url, settings) for name, url in named if url is not None]
    if settings.redis_url is not None:
        found.append(await _look_at_redis(settings))
    return found


async def _look_at_database(name: str, url: str, settings: Settings) -> Finding:
    from shortlink.stores.postgres_database import PostgresDatabase

    database = PostgresDatabase(url, connections=1, timeout_ms=settings.database_timeout_ms, statement_cache=0)
    try:
        version = await database.fetchval("SELECT current_setting('server_version')")
        links = await database.fetchval("SELECT sum(links) FROM link_count")
    except StoreUnavailable as exc:
        return fail(name, str(exc), "see what the message says; nothing was changed")
    finally:
        await database.close()
    return ok(name, f"PostgreSQL {version} answers; {links or 0:,} links")


async def _look_at_redis(settings: Settings) -> Finding:
    from shortlink.cache.redis_client import CONNECT_SECONDS

    cache = shared_cache(settings, "doctor")
    await cache.open()
    try:
        async with asyncio.timeout(2 * CONNECT_SECONDS):
            while cache.run is None:  # noqa: ASYNC110 (it connects by itself, and tells nobody)
                await asyncio.sleep(0.02)
    except TimeoutError:
        return warn("redis", "it does not answer", "redirects go on without it; look at EDGE302_REDIS_URL")
    finally:
        await cache.close()
    return ok("redis", "it answers")


def _look(store: SqliteFile) -> Finding:
    check = store.path.name
    if not store.path.exists():
        return ok(check, "not made yet")
    try:
        found = asyncio.run(store.integrity_check())
    except StoreUnavailable as exc:
        return fail(check, str(exc), "see what the message says; nothing was changed")
    if found:
        return fail(
            check, f"damaged: {found[0]}", "stop the node, keep a copy of the data folder, then `edge302 restore`"
        )
    return ok(check, f"whole ({store.path.stat().st_size >> 20:,} MiB)")
