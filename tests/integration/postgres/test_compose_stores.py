"""PgBouncer and the replica run as docker-compose.yml has them, on the servers at hand instead of in containers."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import yaml  # type: ignore[import-untyped]

from devstack.locks import ROOT
from devstack.pgbouncer import installed
from devstack.postgres import USER, Postgres
from devstack.processes import Server, free_port
from devstack.services import find
from shortlink.errors import StoreUnavailable
from tests.acceptance.node import wait_until
from tests.integration.postgres.stores import opened, store
from tests.servers import require

pytestmark = pytest.mark.slow

COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
CONFIGS: Final = COMPOSE["configs"]


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of the user whom PostgreSQL and PgBouncer run as."""
    with tempfile.TemporaryDirectory(prefix="edge302-compose-", ignore_cleanup_errors=True) as name:
        if USER:
            shutil.chown(name, USER, USER)
        yield Path(name)


@contextmanager
def pooler(server: Postgres, folder: Path) -> Iterator[int]:
    """PgBouncer as compose runs it, but for where things are; yields its port."""
    require(installed(), "PgBouncer")
    port = free_port()
    moved = {
        "host=postgres port=5432": f"host=127.0.0.1 port={server.port}",
        "listen_addr = 0.0.0.0": "listen_addr = 127.0.0.1",
        "listen_port = 6432": f"listen_port = {port}",
        "/etc/pgbouncer/": f"{folder}/",
    }
    config = CONFIGS["pgbouncer"]["content"]
    for there, here in moved.items():
        assert there in config
        config = config.replace(there, here)
    (folder / "pgbouncer.ini").write_text(config)
    (folder / "users.txt").write_text(CONFIGS["pgbouncer-users"]["content"].replace("${POSTGRES_PASSWORD}", "s3cret"))
    command = find("pgbouncer")
    assert command is not None
    one = Server([command, folder / "pgbouncer.ini"], port, log=folder / "pgbouncer.log", user=USER)
    one.start()
    try:
        yield port
    finally:
        one.stop()


def test_the_pooler_lets_edge302_in_by_its_password_alone(postgres_server: Postgres, home: Path) -> None:
    postgres_server.run("CREATE USER edge302 SUPERUSER")
    postgres_server.run("CREATE DATABASE edge302 OWNER edge302")
    direct = f"postgresql://edge302@127.0.0.1:{postgres_server.port}/edge302"

    async def story(port: int) -> None:
        async with opened(
            store(f"postgresql://edge302:s3cret@127.0.0.1:{port}/edge302", statement_cache=0, direct=direct)
        ):
            pass
        stranger = store(f"postgresql://edge302:guess@127.0.0.1:{port}/edge302", statement_cache=0, direct=direct)
        with pytest.raises(StoreUnavailable):
            await stranger.open()
        await stranger.close()

    with pooler(postgres_server, home) as port:
        asyncio.run(story(port))


def test_the_replica_copies_the_primary_once_and_follows(postgres_server: Postgres, home: Path) -> None:
    service = COMPOSE["services"]["postgres-replica"]
    # As many connections as the primary has, which got them on its command line.
    script = service["command"][0].replace("$$", "$").rstrip() + " -c max_connections=200"
    server = find("postgres")
    assert server is not None
    port = free_port()
    environment = {
        "PATH": f"{Path(server).resolve().parent}:{os.environ['PATH']}",
        "PGDATA": str(home / "data"),
        "PGPORT": str(port),
        "PRIMARY_URL": postgres_server.url(),
    }
    replica = Server([*service["entrypoint"], script], port, log=home / "log", user=USER, environment=environment)
    name = postgres_server.create_database().rpartition("/")[2]
    for number in (1, 2):  # the second time it goes on with what it has
        replica.start()
        try:
            postgres_server.run(f"CREATE TABLE table_{number} ()", name)
            wait_until(lambda number=number: has(port, name, f"table_{number}"), 10)  # type: ignore[misc]
        finally:
            replica.stop()


def has(port: int, database: str, table: str) -> bool:
    url = f"postgresql://postgres@127.0.0.1:{port}/{database}"
    asked = ["psql", "-XqAt", "-c", f"SELECT pg_is_in_recovery() AND to_regclass('{table}') IS NOT NULL", url]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout == "t\n"
