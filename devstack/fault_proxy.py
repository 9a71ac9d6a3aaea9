"""A TCP proxy on loopback that breaks connections in chosen ways, and heals, while it runs."""

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

from devstack.processes import LOOPBACK, free_port

_CHUNK: Final = 65_536
_SWITCH_SECONDS: Final = 10
# SO_LINGER of no time: close() sends RST instead of FIN.
_BY_RESET: Final = struct.pack("ii", 1, 0)


class FaultProxy:
    """Carries bytes to a server and back, until it is told otherwise. Its switches may be called from any thread.

    `port`: where it listens, on loopback; the same after a `cut`.
    """

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self._target_port = target_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._listener: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._carries = asyncio.Event()
        self._delay_seconds = 0.0
        self._answered_until_reset: int | None = None

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self.heal()

    def stop(self) -> None:
        """Close every connection and the port."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def delay(self, ms: float) -> None:
        """From now on each piece of data waits for so long, in both directions; 0: none does."""
        self._delay_seconds = ms / 1_000

    def cut(self) -> None:
        """Close all connections and refuse new ones, as a server does that was stopped."""
        self._do(self._cut())

    def half_open(self) -> None:
        """Keep all connections and accept new ones, but carry nothing: as behind a cable that was pulled."""
        self._do(self._half_open())

    def reset_after(self, answered: int) -> None:
        """Reset (RST) all connections once the server has answered so many more bytes; later ones are carried."""
        self._answered_until_reset = answered

    def heal(self) -> None:
        """Carry everything, at once; what half-open connections kept back comes late, as TCP would repeat it."""
        self._delay_seconds = 0.0
        self._answered_until_reset = None
        self._do(self._heal())

    def _do(self, switch: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(switch, self._loop).result(_SWITCH_SECONDS)

    async def _cut(self) -> None:
        if self._listener is not None:
            self._listener.close()
            await self._listener.wait_closed()
            self._listener = None
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)

    async def _half_open(self) -> None:
        self._carries.clear()
        await self._listen()

    async def _heal(self) -> None:
        self._carries.set()
        await self._listen()

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(self._accepted, LOOPBACK, self.port)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = self._loop.create_task(self._link(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection and ours to the server, until both sides have said all, or one broke."""
        ends = [writer]
        self._ends.add(writer)
        try:
            await self._carries.wait()
            answers, asks = await asyncio.open_connection(LOOPBACK, self._target_port)
            ends.append(asks)
            self._ends.add(asks)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(reader, asks))
                both.create_task(self._carry(answers, writer, answers=True))
            for end in ends:  # what was written is still on its way
                end.close()
                await end.wait_closed()
        except* OSError:
            pass  # whoever is left learns it from its connection's end
        finally:
            self._ends.difference_update(ends)
            for end in ends:
                end.transport.abort()
            await asyncio.sleep(0)  # the loop closes them in its next round

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool = False) -> None:
        while data := await source.read(_CHUNK):
            await asyncio.sleep(self._delay_seconds)
            await self._carries.wait()
            sink.write(self._until_reset(data) if answers else data)
            await sink.drain()
            if self._answered_until_reset == 0:
                self._reset()
        await self._carries.wait()
        sink.write_eof()

    def _until_reset(self, data: bytes) -> bytes:
        if self._answered_until_reset is None:
            return data
        data = data[: self._answered_until_reset]
        self._answered_until_reset -= len(data)
        return data

    def _reset(self) -> None:
        self._answered_until_reset = None
        for end in self._ends:
            end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _BY_RESET)
            end.transport.abort()


@contextmanager
def fault_proxy(target_port: int) -> Iterator[FaultProxy]:
    """Run a proxy to a port of loopback until the block is left; it begins without a fault."""
    proxy = FaultProxy(target_port)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
