"""The edge's asyncio protocol: transports, deadlines and limits around connections of an engine."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, Protocol, cast

from gateway.counters import CountersPage
from gateway.engines.contract import MAX_PENDING_REPLIES, OUTPUT_A_TURN_BYTES, Attention, Engine
from gateway.http.addresses import ClientAddresses
from shortlink.clock import Clock
from shortlink.settings import Settings

FIRST_BYTE_SECONDS: Final = 10.0
HEAD_SECONDS: Final = 5.0  # from its first byte; further bytes win no time
IDLE_SECONDS: Final = 75.0  # nginx's default, so that its kept-alive upstream connections are closed by nginx first
OUTPUT_SECONDS: Final = 30.0  # without the client taking a byte
LINGER_SECONDS: Final = 2.0
LINGER_BYTES: Final = 1 << 20
CHECK_SECONDS: Final = 0.000_2  # of a loop turn, for deadlines
# While draining: a connection just accepted may have its first request on the way.
DRAIN_FIRST_BYTE_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


class Edge:
    """What all connections of a worker share.

    Attributes, for its connections:
        engine, clock, loop: as given.
        wanted: to be called when take_misses() has something new.
        draining: no connection is to stay.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        clock: Clock,
        page: CountersPage,
        loop: asyncio.AbstractEventLoop,
        wanted: Callable[[], None],
    ) -> None:
        self.engine = engine
        self.clock = clock
        self.loop = loop
        self.wanted = wanted
        self.draining = False
        self._page = page
        self._max_connections = settings.max_connections
        self._max_a_client = settings.max_connections_per_client
        self._addresses = ClientAddresses(settings.trusted_proxies)
        self._open: set[_Watched] = set()
        self._of_client: Counter[str] = Counter()
        self._ticked_at = clock.monotonic()

    @property
    def idle(self) -> bool:
        """True when there is no connection at all."""
        return not self._open

    def tick(self) -> None:
        """Look at every deadline; to be called about once a second, so they are late by up to that."""
        now = self.clock.monotonic()
        elapsed, self._ticked_at = now - self._ticked_at, now
        self._check(iter(tuple(self._open)), now, elapsed)
        self._page["connections"] = len(self._open)
        self.engine.tick()
        self.wanted()

    def _check(self, connections: Iterator["_Watched"], now: float, elapsed: float) -> None:
        """Look at the deadlines of some connections, and at the others' in later turns of the loop.

        Ten thousand looks take 10 ms, and as many slow heads that are over at once half a second: nobody else is to
        wait for all that.
        """
        until = self.clock.monotonic() + CHECK_SECONDS
        for connection in connections:
            if connection in self._open:
                connection.check(now, elapsed)
            if self.clock.monotonic() > until:
                self.loop.call_soon(self._check, connections, now, elapsed)
                return

    def drain(self) -> None:
        """Close what is idle, and everything else with its next reply."""
        self.draining = True
        self.engine.drain()
        for connection in tuple(self._open):
            connection.drain()

    def admit(self, connection: "_Watched", peer: str | None) -> bool:
        """Take a new connection; False: a limit is reached.

        A trusted proxy's connections are those of many clients, so only the limit on all of them holds.
        """
        limited = peer is not None and self._max_a_client and not self._addresses.trusts(peer)
        if len(self._open) >= self._max_connections or (
            limited and peer is not None and self._of_client[peer] >= self._max_a_client
        ):
            self._page.add("connections_refused")
            return False
        self._page.add("connections_accepted")
        self._open.add(connection)
        if peer is not None:
            self._of_client[peer] += 1
        return True

    def replace(self, connection: "_Watched", by: "_Watched") -> None:
        """From now on another object watches over the same transport."""
        self._open.discard(connection)
        self._open.add(by)

    def release(self, connection: "_Watched", peer: str | None) -> None:
        """A connection is gone."""
        self._open.discard(connection)
        if peer is not None:
            self._of_client[peer] -= 1
            if not self._of_client[peer]:
                del self._of_client[peer]

    def count(self, name: str) -> None:
        """Count what happens to connections, in the worker's page."""
        self._page.add(name)


