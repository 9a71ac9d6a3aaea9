"""Serving: one app on the TCP socket and on the control socket, until told to stop."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, cast

import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from control_api.access.gate import LocalAdmin
from control_api.streaming import ABORT

BACKLOG: Final = 2_048
KEEP_ALIVE_SECONDS: Final = 75  # as on the edge
FIRST_REQUEST_SECONDS: Final = 1.0  # while stopping, for who has only just connected; as on the edge
LOOK_SECONDS: Final = 0.01


async def serve(
    app: ASGIApp,
    listener: socket.socket,
    control: Path,
    drain_seconds: int,
    stop: asyncio.Event,
    on_stop: Callable[[], None] = lambda: None,
) -> None:
    """Serve until `stop` is set; then accept nothing more, and finish what is under way.

    Args:
        app: answers requests; lifespan events are not sent to it.
        listener: a listening TCP socket.
        control: where the control socket is made (0600); what is left there of an earlier process is removed.
        drain_seconds: longest wait for requests under way.
        stop: set by whoever ends the process.
        on_stop: ends the replies that have no end of their own.
    """
    with _control_socket(control) as local:
        servers = [(_Server(app, drain_seconds), listener), (_Server(LocalAdmin(app), drain_seconds), local)]
        async with asyncio.TaskGroup() as group:
            for server, sock in servers:
                group.create_task(server.serve(sockets=[sock]))
            await stop.wait()
            on_stop()
            for server, _ in servers:
                server.should_exit = True


def stop_on_signals(stop: asyncio.Event, supervisor: int | None) -> None:
    """Set `stop` at SIGTERM or SIGINT, or when the other end of the supervisor's pipe is gone."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if supervisor is not None:

        def gone() -> None:  # nothing is ever written: readable means that the other end was closed
            loop.remove_reader(supervisor)
            stop.set()

        loop.add_reader(supervisor, gone)


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to the process, which has two servers and one way to stop."""

    def __init__(self, app: ASGIApp, drain_seconds: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_Protocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=drain_seconds,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop as uvicorn does, once those who are connected already could ask.

        By itself it resets what waits in the listen queue, and closes connections whose first request is on its way:
        creates that a proxy in front can't send again.
        """
        # A second handle on each queue: what lies there when the server is closed is still ours to take.
        queues = [sock.dup() for sock in sockets or ()]
        for server in self.servers:
            server.close()
        for queue in queues:
            await self._take(queue)
        loop = asyncio.get_running_loop()
        until = loop.time() + FIRST_REQUEST_SECONDS
        while loop.time() < until and any(  # noqa: ASYNC110
            getattr(connection, "cycle", None) is None for connection in self.server_state.connections
        ):
            await asyncio.sleep(LOOK_SECONDS)  # uvicorn tells nobody of a request that comes
        await super().shutdown(sockets)

    async def _take(self, queue: socket.socket) -> None:
        """Accept all connections that wait in a listening socket's queue, and close it."""
        loop = asyncio.get_running_loop()
        with queue, contextlib.suppress(BlockingIOError):
            queue.setblocking(False)
            while True:
                with contextlib.suppress(ConnectionError):  # that one is gone already
                    client, _ = queue.accept()
                    client.setblocking(False)
                    await loop.connect_accepted_socket(self._protocol, client)

    def _protocol(self) -> asyncio.Protocol:
        """As uvicorn makes it for a connection that it accepts itself."""
        make = cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class)
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)


class _Protocol(HttpToolsProtocol):
    """uvicorn's, whose requests can leave a client that takes nothing."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        cast("Scope", self.scope)[ABORT] = self.transport.abort


@contextlib.contextmanager
def _control_socket(path: Path) -> Iterator[socket.socket]:
    """The control socket, there for as long as this context is open and for its owner alone."""
    path.unlink(missing_ok=True)  # the role's lock says that no living process serves it
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        control.bind(str(path))
    finally:
        os.umask(before)
    try:
        control.listen(BACKLOG)
        yield control
    finally:
        control.close()
        path.unlink(missing_ok=True)
