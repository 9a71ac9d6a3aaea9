"""The shared cache behind Sentinels, on a cluster, and on a Redis that is a replica for a while."""

import asyncio
import contextlib
import subprocess
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis as Client

from devstack.processes import LOOPBACK, free_port, listens, stop, wait_until
from devstack.redis import Redis, redis
from devstack.services import find
from shortlink.cache.contract import Announcement
from shortlink.cache.redis_client import RedisCache
from shortlink.links import LinkKey
from tests.integration.redis.caches import Caches, eventually, until
from tests.integration.redis.samples import KEY, copy

pytestmark = pytest.mark.slow
BUDGET_MS = 50  # as gateways and relays are set by default
PAGE = [LinkKey("", f"page{n:03}") for n in range(500)]


@pytest.fixture
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Redis, Redis]]:
    with redis(tmp_path_factory.mktemp("a")) as first, redis(tmp_path_factory.mktemp("b")) as second:
        yield first, second


@pytest.mark.usefixtures("redis_server")
def test_a_redis_that_is_master_again_shares_nothing_with_its_first_time(pair: tuple[Redis, Redis]) -> None:
    first, second = pair

    async def play() -> None:
        await _command(second, "REPLICAOF", LOOPBACK, first.port)
        await eventually(lambda: _follows(second))
        async with Caches(first.url()).open() as cache:
            run = cache.run
            await cache.keep({KEY: copy(1)})
            await _command(first, "WAIT", 1, 5_000)
            await _command(second, "REPLICAOF", "NO", "ONE")
            await _command(first, "REPLICAOF", LOOPBACK, second.port)
            await eventually(lambda: _follows(first))
            await until(lambda: cache.run is None)  # a replica is not written to, so nobody keeps it current
            await _command(first, "REPLICAOF", "NO", "ONE")
            await until(lambda: cache.run is not None)
            assert cache.run != run
            assert await cache.get([KEY]) == {}

    asyncio.run(play())


@pytest.mark.usefixtures("redis_server")
def test_behind_sentinels_a_failover_is_another_run(pair: tuple[Redis, Redis], tmp_path: Path) -> None:
    master, replica = pair

    async def play(sentinel: int) -> None:
        async with Caches(f"redis+sentinel://{LOOPBACK}:{sentinel}/links").open() as cache:
            await _does_all(cache)
            run = cache.run
            await eventually(lambda: _knows_replica(sentinel))
            master.kill()
            await until(lambda: cache.run not in (run, None), 20)
            assert await cache.get(PAGE) == {}
            await _does_all(cache)

    asyncio.run(_replicate(replica, master))
    with _sentinel(tmp_path, master) as port:
        asyncio.run(play(port))


@pytest.mark.usefixtures("redis_server")
def test_a_cluster_takes_a_whole_page_of_the_relay(tmp_path_factory: pytest.TempPathFactory) -> None:
    async def play(nodes: list[Redis], buses: list[int]) -> None:
        await _form(nodes, buses)
        async with Caches(f"redis+cluster://{LOOPBACK}:{nodes[0].port}").open(timeout_ms=BUDGET_MS) as cache:
            await _does_all(cache)
            run = cache.run
            nodes[1].stop()
            nodes[1].start()
            await until(lambda: cache.run not in (run, None))

    with contextlib.ExitStack() as closing:
        nodes, buses = [], []
        for _ in range(3):
            buses.append(free_port())
            settings = ("--cluster-enabled", "yes", "--cluster-port", str(buses[-1]))
            nodes.append(closing.enter_context(redis(tmp_path_factory.mktemp("node"), settings=settings)))
        asyncio.run(play(nodes, buses))


async def _does_all(cache: RedisCache) -> None:
    await cache.keep({key: copy(5, key=key) for key in PAGE})
    await cache.keep({key: copy(4, key=key) for key in PAGE})
    assert {found.version for found in (await cache.get(PAGE)).values()} == {5}
    said = cache.announcements()
    assert isinstance(said, AsyncGenerator)
    async with contextlib.aclosing(said):
        assert await anext(said) is None
        assert cache.run is not None
        announcement = Announcement(1, cache.run, "1", "2", [], True)
        await cache.announce(announcement)
        assert await anext(said) == announcement
    assert await cache.reached() == "2"


async def _command(server: Redis, *words: Any) -> Any:  # noqa: ANN401 (as the server answers)
    async with Client(port=server.port, protocol=3) as client:
        return await client.execute_command(*words)  # type: ignore[no-untyped-call]


async def _follows(server: Redis) -> bool:
    status: str | None = (await _command(server, "INFO", "replication")).get("master_link_status")
    return status == "up"


async def _replicate(replica: Redis, master: Redis) -> None:
    await _command(replica, "REPLICAOF", LOOPBACK, master.port)
    await eventually(lambda: _follows(replica))


async def _knows_replica(sentinel: int) -> bool:
    async with Client(port=sentinel, protocol=3) as client:
        replicas = await client.execute_command("SENTINEL", "REPLICAS", "links")  # type: ignore[no-untyped-call]
        return len(replicas) == 1


@contextlib.contextmanager
def _sentinel(folder: Path, master: Redis) -> Iterator[int]:
    command = find("redis-server")
    assert command is not None
    port, settings = free_port(), folder / "sentinel.conf"
    settings.write_text(
        f"port {port}\nbind {LOOPBACK}\ndir {folder}\nsentinel monitor links {LOOPBACK} {master.port} 1\n"
        "sentinel down-after-milliseconds links 500\nsentinel failover-timeout links 3000\n"
    )
    process = subprocess.Popen([command, settings, "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: listens(port), process)
        yield port
    finally:
        stop(process)


async def _form(nodes: list[Redis], buses: list[int]) -> None:
    for n, node in enumerate(nodes):
        await _command(node, "CLUSTER", "ADDSLOTSRANGE", n * 16_384 // 3, (n + 1) * 16_384 // 3 - 1)
        await _command(node, "CLUSTER", "MEET", LOOPBACK, nodes[0].port, buses[0])
    for node in nodes:
        await eventually(lambda node=node: _is_whole(node), 20)  # type: ignore[misc]


async def _is_whole(node: Redis) -> bool:
    told: bytes = await _command(node, "CLUSTER", "INFO")
    return b"cluster_state:ok" in told
