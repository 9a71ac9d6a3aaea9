"""Misses with a shared cache: Redis first while it is to be trusted, then the store, and old copies without one."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.counters import CountersPage
from gateway.engines.contract import Tier, Unavailable
from gateway.resolver import Resolver
from gateway.sources.breaker import FAILURES, REST_SECONDS
from gateway.sources.shared_links import SharedLinks
from gateway.sources.watch import RelayWatch
from shortlink.cache.contract import Copy
from shortlink.links import Change, Link, LinkKey, NewLink
from tests.unit.gateway_worker.parts import HandClock, NotingEngine
from tests.unit.gateway_worker.shared import MemoryCache, SwitchedStore, said

ONE, TWO, NOWHERE = LinkKey("", "one"), LinkKey("", "two"), LinkKey("", "nowhere")
BUDGET_SECONDS = 0.02


@dataclass
class Bench:
    """A resolver between a noting engine, a shared cache and a store."""

    engine: NotingEngine
    cache: MemoryCache
    store: SwitchedStore
    watch: RelayWatch
    shared: SharedLinks
    resolver: Resolver
    clock: HandClock
    page: CountersPage

    async def miss(self, *keys: LinkKey) -> dict[LinkKey, Link | Unavailable | None]:
        """What the engine is given for keys of one turn, in the end."""
        self.engine.puts.clear()
        self.engine.misses.extend(keys)
        self.resolver.schedule()
        async with asyncio.timeout(5):
            while len(answers := self.given()) < len(keys):  # noqa: ASYNC110 (the engine can't tell us)
                await asyncio.sleep(0.001)
        await asyncio.sleep(0)
        return answers

    def given(self) -> dict[LinkKey, Link | Unavailable | None]:
        return {key: answer for answers, _, _ in self.engine.puts for key, answer in answers.items()}

    def tiers(self) -> dict[LinkKey, Tier]:
        return {key: tier for answers, _, tier in self.engine.puts for key in answers}

    async def add(self, key: LinkKey) -> Link:
        await self.store.add([NewLink(code=key.code, target=f"https://example.com/{key.code}")])
        self.store.looked_up.clear()
        return self.store._rows[key].link

    def copy(self, link: Link, *, age: float = 0.0) -> None:
        self.cache.copies[link.key] = Copy(link.version, link, self.clock.now_ms() - int(age * 1_000))


Play = Callable[[Callable[[Bench], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def play(engine: NotingEngine, clock: HandClock, page: CountersPage) -> Play:
    """Runs a scenario with a live relay."""

    async def run(scenario: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
        cache, store, watch = MemoryCache(), SwitchedStore(clock), RelayWatch(clock)
        watch.watch(cache)
        watch.hear(said("0"))
        shared = SharedLinks(watch, clock, page)
        loop = asyncio.get_running_loop()
        resolver = Resolver(engine, store, clock, loop, page, shared=shared, budget_seconds=BUDGET_SECONDS)
        await scenario(Bench(engine, cache, store, watch, shared, resolver, clock, page))
        await resolver.close()
        await shared.close()

    return lambda scenario: asyncio.run(run(scenario))


def test_what_redis_has_is_not_asked_of_the_store(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.add(ONE)
        bench.copy(link, age=900)
        assert await bench.miss(ONE) == {ONE: link}
        # Under a live relay an old copy is confirmed by being read.
        assert bench.engine.puts == [({ONE: link}, bench.clock.monotonic(), Tier.REDIS)]
        assert bench.store.looked_up == []

    play(scenario)


def test_the_rest_goes_to_the_store_in_one_query_and_what_it_has_into_redis(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        one, two = await bench.add(ONE), await bench.add(TWO)
        bench.copy(one)
        assert await bench.miss(ONE, TWO, NOWHERE) == {ONE: one, TWO: two, NOWHERE: None}
        assert bench.tiers() == {ONE: Tier.REDIS, TWO: Tier.STORE, NOWHERE: Tier.STORE}
        assert bench.cache.asked == [[ONE, TWO, NOWHERE]]
        assert bench.store.looked_up == [[TWO, NOWHERE]]
        assert bench.cache.copies[TWO] == Copy(two.version, two, bench.clock.now_ms())
        assert NOWHERE not in bench.cache.copies

    play(scenario)


def test_a_removed_link_is_absent_without_the_store(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        bench.cache.copies[ONE] = Copy(9, None, 0)
        bench.watch.hear(said("0", "1", Change(ONE, 9)))
        assert await bench.miss(ONE) == {ONE: None}
        assert bench.store.looked_up == []

    play(scenario)


def test_a_copy_older_than_an_announced_version_is_asked_of_the_store(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.add(ONE)
        bench.cache.copies[ONE] = Copy(link.version - 1, link, 0)
        bench.watch.hear(said("0", "1", Change(ONE, link.version)))
        assert await bench.miss(ONE) == {ONE: link}
        assert bench.tiers() == {ONE: Tier.STORE}

    play(scenario)


def test_without_a_live_relay_redis_is_neither_asked_nor_filled(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.add(ONE)
        bench.clock.advance(10)
        assert await bench.miss(ONE) == {ONE: link}
        assert (bench.cache.asked, bench.cache.copies) == ([], {})

    play(scenario)


def test_a_redis_that_was_replaced_meanwhile_is_not_filled(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.add(ONE)
        bench.cache.run = "run-2"
        bench.watch.hear(said("0", run="run-2"))
        asked = bench.store.get

        async def replaced_while_asked(keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
            bench.cache.run = "run-3"
            return await asked(keys)

        bench.store.get = replaced_while_asked  # type: ignore[method-assign]
        assert await bench.miss(ONE) == {ONE: link}
        assert bench.cache.copies == {}

    play(scenario)


def test_a_redis_that_hangs_costs_its_budget_a_few_times_and_then_nothing(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.add(ONE)
        bench.cache.hangs = True
        for _ in range(FAILURES + 3):
            bench.watch.hear(said("0"))
            assert await bench.miss(ONE) == {ONE: link}
        assert len(bench.cache.asked) == bench.page["redis_errors"] == FAILURES
        bench.cache.hangs = False
        bench.clock.advance(REST_SECONDS)
        bench.copy(link)
        await bench.miss(ONE)
        assert bench.tiers() == {ONE: Tier.REDIS}

    play(scenario)


def test_misses_that_waited_for_their_whole_budget_skip_redis(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.add(ONE)
        bench.copy(link)
        assert await bench.shared.current([ONE], 0.0) == {}
        assert bench.cache.asked == []

    play(scenario)


@pytest.mark.parametrize("store_answers", [True, False])
def test_without_the_store_old_copies_do_as_old_as_they_are(play: Play, store_answers: bool) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.add(ONE)
        bench.copy(link, age=100)
        bench.store.down = True
        if store_answers:
            bench.clock.advance(10)  # the relay is silent
        else:
            bench.watch.hear(said("0", store_answers=False))
        age = 110 if store_answers else 100
        assert await bench.miss(ONE, TWO) == {ONE: link, TWO: Unavailable.UNAVAILABLE}
        asked_at = next(at for answers, at, _ in bench.engine.puts if ONE in answers)
        assert asked_at == pytest.approx(bench.clock.monotonic() - age, abs=0.01)

    play(scenario)


def test_an_old_copy_of_what_changed_since_is_none(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.add(ONE)
        bench.copy(link)
        bench.watch.hear(said("0", "1", Change(ONE, link.version + 1)))
        bench.store.down = True
        assert await bench.miss(ONE) == {ONE: Unavailable.UNAVAILABLE}

    play(scenario)


def test_a_copy_from_a_clock_that_is_ahead_was_confirmed_now(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        bench.copy(await bench.add(ONE), age=-500)
        bench.store.down = True
        bench.clock.advance(10)
        await bench.miss(ONE)
        assert bench.engine.puts[0][1] == bench.clock.monotonic()

    play(scenario)


def test_a_store_that_failed_is_tried_once_a_second_while_old_copies_do(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.add(ONE)
        bench.copy(link)
        bench.store.down = True
        bench.watch.hear(said("0", store_answers=False))
        for _ in range(FAILURES + 3):
            assert await bench.miss(ONE) == {ONE: link}
        assert len(bench.store.looked_up) == FAILURES
        bench.store.down = False
        bench.clock.advance(REST_SECONDS)
        assert await bench.miss(ONE) == {ONE: link}
        assert bench.tiers() == {ONE: Tier.STORE}

    play(scenario)


def test_an_answer_of_a_redis_that_was_replaced_meanwhile_is_none(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.add(ONE)
        bench.copy(link)
        asked = bench.cache.get

        async def replaced_while_asked(keys: Sequence[LinkKey]) -> Mapping[LinkKey, Copy]:
            bench.cache.run = "run-2"
            return await asked(keys)

        bench.cache.get = replaced_while_asked  # type: ignore[method-assign]
        assert await bench.miss(ONE) == {ONE: link}
        assert bench.tiers() == {ONE: Tier.STORE}

    play(scenario)


def test_what_changed_while_the_store_was_asked_is_not_written_into_redis(play: Play) -> None:
    async def scenario(bench: Bench) -> None:
        link = await bench.add(ONE)
        asked = bench.store.get

        async def changed_while_asked(keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
            found = await asked(keys)
            bench.watch.hear(said("0", "1", Change(ONE, link.version + 1)))
            return found

        bench.store.get = changed_while_asked  # type: ignore[method-assign]
        await bench.miss(ONE)
        assert bench.cache.copies == {}

    play(scenario)
