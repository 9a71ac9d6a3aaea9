"""A small benchmark of misses on real servers: each is looked up where its name says, checked and counted."""

from pathlib import Path

import pytest

from bench import miss_figures, misses
from bench.targets import v1
from devstack import postgres, redis
from devstack.services import find

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (postgres.installed() and redis.installed()) or find("wrk") is None,
        reason="PostgreSQL, Redis or wrk is not installed: `make services`",
    ),
]


def test_misses_are_answered_by_redis_or_gathered_for_postgresql_and_every_click_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(misses, "LINKS", 12_000)
    monkeypatch.setattr(miss_figures, "LEAST_MISSED", 0.2)  # more of so few links stay in memory
    monkeypatch.setattr(misses, "PEERS", {v1.ONE_GET: misses.PEERS[v1.ONE_GET]})  # the other would be compiled first
    result = misses.measure(tmp_path, rounds=1, seconds=1)
    rows = {row.server: row for row in result.rows}
    assert list(rows) == [misses.REDIS, misses.POSTGRES, *misses.PEERS]
    assert all(row.server_us.median > 0 and row.behind_us.median > 0 for row in result.rows)
    assert rows[misses.REDIS].server_ratios.keys() == misses.PEERS.keys()
    assert result.redis_share > 0.99
    assert result.codes_a_query > 1
    assert 0 < result.answered <= result.counted
