"""Every store of clicks, each new and empty, with the clock that it reads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from clicks.stores.memory import MemoryClickStore
from clicks.stores.sqlite import SqliteClickStore
from tests.store_contract.clicks.running import Running
from tests.store_contract.clicks.samples import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path) -> Iterator[Running]:
    stores = {
        "memory": lambda: MemoryClickStore(clock),
        "sqlite": lambda: SqliteClickStore(tmp_path / "clicks.db", clock),
    }
    with Running(stores[request.param]()) as running:
        yield running
