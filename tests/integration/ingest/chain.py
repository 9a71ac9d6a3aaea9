"""Kafka, ingest and ClickHouse, on a topic and a database of a test's own."""

import asyncio
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from clicks.events.event import ClickEvent
from clicks.ingest.contract import Table
from clicks.ingest.table import ClickHouseTable
from clicks.ingest.worker import Worker, group_of
from clicks.sinks.kafka_client import KafkaClients, OffsetAndMetadata, TopicPartition
from clicks.stores.clickhouse_database import ClickHouseDatabase
from clicks.stores.clickhouse_schema import prepare
from shortlink.clock import SystemClock
from shortlink.settings import Settings
from tests.store_contract.events.samples import event

# What is added up from clicks as they arrive.
ADDED_UP: Final = ("link_quarter", "link_day", "domain_quarter")


class Epoch:
    """One start of a worker, which makes clicks."""

    def __init__(self) -> None:
        self.name = str(uuid.UUID(bytes=secrets.token_bytes(16)))
        self.clicks = 0

    def next(self, **fields: object) -> ClickEvent:
        """The next click, on one of 50 links."""
        self.clicks += 1
        code = f"code{self.clicks * 7_919 % 50:03}"
        return event(self.clicks, **({"epoch": self.name, "code": code, "time": time.time_ns() // 1_000_000} | fields))

    def some(self, count: int) -> list[ClickEvent]:
        return [self.next() for _ in range(count)]


class Chain:
    """The topic and the database, and what is in them."""

    def __init__(self, settings: Settings) -> None:
        assert settings.clickhouse_url is not None
        self.settings = settings
        self.topic = settings.kafka_topic
        self.clients = KafkaClients(settings)
        self.database = ClickHouseDatabase(settings.clickhouse_url, timeout_ms=settings.clickhouse_timeout_ms)
        self.table = ClickHouseTable(self.database)

    async def open(self) -> None:
        await self.clients.make_topics({self.topic: self.settings.kafka_partitions, f"{self.topic}.dead": 1}, {})
        await prepare(self.database, self.settings.events_kept_days)

    async def produce(self, clicks: Iterable[ClickEvent]) -> None:
        """In one transaction, as the shipper does."""
        await self.produce_values((click.code.encode(), msgspec.json.encode(click)) for click in clicks)

    async def produce_values(self, records: Iterable[tuple[bytes, bytes | None]]) -> None:
        producer = self.clients.producer(f"test-{self.topic}")
        await producer.start()
        try:
            async with producer.transaction():
                for code, value in records:
                    await producer.send(self.topic, value, code)
        finally:
            await producer.stop()

    async def stored(self) -> dict[str, list[int]]:
        """Seqs in ClickHouse by epoch, sorted; what is there twice stands there twice."""
        sql = "SELECT toString(epoch), arraySort(groupArray(seq)) FROM click_event GROUP BY 1"
        found = await self.database.rows(sql)
        return {epoch: list(seqs) for epoch, seqs in found}

    async def count(self) -> int:
        return int((await self.database.rows("SELECT count() FROM click_event"))[0][0])

    async def added_up(self) -> set[int]:
        """Clicks in each table of sums: one number when they agree."""
        sums = [await self.database.rows(f"SELECT sum(clicks) FROM {table}") for table in ADDED_UP]
        return {int(found[0][0]) for found in sums}

    async def until_stored(self, clicks: int, seconds: float = 60) -> None:
        """Wait until there are as many clicks in ClickHouse, and ingest has said in Kafka that it is at the end."""
        deadline = time.monotonic() + seconds
        while await self.count() < clicks or not await self.is_at_end():
            assert time.monotonic() < deadline, f"{await self.count()} of {clicks} clicks"
            await asyncio.sleep(0.05)

    async def is_at_end(self) -> bool:
        """True when nothing waits and no block is under way; Kafka's own record ends each transaction."""
        committed, ends = await self.committed(), await self.ends()
        return all(
            end == 0 or (committed[place].offset >= end - 1 and not committed[place].metadata)
            for place, end in ends.items()
        )

    async def until_more_than(self, clicks: int, seconds: float = 60) -> None:
        """Wait until there are more clicks in ClickHouse."""
        deadline = time.monotonic() + seconds
        while await self.count() <= clicks:
            assert time.monotonic() < deadline, f"{await self.count()} clicks"
            await asyncio.sleep(0.05)

    async def committed(self) -> dict[TopicPartition, OffsetAndMetadata]:
        return await self.clients.committed(group_of(self.topic), self._places)

    async def ends(self) -> dict[TopicPartition, int]:
        consumer = self.clients.consumer()
        await consumer.start()
        try:
            return dict(await consumer.end_offsets(self._places))
        finally:
            await consumer.stop()

    @property
    def _places(self) -> list[TopicPartition]:
        return [TopicPartition(self.topic, number) for number in range(self.settings.kafka_partitions)]

    async def set_group(self, offset: int) -> None:
        """To an offset in each partition, as an operator does with Kafka's own tool, while no worker runs."""
        consumer = self.clients.consumer(group=group_of(self.topic))
        await consumer.start()
        consumer.assign(self._places)
        await consumer.commit({place: OffsetAndMetadata(offset, "") for place in self._places})
        await consumer.stop()

    async def dead_letters(self) -> Sequence[tuple[bytes, bytes | None, dict[str, bytes]]]:
        """Key, value and headers of each."""
        consumer = self.clients.consumer(f"{self.topic}.dead")
        await consumer.start()
        try:
            place = TopicPartition(f"{self.topic}.dead", 0)
            end = (await consumer.end_offsets([place]))[place]
            found: list[tuple[bytes, bytes | None, dict[str, bytes]]] = []
            while end > await consumer.position(place):
                records = (await consumer.getmany(timeout_ms=1_000)).get(place, ())
                found += [(record.key, record.value, dict(record.headers)) for record in records]
            return found
        finally:
            await consumer.stop()

    @asynccontextmanager
    async def load(self, epoch: Epoch, clicks: int = 400) -> AsyncIterator[None]:
        """Transactions of so many clicks, one after another, until the block is left."""
        stopping = asyncio.Event()

        async def keep_producing() -> None:
            while not stopping.is_set():
                await self.produce(epoch.some(clicks))

        producing = asyncio.create_task(keep_producing())
        try:
            yield
        finally:
            stopping.set()
            await producing

    @asynccontextmanager
    async def worker(self, table: Table | None = None) -> AsyncIterator[asyncio.Task[None]]:
        """A worker in this process, until the block is left. `table`: instead of the database's own."""
        stopping = asyncio.Event()
        worker = Worker(self.settings, table or self.table, SystemClock(), member=secrets.token_hex(4))
        running = asyncio.create_task(worker.run(stopping))
        try:
            yield running
        finally:
            stopping.set()
            await asyncio.wait([running])
        if not running.cancelled():
            await running


def settings_of(kafka: str, topic: str, clickhouse_url: str, *, partitions: int = 3, block_ms: int = 50) -> Settings:
    """Small blocks, so that there are many of them."""
    return Settings(
        data=Path("unused"),
        kafka_bootstrap_servers=(kafka,),
        kafka_topic=topic,
        kafka_partitions=partitions,
        clickhouse_url=clickhouse_url,
        ingest_block_rows=1_000,
        ingest_block_ms=block_ms,
    )


@asynccontextmanager
async def chain_of(settings: Settings) -> AsyncIterator[Chain]:
    """Opened, and closed at the end."""
    chain = Chain(settings)
    await chain.open()
    try:
        yield chain
    finally:
        await chain.database.close()
