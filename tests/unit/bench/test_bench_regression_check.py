"""The gate: each verdict, both directions of better, negative tolerances, and files that nothing follows from."""

import io
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.bench_regression_check import BASELINES, main

ROOT = BASELINES.parent.parent
CPU = ["redirects", "rows", {"server": "ours", "workload": "plain"}, "ratios", "nginx", "median"]
RATE = ["redirects", "rows", {"server": "ours", "workload": "deep"}, "rate", "median"]
NGINX_RATE = ["redirects", "rows", {"server": "nginx", "workload": "deep"}, "rate", "median"]
RATIOS = [
    {"name": "CPU to nginx", "of": CPU, "better": "lower", "value": 1.0},
    {"name": "deep rate to nginx", "of": RATE, "to": NGINX_RATE, "better": "higher", "value": 8.0},
]


def result(cpu: float = 1.0, deep_rate: float = 800.0) -> dict[str, Any]:
    return {
        "schema": 2,
        "redirects": {
            "rows": [
                {"server": "ours", "workload": "plain", "ratios": {"nginx": {"median": cpu}}},
                {"server": "ours", "workload": "deep", "rate": {"median": deep_rate}},
                {"server": "nginx", "workload": "deep", "rate": {"median": 100.0}},
            ]
        },
        "latency": None,
    }


def stack(rate: float = 1000.0, p99_ms: float = 2.0, error_share: float = 0.0) -> dict[str, Any]:
    """A result of BENCH_BASE_URL."""
    figures = {"rate": rate, "p50_ms": 1.0, "p99_ms": p99_ms, "error_share": error_share}
    scenario = {"scenario": "reader", **{name: {"median": value} for name, value in figures.items()}}
    return {"schema": 2, "redirects": None, "base_url": {"scenarios": [scenario]}}


class Files:
    """A results file and a baselines file, and the check on both."""

    def __init__(self, folder: Path, output: pytest.CaptureFixture[str]) -> None:
        self.results, self.baselines = folder / "R.json", folder / "B.json"
        self._output = output
        self.write(result(), {"ratios": RATIOS})

    def write(self, results: object, baselines: object = None) -> None:
        self.results.write_text(json.dumps(results))
        if baselines is not None:
            self.baselines.write_text(json.dumps(baselines))

    def check(self, tolerance: float = 0.05, *flags: str) -> tuple[int, str]:
        """Exit code, and all that was said."""
        command = ["--results", str(self.results), "--baselines", str(self.baselines), f"--tolerance={tolerance}"]
        code = main([*command, *flags])
        said = self._output.readouterr()
        return code, said.out + said.err


@pytest.fixture
def files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Files:
    return Files(tmp_path, capsys)


def verdicts(output: str) -> list[str]:
    return [line.split("  ")[0].strip() for line in output.splitlines()[:-1]]


def test_what_is_as_it_was_passes(files: Files) -> None:
    code, output = files.check()
    assert (code, verdicts(output)) == (0, ["OK", "OK"])
    assert output.endswith("2 ratios: 2 OK\n")


@pytest.mark.parametrize(
    ("cpu", "tolerance", "passes"),
    [
        (1.05, 0.05, True),
        (1.06, 0.05, False),
        (1.0, 0.0, True),
        (0.9, -0.1, True),
        (0.91, -0.1, False),
        (0.2, -0.8, True),
    ],
)
def test_what_should_be_low_may_rise_by_the_tolerance_or_must_fall_by_it(
    files: Files, cpu: float, tolerance: float, passes: bool
) -> None:
    files.write(result(cpu=cpu), {"ratios": RATIOS[:1]})
    code, output = files.check(tolerance)
    assert (code, verdicts(output)) == ((0, ["OK"]) if passes else (1, ["WORSE"]))


@pytest.mark.parametrize(
    ("deep_rate", "tolerance", "passes"),
    [(760.0, 0.05, True), (759.0, 0.05, False), (880.0, -0.1, True), (879.0, -0.1, False)],
)
def test_what_should_be_high_may_fall_by_the_tolerance_or_must_rise_by_it(
    files: Files, deep_rate: float, tolerance: float, passes: bool
) -> None:
    files.write(result(deep_rate=deep_rate), {"ratios": RATIOS[1:]})
    code, output = files.check(tolerance)
    assert (code, verdicts(output)) == ((0, ["OK"]) if passes else (1, ["WORSE"]))


def test_a_worse_ratio_is_told_with_its_value_and_its_limit(files: Files) -> None:
    files.write(result(cpu=1.25))
    code, output = files.check()
    line = output.splitlines()[0]
    assert code == 1
    assert [line.startswith("WORSE"), "1.25" in line, "was 1" in line, "at most 1.05" in line] == [True] * 4


def test_a_ratio_that_the_result_lacks_fails_and_names_where_it_was_looked_for(files: Files) -> None:
    without = result()
    del without["redirects"]["rows"][0]
    files.write(without)
    code, output = files.check()
    assert (code, verdicts(output)) == (1, ["MISSING", "OK"])
    assert "redirects / rows / ours, plain / ratios / nginx / median" in output


def test_a_part_that_was_left_out_is_said_and_fails_only_when_all_must_be_there(files: Files) -> None:
    latency = {"name": "p99", "of": ["latency", "p99"], "better": "lower", "value": 1.0}
    files.write(result(), {"ratios": [*RATIOS, latency]})
    code, output = files.check()
    assert (code, verdicts(output)) == (0, ["OK", "OK", "NOT CHECKED"])
    assert "the part latency was left out" in output
    assert files.check(0.05, "--all")[0] == 1


