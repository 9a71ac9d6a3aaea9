"""Run every test, Rust and Python, and the checks beside them; close with one line that counts."""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple
from xml.etree import ElementTree

from devstack.services import in_ci

CARGO: Final = ("cargo", "test", "--locked", "--workspace", "--quiet")
PYTEST: Final = (sys.executable, "-m", "pytest", "-q", "--durations=20", "--durations-min=5")
# Checks of their own, each of which passes or fails as a whole.
CHECKS: Final = ("devstack.instructions", "devstack.fuzz")
# Under a minute: no whole nodes are started, and nothing marked slow runs.
FAST: Final = ("-m", "not slow", "--ignore=tests/integration", "--ignore=tests/acceptance")
_CARGO_RESULT: Final = re.compile(r"^test result: .*?(\d+) passed; (\d+) failed; (\d+) ignored")


class Tally(NamedTuple):
    """How many tests ended how."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def plus(self, other: "Tally") -> "Tally":
        return Tally(*(a + b for a, b in zip(self, other, strict=True)))

    def with_exit(self, code: int) -> "Tally":
        """A run that failed without a failed test (it did not compile, say) counts as one failure."""
        return self._replace(failed=1) if code and not self.failed else self

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return f"{text}, {self.skipped} skipped" if self.skipped else text


def tally_of_cargo(lines: Iterable[str]) -> Tally:
    """Count from what `cargo test` prints, one result line a test binary."""
    total = Tally()
    for line in lines:
        if result := _CARGO_RESULT.match(line):
            total = total.plus(Tally(*map(int, result.groups())))
    return total


def tally_of_junit(report: Path) -> Tally:
    """Count from pytest's JUnit report; no report (pytest did not come that far): nothing."""
    if not report.exists():
        return Tally()
    suites = ElementTree.parse(report).getroot().iter("testsuite")
    total = Tally()
    for suite in suites:
        tests, failures, errors, skipped = (
            int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")
        )
        total = total.plus(Tally(tests - failures - errors - skipped, failures + errors, skipped))
    return total


def main() -> int:
    """Run both; the exit code is 0 when all passed and, in CI, nothing was skipped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fast", action="store_true", help="leave out whole nodes, and the tests marked slow")
    fast = parser.parse_args().fast
    total = _run_cargo().plus(_run_pytest(FAST if fast else ()))
    if not fast:
        total = total.plus(_run_checks())
    skipped_in_ci = in_ci() and total.skipped > 0
    if skipped_in_ci:
        print("CI skips nothing: the skipped tests above count as a failure of this run")
    print(total)
    return 1 if total.failed or skipped_in_ci else 0


def _run_cargo() -> Tally:
    lines = []
    with subprocess.Popen(CARGO, stdout=subprocess.PIPE, text=True) as cargo:
        assert cargo.stdout is not None
        for line in cargo.stdout:
            print(line, end="", flush=True)
            lines.append(line)
    return tally_of_cargo(lines).with_exit(cargo.returncode)


def _run_pytest(selection: tuple[str, ...]) -> Tally:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "junit.xml"
        done = subprocess.run((*PYTEST, *selection, f"--junitxml={report}"), check=False)
        return tally_of_junit(report).with_exit(done.returncode)


def _run_checks() -> Tally:
    results = [subprocess.run((sys.executable, "-m", module), check=False).returncode for module in CHECKS]
    return Tally(results.count(0), len(results) - results.count(0))


if __name__ == "__main__":
    sys.exit(main())
