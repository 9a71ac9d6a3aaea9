"""The PostgreSQL that tests use: it stops, starts, freezes, and feeds a replica."""

import subprocess
from pathlib import Path

import pytest

from devstack.postgres import Postgres, postgres


@pytest.mark.slow
def test_it_starts_again_on_its_port_with_its_data(server_folder: Path) -> None:
    folder = server_folder / "again"
    folder.mkdir()
    with postgres(folder) as server:
        url = server.create_database()
        server.run("CREATE TABLE kept (n int)", url.rpartition("/")[2])
        server.stop()
        server.start()
        assert server.run("SELECT count(*) FROM kept", url.rpartition("/")[2]) == "0"


@pytest.mark.slow
def test_a_frozen_server_answers_when_it_goes_on(postgres_server: Postgres) -> None:
    postgres_server.pause()
    try:
        asked = subprocess.Popen(["psql", "-XAtq", "-c", "SELECT 302", postgres_server.url()], stdout=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            asked.communicate(timeout=0.3)
    finally:
        postgres_server.resume()
    assert asked.communicate()[0] == b"302\n"


@pytest.mark.slow
def test_a_replica_follows(postgres_server: Postgres, server_folder: Path) -> None:
    with postgres_server.replica(server_folder / "replica") as replica:
        assert replica.run("SELECT pg_is_in_recovery()") == "t"
