"""A spool with clicks in it, its way to Kafka, and what readers of committed messages find there."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from clicks.events.describing import Describer
from clicks.events.event import ClickEvent
from clicks.events.places import Places
from clicks.events.utm import UtmTags
from clicks.sinks.contract import DescribedBatch
from clicks.sinks.kafka import KafkaSink
from clicks.sinks.kafka_client import KafkaClients
from devstack.kafka import Kafka
from redirect_core import SpoolReader, SpoolWriter, Visitor
from shortlink.clock import Clock, SystemClock
from shortlink.settings import Settings
from shortlink.stores.memory import MemoryLinkStore

FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
SOMEBODY = Visitor(b"\xc0\x00\x02\x01", b"https://news.example.com/a", FIREFOX, b"en")
NODE = "node-1"


class Spool:
    """The spool of a node, in which workers click and from which batches are read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reader = SpoolReader(str(folder))
        clock = SystemClock()
        self.describer = Describer(NODE, Places(None, clock), UtmTags(MemoryLinkStore(clock), clock))

    def writer(self, worker: int = 0, segment_bytes: int = 1 << 20) -> SpoolWriter:
        return SpoolWriter(str(self.folder), worker, segment_bytes=segment_bytes)

    async def batches(self, watermarks: dict[bytes, int], max_records: int = 20_000) -> list[DescribedBatch]:
        return await self.describer.describe(self.reader.read_events(watermarks, max_records))

    async def ship(self, sink: KafkaSink, max_records: int = 20_000) -> bool:
        """One round."""
        return await sink.add(await self.batches(await sink.watermarks(), max_records))


def click(writer: SpoolWriter, times: int = 1, code: bytes = b"abcdefg") -> None:
    now_ms = SystemClock().now_ms()
    for _ in range(times):
        assert writer.record(now_ms, b"", code, 0, 0, SOMEBODY)


def settings_of(server: Kafka) -> Settings:
    return Settings(kafka_bootstrap_servers=(server.address,))


def sink_of(server: Kafka, topic: str, clock: Clock | None = None, partitions: int = 3) -> KafkaSink:
    clients = KafkaClients(settings_of(server))
    return KafkaSink(clients, topic=topic, partitions=partitions, node=NODE, clock=clock or SystemClock())


async def records_in(server: Kafka, topic: str) -> list[Any]:
    """All committed messages, in order within each partition."""
    consumer = KafkaClients(settings_of(server)).consumer(topic)
    await consumer.start()
    try:
        found = []
        ends = await consumer.end_offsets(sorted(consumer.assignment()))
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
        return found
    finally:
        await consumer.stop()


async def events_in(server: Kafka, topic: str) -> list[ClickEvent]:
    return [msgspec.json.decode(record.value, type=ClickEvent) for record in await records_in(server, topic)]


def seqs(events: Sequence[ClickEvent]) -> dict[str, list[int]]:
    """By epoch, in the order of the messages."""
    found: dict[str, list[int]] = defaultdict(list)
    for event in events:
        found[event.epoch.replace("-", "")].append(event.seq)
    return found


async def poll(true: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until `true()` is."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
