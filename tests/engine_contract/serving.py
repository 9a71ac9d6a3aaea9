"""A real server for tests: an engine behind its protocol, on uvloop and a loopback socket."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from gateway.protocol import Edge, EdgeProtocol
from shortlink.clock import SystemClock
from shortlink.settings import Settings
from tests.engine_contract.parts import Node


@asynccontextmanager
async def serving(node: Node, settings: Settings, path: Path | None = None) -> AsyncIterator[tuple[Edge, int]]:
    """Serve on a free port (or on a unix socket at `path`) while the context lasts; its edge and port."""
    loop = asyncio.get_running_loop()

    def wanted() -> None:
        loop.call_soon(node.resolve)

    edge = Edge(node.engine, settings, SystemClock(), node.page, loop, wanted)
    if path is None:
        server = await loop.create_server(lambda: EdgeProtocol(edge), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
    else:
        server = await loop.create_unix_server(lambda: EdgeProtocol(edge), str(path))
        port = 0
    ticking = loop.create_task(_tick(edge))
    try:
        yield edge, port
    finally:
        ticking.cancel()
        server.close()
        edge.drain()
        await until(lambda: edge.idle)


async def until(is_true: Callable[[], bool], seconds: float = 6) -> None:
    """Return as soon as it is; fail if it isn't in time."""
    async with asyncio.timeout(seconds):
        while not is_true():  # noqa: ASYNC110 what it waits for belongs to the kernel
            await asyncio.sleep(0.005)


async def _tick(edge: Edge) -> None:
    while True:
        edge.tick()
        await asyncio.sleep(0.05)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario on uvloop, as a worker would."""

    async def main() -> None:
        async with asyncio.timeout(20):
            await scenario()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def open_files() -> int:
    """How many file descriptors this process has."""
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 nothing but their number
