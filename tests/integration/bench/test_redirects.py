"""A small benchmark on real servers: loads whose replies are no plain redirects are checked and counted as well."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench import redirects, servers, workloads
from bench.workloads import Workload
from devstack import nginx
from devstack.services import find

NAMES = (
    "HEAD, Zipf keys",
    "connection per request",
    "plain, Zipf keys, 100 edits/s",
    "unknown codes, Zipf keys",
    "16 deep, 1k links",
    "plain, Zipf keys, 10% misses",
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not nginx.installed() or find("wrk") is None, reason="nginx or wrk is not installed: `make services`"
    ),
]


def only_named(load_in: Callable[[Path], Iterator[Workload]]) -> Callable[[Path], Iterator[Workload]]:
    return lambda folder: (load for load in load_in(folder) if load.name in NAMES)


def test_every_kind_of_load_is_measured_checked_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "LINKS", 2_000)
    monkeypatch.setattr(servers, "MANY", 2_000)
    monkeypatch.setattr(workloads, "MISS_SHARES", (0.1,))
    stages = redirects._stages
    monkeypatch.setattr(
        redirects,
        "_stages",
        lambda codes, seconds: {
            name: only_named(load_in) for name, load_in in stages(codes, seconds).items() if name != "many"
        },
    )
    result = redirects.measure(tmp_path, rounds=1, seconds=1)
    edge = {row.workload: row for row in result.rows if row.server == servers.EDGES[0]}
    assert set(edge) == set(NAMES)
    assert all(row.cpu_us.median > 0 for row in result.rows)
    assert edge["HEAD, Zipf keys"].ratios.keys() >= {servers.BARE}
    assert edge["connection per request"].ratios.keys() >= {servers.NGINX}
    sizes = {row.server: row.reply_bytes for row in result.rows if row.workload == "connection per request"}
    assert len(sizes) == 2
    assert len(set(sizes.values())) == 1
    missed = edge["plain, Zipf keys, 10% misses"].miss_share
    assert missed is not None
    assert 0.09 < missed.median < 0.11
    edited = [one.edits for one in result.rounds if one.workload == "plain, Zipf keys, 100 edits/s" and one.edits]
    assert len(edited) == 1
    assert edited[0] > 20
    assert result.answered <= result.counted
