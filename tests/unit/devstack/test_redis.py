"""The Redis that benchmarks compare with: started for real, empty, and gone afterwards."""

from pathlib import Path

import pytest
from redis import Redis

from devstack import processes
from devstack.redis import installed, redis

pytestmark = pytest.mark.skipif(not installed(), reason="Redis is not installed: `make services` installs it")


def test_redis_answers_while_the_block_runs_and_is_gone_after_without_a_file(tmp_path: Path) -> None:
    with redis(tmp_path) as server, Redis(host=processes.LOOPBACK, port=server.port) as client:
        assert client.dbsize() == 0
        assert client.set("link:code", "https://example.com/")
        assert client.config_get("save", "appendonly") == {"save": "", "appendonly": "no"}
    assert not processes.listens(server.port)
    assert [file.name for file in tmp_path.iterdir()] == ["redis.log"]
