"""The PgBouncer that docker-compose.yml configures takes its configuration, and lets in who knows the password only."""

import asyncio
import shutil
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
from tests.integration.postgres.stores import opened, store
from tests.servers import require

pytestmark = pytest.mark.slow

CONFIGS: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["configs"]


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


def test_it_lets_edge302_in_by_its_password(postgres_server: Postgres) -> None:
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

    with tempfile.TemporaryDirectory(prefix="edge302-pgbouncer-") as name:
        if USER:
            shutil.chown(name, USER, USER)
        with pooler(postgres_server, Path(name)) as port:
            asyncio.run(story(port))
