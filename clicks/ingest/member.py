"""A member of the consumer group that shares the partitions: one ingest for each that it is given."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

from clicks.ingest import metrics
from clicks.ingest.contract import NoLongerOurs
from clicks.ingest.partition import PartitionIngest
from clicks.ingest.stream import KafkaStream
from clicks.sinks.kafka_client import Consumer, ConsumerRebalanceListener, TopicPartition

# Blocks that are being written have so long to come to their end when their partition moves, or the process stops. What
# is abandoned is repeated. Well below the group's own patience with a member that is to give partitions back (10 s).
FINISH_SECONDS: Final = 5.0

_log: Final = logging.getLogger(__name__)


class Assigned:
    """One partition while it is ours."""

    def __init__(self, stream: KafkaStream, ingest: PartitionIngest, failed: "asyncio.Future[None]") -> None:
        self.stream = stream
        self.ingest = ingest
        self._failed = failed
        self._stopping = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def release(self) -> None:
        """Let a block come to its end if it can within the time, and stop."""
        self._stopping.set()
        if self.ingest.is_writing:
            await asyncio.wait([self._task], timeout=FINISH_SECONDS)
        self._task.cancel()
        await asyncio.wait([self._task])
        self._set_lag(0)  # whoever has it next tells

    async def tell_lag(self) -> None:
        await self.stream.look()
        self._set_lag(self.stream.waiting(self.ingest.stored_to))

    def _set_lag(self, offsets: int) -> None:
        metrics.LAG.labels(self.stream.topic, str(self.stream.partition)).set(offsets)

    async def _run(self) -> None:
        try:
            await self.ingest.run(self._stopping)
        except NoLongerOurs as exc:
            _log.info("%s", exc)  # the group says next what is ours now
        except Exception as exc:
            if not self._failed.done():
                self._failed.set_exception(exc)


class Partitions(ConsumerRebalanceListener):  # type: ignore[misc]
    """The partitions that are ours, as the group says."""

    def __init__(
        self, stream: Callable[[TopicPartition], KafkaStream], ingest: Callable[[KafkaStream], PartitionIngest]
    ) -> None:
        self._stream = stream
        self._ingest = ingest
        self._ours: list[Assigned] = []
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """As aiokafka calls it, when the group has a new generation."""
        for place in sorted(assigned):
            stream = self._stream(place)
            self._ours.append(Assigned(stream, self._ingest(stream), self.failed))
        _log.info("partitions are ours", extra={"partitions": [one.stream.partition for one in self._ours]})

    async def on_partitions_revoked(self, revoked: object = None) -> None:
        """As aiokafka calls it, before the partitions are given to others; all of them are taken back at once."""
        ours, self._ours = self._ours, []
        await asyncio.gather(*(one.release() for one in ours))

    async def tell_lag(self) -> None:
        await asyncio.gather(*(one.tell_lag() for one in self._ours))


async def take_part(consumer: Consumer, topic: str, partitions: Partitions, stopping: asyncio.Event) -> None:
    """Ingest what the group gives to `consumer`, which is started and stopped here, until `stopping` is set.

    Whatever else a partition's ingest raises.
    """
    try:
        await consumer.start()
        consumer.subscribe([topic], listener=partitions)
        told = asyncio.create_task(stopping.wait())
        ends: list[asyncio.Future[Any]] = [told, partitions.failed]
        try:
            while not stopping.is_set() and not partitions.failed.done():
                await asyncio.wait(ends, timeout=1, return_when=asyncio.FIRST_COMPLETED)
                await partitions.tell_lag()
        finally:
            told.cancel()
            await partitions.on_partitions_revoked()
        if partitions.failed.done():
            partitions.failed.result()
    finally:
        with contextlib.suppress(TimeoutError):  # it takes leave of the group, if that can be reached
            async with asyncio.timeout(FINISH_SECONDS):
                await consumer.leave()
