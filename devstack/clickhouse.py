"""ClickHouse's real engine behind a test helper's front, as a foreground child on loopback."""

import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from devstack.processes import LOOPBACK, Server, free_port

_databases = count()


class ClickHouse(Server):
    """chdb behind `devstack.clickhouse_front`; killed and started again it has what was inserted before.

    No ClickHouse server: the engine and its SQL are ClickHouse's own, the HTTP in front of them is a test helper's.
    """

    def __init__(self, folder: Path, *, prefix: Sequence[str] = ()) -> None:
        port = free_port()
        data = folder / "data"
        front = [sys.executable, "-m", "devstack.clickhouse_front", "--port", str(port), "--folder", str(data)]
        super().__init__([*prefix, *front], port, log=folder / "clickhouse.log")

    def url(self, database: str = "default") -> str:
        """Where clients find it, as EDGE302_CLICKHOUSE_URL has it."""
        return f"http://{LOOPBACK}:{self.port}/{database}"

    def new_database_url(self) -> str:
        """A database that nobody has used yet; who opens it first creates it."""
        return self.url(f"test_{next(_databases)}")

    def query(self, sql: str, database: str = "default") -> str:
        """Run one statement, and wait for its rows, separated by tabs. HTTPError: it was refused."""
        asked = urllib.request.Request(f"http://{LOOPBACK}:{self.port}/?database={database}", data=sql.encode())
        with urllib.request.urlopen(asked, timeout=60) as reply:
            return str(reply.read().decode())


def installed() -> bool:
    """False: tests that need ClickHouse say so and skip."""
    return find_spec("chdb") is not None


@contextmanager
def clickhouse(folder: Path, *, prefix: Sequence[str] = ()) -> Iterator[ClickHouse]:
    """Run ClickHouse's engine until the block is left.

    Args:
        folder: where its data and its log go.
        prefix: what to start it with, such as ("taskset", "-c", "0").

    Raises:
        NotReady: it did not come up; the text shows its log.
    """
    server = ClickHouse(folder, prefix=prefix)
    server.start()
    try:
        yield server
    finally:
        server.stop()
