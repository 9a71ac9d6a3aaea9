"""Real servers for tests: each is started once a session, when the first test asks for it."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from devstack import clickhouse, kafka, postgres, redis
from devstack.services import in_ci


def require(installed: bool, name: str) -> None:
    """Skip the test where a server is missing, and fail it where nothing may be skipped."""
    if not installed:
        (pytest.fail if in_ci() else pytest.skip)(f"{name} is not installed; `make services` installs it")


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that servers of other users may enter; pytest's own are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="edge302-servers-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def postgres_in(folder: Path) -> Iterator[postgres.Postgres]:
    """One in a new folder; a test that stops or freezes it has one of its own."""
    require(postgres.installed(), "PostgreSQL")
    folder.mkdir()
    with postgres.postgres(folder) as server:
        yield server


def redis_in(folder: Path) -> Iterator[redis.Redis]:
    """As `postgres_in`."""
    require(redis.installed(), "Redis")
    folder.mkdir()
    with redis.redis(folder) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server(server_folder: Path) -> Iterator[postgres.Postgres]:
    """One PostgreSQL for the whole session; tests make databases in it, and leave it running."""
    yield from postgres_in(server_folder / "shared")


@pytest.fixture
def database_url(postgres_server: postgres.Postgres) -> str:
    """A new, empty database."""
    return postgres_server.create_database()


@pytest.fixture(scope="session")
def redis_server(server_folder: Path) -> Iterator[redis.Redis]:
    """One Redis for the whole session; tests use prefixes of their own, and leave it running."""
    yield from redis_in(server_folder / "redis")


def kafka_in(folder: Path, settings: Mapping[str, str] | None = None) -> Iterator[kafka.Kafka]:
    """As `postgres_in`."""
    require(kafka.installed(), "Kafka")
    folder.mkdir()
    with kafka.kafka(folder, settings=settings) as server:
        yield server


@pytest.fixture(scope="session")
def kafka_server(server_folder: Path) -> Iterator[kafka.Kafka]:
    """One Kafka for the whole session; tests use topics of their own, and leave it running."""
    yield from kafka_in(server_folder / "kafka")


@pytest.fixture
def kafka_topic() -> str:
    """A name that no other test uses; nobody has made the topic yet."""
    return f"clicks-{secrets.token_hex(6)}"


def clickhouse_in(folder: Path) -> Iterator[clickhouse.ClickHouse]:
    """As `postgres_in`: ClickHouse's real engine behind a test helper's front."""
    require(clickhouse.installed(), "chdb-core")
    folder.mkdir()
    with clickhouse.clickhouse(folder) as server:
        yield server


@pytest.fixture(scope="session")
def clickhouse_server(server_folder: Path) -> Iterator[clickhouse.ClickHouse]:
    """One for the whole session; tests use databases of their own, and leave it running."""
    yield from clickhouse_in(server_folder / "clickhouse")


@pytest.fixture
def clickhouse_url(clickhouse_server: clickhouse.ClickHouse) -> str:
    """A database that is not there yet: whoever opens it first creates it."""
    return clickhouse_server.new_database_url()
