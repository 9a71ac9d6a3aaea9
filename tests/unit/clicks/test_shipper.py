"""The shipper over a real spool: what it counts, frees and forgets, and what trouble does to it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY

from clicks.counts import DAY_MS, HOUR_MS, ClickBatch, TrafficClass
from clicks.shipper import Shipper
from clicks.stores.memory import MemoryClickStore
from redirect_core import SpoolReader, SpoolWriter, Visitor
from shortlink.errors import StoreCorrupt, StoreUnavailable
from shortlink.links import LinkKey
from tests.store_contract.clicks.samples import NOON_MS, ManualClock, count_key

HUMAN = TrafficClass.HUMAN
FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
SOMEBODY = Visitor(b"\xc0\x00\x02\x01", b"", FIREFOX, b"en")
SEGMENT_BYTES = 1 << 20


class TroubledStore(MemoryClickStore):
    """A store that is away when told to be; `counts_first`: its answer alone is lost."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.trouble: Exception | None = None
        self.counts_first = False
        self.moved_clock = clock
        self.calls = 0
        self.called = asyncio.Event()
        self.counted = asyncio.Event()

    async def add(self, batch: ClickBatch) -> bool:
        self.calls += 1
        self.called.set()
        self.moved_clock.advance(1_000)
        if self.trouble is None:
            self.counted.set()
            return await super().add(batch)
        if self.counts_first:
            await super().add(batch)
        raise self.trouble


class Node:
    """A spool folder with its reader, a store and a shipper between them."""

    def __init__(self, folder: Path, max_records: int = 50_000) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.store = TroubledStore(self.clock)
        self.reader = SpoolReader(str(folder))
        self.shipper = Shipper(self.reader, self.store, self.clock, max_records)

    def writer(self, worker: int = 0) -> SpoolWriter:
        return SpoolWriter(str(self.folder), worker, segment_bytes=SEGMENT_BYTES)

    def segments(self) -> list[Path]:
        return sorted(self.folder.glob("*.seg"))

    async def total(self) -> int:
        return sum((await self.store.service_totals()).values())


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path)
    yield node
    node.reader.close()


