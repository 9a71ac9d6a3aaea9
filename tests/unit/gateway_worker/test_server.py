"""A drained worker has taken every connection that the kernel had completed for it."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest
import uvloop

from edge302.listen import edge_sockets, port_of, unix_sockets
from gateway.server import Listeners


class Greeter(asyncio.Protocol):
    """Says hello and leaves."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)
        stream.write(b"hello")
        stream.close()


def test_connections_in_the_queue_are_answered_after_draining_has_begun() -> None:
    async def scenario(held: ExitStack) -> None:
        listeners = Listeners(asyncio.get_running_loop(), Greeter)
        (listener,) = edge_sockets("127.0.0.1", 0, 1, held)
        port = port_of(listener)
        await listeners.open([listener.detach()])
        # Nothing runs between these connects and the drain: the connections are in the kernel's queue alone.
        clients = [held.enter_context(socket.create_connection(("127.0.0.1", port))) for _ in range(5)]
        assert await listeners.drain() == 5
        assert [await hear(client) for client in clients] == [b"hello"] * 5
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=1)

    play(scenario)


def test_unix_sockets_are_served_and_drained_too(tmp_path: Path) -> None:
    async def scenario(held: ExitStack) -> None:
        listeners = Listeners(asyncio.get_running_loop(), Greeter)
        (listener,) = unix_sockets(tmp_path / "edge.sock", 1, held)
        await listeners.open([listener.detach()])
        served, queued = (held.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2))
        served.connect(str(tmp_path / "edge.sock.0"))
        assert await hear(served) == b"hello"
        queued.connect(str(tmp_path / "edge.sock.0"))
        assert await listeners.drain() == 1
        assert await hear(queued) == b"hello"

    play(scenario)


async def hear(client: socket.socket) -> bytes:
    """What the server says."""
    client.setblocking(False)
    return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 100), 5)


def play(scenario: Callable[[ExitStack], Coroutine[Any, Any, None]]) -> None:
    """Run a scenario on the loop that workers use."""

    async def run() -> None:
        with ExitStack() as held:
            await scenario(held)

    uvloop.run(run())
