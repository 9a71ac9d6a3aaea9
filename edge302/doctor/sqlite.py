"""Is SQLite recent enough?"""

from collections.abc import Iterator
from typing import Final

from edge302.doctor.findings import Finding, fail, ok
from shortlink.stores.sqlite_file import sqlite_version

# Releases before can corrupt a WAL database that several connections write or checkpoint.
OLDEST: Final = (3, 51, 3)


def check() -> Iterator[Finding]:
    """The SQLite library's findings."""
    version = sqlite_version()
    if tuple(map(int, version.split("."))) >= OLDEST:
        yield ok("sqlite", f"SQLite {version}")
    else:
        floor = ".".join(map(str, OLDEST))
        yield fail("sqlite", f"SQLite {version} can damage the store", f"install an apsw that carries {floor} or newer")
