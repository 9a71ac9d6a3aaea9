"""A node on PostgreSQL and Redis may start before them, and works as soon as they are there."""

import contextlib
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from bench.node import Node, started
from devstack import postgres, redis
from devstack.redis import Redis
from shortlink.datadir import DataFolder
from tests.acceptance.node import wait_until
from tests.integration.node.http import visit
from tests.servers import require

SECONDS = 30.0


def is_ready(api_port: int) -> bool:
    with contextlib.suppress(URLError, OSError), urlopen(f"http://127.0.0.1:{api_port}/health/ready") as reply:
        return bool(reply.status == 200)
    return False


@pytest.mark.slow
def test_a_node_waits_for_its_stores(tmp_path: Path) -> None:
    require(postgres.installed(), "PostgreSQL")
    require(redis.installed(), "Redis")
    cache, data = Redis(tmp_path), tmp_path / "data"
    with postgres.postgres(tmp_path) as database:
        settings = {"EDGE302_DATABASE_URL": database.create_database(), "EDGE302_REDIS_URL": cache.url()}
        database.stop()
        with started("up", data, flags=("--workers", "1"), settings=settings) as node:
            words = ("waiting for the store", "clicks wait in the spool", "starting without the store")
            wait_until(lambda: all(word in node.log.read_text() for word in words), SECONDS, node.log.read_text)
            assert node.process.poll() is None
            database.start()
            cache.start()
            try:
                wait_until(lambda: is_ready(node.api_port), SECONDS, node.log.read_text)
                key = DataFolder(data).admin_key.read_text().strip()
                plane = Node(node.process.pid, node.port, node.api_port, key)
                assert plane.ask("POST", "/api/shorten", {"url": "https://example.com/", "alias": "early"})[0] == 201
                wait_until(lambda: visit(node.port, "/early").status == 302, SECONDS)
                deadline = time.monotonic() + SECONDS
                while plane.ask("GET", "/api/stats/early")[1]["total"] == 0:
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            finally:
                cache.stop()