def click(writer: SpoolWriter, times: int = 1, code: bytes = b"abcdefg", now_ms: int = NOON_MS) -> None:
    for _ in range(times):
        assert writer.record(now_ms, b"", code, 0, 0, SOMEBODY)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def test_what_is_spooled_is_counted_once(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        click(writer, 3)
        assert not await node.shipper.ship()
        assert not await node.shipper.ship()
        click(writer, 2)
        assert not await node.shipper.ship()
        assert await node.store.totals([LinkKey("", "abcdefg")]) == {LinkKey("", "abcdefg"): {HUMAN: 5}}
        assert await node.store.watermarks() == {writer.epoch: 5}
        writer.close()

    run(test)


def test_every_worker_is_counted(node: Node) -> None:
    async def test() -> None:
        writers = [node.writer(worker) for worker in range(3)]
        for clicks, writer in enumerate(writers, start=1):
            click(writer, clicks)
        await node.shipper.ship()
        assert await node.store.watermarks() == {writer.epoch: n for n, writer in enumerate(writers, start=1)}
        for writer in writers:
            writer.close()

    run(test)


def test_clicks_count_in_the_hour_of_the_click(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        click(writer, now_ms=NOON_MS - 1)
        click(writer, 2, now_ms=NOON_MS)
        node.clock.advance(5 * HOUR_MS)
        await node.shipper.ship()
        series = await node.store.series(None, NOON_MS - HOUR_MS, NOON_MS + HOUR_MS)
        assert [point.clicks for point in series.points] == [{HUMAN: 1}, {HUMAN: 2}]
        writer.close()

    run(test)


def test_a_full_round_says_that_more_may_wait(tmp_path: Path) -> None:
    async def test() -> None:
        node = Node(tmp_path, max_records=10)
        writer = node.writer()
        click(writer, 25)
        assert [await node.shipper.ship() for _ in range(3)] == [True, True, False]
        assert await node.total() == 25
        writer.close()
        node.reader.close()

    run(test)


def test_a_new_shipper_goes_on_where_the_last_one_stopped(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        click(writer, 3)
        await node.shipper.ship()
        click(writer, 2)
        await Shipper(node.reader, node.store, node.clock).ship()
        assert await node.total() == 5
        writer.close()

    run(test)


@pytest.mark.parametrize("counts_first", [False, True], ids=["before-counting", "answer-lost"])
def test_trouble_loses_and_doubles_nothing(node: Node, counts_first: bool) -> None:
    async def test() -> None:
        writer = node.writer()
        click(writer, 3)
        node.store.trouble, node.store.counts_first = StoreUnavailable("away"), counts_first
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await node.shipper.ship()
            if counts_first:
                break
        node.store.trouble = None
        click(writer)
        assert not await node.shipper.ship()
        assert await node.total() == 4
        writer.close()

    run(test)


def test_the_age_of_what_waits_grows_until_it_is_counted(node: Node) -> None:
    def waiting() -> float | None:
        return REGISTRY.get_sample_value("edge302_clicks_waiting_seconds")

    async def test() -> None:
        writer = node.writer()
        click(writer, now_ms=node.clock.now_ms())
        node.store.trouble = StoreUnavailable("away")
        stopping = asyncio.Event()
        running = asyncio.create_task(node.shipper.run(stopping))
        await node.store.called.wait()
        stopping.set()
        await running
        assert waiting() == 1.0  # the time that a call of this store takes
        node.store.trouble = None
        await node.shipper.ship()
        assert waiting() == 0.0
        writer.close()

    run(test)


def test_one_epoch_in_trouble_does_not_hold_up_the_memory_of_others(node: Node) -> None:
    """What one epoch was counted to is not forgotten because another's batch failed: the store knows."""

    async def test() -> None:
        first, second = node.writer(0), node.writer(1)
        click(first, 1)
        click(second, 2)
        node.store.trouble = StoreUnavailable("away")
        with pytest.raises(StoreUnavailable):
            await node.shipper.ship()
        node.store.trouble = None
        assert not await node.shipper.ship()
        assert await node.total() == 3
        first.close()
        second.close()

    run(test)


def test_clicks_counted_behind_its_back_are_not_counted_again(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        writer = node.writer()
        await node.shipper.ship()  # knows now that nothing is counted
        click(writer, 3)
        assert await node.store.add(ClickBatch(writer.epoch, 0, 2, {count_key("abcdefg"): 2}))
        assert await node.shipper.ship()
        assert "did not know of" in caplog.text
        assert not await node.shipper.ship()
        assert await node.total() == 3
        writer.close()

    run(test)


def test_counted_segments_of_a_finished_worker_are_freed(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        click(writer, 3)
        writer.close()
        assert node.segments()
        assert await node.shipper.drain(5)
        assert node.segments() == []
        assert await node.total() == 3

    run(test)


def test_nothing_is_freed_while_the_store_is_away(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        click(writer, 3)
        writer.close()
        node.store.trouble = StoreUnavailable("away")
        for _ in range(3):
            node.clock.advance(DAY_MS)
            with pytest.raises(StoreUnavailable):
                await node.shipper.ship()
        assert node.segments()

    run(test)


def test_draining_gives_up_when_its_time_is_over(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        click(writer, 3)
        node.store.trouble = StoreUnavailable("away")
        assert not await node.shipper.drain(2)  # each call of this store takes a second
        assert node.store.calls == 2
        writer.close()

    run(test)


def test_draining_takes_what_comes_until_a_round_is_not_full(tmp_path: Path) -> None:
    async def test() -> None:
        node = Node(tmp_path, max_records=10)
        writer = node.writer()
        click(writer, 35)
        assert await node.shipper.drain(60)
        assert await node.total() == 35
        writer.close()
        node.reader.close()

    run(test)


def test_a_watermark_is_forgotten_a_day_after_its_segments(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        click(writer, 3)
        writer.close()
        await node.shipper.drain(5)
        assert len(await node.store.watermarks()) == 1
        node.clock.advance(DAY_MS - HOUR_MS)
        await node.shipper.ship()
        assert len(await node.store.watermarks()) == 1
        node.clock.advance(HOUR_MS + 5_000)
        await node.shipper.ship()
        assert await node.store.watermarks() == {}
        assert await node.total() == 3

    run(test)


def test_a_watermark_is_kept_while_there_are_segments(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        click(writer, 3)
        for _ in range(3):
            node.clock.advance(2 * DAY_MS)
            await node.shipper.ship()
        assert await node.store.watermarks() == {writer.epoch: 3}
        click(writer)
        await node.shipper.ship()
        assert await node.total() == 4
        writer.close()

    run(test)


def test_clicks_that_a_power_cut_took_are_counted_as_dropped(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        for code in (b"first-alias", b"second-alias", b"third-alias"):
            click(writer, code=code)
        writer.close()
        (segment,) = node.segments()
        raw = bytearray(segment.read_bytes())
        raw[raw.index(b"second-alias")] ^= 1
        segment.write_bytes(raw)
        await node.shipper.ship()
        assert await node.total() == 2
        assert await node.store.dropped() == {"power": 1}

    run(test)


def test_a_damaged_segment_is_told_once_and_its_gap_counted(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        writer = node.writer()
        while len(node.segments()) < 3:
            click(writer)
        writer.close()
        first = node.segments()[0]
        raw = bytearray(first.read_bytes())
        raw[0] ^= 1
        first.write_bytes(raw)
        for _ in range(2):
            node.clock.advance(5_000)
            await node.shipper.ship()
        assert caplog.text.count("is damaged and was set aside") == 1
        assert first.stem in caplog.text
        lost = (await node.store.dropped())["power"]
        assert lost > 0
        assert await node.total() + lost == writer.spooled

    run(test)


def test_running_ends_when_told_and_has_shipped_until_then(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        stopping = asyncio.Event()
        running = asyncio.create_task(node.shipper.run(stopping))
        click(writer, 3)
        async with asyncio.timeout(5):
            await node.store.counted.wait()
            stopping.set()
            await running
        assert await node.total() == 3
        writer.close()

    run(test)


def test_running_outlasts_trouble(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        click(writer, 3)
        node.store.trouble = StoreUnavailable("away")
        stopping = asyncio.Event()
        running = asyncio.create_task(node.shipper.run(stopping))
        async with asyncio.timeout(5):
            await node.store.called.wait()
            node.store.trouble = None
            await node.store.counted.wait()
            stopping.set()
            await running
        assert await node.total() == 3
        writer.close()

    run(test)


def test_a_damaged_store_ends_the_run(node: Node) -> None:
    async def test() -> None:
        writer = node.writer()
        click(writer)
        node.store.trouble = StoreCorrupt("clicks.db: damaged")
        with pytest.raises(StoreCorrupt):
            await node.shipper.run(asyncio.Event())
        writer.close()

    run(test)
