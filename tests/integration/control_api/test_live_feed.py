"""The live feed over real sockets: events as browsers read them, heartbeats, resuming, leaving, and the end."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clicks.events.event import ClickEvent
from clicks.live import LiveFeed
from control_api.access.keys import Scope
from control_api.serving import serve
from tests.integration.control_api.clicked import Clicked, click, with_clicks
from tests.integration.control_api.test_event_exports import hostile_clicks

PROMPTLY_SECONDS = 10


class Watcher:
    """A connection that reads the feed as WHATWG HTML has it, by the byte."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.status = 0
        self.headers: dict[str, str] = {}
        self.last_id = ""
        self._lines = b""

    async def head(self) -> None:
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")[:-2]
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in rest)}

    async def block(self) -> list[str] | None:
        """The lines of the next block; None: the feed ended in order."""
        while b"\n\n" not in self._lines:
            size = int(await self.reader.readline(), 16)
            chunk = await self.reader.readexactly(size + 2)
            if size == 0:
                return None
            self._lines += chunk[:-2]
        block, _, self._lines = self._lines.partition(b"\n\n")
        lines = block.decode().split("\n")
        assert "\r" not in block.decode()
        self.last_id = next((line.removeprefix("id: ") for line in lines if line.startswith("id: ")), self.last_id)
        return lines

    async def clicks(self, count: int) -> list[ClickEvent]:
        """The next clicks, up to the id behind them."""
        found: list[ClickEvent] = []
        async with asyncio.timeout(PROMPTLY_SECONDS):
            while (lines := await self.block()) is not None:
                if "event: click" in lines:
                    found.append(msgspec.json.decode(lines[-1].removeprefix("data: "), type=ClickEvent))
                elif len(found) >= count:
                    break
        return found


class Served:
    """The control plane on a socket."""

    def __init__(self, clicked: Clicked, address: tuple[str, int], stop: asyncio.Event) -> None:
        self.clicked = clicked
        self.stop = stop
        self._address = address

    @contextlib.asynccontextmanager
    async def watching(
        self, query: str = "", method: str = "GET", last_id: str | None = None, key: str | None = None
    ) -> AsyncIterator[Watcher]:
        reader, writer = await asyncio.open_connection(*self._address)
        head = [f"{method} /api/stats/live{query} HTTP/1.1", "Host: a"]
        head += [f"Authorization: Bearer {key or self.clicked.api.admin_key}"]
        head += [f"Last-Event-ID: {last_id}"] if last_id is not None else []
        writer.write("\r\n".join([*head, "", ""]).encode())
        watcher = Watcher(reader, writer)
        try:
            async with asyncio.timeout(PROMPTLY_SECONDS):
                await watcher.head()
            yield watcher
        finally:
            writer.close()


@pytest.fixture
def clicked(tmp_path: Path) -> Iterator[Clicked]:
    with with_clicks(tmp_path / "data") as clicked:
        yield clicked


def tell(
    clicked: Clicked, tmp_path: Path, story: Callable[[Served], Coroutine[Any, Any, None]], **timing: float
) -> None:
    """Run a story beside the served control plane, whose feed polls quickly."""

    async def run() -> None:
        events = clicked.api.plane.clicks.events
        assert events is not None
        events.live = LiveFeed(clicked.store, **({"poll_seconds": 0.005} | timing))  # type: ignore[arg-type]
        stop = asyncio.Event()
        listener = socket.create_server(("127.0.0.1", 0))
        ending = clicked.api.plane.clicks.end_live_feeds
        serving = asyncio.create_task(
            serve(clicked.api.app, listener, tmp_path / "api.sock", PROMPTLY_SECONDS, stop, ending)
        )
        try:
            await story(Served(clicked, listener.getsockname(), stop))
        finally:
            stop.set()
            await serving

    clicked.api.run(run())


