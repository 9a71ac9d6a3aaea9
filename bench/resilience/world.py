"""Two nodes on one PostgreSQL and one Redis, and ways to reach each worker and each process of them."""

import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from bench.node import Node, node
from bench.void import Void
from devstack.postgres import Postgres, postgres
from devstack.processes import LOOPBACK, running
from devstack.redis import Redis, redis

NODES: Final = 2
WORKERS: Final = 2  # a node


# Past the triggers: a feed of so many changes would be another test.
_FILL: Final = """SET session_replication_role = replica;
    INSERT INTO link SELECT '', 'row-' || n, 'https://example.com/' || n, 302, 'private', null, null, null, null, null,
    false, null, null, null, '[]', true, null, n, n, n, n, null FROM generate_series(1, {rows}) n; ANALYZE link"""
_NEXT_VERSION: Final = """BEGIN; ALTER TABLE link ADD COLUMN IF NOT EXISTS note text DEFAULT 'none';
    DROP INDEX IF EXISTS link_note; CREATE INDEX link_note ON link (note, code); COMMIT"""


@dataclass(frozen=True, slots=True)
class World:
    """Everything that can be broken.

    Attributes:
        nodes: `edge302 up`, each on a data folder of its own.
        sockets: unix sockets of all workers.
    """

    database: Postgres
    database_name: str
    cache: Redis
    nodes: Sequence[Node]
    sockets: Sequence[str]

    def connect(self, worker: int) -> socket.socket:
        """A connection to one worker. OSError: it is gone."""
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        try:
            connection.connect(self.sockets[worker])
        except OSError:
            connection.close()
            raise
        return connection

    def add(self, codes: Sequence[str]) -> None:
        """Add links, all to one place. Void: one was refused."""
        lines = "".join(f'{{"url": "{target_of(code)}", "alias": "{code}"}}\n' for code in codes)
        plane = self.nodes[0]
        with closing(HTTPConnection(LOOPBACK, plane.api_port, timeout=60)) as connection:
            headers = {"Authorization": f"Bearer {plane.key}", "Content-Type": "application/x-ndjson"}
            connection.request("POST", "/api/links/bulk", lines.encode(), headers)
            reply = connection.getresponse()
            text = reply.read().decode()
        if reply.status != 200 or text.count('"status":201') != len(codes):
            raise Void(f"adding {len(codes)} links was answered {reply.status}: {text[:300]}")

    def migrate(self) -> None:
        """Change the table of links as a migration of the next version would: one transaction, an index of all rows."""
        self.database.run(_NEXT_VERSION, self.database_name)

    def kill(self, module: str, node: int = 0) -> None:
        """kill -9 of the first process of a role on a node."""
        os.kill(self.processes(module, node)[0], signal.SIGKILL)

    def processes(self, module: str, node: int = 0) -> list[int]:
        """Ids of the processes of a node that run `python -m module`."""
        return running(self.nodes[node].pid, module)

    def counted(self) -> int:
        """Clicks that the statistics tell of. Void: they can't be asked."""
        status, stats = self.nodes[0].ask("GET", "/api/stats")
        if status != 200:
            raise Void(f"the statistics were answered {status}: {stats}")
        total: int = stats["total"]
        return total


def target_of(code: str, edit: int = 0) -> str:
    """Where a link leads after so many edits."""
    return f"https://example.com/{code}/{edit}"


@contextmanager
def world(folder: Path, *, rows: int) -> Iterator[World]:
    """Start everything in a folder, and stop it when the block is left. NotReady.

    `rows`: further links in the database, which nobody asks for.
    """
    with ExitStack() as held:
        database = held.enter_context(postgres(folder / "postgres"))
        cache = held.enter_context(redis(folder))
        url = database.create_database()
        settings = {"EDGE302_DATABASE_URL": url, "EDGE302_REDIS_URL": cache.url(), "EDGE302_EVENTS": "true"}
        nodes, sockets = [], []
        for number in range(NODES):
            uds = folder / f"edge-{number}.sock"
            flags = ("--workers", str(WORKERS), "--uds", str(uds))
            one = node("up", folder / f"node-{number}", flags=flags, settings=_of(settings, folder, number))
            nodes.append(held.enter_context(one))
            sockets += [f"{uds}.{slot}" for slot in range(WORKERS)]
        name = url.rpartition("/")[2]
        database.run(_FILL.format(rows=rows), name)
        yield World(database, name, cache, nodes, sockets)


def _of(settings: dict[str, str], folder: Path, number: int) -> dict[str, str]:
    """Both nodes' keys are the first's: the second finds keys in the database, and makes none."""
    if number:
        first = folder / "node-0" / "admin.key"
        own = folder / f"node-{number}"
        own.mkdir(mode=0o700)
        (own / "admin.key").write_text(first.read_text())
        (own / "admin.key").chmod(0o600)
    return settings
