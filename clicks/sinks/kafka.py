"""Publishes clicks to Kafka, in transactions that carry their watermarks."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from clicks.sinks.contract import DescribedBatch, SinkTakenOver
from clicks.sinks.kafka_batches import Builder, build
from clicks.sinks.kafka_client import KafkaClients, Producer, TopicPartition
from clicks.sinks.kafka_watermarks import TOPIC_CONFIG, NodeRecords, Publisher, Watermark
from shortlink.clock import Clock

# For one transaction, or one beginning: as long as the brokers leave a transaction open.
ROUND_SECONDS: Final = 20.0
# What this process wrote is read only when older transactions of others have ended.
READ_AGAIN_SECONDS: Final = 0.1

_encode: Final = msgspec.json.Encoder().encode


class KafkaSink:
    """An EventSink. Whoever reads committed messages alone meets each click once, whatever fails at any moment.

    One process publishes for a node: who begins ends the work of the one before, and learns from the topic of
    watermarks how far that came. After a call that failed nobody knows what the brokers did, so the producer is
    dropped, and the next call begins anew.

    Args:
        clients: of the cluster.
        topic: of clicks; it and that of watermarks are made where they are missing.
        partitions: of the topic of clicks, when it is made.
        node: names this node.
        clock: tells when a watermark was written.
    """

    name = "kafka"

    def __init__(self, clients: KafkaClients, *, topic: str, partitions: int, node: str, clock: Clock) -> None:
        self._clients = clients
        self._topic = topic
        self._marks = TopicPartition(f"{topic}.watermarks", 0)
        self._topics = {topic: partitions, self._marks.topic: 1}
        self._node = node
        self._clock = clock
        self._publisher = Publisher(secrets.token_hex(16))
        self._has_published = False
        self._producer: Producer | None = None
        self._known = NodeRecords(node)  # as of the producer's beginning and its transactions since

    async def open(self) -> None:
        """As the contract says; connects and begins."""
        await self._begun()

    async def close(self) -> None:
        """As the contract says; a transaction under way comes to nothing."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.abandon()

    async def watermarks(self) -> dict[bytes, int]:
        await self._begun()
        return {epoch: held.seq for epoch, held in self._known.watermarks.items()}

    async def add(self, batches: Sequence[DescribedBatch]) -> bool:
        reached = await self.watermarks()
        if any(reached.get(batch.epoch, 0) != batch.after_seq for batch, *_ in batches):
            return False
        now_ms = self._clock.now_ms()
        async with self._transaction() as producer:
            partitions = len(await producer.partitions_for(self._topic))
            built = await asyncio.to_thread(build, producer.create_batch, batches, partitions, now_ms)
            await _all(self._send(producer, partition, builders) for partition, builders in enumerate(built))
            await self._mark(producer, {batch.epoch: Watermark(batch.last_seq, now_ms) for batch, *_ in batches})
        return True

    async def forget_epochs(self, epochs: Sequence[bytes], now_ms: int) -> int:
        await self._begun()
        changes: dict[bytes, Watermark | None] = {**self._known.touched(epochs, now_ms)}
        forgotten = [epoch for epoch in self._known.forgettable(now_ms) if epoch not in changes]
        changes.update(dict.fromkeys(forgotten))
        if changes:
            async with self._transaction() as producer:
                await self._mark(producer, changes)
        return len(forgotten)

    async def _begun(self) -> Producer:
        if self._producer is None:
            with self._clients.translated():
                async with asyncio.timeout(ROUND_SECONDS):
                    self._producer = await self._begin()
        return self._producer

    async def _begin(self) -> Producer:
        """Take over from whoever published for this node before, and read how far that came."""
        await self._clients.make_topics(self._topics, {self._marks.topic: TOPIC_CONFIG})
        # None: the topic was deleted, and nobody has published since.
        if self._has_published and (await self._read()).publisher not in (self._publisher, None):
            raise SinkTakenOver(_TAKEN_OVER.format(node=self._node))
        producer = self._clients.producer(f"edge302-{self._topic}-{self._node}")
        try:
            await producer.start()
            await producer.begin_transaction()
            await producer.send_and_wait(*self._record(None, self._publisher))
            await producer.commit_transaction()
            self._known = await self._read_own()
        except BaseException:
            await producer.abandon()
            raise
        self._has_published = True
        return producer

    async def _read_own(self) -> NodeRecords:
        """All that was written before this process began: its own first record is behind that."""
        while (known := await self._read()).publisher != self._publisher:  # noqa: ASYNC110 (the broker tells nobody)
            await asyncio.sleep(READ_AGAIN_SECONDS)
        return known

    async def _read(self) -> NodeRecords:
        known = NodeRecords(self._node)
        async with self._clients.reading(self._marks) as consumer:
            end = (await consumer.end_offsets([self._marks]))[self._marks]
            while await consumer.position(self._marks) < end:
                for records in (await consumer.getmany(timeout_ms=1_000)).values():
                    for record in records:
                        known.take(record.key, record.value)
        return known

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Producer]:
        """All that is sent within, or nothing."""
        producer = await self._begun()
        try:
            with self._clients.translated():
                async with asyncio.timeout(ROUND_SECONDS):
                    await producer.begin_transaction()
                    yield producer
                    await producer.commit_transaction()
        except BaseException:
            await self.close()
            raise

    async def _send(self, producer: Producer, partition: int, builders: Iterable[Builder]) -> None:
        await _all([await producer.hand_over(builder, self._topic, partition) for builder in builders])

    async def _mark(self, producer: Producer, changes: Mapping[bytes, Watermark | None]) -> None:
        """Write watermarks; None: the epoch's is forgotten."""
        await _all([await producer.send(*self._record(epoch, held)) for epoch, held in changes.items()])
        self._known.change(changes)  # if the transaction fails, all that is known is read again

    def _record(self, epoch: bytes | None, value: Watermark | Publisher | None) -> tuple[str, bytes | None, bytes, int]:
        """Topic, value, key and partition, in the driver's order."""
        return self._marks.topic, None if value is None else _encode(value), self._known.key(epoch), 0


async def _all(answers: Iterable[Awaitable[object]]) -> None:
    """Wait for all, and raise the first error: a transaction that lacks one of them must not be committed."""
    for told in await asyncio.gather(*answers, return_exceptions=True):
        if isinstance(told, BaseException):
            raise told


_TAKEN_OVER: Final = (
    "another shipper publishes to Kafka as node {node} by now, so this one has stopped to; no two data folders may have"
    " the same node.id: delete that file and what is in spool/ of the copy, and restart it"
)
