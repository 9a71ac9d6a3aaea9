"""Copies of links in a real Redis: the newest wins, whatever comes when, and no other run's copy is ever seen."""

import asyncio
import itertools

import pytest

from devstack.redis import redis
from shortlink.cache.contract import Announcement, CacheUnavailable
from shortlink.cache.redis_client import RedisCache
from shortlink.links import Change, LinkKey
from tests.integration.redis.caches import Caches, until
from tests.integration.redis.samples import KEY, copy

BIG = 1_700_000_000_000 << 16


def test_a_copy_comes_back_as_it_was(caches: Caches) -> None:
    async def story() -> None:
        other = LinkKey("go.example", "an-alias_1")
        async with caches.open() as cache:
            await cache.keep({KEY: copy(BIG), other: copy(BIG + 1, key=other)})
            found = await cache.get([KEY, LinkKey("", "nowhere"), other])
            assert found == {KEY: copy(BIG), other: copy(BIG + 1, key=other)}

    asyncio.run(story())


@pytest.mark.parametrize("order", list(itertools.permutations([BIG, BIG + 1, BIG + 2])))
def test_the_newest_wins_in_whatever_order_they_come(caches: Caches, order: tuple[int, ...]) -> None:
    async def story() -> None:
        async with caches.open() as cache:
            for version in order:
                await cache.keep({KEY: copy(version, removed=version == BIG + 1)})
            assert await cache.get([KEY]) == {KEY: copy(BIG + 2)}

    asyncio.run(story())


def test_a_removal_is_not_undone_by_an_older_copy(caches: Caches) -> None:
    async def story() -> None:
        async with caches.open() as cache:
            await cache.keep({KEY: copy(BIG + 1, removed=True)})
            await cache.keep({KEY: copy(BIG)})
            assert (await cache.get([KEY]))[KEY].link is None

    asyncio.run(story())


def test_another_generation_shares_nothing(caches: Caches) -> None:
    async def story() -> None:
        async with caches.open() as before, caches.open(generation="fedcba9876543210") as after:
            await before.keep({KEY: copy(BIG)})
            assert await after.get([KEY]) == {}

    asyncio.run(story())


def test_an_announcement_reaches_everybody_after_none(caches: Caches) -> None:
    async def story() -> None:
        async with caches.open() as speaker, caches.open() as listener:
            heard: list[Announcement | None] = []

            async def listen() -> None:
                async for message in listener.announcements():
                    heard.append(message)  # noqa: PERF401 (looked at while it grows)

            listening = asyncio.create_task(listen())
            await until(lambda: heard == [None])
            said = Announcement(3, speaker.run or "", "a.1", "a.2", [Change(KEY, BIG)], store_answers=True)
            await speaker.announce(said)
            await until(lambda: heard == [None, said])
            assert await listener.reached() == "a.2"
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    asyncio.run(story())


def test_not_connected_fails_at_once() -> None:
    async def story() -> None:
        cache = RedisCache("redis://127.0.0.1:1/0", prefix="p", generation="g", timeout_ms=60_000)
        await cache.open()
        with pytest.raises(CacheUnavailable):
            await cache.get([KEY])
        await cache.close()
        await cache.close()

    asyncio.run(story())


def test_a_url_without_a_service_is_refused() -> None:
    with pytest.raises(ValueError, match="SERVICE"):
        RedisCache("redis+sentinel://127.0.0.1:26379", prefix="p", generation="g", timeout_ms=50)


@pytest.mark.slow
def test_a_redis_that_was_started_again_is_another_run(tmp_path_factory: pytest.TempPathFactory) -> None:
    async def story() -> None:
        with redis(tmp_path_factory.mktemp("redis")) as server:
            caches = Caches(f"redis://127.0.0.1:{server.port}/0")
            async with caches.open() as cache:
                first = cache.run
                await cache.keep({KEY: copy(BIG)})
                server.stop()
                server.start()
                await until(lambda: cache.run not in (None, first))
                assert await cache.get([KEY]) == {}

    asyncio.run(story())


@pytest.mark.slow
def test_a_frozen_redis_costs_the_timeout_and_then_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    async def story() -> None:
        with redis(tmp_path_factory.mktemp("redis")) as server:
            caches = Caches(f"redis://127.0.0.1:{server.port}/0")
            async with caches.open(timeout_ms=50) as cache:
                await cache.keep({KEY: copy(BIG)})
                server.pause()
                try:
                    with pytest.raises(CacheUnavailable, match="within 50 ms"):
                        await cache.get([KEY])
                    await until(lambda: cache.run is None)
                finally:
                    server.resume()
                await until(lambda: cache.run is not None)
                assert KEY in await cache.get([KEY])

    asyncio.run(story())
