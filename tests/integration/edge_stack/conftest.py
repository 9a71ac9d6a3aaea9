"""A PostgreSQL and a Redis of these tests' own, because they are stopped and frozen here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.postgres import Postgres
from devstack.redis import Redis
from tests.integration.edge_stack.stack import Stack
from tests.servers import postgres_in, redis_in


@pytest.fixture(scope="module")
def own_postgres(server_folder: Path) -> Iterator[Postgres]:
    yield from postgres_in(server_folder / "edge-postgres")


@pytest.fixture(scope="module")
def own_redis(server_folder: Path) -> Iterator[Redis]:
    yield from redis_in(server_folder / "edge-redis")


@pytest.fixture
def stack(own_postgres: Postgres, own_redis: Redis, tmp_path: Path) -> Stack:
    """An empty database and a prefix of its own; no process runs yet."""
    return Stack(own_postgres, own_redis, own_postgres.create_database(), tmp_path)
