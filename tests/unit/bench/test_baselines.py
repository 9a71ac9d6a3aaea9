"""The kept ratios speak of loads and servers that the benchmark has."""

import json
from itertools import chain
from pathlib import Path
from typing import Any

from bench import servers, workloads
from bench.bench_regression_check import BASELINES
from bench.links import code_of

RATIOS: list[dict[str, Any]] = json.loads(BASELINES.read_text())["ratios"]
ROWS: list[dict[str, str]] = [
    path[2] for ratio in RATIOS for path in (ratio["of"], ratio["to"]) if path[:1] == ["redirects"]
]


def test_each_load_is_one_that_is_run(tmp_path: Path) -> None:
    codes = [code_of(number) for number in range(2_000)]
    every = chain(
        workloads.everyday(tmp_path, codes), workloads.many(tmp_path, codes), workloads.misses(tmp_path, codes, 1)
    )
    assert {row["workload"] for row in ROWS} <= {load.name for load in every}


def test_each_server_is_one_that_is_measured() -> None:
    engines = {"edge302 rust", "edge302 python"}
    compared = {ratio["of"][4] for ratio in RATIOS if ratio["of"][3:4] == ["ratios"]}
    assert compared | {row["server"] for row in ROWS} <= engines | set(servers.OTHERS)


def test_no_two_ratios_have_one_name() -> None:
    assert len({ratio["name"] for ratio in RATIOS}) == len(RATIOS)
