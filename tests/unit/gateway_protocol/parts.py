"""A transport that records, a loop turned by hand, and a real engine behind the protocol."""

import asyncio
from collections.abc import Callable
from typing import cast

from gateway.protocol import Edge, EdgeProtocol
from shortlink.settings import Settings
from tests.engine_contract.parts import Node, Reply, parse_replies


class HandLoop:
    """The one part of a loop that the protocol uses."""

    def __init__(self) -> None:
        self._calls: list[Callable[[], object]] = []

    def call_soon(self, call: Callable[[], object]) -> None:
        self._calls.append(call)

    def turn(self) -> bool:
        """Make the calls that are due; False: there were none."""
        calls, self._calls = self._calls, []
        for call in calls:
            call()
        return bool(calls)


class RecordingTransport(asyncio.Transport):
    """Behaves like asyncio's; `is_taking` False: the client takes nothing of what is written."""

    def __init__(self, peer: str | None) -> None:
        super().__init__()
        self._peer = peer
        self._protocol: asyncio.BaseProtocol | None = None
        self._high = 65_536
        self.sent = b""
        self.writes = 0
        self.buffered = 0
        self.is_taking = True
        self.is_reading_paused = False
        self.has_ended = False
        self.end: str | None = None

    def get_extra_info(self, name: str, default: object = None) -> object:
        if name == "peername":
            return (self._peer, 4711) if self._peer is not None else ""
        return default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        assert self._protocol is not None
        return self._protocol

    def forget_protocol(self) -> None:
        self._protocol = None

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high = high or 65_536

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def is_closing(self) -> bool:
        return self.end is not None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.has_ended, "written after the end"
        self.sent += bytes(data)
        self.writes += 1
        if not self.is_taking:
            was_low = self.buffered <= self._high
            self.buffered += len(data)
            if was_low and self.buffered > self._high:
                self.get_protocol().pause_writing()

    def take(self) -> None:
        """The client takes all that was written, and goes on taking."""
        was_high = self.buffered > self._high
        self.is_taking, self.buffered = True, 0
        if was_high:
            self.get_protocol().resume_writing()

    def write_eof(self) -> None:
        assert not self.is_closing()
        self.has_ended = True

    def pause_reading(self) -> None:
        assert not self.is_reading_paused
        self.is_reading_paused = True

    def resume_reading(self) -> None:
        assert self.is_reading_paused
        self.is_reading_paused = False

    def close(self) -> None:
        self.end = self.end or "closed"

    def abort(self) -> None:
        self.end = "aborted"


class Bench:
    """An edge whose clients are transports; `wanted` calls are counted, and misses found when told to."""

    def __init__(self, node: Node, settings: Settings) -> None:
        self.node = node
        self.loop = HandLoop()
        self.wanted = 0
        self.edge = Edge(
            node.engine, settings, node.clock, node.page, cast("asyncio.AbstractEventLoop", self.loop), self._want
        )

    def connect(self, peer: str | None = "198.51.100.7") -> "Peer":
        return Peer(self, peer)

    def pass_time(self, seconds: float) -> None:
        """Move the clock on, second by second, with a tick each."""
        while seconds > 0:
            step = min(seconds, 1.0)
            self.node.clock.advance(step)
            self.edge.tick()
            seconds -= step

    def _want(self) -> None:
        self.wanted += 1


class Peer:
    """A client's side of one connection."""

    def __init__(self, bench: Bench, peer: str | None) -> None:
        self._bench = bench
        self.transport = RecordingTransport(peer)
        protocol = EdgeProtocol(bench.edge)
        self.transport.set_protocol(protocol)
        protocol.connection_made(self.transport)

    @property
    def replies(self) -> list[Reply]:
        return parse_replies(self.transport.sent)

    @property
    def statuses(self) -> list[int]:
        return [reply.status for reply in self.replies]

    def send(self, *reads: bytes, resolve: bool = True) -> None:
        """Give the protocol these reads, as far as it reads at all, and let the loop turn until it rests."""
        for data in reads:
            assert not self.transport.is_reading_paused
            self._protocol.data_received(data)
            self.rest(resolve=resolve)

    def rest(self, *, resolve: bool = True) -> None:
        if resolve:
            self._bench.node.resolve()
        while self._bench.loop.turn():
            if resolve:
                self._bench.node.resolve()

    def half_close(self) -> None:
        assert self._protocol.eof_received(), "the transport is to stay open"

    def lose(self) -> None:
        """The transport is gone, and lets go of its protocol as asyncio's do."""
        self._protocol.connection_lost(None)
        self.transport.forget_protocol()

    def ended(self) -> str | None:
        """How our side ended the transport; None: it did not."""
        return self.transport.end

    def reading_rests(self) -> bool:
        return self.transport.is_reading_paused

    @property
    def _protocol(self) -> asyncio.Protocol:
        return cast("asyncio.Protocol", self.transport.get_protocol())
