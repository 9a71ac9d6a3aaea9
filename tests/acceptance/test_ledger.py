"""Clicks add up from the visitor to ClickHouse, whatever is killed, frozen or moved on the way.

`make ledger` plays the same for longer, and harder.
"""

from collections.abc import Iterator

import pytest

from bench.chain.scenarios import SCENARIOS, Measure, play
from bench.chain.visitors import Answered
from bench.chain.world import Chain, chain
from devstack import clickhouse, kafka
from tests.servers import require

pytestmark = pytest.mark.slow

MEASURE = Measure(kills=2, seconds=2.0)
RATE = 500


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chain]:
    require(kafka.installed(), "Kafka")
    require(clickhouse.installed(), "ClickHouse's engine")
    with chain(tmp_path_factory.mktemp("chain")) as all_of_it:
        yield all_of_it


@pytest.fixture(scope="module")
def answered() -> Answered:
    """Of all scenarios, one after another."""
    return Answered()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_what_was_answered_is_spooled_counted_and_in_clickhouse(
    everything: Chain, answered: Answered, scenario: str
) -> None:
    result = play(everything, scenario, answered, measure=MEASURE, rate=RATE)
    assert result["faults"] == []
