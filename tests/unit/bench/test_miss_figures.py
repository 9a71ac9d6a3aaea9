"""Misses are compared round by round, and figures that are not those of misses are refused."""

import pytest

from bench.miss_figures import redis_share, summary
from bench.misses import PEERS, POSTGRES, REDIS
from bench.rounds import Round
from bench.void import Void
from tests.unit.bench.results import one_round

PEER = next(iter(PEERS))


def one(server: str, cpu_us: float, miss_share: float | None = None) -> Round:
    return one_round(server, "each a miss", cpu_us, counting_us=2.0, miss_share=miss_share)


def test_ours_is_compared_with_each_of_the_others_and_not_with_our_own() -> None:
    rows = summary([one(PEER, 5.0), one(POSTGRES, 32.0, 1.0), one(REDIS, 12.0, 1.0)], [REDIS, POSTGRES, PEER])
    assert [(row.server, list(row.server_ratios)) for row in rows] == [(REDIS, [PEER]), (POSTGRES, [PEER]), (PEER, [])]


def test_the_process_that_answers_is_compared_without_what_others_of_its_node_take() -> None:
    ours, _ = summary([one(PEER, 5.0), one(REDIS, 12.0, 1.0)], [REDIS, PEER])
    assert ours.server_us.median == 10.0
    assert ours.server_ratios[PEER].median == 2.0
    assert ours.cpu_ratios[PEER].median == 2.4


def test_hits_are_not_taken_for_misses() -> None:
    with pytest.raises(Void, match="had 20% of what it was asked for in memory"):
        summary([one(REDIS, 9.0, 0.95), one(REDIS, 9.0, 0.8)], [REDIS])


def test_look_ups_in_the_store_are_not_taken_for_redis_hits() -> None:
    before = {"redis_hits": 100, "store_hits": 7}
    assert redis_share(before, {"redis_hits": 300, "store_hits": 8}) == 200 / 201
    with pytest.raises(Void, match=r"Redis answered 50\.0%"):
        redis_share(before, {"redis_hits": 200, "store_hits": 107})
