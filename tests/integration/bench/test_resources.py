"""Resources of a real node: the figures are there, and none is absurd."""

from pathlib import Path

import pytest

from bench import idle, memory, startup, syscalls
from bench.servers import ENGINES
from devstack.services import find

ENGINE = ENGINES[0]
pytestmark = pytest.mark.slow


def test_memory_grows_with_the_links_seen_until_the_cache_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "LINKS_SEEN", {ENGINE: 40_000})
    measured = memory.measure(tmp_path, ENGINE)
    assert (measured.first.seen, measured.second.seen) == (40_000, 80_000)
    assert 30_000 < measured.first.cached_links <= 40_000
    assert measured.second.cached_links < 70_000  # a cache is a whole number of MiB
    assert measured.first.more_bytes > 40_000 * memory.TARGET_BYTES


def test_a_connection_that_waits_costs_some_kilobytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle, "CONNECTIONS", 500)
    assert 100 < idle.measure(tmp_path, ENGINE).bytes_a_connection < 20_000


@pytest.mark.skipif(find("wrk") is None or find("strace") is None, reason="wrk or strace is missing: `make services`")
def test_a_ready_connection_takes_one_read_and_one_write(tmp_path: Path) -> None:
    plain, deep = syscalls.measure(tmp_path, ENGINE)
    for row in (plain, deep):
        assert row.reads_a_ready == pytest.approx(1, abs=0.1)
        assert row.writes_a_ready == pytest.approx(1, abs=0.1)
    assert deep.calls_a_request < plain.calls_a_request / 8


def test_a_node_starts_in_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "STARTS", 1)
    assert 0.1 < startup.measure(tmp_path, ENGINE).seconds.median < 20
