"""The stores behind misses: PostgreSQL with all links, and Redis with a copy of each, both on the load's core."""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from bench.cores import ON_LOAD_CORE
from bench.void import Void
from devstack.postgres import Postgres, postgres
from devstack.redis import redis
from shortlink import settings
from shortlink.cache.contract import Copy
from shortlink.cache.redis_client import RedisCache
from shortlink.clock import SystemClock
from shortlink.links import Added, LinkKey, NewLink
from shortlink.stores.opening import postgres_links
from shortlink.stores.postgres import PostgresLinkStore

Item = TypeVar("Item")

CHUNK: Final = 500
CONNECT_SECONDS: Final = 10
# It counts statements and rows at the moment they end; what PostgreSQL counts by itself is up to ten seconds late.
_COUNTING: Final = {"shared_preload_libraries": "pg_stat_statements"}


@dataclass(frozen=True, slots=True)
class Stores:
    """What nodes are told of them, and who they are.

    Attributes:
        with_redis, alone: settings of a node, each with a database of its own: one with Redis before it, one without.
    """

    with_redis: Mapping[str, str]
    alone: Mapping[str, str]
    redis_pid: int
    postgres: Postgres

    def forget_statements(self) -> None:
        """Count statements from now on."""
        self.postgres.run("SELECT pg_stat_statements_reset()")

    def codes_a_query(self) -> float:
        """Rows of the statement that returned most of them, a call: that is the look-up, and each link has a row."""
        return float(self.postgres.run("SELECT rows::float / calls FROM pg_stat_statements ORDER BY rows DESC LIMIT 1"))


@contextmanager
def stores(folder: Path, links: Sequence[tuple[str, str]]) -> Iterator[Stores]:
    """Run both until the block is left, with these (code, target) pairs in them."""
    shared = folder / "redis"
    shared.mkdir()
    with (
        postgres(folder / "postgres", durable=True, settings=_COUNTING, prefix=ON_LOAD_CORE) as database,
        redis(shared, prefix=ON_LOAD_CORE) as cache,
    ):
        database.run("CREATE EXTENSION pg_stat_statements")
        alone = {"EDGE302_DATABASE_URL": database.create_database()}
        with_redis = {"EDGE302_DATABASE_URL": database.create_database(), "EDGE302_REDIS_URL": cache.url()}
        for chosen in (alone, with_redis):
            asyncio.run(_fill(chosen, links))
        asyncio.run(_copy(with_redis, [LinkKey("", code) for code, _ in links]))
        database.run("CHECKPOINT")
        yield Stores(with_redis, alone, cache.pid, database)


async def _fill(chosen: Mapping[str, str], links: Sequence[tuple[str, str]]) -> None:
    store = _store(chosen)
    await store.open()
    try:
        for chunk in _chunks(links):
            answers = await store.add([NewLink(code=code, target=target) for code, target in chunk])
            assert all(isinstance(answer, Added) for answer in answers)
    finally:
        await store.close()


async def _copy(chosen: Mapping[str, str], keys: Sequence[LinkKey]) -> None:
    """Put what the store has into Redis, as nodes would bit by bit."""
    clock, store, known = SystemClock(), _store(chosen), settings.load(chosen)
    assert known.redis_url is not None
    cache = RedisCache(
        known.redis_url,
        prefix=known.redis_prefix,
        generation=await store.generation(),
        timeout_ms=known.miss_budget_ms,
    )
    await cache.open()
    try:
        await _connected(cache)
        for chunk in _chunks(keys):
            found = await store.get(chunk)
            await cache.keep({key: Copy(link.version, link, clock.now_ms()) for key, link in found.items()})
    finally:
        await cache.close()
        await store.close()


async def _connected(cache: RedisCache) -> None:
    deadline = time.monotonic() + CONNECT_SECONDS
    while cache.run is None:
        if time.monotonic() > deadline:
            raise Void("Redis can't be reached")
        await asyncio.sleep(0.01)


def _store(chosen: Mapping[str, str]) -> PostgresLinkStore:
    return postgres_links(settings.load(chosen), SystemClock(), connections=2, migrate=True)


def _chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
