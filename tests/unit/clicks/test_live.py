"""The live feed: every click that comes is told once, in order, to everybody who wants it."""

import asyncio
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from uuid import UUID

import pytest

from clicks.counts import TrafficClass
from clicks.events.event import ClickEvent
from clicks.live import ANY, PAGE, PAGES_A_ROUND, PAGES_WAITING, LiveFeed, LivePage, TooManyListeners
from clicks.questions import Arrived, Question
from clicks.stores.memory_events import MemoryEvents
from shortlink.errors import StoreUnavailable
from shortlink.links import LinkKey
from tests.store_contract.clicks.samples import ManualClock
from tests.store_contract.events.samples import EPOCH, event

PROMPTLY_SECONDS = 10  # within which anything here happens


class Store(MemoryEvents):
    """Clicks in memory that tells how often it is asked, and can be away."""

    def __init__(self) -> None:
        super().__init__(ManualClock())
        self.asked = 0
        self.away = False

    async def arrived(self, question: Question, cursor: str | None, limit: int = 1_000) -> Arrived:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise StoreUnavailable("away")
        return await super().arrived(question, cursor, limit)

    async def come(self, *events: ClickEvent) -> None:
        """Store clicks as a shipper does."""
        epoch = UUID(EPOCH).bytes
        reached = (await self.watermarks()).get(epoch, 0)
        assert await self.add_events(epoch, reached, reached + len(events), events)


def feed(store: Store, heartbeat_seconds: float = PROMPTLY_SECONDS, most_listeners: int = 10) -> LiveFeed:
    return LiveFeed(store, 0.001, heartbeat_seconds, most_listeners)


async def seqs(pages: AsyncGenerator[LivePage, None], count: int) -> list[int]:
    """The seqs of the next clicks."""
    found: list[int] = []
    async with asyncio.timeout(PROMPTLY_SECONDS):
        while len(found) < count:
            found += [each.seq for each in (await anext(pages)).events]
    return found


def test_clicks_are_told_to_those_who_want_them() -> None:
    async def story() -> None:
        store = Store()
        live = feed(store)
        await store.come(event(1))
        wanted = Question(0, 0, links=[LinkKey("", "b")], classes=frozenset({TrafficClass.BOT}))
        async with aclosing(live.listen(ANY)) as everything, aclosing(live.listen(wanted)) as some:
            assert [(await anext(pages)).events for pages in (everything, some)] == [(), ()]
            await store.come(event(2), event(3, code="b"), event(4, code="b", traffic=TrafficClass.BOT))
            assert await seqs(everything, 3) == [2, 3, 4]
            assert await seqs(some, 1) == [4]

    asyncio.run(story())


def test_the_store_is_asked_once_for_all_and_only_while_somebody_listens() -> None:
    async def story() -> None:
        store = Store()
        live = feed(store)
        async with aclosing(live.listen(ANY)) as one, aclosing(live.listen(ANY)) as other:
            await anext(one)
            await anext(other)
            joined = store.asked
            for seq in range(1, 6):
                await store.come(event(seq))
                assert await seqs(one, 1) == await seqs(other, 1) == [seq]
            assert store.asked - joined >= 5
        assert live._poller is None

    asyncio.run(story())


def test_who_comes_back_with_a_cursor_misses_nothing_and_has_nothing_twice() -> None:
    async def story(seed: int) -> None:
        dice = random.Random(seed)
        store = Store()
        live = feed(store)
        told: list[int] = []
        cursor = (await store.arrived(ANY, None)).cursor
        total = 3_000

        async def ship() -> None:
            seq = 1
            while seq <= total:
                count = min(dice.randrange(1, 400), total + 1 - seq)
                await store.come(*(event(number) for number in range(seq, seq + count)))
                seq += count
                await asyncio.sleep(dice.choice([0, 0, 0.002]))

        shipping = asyncio.create_task(ship())
        async with aclosing(live.listen(ANY)) as another:  # keeps the poller going, at a place of its own
            await anext(another)
            async with asyncio.timeout(PROMPTLY_SECONDS):
                while len(told) < total:
                    async with aclosing(live.listen(ANY, cursor)) as pages:
                        for _ in range(dice.randrange(1, 6)):
                            page = await anext(pages)
                            told += [each.seq for each in page.events]
                            cursor = page.cursor
                            if len(told) >= total:
                                break
        await shipping
        assert told == list(range(1, total + 1))

    for seed in range(5):
        asyncio.run(story(seed))


