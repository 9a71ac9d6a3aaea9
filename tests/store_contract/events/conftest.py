"""Every store of single clicks, each new and empty, with the clock that it reads."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from clicks.stores.memory_events import MemoryEvents
from tests.store_contract.clicks.samples import ManualClock
from tests.store_contract.events.asking import Asking, through_add_events
from tests.store_contract.events.samples import TODAY_MS


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(TODAY_MS + 12 * 3_600_000)


def memory(_: Path, clock: ManualClock) -> Asking:
    store = MemoryEvents(clock)
    return Asking(store, through_add_events(store))


# What each store's maker gets: a database's URL, or a folder.
STORES: Final[dict[Callable[..., Asking], str]] = {memory: "tmp_path"}


@pytest.fixture(params=list(STORES), ids=lambda make: make.__name__)
def store(request: pytest.FixtureRequest, clock: ManualClock) -> Iterator[Asking]:
    make = request.param
    with make(request.getfixturevalue(STORES[make]), clock) as asking:
        yield asking
