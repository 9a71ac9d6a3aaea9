"""What the tests around the engine share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.counters import CountersPage
from tests.unit.gateway_worker.parts import HandClock, NotingEngine


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def engine() -> NotingEngine:
    return NotingEngine()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[CountersPage]:
    page = CountersPage(tmp_path / "page")
    yield page
    page.close()
