"""Kafka killed, frozen and back, under a shipper: nothing is lost or doubled, and nothing waits for it but events."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from clicks.shipper import Shipper
from clicks.stores.memory import MemoryClickStore
from devstack.kafka import Kafka
from shortlink.clock import SystemClock
from tests.integration.kafka.spooled import Spool, click, events_in, seqs, sink_of
from tests.servers import kafka_in

pytestmark = pytest.mark.slow


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Kafka]:
    yield from kafka_in(tmp_path / "kafka")


class Shipping:
    """A shipper from a spool to a memory store and to Kafka, while a worker clicks."""

    def __init__(self, spool: Spool, server: Kafka, topic: str) -> None:
        clock = SystemClock()
        self.spool = spool
        self.writer = spool.writer()
        self.store = MemoryClickStore(clock)
        self.sink = sink_of(server, topic)
        self.shipper = Shipper(spool.reader, self.store, clock, sinks=[self.sink], describer=spool.describer)

    async def counted(self, clicks: int) -> None:
        """Wait until so many are counted."""
        async with asyncio.timeout(20):
            while sum((await self.store.service_totals()).values()) < clicks:  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    async def shipped(self, seq: int) -> None:
        """Wait until the sink has come so far."""
        (events,) = self.shipper._events
        async with asyncio.timeout(60):
            while events.passed.get(self.writer.epoch, 0) < seq:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("trouble", ["kill", "pause"])
def test_kafka_may_go_and_come_back(own_kafka: Kafka, kafka_topic: str, spool: Spool, trouble: str) -> None:
    async def test() -> None:
        node = Shipping(spool, own_kafka, kafka_topic)
        stopping = asyncio.Event()
        running = asyncio.create_task(node.shipper.run(stopping))
        click(node.writer, 1_000)
        await node.shipped(1_000)
        (own_kafka.kill if trouble == "kill" else own_kafka.pause)()
        for clicks in (2_000, 3_000):
            click(node.writer, 1_000)
            await node.counted(clicks)
        await asyncio.to_thread(own_kafka.start if trouble == "kill" else own_kafka.resume)
        await node.shipped(3_000)
        click(node.writer, 10)
        stopping.set()
        await running
        node.writer.close()
        assert await node.shipper.drain(20)
        await node.sink.close()
        assert seqs(await events_in(own_kafka, kafka_topic)) == {node.writer.epoch.hex(): list(range(1, 3_011))}
        assert list(spool.folder.glob("*.seg")) == []

    asyncio.run(test())


def test_a_frozen_kafka_does_not_hold_up_the_end(own_kafka: Kafka, kafka_topic: str, spool: Spool) -> None:
    """What did not get there waits in the spool, and the next shipper brings it."""

    async def test() -> None:
        node = Shipping(spool, own_kafka, kafka_topic)
        stopping = asyncio.Event()
        running = asyncio.create_task(node.shipper.run(stopping))
        click(node.writer, 1_000)
        await node.shipped(1_000)
        own_kafka.pause()
        click(node.writer, 1_000)
        await node.counted(2_000)
        stopping.set()
        async with asyncio.timeout(10):
            await running
            assert await node.shipper.drain(1)
            await node.sink.close()
        node.writer.close()
        own_kafka.resume()
        again = sink_of(own_kafka, kafka_topic)
        while await spool.batches(await again.watermarks()):
            assert await spool.ship(again)
        await again.close()
        assert seqs(await events_in(own_kafka, kafka_topic)) == {node.writer.epoch.hex(): list(range(1, 2_001))}

    asyncio.run(test())
