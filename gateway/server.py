"""Listening: connections from inherited sockets to the protocol, down to the last one in the queue."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterable
from typing import Final

BACKLOG: Final = 4_096  # as the supervisor listens; the event loop calls listen() again

_log = logging.getLogger(__name__)


class Listeners:
    """The sockets a worker accepts from."""

    def __init__(self, loop: asyncio.AbstractEventLoop, factory: Callable[[], asyncio.Protocol]) -> None:
        """`factory` makes the protocol of one connection."""
        self._loop = loop
        self._factory = factory
        self._servers: list[asyncio.AbstractServer] = []
        self._sockets: list[socket.socket] = []

    async def open(self, descriptors: Iterable[int]) -> None:
        """Accept from listening sockets (TCP or unix) that this process inherited as file descriptors."""
        for descriptor in descriptors:
            listener = socket.socket(fileno=descriptor)
            listener.setblocking(False)
            # A second handle on the same queue: what lies there when the server is closed is still ours to take.
            self._sockets.append(listener.dup())
            if listener.family == socket.AF_UNIX:
                server = await self._loop.create_unix_server(self._factory, sock=listener, backlog=BACKLOG)
            else:
                server = await self._loop.create_server(self._factory, sock=listener, backlog=BACKLOG)
            self._servers.append(server)

    async def drain(self) -> int:
        """Stop accepting, but first take every connection the kernel has already completed; returns how many.

        Closing a listening socket resets what waits in its queue: clients whose connect() succeeded, and who
        may have sent their request already.
        """
        for server in self._servers:
            server.close()
        taken = 0
        for listener in self._sockets:
            for client in _queued(listener):
                try:
                    await self._loop.connect_accepted_socket(self._factory, client)
                except OSError as exc:
                    _log.debug("a client left while it was taken from the queue: %s", exc)
                    continue
                taken += 1
            listener.close()
        self._servers.clear()
        self._sockets.clear()
        return taken


def _queued(listener: socket.socket) -> Iterable[socket.socket]:
    """Connections in a listening socket's queue, until it is empty."""
    while True:
        try:
            client, _ = listener.accept()
        except ConnectionError:
            continue  # that one is gone already
        except OSError:
            return  # empty (EAGAIN), or out of descriptors
        client.setblocking(False)
        yield client
