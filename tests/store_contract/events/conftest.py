"""Every store of single clicks, each new and empty, with the clock that it reads."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from clicks.events.event import ClickEvent
from clicks.stores.clickhouse_database import ClickHouseDatabase
from clicks.stores.clickhouse_events import ClickHouseAnswers
from clicks.stores.clickhouse_schema import MOST_KEPT_DAYS, prepare
from clicks.stores.memory_events import MemoryEvents
from clicks.stores.postgres_events import PostgresEvents
from clicks.stores.sqlite_events import SqliteEvents
from devstack.clickhouse import ClickHouse
from shortlink.stores.postgres_database import PostgresDatabase
from tests.integration.clickhouse.samples import json_lines
from tests.store_contract.clicks.samples import ManualClock
from tests.store_contract.events.asking import Asking, through_add_events
from tests.store_contract.events.samples import TODAY_MS


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(TODAY_MS + 12 * 3_600_000)


def memory(_: Path, clock: ManualClock) -> Asking:
    store = MemoryEvents(clock)
    return Asking(store, through_add_events(store))


@pytest.fixture(scope="session")
def clickhouse_tables(clickhouse_server: ClickHouse) -> Callable[[], str]:
    """One database, made once: call it for its URL, and it is empty."""
    url = clickhouse_server.new_database_url()
    asyncio.run(make_tables(url))
    name = url.rpartition("/")[2]

    def emptied() -> str:
        for table in COUNTED_TABLES:
            clickhouse_server.query(f"TRUNCATE TABLE {table}", name)
        return url

    return emptied


async def make_tables(url: str) -> None:
    database = ClickHouseDatabase(url, timeout_ms=30_000)
    await prepare(database, MOST_KEPT_DAYS)
    await database.close()


@pytest.fixture
def empty_clickhouse_url(clickhouse_tables: Callable[[], str]) -> str:
    return clickhouse_tables()


def clickhouse(url: str, clock: ManualClock) -> Asking:
    """Filled as ingest does it, by blocks; the server's own clock is years ahead of the clicks."""
    database = ClickHouseDatabase(url, timeout_ms=30_000)
    blocks = count()

    async def fill(events: Sequence[ClickEvent]) -> None:
        await database.insert_json_rows("click_event", json_lines(*events), f"block-{next(blocks)}")

    return Asking(ClickHouseAnswers(database, clock, kept_days=MOST_KEPT_DAYS), fill)


def sqlite(folder: Path, clock: ManualClock) -> Asking:
    store = SqliteEvents(folder / "events.db", clock, kept_days=90, kept_rows=1_000_000, tail_rows=100)
    return Asking(store, through_add_events(store))


def postgres(url: str, clock: ManualClock) -> Asking:
    database = PostgresDatabase(url, connections=2, timeout_ms=30_000)
    store = PostgresEvents(database, clock, kept_days=90, kept_rows=1_000_000, node="one", tail_rows=100)
    return Asking(store, through_add_events(store))


COUNTED_TABLES: Final = (
    "click_event",
    "link_quarter",
    "link_day",
    "link_month",
    "link_visitors",
    "domain_quarter",
    "domain_visitors",
    "value_day",
)
# What each store's maker gets: a database's URL, or a folder.
STORES: Final[dict[Callable[..., Asking], str]] = {
    clickhouse: "empty_clickhouse_url",
    memory: "tmp_path",
    postgres: "database_url",
    sqlite: "tmp_path",
}


def _of_its_speed(make: Callable[..., Asking]) -> object:
    """Servers take milliseconds for each statement, and tables to be made: too long for the fast part of the suite."""
    return pytest.param(make, id=make.__name__, marks=[pytest.mark.slow] if make in (clickhouse, postgres) else [])


@pytest.fixture(params=map(_of_its_speed, STORES))
def store(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[Asking]:
    make = request.param
    with make(request.getfixturevalue(STORES[make]), clock) as asking:
        yield asking
