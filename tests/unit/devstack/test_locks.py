"""The check of lock files: it needs no network, and says how to mend what it finds."""

import tomllib

import pytest

from devstack.locks import FINGERPRINT, LOCKS, PYPROJECT, ROOT, faults, fingerprint

GOOD = f"{FINGERPRINT}abc\nhttpx==0.28.1 \\\n    --hash=sha256:00ff\n"


def test_a_lock_made_from_these_dependencies_is_right() -> None:
    assert faults("run.txt", GOOD, "abc") == []


def test_a_lock_of_other_dependencies_is_noticed() -> None:
    assert faults("run.txt", GOOD, "def") == [
        "run.txt was made from other dependencies than pyproject.toml has: run `make lock`"
    ]


@pytest.mark.parametrize("line", ["--index-url https://host/simple", "--find-links /wheels", "x @ http://host/x.whl"])
def test_a_lock_that_names_a_host_is_refused(line: str) -> None:
    assert len(faults("run.txt", GOOD + line, "abc")) == 1


def test_a_package_without_a_hash_is_refused() -> None:
    assert faults("run.txt", GOOD + "idna==3.10", "abc") == ["run.txt: idna==3.10 has no hash: run `make lock`"]


def test_the_fingerprint_follows_dependencies_and_nothing_else() -> None:
    pyproject = tomllib.loads(PYPROJECT.read_text())
    before = fingerprint(pyproject)
    pyproject["tool"] = {}
    assert fingerprint(pyproject) == before
    pyproject["project"]["dependencies"].append("redis>=8")
    assert fingerprint(pyproject) != before


def test_every_package_that_runs_has_the_same_version_under_test() -> None:
    run, dev = (
        {line.split(" ")[0] for line in (ROOT / name).read_text().splitlines() if "==" in line} for name in LOCKS
    )
    assert run <= dev
