"""A worker reads the feed from announcements, and from the store where they leave something out."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.follow import Follower
from gateway.sources.breaker import FAILURES, Breaker
from gateway.sources.generation import GenerationKeeper
from gateway.sources.relayed_feed import RelayedFeed
from gateway.sources.watch import SILENT_SECONDS, RelayWatch
from shortlink.cache.contract import Copy
from shortlink.errors import StoreUnavailable
from shortlink.links import Change, LinkKey, NewLink
from tests.unit.gateway_worker.parts import HandClock, NotingEngine
from tests.unit.gateway_worker.shared import MemoryCache, SwitchedStore, said

HELLO = Change(LinkKey("", "hello"), 7)


@dataclass
class Bench:
    """A follower of a relayed feed, on a store and a cache in memory."""

    engine: NotingEngine
    store: SwitchedStore
    cache: MemoryCache
    watch: RelayWatch
    feed: RelayedFeed
    clock: HandClock

    async def add(self, code: str) -> Change:
        await self.store.add([NewLink(code=code, target="https://example.com/")])
        return (await self.store.changes("0")).changes[-1]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


Play = Callable[[Callable[[Bench], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def play(engine: NotingEngine, clock: HandClock) -> Play:
    """Runs a scenario with a listener, and a follower that has its position."""

    async def run(scenario: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
        store, cache, watch = SwitchedStore(clock), MemoryCache(), RelayWatch(clock)
        feed = RelayedFeed(store, watch, Breaker(clock))
        tasks = [asyncio.create_task(feed.listen(cache)), asyncio.create_task(Follower(engine, feed).run())]
        await settle()
        await scenario(Bench(engine, store, cache, watch, feed, clock))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    return lambda scenario: asyncio.run(run(scenario))


def test_an_announced_change_is_heard_without_the_store(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.cache.announce(said("0"))
        await settle()
        reads = bench.store.feed_reads
        await bench.cache.announce(said("0", "1", HELLO))
        await settle()
        assert bench.engine.told == ["forget all", [HELLO]]
        assert bench.store.feed_reads == reads
        assert bench.store.told[-1] == "1"  # a replica must have it from now on

    play(scenario)


def test_what_a_lost_announcement_said_is_read_from_the_store(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.cache.announce(said("0"))
        await settle()
        first, second = await bench.add("one"), await bench.add("two")
        await bench.cache.announce(said("1", "2", second))
        await settle()
        assert bench.engine.told == ["forget all", [first, second]]
        reads = bench.store.feed_reads
        await bench.cache.announce(said("2", "3", HELLO))
        await settle()
        assert bench.engine.told[-1] == [HELLO]
        assert bench.store.feed_reads == reads

    play(scenario)


def test_without_a_relay_the_store_is_read(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.cache.announce(said("0"))
        await settle()
        bench.clock.advance(SILENT_SECONDS)
        change = await bench.add("one")
        assert (await bench.feed.changes("0")).changes == [change]

    play(scenario)


def test_without_both_the_cursor_is_kept(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        bench.store.down = True
        with pytest.raises(StoreUnavailable):
            await bench.feed.changes("0")
        with pytest.raises(StoreUnavailable):
            await bench.feed.changes(None)

    play(scenario)


def test_a_worker_that_starts_without_the_store_begins_where_the_relay_is(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        bench.store.down = True
        await bench.cache.announce(said("41", store_answers=False))
        await settle()
        assert (await bench.feed.changes(None)).cursor == "41"

    play(scenario)


def test_the_generation_is_remembered_for_a_start_without_the_store(clock: HandClock, tmp_path: Path) -> None:
    made: list[tuple[str, MemoryCache]] = []

    def make(generation: str) -> MemoryCache:
        made.append((generation, MemoryCache()))
        return made[-1][1]

    async def life(store: SwitchedStore) -> None:
        keeper = GenerationKeeper(
            store, RelayedFeed(store, RelayWatch(clock), Breaker(clock)), make, tmp_path / "generation"
        )
        task = asyncio.create_task(keeper.run())
        await settle()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def story() -> None:
        store = SwitchedStore(clock)
        store.down = True
        await life(store)
        assert made == []  # not known yet: no Redis
        store.down = False
        await life(store)
        store.down = True
        await life(store)
        store.down = False
        assert [name for name, _ in made] == [await store.generation()] * 2
        assert not any(cache.is_open for _, cache in made)

    asyncio.run(story())


def test_what_the_stores_feed_told_makes_older_copies_no_answer(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        change = await bench.add("one")
        await bench.feed.changes("0")
        assert not bench.watch.is_current(change.key, Copy(change.version - 1, None, 0))

    play(scenario)


def test_a_store_whose_feed_answers_is_asked_for_links_at_once(clock: HandClock) -> None:
    async def story() -> None:
        breaker, store = Breaker(clock), SwitchedStore(clock)
        for _ in range(FAILURES):
            breaker.note(answered=False)
        await RelayedFeed(store, RelayWatch(clock), breaker).changes(None)
        assert not breaker.is_open

    asyncio.run(story())
