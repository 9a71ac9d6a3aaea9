"""Every store of clicks, each new and empty, with the clock that it reads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clicks.stores.contract import ClickStore
from clicks.stores.memory import MemoryClickStore
from clicks.stores.sqlite import SqliteClickStore
from tests.store_contract.clicks.running import Running
from tests.store_contract.clicks.samples import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def memory(_: Path, clock: ManualClock) -> ClickStore:
    return MemoryClickStore(clock)


def sqlite(folder: Path, clock: ManualClock) -> ClickStore:
    return SqliteClickStore(folder / "clicks.db", clock)


@pytest.fixture(params=[memory, sqlite])
def store(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> Iterator[Running]:
    with Running(request.param(tmp_path, clock)) as running:
        yield running
