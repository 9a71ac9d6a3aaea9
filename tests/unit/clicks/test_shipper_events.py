"""Events beside the counts: what trouble with a sink does to them, to the counts, and to the spool."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from clicks.counts import DAY_MS, HOUR_MS
from clicks.events.describing import Describer
from clicks.events.places import Places
from clicks.events.utm import UtmTags
from clicks.questions import QUARTER_MS, Question
from clicks.shipper import Shipper
from clicks.sinks.contract import DescribedBatch, SinkTakenOver
from clicks.stores.memory import MemoryClickStore
from clicks.stores.memory_events import MemoryEvents
from redirect_core import SpoolReader, SpoolWriter, Visitor
from shortlink.errors import StoreUnavailable
from shortlink.stores.memory import MemoryLinkStore
from tests.store_contract.clicks.samples import NOON_MS, ManualClock

FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
SOMEBODY = Visitor(b"\xc0\x00\x02\x01", b"", FIREFOX, b"en")
SEGMENT_BYTES = 64 << 10


class TroubledEvents(MemoryEvents):
    """A sink that is away, or hangs, when told to."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.trouble: Exception | None = None
        self.hangs = False
        self.calls = 0

    async def add(self, batches: Sequence[DescribedBatch]) -> bool:
        self.calls += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.trouble is not None:
            raise self.trouble
        return await super().add(batches)

    async def seqs(self) -> list[int]:
        """Of all events, in the order in which they came."""
        found: list[int] = []
        async for page in self.export(Question(0, NOON_MS + 2 * DAY_MS // QUARTER_MS * QUARTER_MS)):
            found += [event.seq for event in page]
        return found


class Node:
    """A spool with its reader, a store, a sink, and the shipper between them."""

    def __init__(self, folder: Path, spool_bytes: int = 1 << 30) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.store = MemoryClickStore(self.clock)
        self.sink = TroubledEvents(self.clock)
        self.reader = SpoolReader(str(folder))
        describer = Describer("node", Places(None, self.clock), UtmTags(MemoryLinkStore(self.clock), self.clock))
        self.shipper = Shipper(
            self.reader, self.store, self.clock, sinks=[self.sink], describer=describer, spool_bytes=spool_bytes
        )

    def writer(self, worker: int = 0) -> SpoolWriter:
        return SpoolWriter(str(self.folder), worker, segment_bytes=SEGMENT_BYTES)

    def segments(self) -> list[Path]:
        return sorted(self.folder.glob("*.seg"))

    async def total(self) -> int:
        return sum((await self.store.service_totals()).values())

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        stopping = asyncio.Event()
        task = asyncio.create_task(self.shipper.run(stopping))
        yield
        stopping.set()
        await task


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path)
    yield node
    node.reader.close()


def click(writer: SpoolWriter, times: int = 1) -> None:
    for _ in range(times):
        assert writer.record(NOON_MS, b"", b"abcdefg", 0, 0, SOMEBODY)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def until_counted(node: Node, clicks: int) -> None:
    async with asyncio.timeout(10):
        while await node.total() < clicks:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def dropped_metric() -> float:
    return REGISTRY.get_sample_value("edge302_events_dropped_total", {"sink": "memory", "reason": "spool_full"}) or 0


def test_each_click_is_counted_and_shipped_once(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        click(writer, 3)
        assert await node.shipper.drain(5)
        assert await node.total() == 3
        assert await node.sink.seqs() == [1, 2, 3]
        assert await node.sink.watermarks() == {writer.epoch: 3}
        writer.close()

    run(test)


def test_many_clicks_take_several_rounds(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        click(writer, 45_000)
        writer.close()
        assert await node.shipper.drain(30)
        assert await node.sink.seqs() == list(range(1, 45_001))
        assert node.sink.calls == 3
        assert node.segments() == []

    run(test)


def test_a_sink_that_is_away_holds_up_neither_counts_nor_the_end(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        writer = node.writer()
        node.sink.trouble = StoreUnavailable("away")
        click(writer, 3)
        writer.close()
        assert await node.shipper.drain(5)
        assert await node.total() == 3
        assert node.segments()  # the sink has not passed it
        assert "events for memory wait in the spool: away" in caplog.text

    run(test)


def test_a_sink_that_hangs_holds_up_neither_counts_nor_the_end(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        writer = node.writer()
        node.sink.hangs = True
        async with node.running():
            click(writer, 3)
            await until(lambda: node.sink.calls == 1)
            click(writer, 3)
            await until_counted(node, 6)
        assert await node.shipper.drain(0.2)
        assert "not all events went to memory" in caplog.text
        writer.close()
        assert node.segments()

    run(test)


def test_events_come_when_the_sink_is_back(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        node.sink.trouble = StoreUnavailable("away")
        async with node.running():
            click(writer, 3)
            await until(lambda: node.sink.calls >= 1)
            node.sink.trouble = None
            click(writer, 2)
            writer.close()
        assert await node.shipper.drain(5)
        assert await node.sink.seqs() == [1, 2, 3, 4, 5]
        assert node.segments() == []

    run(test)


def test_an_error_that_nobody_foresaw_ends_no_sink(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        writer = node.writer()
        node.sink.trouble = RuntimeError("a driver's")
        async with node.running():
            click(writer, 3)
            await until(lambda: node.sink.calls >= 2)
            node.sink.trouble = None
        writer.close()
        assert await node.shipper.drain(5)
        assert await node.sink.seqs() == [1, 2, 3]
        (told,) = [record for record in caplog.records if record.exc_info]
        assert "events for memory wait in the spool" in told.getMessage()

    run(test)


def test_a_sink_that_another_has_taken_over_is_left_alone(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        writer = node.writer()
        node.sink.trouble = SinkTakenOver("somebody else does this")
        click(writer, 3)
        async with node.running():
            await until(lambda: node.sink.calls == 1)
            node.sink.trouble = None
            await until_counted(node, 3)
        assert await node.shipper.drain(5)
        assert node.sink.calls == 1
        assert "no more events go to memory: somebody else does this" in caplog.text
        writer.close()

    run(test)


def test_a_full_spool_drops_events_and_no_count(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is dropped is told, kept apart from lost clicks, and with what comes later it is all that there was."""

    async def test() -> None:
        node = Node(tmp_path, spool_bytes=10 * SEGMENT_BYTES)
        before = dropped_metric()
        node.sink.trouble = StoreUnavailable("away")
        writer = node.writer()
        while len(node.segments()) < 15:
            click(writer)
        async with node.running():
            await until(lambda: len(node.segments()) <= 9)
            node.clock.advance(1_000)
            await until(lambda: node.sink.calls >= 2)
        node.sink.trouble = None
        clicks = writer.spooled
        writer.close()
        assert await node.shipper.drain(10)
        assert await node.total() == clicks
        seqs = await node.sink.seqs()
        dropped = (await node.store.events_dropped())["memory:spool_full"]
        assert seqs == list(range(dropped + 1, clicks + 1))
        assert dropped_metric() - before == dropped > 0
        assert await node.store.dropped() == {}
        assert caplog.text.count("the spool is full") == 1
        node.reader.close()

    run(test)


def test_events_of_a_worker_all_of_whose_segments_were_dropped_are_told_too(tmp_path: Path) -> None:
    async def test() -> None:
        node = Node(tmp_path, spool_bytes=10 * SEGMENT_BYTES)
        node.sink.trouble = StoreUnavailable("away")
        clicks = 0
        for worker in range(12):
            writer = node.writer(worker)
            click(writer, 10)
            writer.close()
            clicks += 10
        async with node.running():
            await until(lambda: len(node.segments()) <= 9)
        node.sink.trouble = None
        assert await node.shipper.drain(10)
        assert await node.total() == clicks
        assert (await node.store.events_dropped())["memory:spool_full"] == clicks - len(await node.sink.seqs()) == 30
        node.reader.close()

    run(test)


def test_the_sinks_watermark_is_forgotten_a_day_after_the_segments(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        click(writer, 3)
        writer.close()
        assert await node.shipper.drain(5)
        assert node.segments() == []
        node.clock.advance(DAY_MS + HOUR_MS)
        again = Shipper(
            node.reader, node.store, node.clock, sinks=[node.sink], describer=node.shipper._events[0]._describer
        )
        assert await again.drain(5)
        assert await node.sink.watermarks() == {}

    run(test)


def test_how_long_events_wait_is_told(node: Node) -> None:
    def waiting() -> float | None:
        return REGISTRY.get_sample_value("edge302_events_waiting_seconds", {"sink": "memory"})

    async def test() -> None:
        writer = node.writer()
        node.sink.trouble = StoreUnavailable("away")
        click(writer)
        async with node.running():
            await until(lambda: node.sink.calls >= 1)
            node.clock.advance(7_000)
            await until(lambda: waiting() == 7.0)
            node.sink.trouble = None
        assert await node.shipper.drain(5)
        assert waiting() == 0
        writer.close()

    run(test)
