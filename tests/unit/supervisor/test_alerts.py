"""The operator's rules for Prometheus: they ask for what is exported, say how to mend it, and fire when they should."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]

from devstack.locks import ROOT
from devstack.services import find
from shortlink.datadir import DataFolder
from tests.servers import require
from tests.unit.supervisor.test_operations_page import exported_series

FOLDER: Final = ROOT / "prometheus"
# What others export, by these names.
FOREIGN: Final = {
    "up": "Prometheus itself",
    "redis_up": "redis_exporter",
    "redis_memory_used_bytes": "redis_exporter",
    "redis_memory_max_bytes": "redis_exporter",
    "redis_evicted_keys_total": "redis_exporter",
    "pg_up": "postgres_exporter",
    "pg_stat_replication_pg_wal_lsn_diff": "postgres_exporter",
}
WORD: Final = re.compile(r"[a-zA-Z_:][\w:]*")
# Of PromQL, as far as it is used here.
WORDS: Final = {
    *("sum", "max", "by", "on", "and", "or", "ignoring", "rate", "increase", "deriv", "time", "absent"),
    "histogram_quantile",
}
LABEL_LISTS: Final = re.compile(r"\b(?:by|on|ignoring) \([^)]*\)")
NOT_NAMES: Final = re.compile(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"|\b\d[\w.]*")


def rules(name: str) -> list[dict[str, Any]]:
    """All of a file, whichever group they are in."""
    groups = yaml.safe_load((FOLDER / name).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS: Final = {rule["alert"]: rule for rule in rules("alerts.yml")}
RECORDED: Final = {rule["record"]: rule for rule in rules("recordings.yml")}


def metrics_of(expression: str) -> set[str]:
    """The names of metrics in an expression."""
    bare = NOT_NAMES.sub(" ", LABEL_LISTS.sub(" ", expression))
    return set(WORD.findall(bare)) - WORDS


def questions_of_the_page() -> Iterator[str]:
    """The PromQL that docs/operations.md has ready to be pasted."""
    page = (ROOT / "docs" / "operations.md").read_text()
    for block in re.findall(r"^```promql\n(.*?)^```", page, re.MULTILINE | re.DOTALL):
        yield from (line.partition("#")[0].strip() for line in block.splitlines() if not line.startswith("#"))


def sections(page: Path) -> set[str]:
    """Its headings, as links within it name them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_names_are_found_in_expressions() -> None:
    expression = 'sum by (le, tier) (rate(a_total{b="c"}[5m])) > on () d:e:f / 1e3 and absent(g)'
    assert metrics_of(expression) == {"a_total", "d:e:f", "g"}


def test_every_metric_that_is_asked_for_is_exported(folder: DataFolder, held: ExitStack) -> None:
    known = {*exported_series(folder, held), *FOREIGN, *RECORDED}
    asked = [rule["expr"] for rule in (*ALERTS.values(), *RECORDED.values())] + list(questions_of_the_page())
    assert {expression: strange for expression in asked if (strange := metrics_of(expression) - known)} == {}


def test_nothing_foreign_is_named_in_vain() -> None:
    assert set().union(*(metrics_of(rule["expr"]) for rule in ALERTS.values())) >= FOREIGN.keys()


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_bad_it_is_and_how_to_mend_it(name: str) -> None:
    alert = ALERTS[name]
    assert alert["for"]
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
    assert alert["annotations"].keys() == {"summary", "description", "runbook"}
    page, _, section = alert["annotations"]["runbook"].partition("#")
    assert section in sections(ROOT / page)


def test_each_alert_is_tested_to_fire_and_not_to_fire() -> None:
    firing = set()
    for test in yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]:
        answers = [
            [sample["labels"] for sample in question["exp_samples"]]
            for question in test["promql_expr_test"]
            if question["expr"].startswith("count by (alertname) (ALERTS")
        ]
        if len(answers) == 2:
            calm, alarmed = answers
            assert calm == []
            firing |= set(re.findall(r"\w+", " ".join(alarmed))) - {"alertname"}
    assert firing == ALERTS.keys()


@pytest.fixture(scope="module")
def promtool() -> str:
    """The command."""
    found = find("promtool")
    require(found is not None, "promtool")
    return str(found)


@pytest.mark.parametrize(
    "words", ["check rules recordings.yml alerts.yml", "check config prometheus.yml", "test rules alerts_test.yml"]
)
def test_promtool_finds_nothing_wrong(promtool: str, words: str) -> None:
    done = subprocess.run([promtool, *words.split()], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_questions_of_the_page_are_promql(promtool: str, tmp_path: Path) -> None:
    asked = [{"record": f"question:{number}", "expr": text} for number, text in enumerate(questions_of_the_page())]
    assert asked
    file = tmp_path / "questions.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "questions", "rules": asked}]}))
    done = subprocess.run([promtool, "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
