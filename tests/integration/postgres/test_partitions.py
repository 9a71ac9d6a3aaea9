"""Partitions of hourly counts on a real PostgreSQL: made once, dropped in time, and never in the way of counting."""

import asyncio

import pytest

from clicks.counts import DAY_MS, ClickBatch, CountKey, TrafficClass
from clicks.stores.postgres import PostgresClickStore
from devstack.postgres import Postgres
from shortlink.stores.postgres_database import PostgresDatabase
from tests.store_contract.clicks.samples import NOON_MS, ManualClock, batch

pytestmark = pytest.mark.slow


def store(url: str, clock: ManualClock, days: int = 0) -> PostgresClickStore:
    return PostgresClickStore(PostgresDatabase(url, connections=4, timeout_ms=5_000), clock, hours_kept_days=days)


def partitions(server: Postgres, url: str) -> list[str]:
    sql = "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'click_hour'::regclass ORDER BY 1"
    return sorted(server.run(sql, url.rpartition("/")[2]).split())


def test_shippers_that_start_at_once_make_each_month_once(postgres_server: Postgres, database_url: str) -> None:
    async def story() -> None:
        stores = [store(database_url, ManualClock()) for _ in range(5)]
        await asyncio.gather(*(one.open() for one in stores))
        await asyncio.gather(*(one.close() for one in stores))

    asyncio.run(story())
    months = ["click_hour_2023_10", "click_hour_2023_11", "click_hour_2023_12", "click_hour_2024_01"]
    assert set(partitions(postgres_server, database_url)) <= {*months, "click_hour_rest"}

    async def later() -> None:
        one = store(database_url, ManualClock())
        await one.open()
        await one.close()

    asyncio.run(later())
    assert partitions(postgres_server, database_url) == [*months, "click_hour_rest"]


def test_a_month_that_is_past_its_time_goes_and_totals_stay(postgres_server: Postgres, database_url: str) -> None:
    async def story() -> None:
        clock = ManualClock()
        one = store(database_url, clock, days=30)
        await one.open()
        assert await one.add(batch(1, 0, 5))
        await one.forget_epochs([], NOON_MS + 70 * DAY_MS)
        assert await one.service_totals() == {TrafficClass.HUMAN: 5}
        await one.close()

    asyncio.run(story())
    assert "click_hour_2023_11" not in partitions(postgres_server, database_url)


def test_clicks_of_a_clock_that_was_wrong_move_into_their_month(postgres_server: Postgres, database_url: str) -> None:
    async def story() -> None:
        one = store(database_url, ManualClock())
        await one.open()
        far_ms = NOON_MS + 100 * DAY_MS
        assert await one.add(ClickBatch(b"\1" * 16, 0, 1, {CountKey("", "abc", far_ms, TrafficClass.HUMAN): 1}))
        await one.forget_epochs([], far_ms)
        await one.close()

    asyncio.run(story())
    name = database_url.rpartition("/")[2]
    assert postgres_server.run("SELECT count(*) FROM click_hour_rest", name) == "0"
    assert postgres_server.run("SELECT sum(clicks) FROM click_hour_2024_02", name) == "1"


def test_counting_goes_on_while_a_backup_holds_the_table(database_url: str) -> None:
    async def story() -> None:
        first = store(database_url, ManualClock(), days=30)
        await first.open()
        await first.close()
        reader = PostgresDatabase(database_url, connections=1, timeout_ms=30_000)
        async with reader.transaction() as backup:
            await backup.execute("LOCK TABLE click_hour, click_hour_rest, click_hour_2023_11 IN ACCESS SHARE MODE")
            clock = ManualClock(NOON_MS + 70 * DAY_MS)
            second = store(database_url, clock, days=30)
            await second.open()
            assert await second.add(batch(1, 0, 5))
            await second.close()
        await reader.close()

    asyncio.run(story())
