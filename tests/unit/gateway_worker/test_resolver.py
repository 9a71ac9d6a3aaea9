"""Misses are gathered, bounded and always answered, whatever the store does."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.counters import CountersPage
from gateway.engines.contract import Tier, Unavailable
from gateway.resolver import MAX_KEYS_A_QUERY, MAX_QUERIES, Resolver
from shortlink.errors import StoreCorrupt, StoreUnavailable
from shortlink.links import Link, LinkKey
from tests.unit.gateway_worker.parts import HandClock, NotingEngine


def key(number: int) -> LinkKey:
    return LinkKey("", f"code{number}")


def link(key: LinkKey) -> Link:
    return Link(
        domain=key.domain, code=key.code, target="https://example.com/", owner_key=None, created_at=0, updated_at=0,
        version=1,
    )  # fmt: skip


@dataclass
class SlowStore:
    """Answers each query only when the test says so."""

    asked: list[list[LinkKey]] = field(default_factory=list)
    _replies: list[asyncio.Future[dict[LinkKey, Link]]] = field(default_factory=list)

    async def get(self, keys: Sequence[LinkKey]) -> Mapping[LinkKey, Link]:
        self.asked.append(list(keys))
        self._replies.append(asyncio.get_running_loop().create_future())
        return await self._replies[-1]

    def answer(self, query: int, *found: LinkKey) -> None:
        self._replies[query].set_result({key: link(key) for key in found})

    def fail(self, query: int, error: Exception) -> None:
        self._replies[query].set_exception(error)


@dataclass
class Bench:
    """A resolver between a noting engine and a slow store."""

    engine: NotingEngine
    store: SlowStore
    clock: HandClock
    resolver: Resolver

    async def miss(self, *keys: LinkKey) -> None:
        """What one loop turn with misses does."""
        self.engine.misses.extend(keys)
        for _ in keys:
            self.resolver.schedule()
        await settle()


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(10):
        await asyncio.sleep(0)


Scenario = Callable[[Bench], Coroutine[Any, Any, None]]
Play = Callable[[Scenario], None]


@pytest.fixture
def play(engine: NotingEngine, clock: HandClock, page: CountersPage) -> Play:
    """Runs a scenario on a loop."""

    def play(scenario: Scenario, patience_seconds: float = 60.0) -> None:
        async def run() -> None:
            store = SlowStore()
            loop = asyncio.get_running_loop()
            resolver = Resolver(engine, store, clock, loop, page, patience_seconds=patience_seconds)
            await scenario(Bench(engine, store, clock, resolver))
            await resolver.close()

        asyncio.run(run())

    return play


def test_misses_of_one_turn_are_one_query(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.miss(key(1), key(2), key(3))
        assert bench.store.asked == [[key(1), key(2), key(3)]]

    play(scenario)


def test_found_links_and_absent_ones_are_told_apart(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.miss(key(1), key(2))
        bench.store.answer(0, key(2))
        await settle()
        ((answers, _, tier),) = bench.engine.puts
        assert answers == {key(1): None, key(2): link(key(2))}
        assert tier is Tier.STORE
        assert bench.engine.woken == 1

    play(scenario)


def test_an_answer_is_as_old_as_its_question(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        asked_at = bench.clock.monotonic()
        await bench.miss(key(1))
        bench.clock.advance(1.5)
        bench.store.answer(0, key(1))
        await settle()
        assert bench.engine.puts[0][1] == asked_at

    play(scenario)


def test_what_comes_while_the_store_is_busy_goes_together_into_the_next_query(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        for number in range(MAX_QUERIES + 3):
            await bench.miss(key(number))
        assert len(bench.store.asked) == MAX_QUERIES
        bench.store.answer(0)
        await settle()
        assert bench.store.asked[-1] == [key(number) for number in range(MAX_QUERIES, MAX_QUERIES + 3)]

    play(scenario)


def test_a_query_is_bounded(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.miss(*map(key, range(MAX_KEYS_A_QUERY + 1)))
        assert [len(keys) for keys in bench.store.asked] == [MAX_KEYS_A_QUERY, 1]

    play(scenario)


def test_a_key_whose_answer_was_too_old_is_asked_again(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.miss(key(1))
        bench.engine.again = [key(1)]
        bench.store.answer(0, key(1))
        await settle()
        assert bench.store.asked == [[key(1)], [key(1)]]

    play(scenario)


@pytest.mark.parametrize("error", [StoreUnavailable("away"), StoreCorrupt("damaged"), RuntimeError("a fault")])
def test_a_store_in_trouble_is_an_answer_too(error: Exception, play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.miss(key(1), key(2))
        bench.store.fail(0, error)
        await settle()
        assert bench.engine.puts[0][0] == {key(1): Unavailable.UNAVAILABLE, key(2): Unavailable.UNAVAILABLE}
        await bench.miss(key(3))
        bench.store.answer(1, key(3))
        await settle()
        assert bench.engine.puts[1][0] == {key(3): link(key(3))}

    play(scenario)


def test_a_store_that_hangs_is_unavailable_in_the_end(play: Callable[..., None]) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.miss(key(1))
        async with asyncio.timeout(5):
            while True:  # the loop's own time, which can't be moved by hand
                if bench.engine.puts:
                    break
                await asyncio.sleep(0.001)
        assert bench.engine.puts[0][0] == {key(1): Unavailable.UNAVAILABLE}

    play(scenario, patience_seconds=0.01)


def test_trouble_is_logged_when_it_begins_and_ends(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(bench: Bench) -> None:
        for query in range(3):
            await bench.miss(key(query))
            bench.store.fail(query, StoreUnavailable("away"))
            await settle()
        for query in range(3, 6):
            await bench.miss(key(query))
            bench.store.answer(query)
            await settle()

    play(scenario)
    assert caplog.messages == ["the store can't answer: away", "the store answers again"]


def test_closing_gives_up_what_is_under_way(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        await bench.miss(key(1))
        await bench.resolver.close()
        await settle()
        assert bench.engine.puts == []

    play(scenario)
