"""The test run's closing line: what cargo and pytest print becomes one count."""

from pathlib import Path

from devstack.suite import Tally, tally_of_cargo, tally_of_junit

CARGO = """
running 3 tests
...
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s
test result: FAILED. 7 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.10s
"""
JUNIT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10"/></testsuites>
"""


def test_every_cargo_binary_is_counted() -> None:
    assert tally_of_cargo(CARGO.splitlines()) == Tally(passed=10, failed=2, skipped=1)


def test_errors_of_pytest_count_as_failures(tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    report.write_text(JUNIT)
    assert tally_of_junit(report) == Tally(passed=4, failed=3, skipped=3)


def test_a_run_that_never_started_is_a_failure(tmp_path: Path) -> None:
    nothing = tally_of_junit(tmp_path / "absent.xml")
    assert nothing.with_exit(4) == Tally(failed=1)
    assert nothing.with_exit(0) == Tally()


def test_the_closing_line_names_skips_only_when_there_are_some() -> None:
    assert str(Tally(5, 0)) == "5 passed, 0 failed"
    assert str(Tally(5, 1, 2)) == "5 passed, 1 failed, 2 skipped"