class EdgeProtocol(asyncio.Protocol):
    """One connection. A read is one call into the engine and one write; all else is looked at only when flagged."""

    # There are ten thousand of them: without a dict each takes a third of the memory.
    __slots__ = (
        "__weakref__",
        "_admitted",
        "_connection",
        "_descriptor",
        "_edge",
        "_feed",
        "_half_closed",
        "_head_number",
        "_head_since",
        "_idle_since",
        "_made_at",
        "_output",
        "_over",
        "_peer",
        "_reading_paused",
        "_requests_seen",
        "_resuming",
        "_transport",
        "_writing_paused",
    )

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._peer: str | None = None
        self._admitted = False
        self._over = False  # closed, or handed over to Lingering
        # What holds the client back.
        self._resuming = False  # a call of _go_on is on its way
        self._reading_paused = False
        self._writing_paused = False
        self._half_closed = False
        # Deadlines, in seconds of the monotonic clock.
        self._made_at = 0.0
        self._head_since = 0.0
        self._head_number = -1  # which head of this connection `_head_since` is of
        self._idle_since = 0.0
        self._requests_seen = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._peer = _peer_of(self._transport)
        self._output = _Output(self._transport)
        if not self._edge.admit(self, self._peer):
            self._over = True
            self._transport.abort()
            return
        self._admitted = True
        self._transport.set_write_buffer_limits(high=OUTPUT_A_TURN_BYTES)
        self._made_at = self._idle_since = self._edge.clock.monotonic()
        self._connection = self._edge.engine.connection(self._peer, self._go_on)
        # Bound once: each look-up of a method costs some percent of a read.
        self._feed = self._connection.feed
        # While nothing waits in the transport the engine may send by itself: that saves the way through it.
        self._descriptor = _descriptor_of(self._transport)
        self._connection.send_on(self._descriptor)

    def data_received(self, data: bytes) -> None:
        feed = self._feed  # CPython reads a slot faster than it looks for a method that is none
        try:
            replies = feed(data)
        except Exception:
            self._fail()
            return
        if replies is None:
            return
        if replies:
            self._write(replies)
        if self._connection.attention:
            self._attend()

    def eof_received(self) -> bool:
        """The client says nothing more, but is owed its answers: the transport stays open."""
        if not self._over:
            self._half_closed = True
            self._take(self._connection.eof)
        return True

    def pause_writing(self) -> None:
        self._writing_paused = True
        if not self._over:
            self._connection.pause()
            self._regulate()

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True
        if self._admitted:
            self._edge.release(self, self._peer)
            self._let_go()

    # For the edge.

    def check(self, now: float, elapsed: float) -> None:
        """Look at the deadlines. `elapsed`: seconds since the last look."""
        connection = self._connection
        if self._output.is_stuck(now):
            self._edge.count("connections_aborted")
            self._transport.abort()
            return
        if not (self._over or self._output.is_waiting):
            self._connection.send_on(self._descriptor)  # again, if it was told not to
        if self._over:
            pass  # closing; what is written still goes out
        elif self._reading_paused or connection.pending or self._output.is_waiting:
            # Time in which it waits for us, or for what is on its way, is none of the client's.
            self._head_since += elapsed
            self._idle_since += elapsed
        elif connection.partial:
            if now - self._head_since >= HEAD_SECONDS:
                self._edge.count("connections_timed_out")
                self._take(connection.timeout)
        elif connection.requests != self._requests_seen:
            self._requests_seen = connection.requests
            self._idle_since = now
        elif connection.requests:
            if now - self._idle_since >= IDLE_SECONDS:
                self._finish()
        elif now - self._made_at >= (DRAIN_FIRST_BYTE_SECONDS if self._edge.draining else FIRST_BYTE_SECONDS):
            self._edge.count("connections_timed_out")
            self._over = True
            self._transport.close()

    def drain(self) -> None:
        """Close at once if nothing is under way, else with the next reply."""
        connection = self._connection
        connection.drain()
        if connection.requests and not (connection.partial or connection.pending or self._reading_paused):
            self._finish()

    # Inside.

    def _go_on(self) -> None:
        """Something changed for the better: replies are ready, or the transport has room again."""
        self._resuming = False
        if not (self._over or self._writing_paused):
            self._take(self._connection.resume)

    def _take(self, step: Callable[[], bytes]) -> None:
        """Write what a step of the connection gives, and do what it flags."""
        try:
            replies = step()
        except Exception:
            self._fail()
            return
        if replies:
            self._write(replies)
        self._attend()

    def _write(self, replies: bytes) -> None:
        """Write through the transport; while that holds some of it back, nothing may be sent past it."""
        self._transport.write(replies)
        self._connection.send_on(None if self._transport.get_write_buffer_size() else self._descriptor)

    def _attend(self) -> None:
        connection = self._connection
        attention = connection.attention
        if attention & Attention.MISSED:
            self._edge.wanted()
        if attention & Attention.CLOSE:
            self._finish()
            return
        if attention & Attention.RESUME and not self._resuming:
            self._resuming = True
            self._edge.loop.call_soon(self._go_on)
        if connection.partial and self._head_number != connection.requests:
            self._head_number = connection.requests
            self._head_since = self._edge.clock.monotonic()
        self._regulate()

    def _regulate(self) -> None:
        """Read only while what was read before can be worked on."""
        if self._half_closed or self._over:
            return
        too_much = self._resuming or self._writing_paused or self._connection.pending >= MAX_PENDING_REPLIES
        if too_much and not self._reading_paused:
            self._transport.pause_reading()
        elif self._reading_paused and not too_much:
            self._transport.resume_reading()
        self._reading_paused = too_much

    def _finish(self) -> None:
        """The last reply is written: close, but not so hastily that a reset overtakes it."""
        if self._over or self._transport.is_closing():
            return
        self._over = True
        if self._half_closed:
            self._transport.close()
            return
        lingering = Lingering(self._edge, self._transport, self._peer, self._output)
        self._edge.replace(self, lingering)
        self._transport.set_protocol(lingering)
        self._transport.write_eof()
        if self._reading_paused:
            self._transport.resume_reading()
        self._let_go()

    def _fail(self) -> None:
        """A fault of ours costs this connection, and no other."""
        _log.exception("a connection is lost to a fault in the engine")
        self._edge.count("engine_errors")
        self._over = True
        self._transport.abort()

    def _let_go(self) -> None:
        """Undo the reference cycles that bound methods made."""
        self._connection.lost()
        del self._feed