def test_a_ratio_that_has_no_value_yet_is_said(files: Files) -> None:
    files.write(result(), {"ratios": [RATIOS[0], {"name": "new", "of": CPU, "better": "lower"}]})
    code, output = files.check()
    assert (code, verdicts(output)) == (0, ["OK", "NOT CHECKED"])
    assert "--write" in output
    assert files.check(0.05, "--all")[0] == 1


def test_a_result_without_any_part_that_is_kept_proves_nothing(files: Files) -> None:
    files.write(stack())
    code, output = files.check()
    assert code == 2
    assert "there is nothing to check" in output


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("", "make bench > R"),
        ("round 1  plain\n{}", "standard error"),
        ('{"schema": 1}', "measure anew"),
        ("[]", "make bench > R"),
        ('{"schema": 2, "redirects": NaN}', "NaN"),
    ],
)
def test_a_result_that_is_none_is_refused_with_advice(files: Files, text: str, advice: str) -> None:
    files.results.write_text(text)
    code, output = files.check()
    assert code == 2
    assert advice in output


@pytest.mark.parametrize(
    "ratios",
    [
        [],
        [{"name": "x"}],
        [RATIOS[0] | {"colour": "red"}],
        [RATIOS[0] | {"better": "faster"}],
        [RATIOS[0] | {"of": []}],
        [RATIOS[0] | {"of": "redirects"}],
        [RATIOS[0] | {"of": ["redirects", 1]}],
        [RATIOS[0] | {"value": "1.0"}],
        [RATIOS[0] | {"value": 0}],
        [RATIOS[0] | {"value": -1}],
    ],
)
def test_baselines_that_mean_nothing_are_refused(files: Files, ratios: object) -> None:
    files.write(result(), {"ratios": ratios})
    code, output = files.check()
    assert code == 2
    assert "B.json" in output


def test_a_file_that_is_not_there_is_told_without_a_traceback(files: Files) -> None:
    files.results.unlink()
    code, output = files.check()
    assert (code, output.count("\n")) == (2, 1)


@pytest.mark.parametrize("tolerance", ["5", "-1", "nan", "five"])
def test_a_tolerance_that_is_no_share_is_refused(files: Files, tolerance: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--results", str(files.results), f"--tolerance={tolerance}"])
    assert end.value.code == 2


def test_a_result_may_come_through_a_pipe(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(result())))
    assert main(["--results", "-", "--baselines", str(files.baselines)]) == 0


def test_writing_takes_the_values_of_a_result_and_leaves_those_of_parts_that_did_not_run(files: Files) -> None:
    latency = {"name": "p99", "of": ["latency", "p99"], "better": "lower", "value": 1.5}
    new = {"name": "new", "of": CPU, "better": "lower"}
    files.write(result(cpu=0.98, deep_rate=1234.56), {"ratios": [*RATIOS, latency, new]})
    assert files.check(0.05, "--write")[0] == 0
    written = json.loads(files.baselines.read_text())
    assert [ratio["value"] for ratio in written["ratios"]] == [0.98, 12.35, 1.5, 0.98]
    assert written["from"] == "R.json"
    assert files.check(0.01)[0] == 0


def test_writing_from_a_result_that_lacks_a_ratio_changes_nothing(files: Files) -> None:
    without = result()
    del without["redirects"]["rows"][0]
    files.write(without)
    before = files.baselines.read_text()
    assert files.check(0.05, "--write")[0] == 2
    assert files.baselines.read_text() == before


@pytest.mark.parametrize(
    ("ours", "tolerance", "expected"),
    [
        (stack(), 0.0, 0),
        (stack(rate=1_500.0, p99_ms=1.0), -0.0, 0),
        (stack(rate=900.0), 0.05, 1),
        (stack(p99_ms=2.5), 0.05, 1),
        (stack(error_share=0.01), 0.05, 1),
    ],
)
def test_two_stacks_are_compared_by_the_same_command(
    files: Files, ours: dict[str, Any], tolerance: float, expected: int
) -> None:
    files.write(ours, stack())
    code, output = files.check(tolerance)
    assert code == expected
    assert len(verdicts(output)) == 4


def test_two_results_of_the_whole_benchmark_are_compared_by_the_kept_ratios(files: Files) -> None:
    kept = json.loads(BASELINES.read_text())["ratios"]
    whole = _result_with(kept, 2.0)
    files.write(whole, whole)
    assert files.check(0.0)[0] == 0
    files.write(_result_with(kept, 3.0), whole)
    assert files.check(0.0)[0] == 1


def _result_with(ratios: list[dict[str, Any]], value: float) -> dict[str, Any]:
    """The smallest result that holds every ratio: `value` where each stands, 1 where it is divided by something."""
    made: dict[str, Any] = {"schema": 2, "machine": {"cpu": f"of {value}"}}
    for ratio in ratios:
        for path, number in ((ratio["of"], value), (ratio.get("to", []), 1.0)):
            node: Any = made
            for step, after in itertools.pairwise(path):
                if isinstance(step, str):
                    node = node.setdefault(step, [] if isinstance(after, dict) else {})
                else:
                    node.append(dict(step))
                    node = node[-1]
            if path:
                node[path[-1]] = number
    return made


def test_it_runs_from_the_root_as_the_documentation_shows(files: Files) -> None:
    command = ["bench/bench_regression_check.py", "--results", files.results, "--baselines", files.baselines]
    done = subprocess.run(
        [sys.executable, "-I", *map(str, command), "--tolerance", "0.05"], cwd=ROOT, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
