"""A PostgreSQL and a Redis of these tests' own, because they are stopped and frozen here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack import postgres, redis
from tests.integration.edge_stack.stack import Stack
from tests.servers import require


@pytest.fixture(scope="module")
def own_postgres(server_folder: Path) -> Iterator[postgres.Postgres]:
    require(postgres.installed(), "PostgreSQL")
    folder = server_folder / "edge-postgres"
    folder.mkdir()
    with postgres.postgres(folder) as server:
        yield server


@pytest.fixture(scope="module")
def own_redis(server_folder: Path) -> Iterator[redis.Redis]:
    require(redis.installed(), "Redis")
    folder = server_folder / "edge-redis"
    folder.mkdir()
    with redis.redis(folder) as server:
        yield server


@pytest.fixture
def stack(own_postgres: postgres.Postgres, own_redis: redis.Redis, tmp_path: Path) -> Stack:
    """An empty database and a prefix of its own; no process runs yet."""
    return Stack(own_postgres, own_redis, own_postgres.create_database(), tmp_path)