class Lingering(asyncio.Protocol):
    """After the last reply: our side is closed; what the client still sends is read and forgotten for a moment.

    Closing with unread bytes makes the kernel send a reset, and a reset makes the client forget the reply that it
    has not read yet (RFC 9112 §9.6).
    """

    def __init__(self, edge: Edge, transport: asyncio.Transport, peer: str | None, output: "_Output") -> None:
        self._edge = edge
        self._transport = transport
        self._peer = peer
        self._output = output
        self._until = edge.clock.monotonic() + LINGER_SECONDS
        self._bytes_left = LINGER_BYTES

    def data_received(self, data: bytes) -> None:
        self._bytes_left -= len(data)
        if self._bytes_left < 0:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._edge.release(self, self._peer)

    def check(self, now: float, elapsed: float) -> None:
        """Close when it took long enough; what is written still goes out, but not for ever."""
        if self._output.is_stuck(now):
            self._edge.count("connections_aborted")
            self._transport.abort()
        elif now >= self._until and not self._transport.is_closing():
            self._transport.close()

    def drain(self) -> None:
        """It closes anyway."""


class _Watched(Protocol):
    """What the edge looks after: a connection in either of its states."""

    def check(self, now: float, elapsed: float) -> None: ...

    def drain(self) -> None: ...


class _Output:
    """What was written and not yet taken by the client."""

    __slots__ = ("_left", "_taken_at", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._left = 0
        self._taken_at = 0.0

    @property
    def is_waiting(self) -> bool:
        """True when there was something left at the last look."""
        return self._left > 0

    def is_stuck(self, now: float) -> bool:
        """True when the client has taken nothing for OUTPUT_SECONDS; to be asked about once a second."""
        left = self._transport.get_write_buffer_size()
        if not left or left < self._left or not self._left:
            self._taken_at = now
        self._left = left
        return now - self._taken_at >= OUTPUT_SECONDS


def _descriptor_of(transport: asyncio.Transport) -> int | None:
    """The transport's socket; None: it has none."""
    socket = transport.get_extra_info("socket")
    return None if socket is None else socket.fileno()


def _peer_of(transport: asyncio.Transport) -> str | None:
    """The client's IP address; None: it came through a unix socket."""
    name = transport.get_extra_info("peername")
    return name[0] if isinstance(name, tuple) else None