def test_an_unknown_cursor_is_refused() -> None:
    async def story() -> None:
        live = feed(Store())
        with pytest.raises(ValueError, match="no such cursor"):
            await anext(live.listen(ANY, "nonsense"))
        async with aclosing(live.listen(ANY)) as pages:
            await anext(pages)

    asyncio.run(story())


def test_an_empty_page_comes_when_nothing_does_and_says_where_to_go_on() -> None:
    async def story() -> None:
        store = Store()
        live = feed(store, heartbeat_seconds=0.02)
        wanted = Question(0, 0, links=[])
        async with aclosing(live.listen(wanted)) as pages, asyncio.timeout(PROMPTLY_SECONDS):
            first = await anext(pages)
            await store.come(event(1))
            while (page := await anext(pages)).cursor == first.cursor:
                assert not page.events
            assert page.cursor == (await store.arrived(ANY, None)).cursor

    asyncio.run(story())


def test_a_store_that_is_away_for_a_while_delays_clicks_and_loses_none() -> None:
    async def story() -> None:
        store = Store()
        live = feed(store)
        async with aclosing(live.listen(ANY)) as pages:
            await anext(pages)
            store.away = True
            asked = store.asked
            await store.come(event(1))
            while store.asked < asked + 3:  # noqa: ASYNC110 - nobody tells when the store is asked
                await asyncio.sleep(0.001)
            with pytest.raises(StoreUnavailable):
                await anext(live.listen(ANY))
            store.away = False
            assert await seqs(pages, 1) == [1]

    asyncio.run(story())


def test_what_is_too_much_to_watch_is_skipped_and_said() -> None:
    async def story() -> None:
        store = Store()
        live = feed(store)
        async with aclosing(live.listen(ANY)) as pages, asyncio.timeout(PROMPTLY_SECONDS):
            await anext(pages)
            await store.come(*(event(seq) for seq in range(1, PAGE * (PAGES_A_ROUND + 3))))
            told = 0
            while not (page := await anext(pages)).skipped:
                told += len(page.events)
            assert told == PAGE * PAGES_A_ROUND
            await store.come(event(100_000))
            assert await seqs(pages, 1) == [100_000]

    asyncio.run(story())


def test_who_takes_nothing_is_let_go_and_goes_on_from_its_cursor() -> None:
    async def story() -> None:
        store = Store()
        live = feed(store)
        async with aclosing(live.listen(ANY)) as slow, aclosing(live.listen(ANY)) as quick:
            cursor = (await anext(slow)).cursor
            await anext(quick)
            for seq in range(1, PAGES_WAITING + 3):
                await store.come(event(seq))
                assert await seqs(quick, 1) == [seq]
            assert [page async for page in slow] == []
            async with aclosing(live.listen(ANY, cursor)) as again:
                assert await seqs(again, PAGES_WAITING + 2) == list(range(1, PAGES_WAITING + 3))

    asyncio.run(story())


def test_only_so_many_may_listen() -> None:
    async def story() -> None:
        live = feed(Store(), most_listeners=1)
        async with aclosing(live.listen(ANY)) as pages:
            await anext(pages)
            with pytest.raises(TooManyListeners):
                await anext(live.listen(ANY))
        async with aclosing(live.listen(ANY)) as pages:
            await anext(pages)

    asyncio.run(story())


def test_the_end_of_the_feed_is_everybodys() -> None:
    async def story() -> None:
        live = feed(Store())
        async with aclosing(live.listen(ANY)) as pages:
            await anext(pages)
            live.end()
            assert await rest(pages) == []
        async with aclosing(live.listen(ANY)) as late:
            await anext(late)
            assert await rest(late) == []

    async def rest(pages: AsyncGenerator[LivePage, None]) -> Sequence[LivePage]:
        async with asyncio.timeout(PROMPTLY_SECONDS):
            return [page async for page in pages]

    asyncio.run(story())
