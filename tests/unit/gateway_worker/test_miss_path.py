"""The real parts together, without a socket: engine, miss path and change feed on the memory store."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.counters import CountersPage
from gateway.engines import ENGINES, load_engine
from gateway.engines.contract import Attention, Connection, Engine
from gateway.follow import Follower
from gateway.resolver import Resolver
from redirect_core import SpoolWriter
from shortlink.errors import StoreUnavailable
from shortlink.links import Link, LinkKey, LinkPatch, NewLink
from shortlink.settings import Settings
from shortlink.stores.memory import MemoryLinkStore
from tests.unit.gateway_worker.parts import HandClock

KEY = LinkKey("", "hello")


class BreakableStore(MemoryLinkStore):
    """The memory store, with a switch that makes its look-ups fail, and a count of them."""

    broken = False
    looked_up = 0

    async def get(self, keys: Sequence[LinkKey]) -> dict[LinkKey, Link]:
        self.looked_up += 1
        if self.broken:
            raise StoreUnavailable("switched off")
        return await super().get(keys)


@dataclass
class Edge:
    """One connection to a worker's inner parts."""

    store: BreakableStore
    clock: HandClock
    resolver: Resolver
    engine: Engine
    connection: Connection | None = None
    replies: bytes = b""

    def wake(self) -> None:
        """What the protocol does when replies are ready."""
        assert self.connection is not None
        self.replies += self.connection.resume()

    async def visit(self) -> bytes:
        """The first line and Location of the answer to a visit."""
        assert self.connection is not None
        self.replies = self.connection.feed(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n") or b""
        if self.connection.attention & Attention.MISSED:
            self.resolver.schedule()
        async with asyncio.timeout(5):
            while True:
                if self.replies:
                    break
                await asyncio.sleep(0)
        head = self.replies.split(b"\r\n")
        location = [line for line in head if line.lower().startswith(b"location:")]
        return b" ".join([head[0].split()[1], *(line.split(b": ")[1] for line in location)])

    async def heard(self) -> None:
        """Let the follower hear what was changed."""
        for _ in range(50):
            await asyncio.sleep(0)


Scenario = Callable[[Edge], Coroutine[Any, Any, None]]
Play = Callable[[Scenario], None]


@pytest.fixture(params=sorted(ENGINES))
def play(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock, page: CountersPage) -> Play:
    """Runs a scenario on an engine, the resolver and the follower."""

    async def run(scenario: Scenario) -> None:
        spool = SpoolWriter(str(tmp_path), 0, segment_bytes=1 << 20)
        engine = load_engine(request.param)(Settings(), clock, page, spool)
        store = BreakableStore(clock)
        await store.open()
        resolver = Resolver(engine, store, clock, asyncio.get_running_loop(), page)
        edge = Edge(store, clock, resolver, engine)
        edge.connection = engine.connection("192.0.2.1", edge.wake)
        follower = asyncio.create_task(Follower(engine, store).run())
        await edge.heard()
        clock.advance(1)
        await scenario(edge)
        follower.cancel()
        await asyncio.gather(follower, return_exceptions=True)
        await resolver.close()
        edge.connection.lost()
        engine.close()
        await store.close()

    return lambda scenario: asyncio.run(run(scenario))


def new_link() -> NewLink:
    return NewLink(code="hello", target="https://example.com/one")


def test_a_miss_is_found_and_then_served_without_the_store(play: Play) -> None:
    async def scenario(edge: Edge) -> None:
        await edge.store.add([new_link()])
        await edge.heard()
        edge.clock.advance(1)
        assert await edge.visit() == b"302 https://example.com/one"
        edge.store.broken = True
        assert await edge.visit() == b"302 https://example.com/one"

    play(scenario)


def test_a_code_that_was_absent_is_served_as_soon_as_it_is_made(play: Play) -> None:
    async def scenario(edge: Edge) -> None:
        assert await edge.visit() == b"404"
        await edge.store.add([new_link()])
        await edge.heard()
        edge.clock.advance(0.001)
        assert await edge.visit() == b"302 https://example.com/one"

    play(scenario)


def test_an_edit_and_a_removal_are_heard(play: Play) -> None:
    async def scenario(edge: Edge) -> None:
        await edge.store.add([new_link()])
        await edge.heard()
        edge.clock.advance(1)
        assert await edge.visit() == b"302 https://example.com/one"
        await edge.store.change(KEY, LinkPatch({"target": "https://example.com/two"}))
        await edge.heard()
        edge.clock.advance(0.001)
        assert await edge.visit() == b"302 https://example.com/two"
        await edge.store.remove(KEY)
        await edge.heard()
        edge.clock.advance(0.001)
        assert await edge.visit() == b"404"

    play(scenario)


def test_a_store_that_fails_costs_503_for_what_is_not_known_and_nothing_else(play: Play) -> None:
    async def scenario(edge: Edge) -> None:
        edge.store.broken = True
        assert await edge.visit() == b"503"
        edge.store.broken = False
        await edge.store.add([new_link()])
        await edge.heard()
        edge.clock.advance(1)
        assert await edge.visit() == b"302 https://example.com/one"
        edge.store.broken = True
        edge.clock.advance(60)  # past its lifetime
        assert await edge.visit() == b"302 https://example.com/one"

    play(scenario)


def test_a_crowd_that_asks_for_one_cold_code_costs_one_look_up(play: Play) -> None:
    async def scenario(edge: Edge) -> None:
        await edge.store.add([new_link()])
        await edge.heard()
        edge.clock.advance(1)
        replies: list[bytes] = []
        crowd: list[Connection] = []

        def join(number: int) -> None:
            address = f"198.{number // 250}.{number % 250}.1"  # one network may ask for so many codes only
            crowd.append(edge.engine.connection(address, lambda: replies.append(crowd[number].resume())))
            assert not crowd[number].feed(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            edge.resolver.schedule()

        for number in range(5_000):
            join(number)
        await edge.heard()
        assert len(replies) == 5_000
        assert all(reply.startswith(b"HTTP/1.1 302 ") for reply in replies)
        assert edge.store.looked_up == 1
        for connection in crowd:
            connection.lost()

    play(scenario)
