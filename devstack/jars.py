"""Fetch libraries of servers that run on Java into target/ with Maven, in the versions that a .pom.xml here pins."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from devstack.services import find, in_ci

HERE: Final = Path(__file__).parent
FOLDER: Final = HERE.parent / "target" / "jars"
SERVERS: Final = {"kafka": "tests of clicks that go through Kafka"}


def jars(server: str) -> Path:
    """The folder of a server's libraries; it is there when they all are."""
    return FOLDER / server


def install() -> int:
    """Fetch what is missing or pinned anew, or say what goes without it and why; returns an exit code."""
    reasons = {server: _install(server) for server in SERVERS if not _up_to_date(server)}
    for server, reason in reasons.items():
        if reason:
            print(f"{'missing' if in_ci() else 'skipped'}: {server} ({reason}); it serves for {SERVERS[server]}")
    return 1 if any(reasons.values()) and in_ci() else 0


def _up_to_date(server: str) -> bool:
    copied = jars(server) / "pom.xml"
    return copied.exists() and copied.read_bytes() == _pom(server).read_bytes()


def _pom(server: str) -> Path:
    return HERE / f"{server}.pom.xml"


def _install(server: str) -> str | None:
    """Fetch all or nothing; returns why it could not be done."""
    maven = find("mvn")
    if maven is None or find("java") is None:
        return "needs java and mvn"
    print(f"fetching the libraries of {server}", flush=True)
    draft = jars(f"{server}.new")
    shutil.rmtree(draft, ignore_errors=True)
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={draft}"]
    done = subprocess.run(
        [maven, "-q", "-B", "-f", str(_pom(server)), *goal], capture_output=True, text=True, check=False
    )
    if done.returncode:
        return f"mvn failed: {done.stdout.strip().splitlines()[:1]}"
    shutil.copy(_pom(server), draft / "pom.xml")
    shutil.rmtree(jars(server), ignore_errors=True)
    draft.rename(jars(server))
    return None


if __name__ == "__main__":
    sys.exit(install())
