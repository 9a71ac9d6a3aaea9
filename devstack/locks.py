"""Make the lock files from pyproject.toml, and check that they still belong to it."""

import argparse
import hashlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
PYPROJECT: Final = ROOT / "pyproject.toml"
# The dependency group that each lock file adds to the project's own dependencies.
LOCKS: Final = {"requirements/run.txt": "build", "requirements/dev.txt": "dev"}
FINGERPRINT: Final = "# dependencies in pyproject.toml when `make lock` made this: sha256:"
# A lock names packages and hashes; where they come from is for the machine that installs to say.
_INDEX_HOST: Final = re.compile(r"https?:|--(?:extra-)?index-url|--find-links|--trusted-host", re.IGNORECASE)


def fingerprint(pyproject: dict[str, Any]) -> str:
    """SHA-256 of all that a lock file follows from."""
    project = pyproject["project"]
    inputs = {
        "requires-python": project["requires-python"],
        "dependencies": project["dependencies"],
        "optional": project.get("optional-dependencies", {}),
        "groups": pyproject.get("dependency-groups", {}),
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def faults(name: str, lock: str, expected: str) -> list[str]:
    """What is wrong with a lock file's text, each with how to mend it."""
    first, _, rest = lock.partition("\n")
    found = []
    if first != FINGERPRINT + expected:
        found.append(f"{name} was made from other dependencies than pyproject.toml has: run `make lock`")
    if host := _INDEX_HOST.search(rest):
        found.append(f"{name} names where packages come from ({host.group()}): run `make lock`")
    # In hash mode pip wants one for every package; a continued line is what carries it.
    found += [
        f"{name}: {line} has no hash: run `make lock`"
        for line in rest.splitlines()
        if "==" in line and not line.endswith("\\")
    ]
    return found


def main() -> int:
    """Make the locks, or check them with --check; the exit code is 0 when they are right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, and use no network")
    expected = fingerprint(tomllib.loads(PYPROJECT.read_text()))
    if not parser.parse_args().check:
        for name, group in LOCKS.items():
            _compile(ROOT / name, group)
            (ROOT / name).write_text(f"{FINGERPRINT}{expected}\n{(ROOT / name).read_text()}")
    wrong = [fault for name in LOCKS for fault in faults(name, (ROOT / name).read_text(), expected)]
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


def _compile(lock: Path, group: str) -> None:
    """Resolve once for every platform; versions already locked stay unless they no longer fit."""
    command = ["uv", "pip", "compile", "--quiet", str(PYPROJECT), "--group", group, "--universal"]
    command += ["--python-version", "3.11", "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate"]
    command += ["--only-binary", ":all:"]
    if group != "build":  # what is tested is what runs
        command += ["--constraint", str(ROOT / "requirements/run.txt")]
    subprocess.run([*command, "--output-file", str(lock)], check=True, cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