def test_clicks_come_as_events_and_nginx_is_told_not_to_gather_them(clicked: Clicked, tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        async with served.watching("?code=spring&bots=false") as watcher:
            assert watcher.status == 200
            assert watcher.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert watcher.headers["x-accel-buffering"] == "no"
            assert watcher.headers["cache-control"] == "no-store"
            assert (await watcher.block() or [])[0] == "retry: 2000"
            events = [click(1), click(2, code="autumn"), click(3, 24 * 365)]
            await served.clicked.add(events)
            assert await watcher.clicks(2) == [events[0], events[2]]

    tell(clicked, tmp_path, story)


def test_hostile_texts_stay_in_their_line(clicked: Clicked, tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        async with served.watching() as watcher:
            await watcher.block()
            await served.clicked.add(hostile_clicks())
            assert await watcher.clicks(len(hostile_clicks())) == hostile_clicks()

    tell(clicked, tmp_path, story)


def test_who_comes_back_with_the_last_id_misses_nothing(clicked: Clicked, tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        async with served.watching() as watcher:
            await watcher.block()
            await served.clicked.add([click(1)])
            await watcher.clicks(1)
        await served.clicked.add([click(2), click(3)])
        async with served.watching(last_id=watcher.last_id) as again:
            assert [each.seq for each in await again.clicks(2)] == [2, 3]
            await served.clicked.add([click(4)])
            assert [each.seq for each in await again.clicks(1)] == [4]

    tell(clicked, tmp_path, story)


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_a_feed_ends_with_its_key(clicked: Clicked, tmp_path: Path, how: str) -> None:
    ring, clock = clicked.api.plane.keys, clicked.api.clock

    async def story(served: Served) -> None:
        record, key = await ring.create("watcher", {Scope.STATS_READ}, clock.now_ms() + 1_000)
        async with served.watching(key=key) as watcher, asyncio.timeout(PROMPTLY_SECONDS):
            await watcher.block()
            await served.clicked.add([click(1)])
            assert len(await watcher.clicks(1)) == 1
            if how == "revoked":
                await ring.revoke(record.id)
            else:
                clock.ms += 2_000
            await served.clicked.add([click(2)])
            assert await watcher.block() is None

    tell(clicked, tmp_path, story)


def test_an_unknown_last_id_is_a_problem(clicked: Clicked, tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        async with served.watching(last_id="nonsense") as watcher:
            assert watcher.status == 400
            assert b'"field":"Last-Event-ID"' in await watcher.reader.read(4_096)

    tell(clicked, tmp_path, story)


def test_a_heartbeat_comes_when_no_click_does(clicked: Clicked, tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        async with served.watching("?country=FR") as watcher, asyncio.timeout(PROMPTLY_SECONDS):
            await watcher.block()
            first = watcher.last_id
            await served.clicked.add([click(1)])
            while watcher.last_id == first:
                assert [line.split(":")[0] for line in await watcher.block() or ()] == ["", "id"]

    tell(clicked, tmp_path, story, heartbeat_seconds=0.02)


def test_nobody_is_asked_for_once_the_last_watcher_has_left(clicked: Clicked, tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        events = served.clicked.api.plane.clicks.events
        assert events is not None
        async with served.watching() as watcher:
            await watcher.block()
            assert events.live._poller is not None
        async with asyncio.timeout(PROMPTLY_SECONDS):
            while events.live._poller is not None:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.005)

    tell(clicked, tmp_path, story)


def test_past_the_limit_the_answer_is_503(clicked: Clicked, tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        async with served.watching() as watcher:
            await watcher.block()
            async with served.watching() as refused:
                assert (refused.status, refused.headers["retry-after"]) == (503, "10")

    tell(clicked, tmp_path, story, most_listeners=1)


def test_head_does_not_listen(clicked: Clicked, tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        async with served.watching(method="HEAD") as watcher:
            assert watcher.status == 200
        async with served.watching() as watcher:
            await watcher.block()

    tell(clicked, tmp_path, story, most_listeners=1)


def test_the_feed_ends_in_order_when_the_control_plane_stops(clicked: Clicked, tmp_path: Path) -> None:
    async def story(served: Served) -> None:
        async with served.watching() as watcher, asyncio.timeout(PROMPTLY_SECONDS / 2):
            await watcher.block()
            served.stop.set()
            assert await watcher.block() is None

    tell(clicked, tmp_path, story)
