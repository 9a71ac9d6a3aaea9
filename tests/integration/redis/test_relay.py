"""The relay on a real Redis: every change is there before it is announced, by one relay at a time, whatever is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from devstack.redis import Redis, redis
from shortlink.cache.contract import Announcement
from shortlink.cache.redis_client import RedisCache
from shortlink.clock import SystemClock
from shortlink.errors import StoreUnavailable
from shortlink.links import Changes, LinkKey, LinkPatch, NewLink
from shortlink.relay.relay import GenerationChanged, Relay
from shortlink.stores.memory import MemoryLinkStore
from tests.integration.redis.caches import GENERATION, Caches, eventually, until
from tests.integration.redis.samples import KEY


class Store(MemoryLinkStore):
    """A store that can be away."""

    away = False
    named = GENERATION

    async def generation(self) -> str:
        return self.named

    async def changes(self, cursor: str | None, limit: int = 10_000) -> Changes:
        if self.away:
            raise StoreUnavailable("away")
        return await super().changes(cursor, limit)

    async def take_lease(self, name: str, holder: str, seconds: float) -> int | None:
        if self.away:
            raise StoreUnavailable("away")
        return await super().take_lease(name, holder, seconds)


@asynccontextmanager
async def running(store: Store, cache: RedisCache, holder: str = "one") -> AsyncIterator[asyncio.Event]:
    """A relay at work; what is yielded stops it."""
    stopping = asyncio.Event()
    relay = Relay(store, cache, SystemClock(), holder=holder, generation=GENERATION)
    task = asyncio.create_task(relay.run(stopping))
    try:
        yield stopping
    finally:
        stopping.set()
        await task


@asynccontextmanager
async def hearing(cache: RedisCache) -> AsyncIterator[list[Announcement]]:
    """All that is announced meanwhile."""
    heard: list[Announcement] = []
    subscribed = asyncio.Event()

    async def listen() -> None:
        async for message in cache.announcements():
            subscribed.set()
            if message is not None:
                heard.append(message)

    task = asyncio.create_task(listen())
    try:
        await subscribed.wait()
        yield heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def told_of(heard: list[Announcement], key: LinkKey) -> list[int]:
    """The versions of a link that were announced."""
    return [change.version for said in heard for change in said.changes if change.key == key]


def new(code: str = KEY.code) -> NewLink:
    return NewLink(code=code, target="https://example.com/")


def test_a_change_is_in_redis_before_it_is_announced(caches: Caches) -> None:
    async def story() -> None:
        store = Store(SystemClock())
        async with caches.open() as cache, caches.open() as other, hearing(other) as heard, running(store, cache):
            await until(lambda: bool(heard))
            await store.add([new()])
            await until(lambda: bool(told_of(heard, KEY)))
            copy = (await other.get([KEY]))[KEY]
            assert copy.link is not None
            assert told_of(heard, KEY) == [copy.version]
            await store.remove(KEY)
            await until(lambda: len(told_of(heard, KEY)) == 2)
            assert (await other.get([KEY]))[KEY].link is None

    asyncio.run(story())


def test_announcements_are_a_chain_of_cursors_in_one_term(caches: Caches) -> None:
    async def story() -> None:
        store = Store(SystemClock())
        async with caches.open() as cache, hearing(cache) as heard, running(store, cache):
            await until(lambda: bool(heard))
            for number in range(20):
                await store.add([new(f"code-{number}")])
                await store.change(LinkKey("", f"code-{number}"), LinkPatch({"title": "t"}))
                await asyncio.sleep(0)
            await until(lambda: bool(told_of(heard, LinkKey("", "code-19"))) and heard[-1].cursor == "40")
            for before, after in pairwise(heard):
                assert after.before == before.cursor
            assert {said.term for said in heard} == {1}

    asyncio.run(story())


def test_the_next_relay_goes_on_where_the_last_came_to(caches: Caches) -> None:
    async def story() -> None:
        store = Store(SystemClock())
        async with caches.open() as cache, hearing(cache) as heard:
            async with running(store, cache, "first"):
                await until(lambda: bool(heard))
                await store.add([new("one")])
                await until(lambda: bool(told_of(heard, LinkKey("", "one"))))
            await store.add([new("between")])
            async with running(store, cache, "second"):
                await until(lambda: bool(told_of(heard, LinkKey("", "between"))))
            assert {said.term for said in heard} == {1, 2}
            assert LinkKey("", "between") in await cache.get([LinkKey("", "between")])

    asyncio.run(story())


def test_of_two_relays_one_works_and_the_other_takes_over(caches: Caches) -> None:
    async def story() -> None:
        store = Store(SystemClock())
        async with (
            caches.open() as cache,
            hearing(cache) as heard,
            running(store, cache, "first") as stop_first,
        ):
            await until(lambda: bool(heard))
            async with running(store, cache, "second"):
                await store.add([new("one")])
                await until(lambda: bool(told_of(heard, LinkKey("", "one"))))
                assert {said.term for said in heard} == {1}
                stop_first.set()
                await until(lambda: heard[-1].term == 2)
                await store.add([new("two")])
                await until(lambda: bool(told_of(heard, LinkKey("", "two"))))

    asyncio.run(story())


def test_without_the_store_it_says_so_and_with_it_goes_on(caches: Caches) -> None:
    async def story() -> None:
        store = Store(SystemClock())
        async with caches.open() as cache, hearing(cache) as heard, running(store, cache):
            await until(lambda: bool(heard) and heard[-1].store_answers)
            store.away = True
            await until(lambda: not heard[-1].store_answers)
            store.away = False
            await store.add([new()])
            await until(lambda: bool(told_of(heard, KEY)))
            assert heard[-1].store_answers

    asyncio.run(story())


def test_a_store_that_was_restored_ends_the_relay(caches: Caches) -> None:
    async def story() -> None:
        store = Store(SystemClock())
        store.named = "restored"
        async with caches.open() as cache:
            await cache.announce(Announcement(1, cache.run or "", "x", "not of this store", (), store_answers=True))
            relay = Relay(store, cache, SystemClock(), holder="one", generation=GENERATION)
            with pytest.raises(GenerationChanged):
                await asyncio.wait_for(relay.run(asyncio.Event()), 10)

    asyncio.run(story())


@pytest.mark.slow
def test_what_changed_while_redis_was_away_is_told_when_it_is_back(tmp_path: Path, redis_server: Redis) -> None:
    async def story(server: Redis) -> None:
        store = Store(SystemClock())
        async with Caches(server.url()).open() as cache, running(store, cache):
            await eventually(lambda: reached(cache))
            first = cache.run
            server.stop()
            await store.add([new()])
            server.start()
            await until(lambda: cache.run not in (None, first))
            await eventually(lambda: holds(cache, KEY))

    async def reached(cache: RedisCache) -> bool:
        return await cache.reached() is not None

    async def holds(cache: RedisCache, key: LinkKey) -> bool:
        return key in await cache.get([key])

    with redis(tmp_path) as server:
        asyncio.run(story(server))
