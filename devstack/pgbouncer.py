"""A real PgBouncer in transaction mode, as a foreground child on loopback in front of a PostgreSQL."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from devstack.postgres import USER, Postgres
from devstack.processes import LOOPBACK, Server, free_port
from devstack.services import find

_CONFIG: Final = """\
[databases]
* = host={host} port={upstream}
[pgbouncer]
listen_addr = {host}
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = transaction
default_pool_size = {connections}
max_client_conn = 1000
"""


class PgBouncer(Server):
    """A running PgBouncer that trusts the user `postgres`; a database has the name that it has behind it."""

    def __init__(self, home: Path, log: Path, upstream: Postgres, *, connections: int) -> None:
        command = find("pgbouncer")
        assert command is not None, "ask installed() first"
        port = free_port()
        config, users = home / "pgbouncer.ini", home / "users.txt"
        users.write_text('"postgres" ""\n')
        config.write_text(
            _CONFIG.format(host=LOOPBACK, upstream=upstream.port, port=port, users=users, connections=connections)
        )
        super().__init__([command, config], port, log=log, user=USER)

    def url(self, database: str) -> str:
        """Where a database of the server behind is, through this pooler."""
        return f"postgresql://postgres@{LOOPBACK}:{self.port}/{database}"


def installed() -> bool:
    """False: tests that need PgBouncer say so and skip."""
    return find("pgbouncer") is not None


@contextmanager
def pgbouncer(folder: Path, upstream: Postgres, *, connections: int = 20) -> Iterator[PgBouncer]:
    """Run PgBouncer until the block is left.

    Args:
        folder: where its log goes; made if it is missing.
        upstream: what it leads to.
        connections: most at once to each database of it, however many clients there are.

    Raises:
        NotReady: it did not come up; the text shows its log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="edge302-pgbouncer-") as temporary:
        home = Path(temporary)
        if USER:  # it refuses root, as PostgreSQL does
            shutil.chown(home, USER, USER)
        server = PgBouncer(home, folder / "pgbouncer.log", upstream, connections=connections)
        server.start()
        try:
            yield server
        finally:
            server.stop()
