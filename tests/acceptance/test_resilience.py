"""Each failure of docs/operations.md's table, short and under load, on two nodes with PostgreSQL and Redis.

`make resilience` plays the same for longer, and keeps what it measured.
"""

from collections.abc import Iterator

import pytest

from bench.resilience.scenarios import SCENARIOS, Scenario, play
from bench.resilience.world import World, world
from devstack import postgres, redis
from tests.servers import require

pytestmark = pytest.mark.slow

SECONDS = 2.0
RATE = 200
ROWS = 50_000


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    require(postgres.installed(), "PostgreSQL")
    require(redis.installed(), "Redis")
    with world(tmp_path_factory.mktemp("world"), rows=ROWS) as all_of_it:
        yield all_of_it


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_visitors_notice_no_more_than_they_may_and_every_click_is_counted(
    everything: World, scenario: Scenario
) -> None:
    result = play(everything, scenario, seconds=SECONDS, rate=RATE)
    assert result["faults"] == []
    assert result["edits_seen"] > 0
