"""A small benchmark of writes on a durable PostgreSQL: all that was answered is in its tables."""

from pathlib import Path

import pytest

from bench import bulk, writes
from devstack import pgbouncer, postgres
from devstack.services import find

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (postgres.installed() and pgbouncer.installed()) or find("wrk") is None,
        reason="PostgreSQL, PgBouncer or wrk is not installed: `make services`",
    ),
]


def test_links_are_made_one_by_one_and_many_a_request_with_a_pooler_and_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "LINES", 500)
    result = writes.measure(tmp_path, rounds=1, seconds=1)
    assert result is not None
    assert [row.load for row in result.rows] == [
        *(writes.CREATE, writes.BULK),
        *(writes.CREATE + writes.POOLED, writes.BULK + writes.POOLED),
    ]
    assert all(row.links > 0 and row.cpu_us.median > 0 and row.database_us.median > 0 for row in result.rows)
    assert [row.p99_ms is None for row in result.rows] == [False, True, False, True]
    assert (result.settings["fsync"], result.settings["synchronous_commit"]) == ("on", "on")
    assert result.answered <= result.stored


def test_loads_of_other_parts_are_none_of_writes(tmp_path: Path) -> None:
    assert writes.measure(tmp_path, rounds=1, seconds=1, chosen=("one hot link",)) is None
