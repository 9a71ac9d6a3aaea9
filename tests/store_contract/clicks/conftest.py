"""Every store of clicks, each new and empty, with the clock that it reads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clicks.stores.contract import ClickStore
from clicks.stores.memory import MemoryClickStore
from clicks.stores.postgres import PostgresClickStore
from clicks.stores.sqlite import SqliteClickStore
from shortlink.stores.postgres_database import PostgresDatabase
from tests.store_contract.clicks.running import Running
from tests.store_contract.clicks.samples import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def memory(_: Path, clock: ManualClock) -> ClickStore:
    return MemoryClickStore(clock)


def sqlite(folder: Path, clock: ManualClock) -> ClickStore:
    return SqliteClickStore(folder / "clicks.db", clock)


def postgres(url: str, clock: ManualClock) -> ClickStore:
    return PostgresClickStore(PostgresDatabase(url, connections=4, timeout_ms=10_000), clock)


@pytest.fixture(params=[memory, sqlite, pytest.param(postgres, marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> Iterator[Running]:
    place = request.getfixturevalue("database_url") if request.param is postgres else tmp_path
    with Running(request.param(place, clock)) as running:
        yield running
