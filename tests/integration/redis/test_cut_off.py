"""A Redis that can't be reached costs its callers a deadline at most, and is used again when it can be."""

import asyncio
from collections.abc import Iterator
from typing import Final

import pytest

from devstack.fault_proxy import FaultProxy, fault_proxy
from devstack.redis import Redis
from shortlink.cache.contract import Announcement, CacheUnavailable
from shortlink.cache.redis_client import RedisCache
from tests.integration.redis.caches import Caches, until
from tests.integration.redis.samples import KEY, copy

pytestmark = pytest.mark.slow

VERSION: Final = 1_700_000_000_000 << 16
DEADLINE_MS: Final = 100
# What a busy machine may add to a deadline; without one, a half-open connection costs minutes.
PATIENCE_SECONDS: Final = 5.0


@pytest.fixture
def cable(redis_server: Redis) -> Iterator[FaultProxy]:
    """What leads to the server and can be pulled."""
    with fault_proxy(redis_server.port) as cable:
        yield cable


@pytest.fixture
def far(cable: FaultProxy) -> Caches:
    """Caches at the other end of it."""
    return Caches(f"redis://127.0.0.1:{cable.port}/0")


async def is_unavailable(cache: RedisCache) -> None:
    """A read and a write fail, each in time."""
    for asked in (cache.get([KEY]), cache.keep({KEY: copy(VERSION)})):
        async with asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises(CacheUnavailable):
                await asked


def test_a_half_open_redis_is_given_up_and_found_again_with_its_copies(cable: FaultProxy, far: Caches) -> None:
    async def story() -> None:
        async with far.open(timeout_ms=DEADLINE_MS) as cache:
            await cache.keep({KEY: copy(VERSION)})
            run = cache.run
            cable.half_open()
            await is_unavailable(cache)
            await until(lambda: cache.run is None)  # from now on it fails without waiting
            with pytest.raises(CacheUnavailable, match="not connected"):
                await cache.get([KEY])
            cable.heal()
            await until(lambda: cache.run == run)
            assert await cache.get([KEY]) == {KEY: copy(VERSION)}

    asyncio.run(story())


def test_questions_that_nobody_answered_leave_no_connection_on_which_answers_are_mixed_up(
    cable: FaultProxy, far: Caches
) -> None:
    async def story() -> None:
        other = KEY._replace(code="other")
        async with far.open(timeout_ms=DEADLINE_MS) as cache:
            await cache.keep({KEY: copy(VERSION), other: copy(VERSION + 1, key=other)})
            cable.half_open()
            asked = await asyncio.gather(*(cache.get([KEY]) for _ in range(20)), return_exceptions=True)
            assert all(isinstance(answer, CacheUnavailable) for answer in asked)
            cable.heal()  # the answers to these come now
            await until(lambda: cache.run is not None)
            for _ in range(50):
                assert await cache.get([other]) == {other: copy(VERSION + 1, key=other)}

    asyncio.run(story())


def test_a_redis_that_resets_connections_is_asked_on_new_ones(cable: FaultProxy, far: Caches) -> None:
    async def story() -> None:
        async with far.open() as cache:
            await cache.keep({KEY: copy(VERSION)})
            for answered in range(0, 400, 20):  # now within a greeting, now within a copy
                cable.reset_after(answered)
                for _ in range(3):
                    try:
                        assert await cache.get([KEY]) == {KEY: copy(VERSION)}
                    except CacheUnavailable:
                        continue
            cable.heal()
            await until(lambda: cache.run is not None)
            assert await cache.get([KEY]) == {KEY: copy(VERSION)}

    asyncio.run(story())


def test_a_subscription_that_was_cut_off_is_made_anew_and_says_so(
    cable: FaultProxy, far: Caches, redis_server: Redis
) -> None:
    near = Caches(redis_server.url())
    near.prefix = far.prefix

    async def story() -> None:
        async with far.open() as cache, near.open() as relay:
            heard: list[Announcement | None] = []

            async def listen() -> None:
                async for message in cache.announcements():
                    heard.append(message)  # noqa: PERF401 (looked at while it grows)

            listening = asyncio.create_task(listen())
            await until(lambda: heard == [None])
            cable.cut()
            cable.heal()
            await until(lambda: heard == [None, None])
            said = Announcement(1, relay.run or "", "a.1", "a.2", [], store_answers=True)
            await relay.announce(said)
            await until(lambda: heard == [None, None, said])
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    asyncio.run(story())
