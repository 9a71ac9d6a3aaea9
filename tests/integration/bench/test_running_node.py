"""A node that runs already is measured from outside, and two results of that are compared."""

import json
from pathlib import Path

import pytest

from bench import __main__ as bench
from bench import bench_regression_check
from bench.node import node
from devstack.services import find
from shortlink.datadir import DataFolder

pytestmark = pytest.mark.skipif(find("wrk") is None, reason="wrk is not installed (make services)")


def test_a_running_node_is_measured_and_the_result_can_be_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    data = DataFolder(tmp_path / "node")
    data.create()
    monkeypatch.setattr(bench, "RESULTS", tmp_path)
    with node("up", data.root, flags=("--workers", "1")) as running:
        for name, value in {
            "BASE_URL": f"http://127.0.0.1:{running.port}",
            "API_URL": f"http://127.0.0.1:{running.api_port}",
            "API_KEY": running.key,
            "ROUNDS": "1",
            "SECONDS": "1",
            "LINKS": "200",
            "NAME": "test",
        }.items():
            monkeypatch.setenv(f"BENCH_{name}", value)
        bench.main()
    printed = capfdbinary.readouterr().out
    (kept,) = tmp_path.glob("*-test.json")
    assert kept.read_bytes() == printed
    assert running.key.encode() not in printed

    measured = json.loads(printed)["base_url"]
    scenarios = {scenario["scenario"]: scenario for scenario in measured["scenarios"]}
    assert list(scenarios) == ["writer", "reader", "hot-key", "mixed"]
    assert all(scenario["rate"]["median"] > 0 for scenario in scenarios.values())
    assert {scenario["error_share"]["median"] for scenario in scenarios.values()} == {0.0}
    assert measured["checked"] == 200 * 5

    command = ["--results", str(kept), "--baselines", str(kept), "--tolerance", "0"]
    assert bench_regression_check.main(command) == 0
