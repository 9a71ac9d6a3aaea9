"""Shippers of two nodes that fill one PostgreSQL side by side."""

import asyncio
from uuid import UUID

import pytest

from clicks.questions import Arrived
from clicks.stores.postgres_events import PostgresEvents
from shortlink.stores.postgres_database import PostgresDatabase
from tests.store_contract.clicks.samples import ManualClock
from tests.store_contract.events.samples import EPOCH, OTHER_EPOCH, TODAY_MS, event, question

pytestmark = pytest.mark.slow

ROUNDS, A_ROUND = 30, 20


def store_of(url: str, node: str, *, read_only: bool = False) -> PostgresEvents:
    database = PostgresDatabase(url, connections=2, timeout_ms=10_000)
    clock = ManualClock(TODAY_MS)
    return PostgresEvents(database, clock, kept_days=90, kept_rows=10_000, node=node, read_only=read_only, tail_rows=50)


async def ship(store: PostgresEvents, epoch: str) -> None:
    """Some clicks, round by round; watermarks of others are none of its business."""
    await store.open()
    for number in range(0, ROUNDS * A_ROUND, A_ROUND):
        clicks = [event(seq, epoch=epoch) for seq in range(number + 1, number + A_ROUND + 1)]
        assert await store.add_events(UUID(epoch).bytes, number, number + A_ROUND, clicks)


async def follow(store: PostgresEvents, ended: asyncio.Event) -> list[tuple[str, int]]:
    """What came, in pages, until no more comes after the end."""
    seen: list[tuple[str, int]] = []
    page = Arrived([], (await store.arrived(question(), None)).cursor)
    while page.events or not ended.is_set():
        page = await store.arrived(question(), page.cursor, limit=7)
        seen += [(one.epoch, one.seq) for one in page.events]
    return seen


def test_every_click_of_both_is_added_up_and_told_once(database_url: str) -> None:
    async def run() -> None:
        one, two, asking = store_of(database_url, "one"), store_of(database_url, "two"), store_of(database_url, "")
        await asking.open()
        ended = asyncio.Event()
        following = asyncio.create_task(follow(asking, ended))
        await asyncio.sleep(0)
        await asyncio.gather(ship(one, EPOCH), ship(two, OTHER_EPOCH))
        ended.set()
        seen = await following
        wanted = [(epoch, seq) for epoch in (EPOCH, OTHER_EPOCH) for seq in range(1, ROUNDS * A_ROUND + 1)]
        assert sorted(seen) == sorted(wanted)
        assert sum((await asking.totals(question())).by_class.values()) == len(wanted)
        assert await one.forget_epochs([UUID(EPOCH).bytes], TODAY_MS) == 0
        await asyncio.gather(one.close(), two.close(), asking.close())

    asyncio.run(run())
