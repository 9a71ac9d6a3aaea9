"""A partition as Kafka's consumer group gives it to a member."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from clicks.ingest import metrics
from clicks.ingest.block import Record, Refused
from clicks.ingest.contract import Committed, NoLongerOurs
from clicks.ingest.dead_letters import DeadLetters
from clicks.sinks.kafka_client import CommitFailedError, Consumer, KafkaClients, OffsetAndMetadata, TopicPartition
from shortlink.errors import StoreUnavailable

# Less than between two looks, so that a broker that hangs holds up nothing else.
LOOK_SECONDS: Final = 0.5

_log: Final = logging.getLogger(__name__)


class KafkaStream:
    """The Stream of one partition, from the moment on at which the group gave it to `consumer`."""

    def __init__(
        self, clients: KafkaClients, consumer: Consumer, group: str, place: TopicPartition, dead: DeadLetters
    ) -> None:
        self.topic: str = place.topic
        self.partition: int = place.partition
        self.position = 0
        self._first = self._end = 0
        self._clients = clients
        self._consumer = consumer
        self._group = group
        self._place = place
        self._dead = dead
        self._generation = consumer.generation

    async def committed(self) -> Committed:
        with self._clients.translated():
            found = (await self._clients.committed(self._group, [self._place])).get(self._place)
            self._first = (await self._consumer.beginning_offsets([self._place]))[self._place]
            self._end = (await self._consumer.end_offsets([self._place]))[self._place]
        if found is None or found.offset < 0:
            return Committed(self._first, "")
        if found.offset > self._end:
            self._tell_lost(
                found.offset, "Kafka has fewer clicks than were read; someone deleted the topic, or lost it"
            )
            return Committed(self._first, "")
        if found.offset < self._first:
            self._tell_lost(
                found.offset,
                "Kafka dropped clicks before they were in ClickHouse; let the topic keep them longer (retention.ms)",
            )
        return Committed(found.offset, found.metadata)

    def seek(self, offset: int) -> None:
        """To the first that Kafka has, where it has dropped some."""
        self._check_ours()
        self.position = max(offset, self._first)
        self._consumer.seek(self._place, self.position)

    async def read(self, max_records: int, timeout_ms: int) -> Sequence[Record]:
        with self._clients.translated():
            self._check_ours()
            read = await self._consumer.getmany(self._place, timeout_ms=timeout_ms, max_records=max_records)
            self._check_ours()
            self.position = await self._consumer.position(self._place)
        records: Sequence[Record] = read.get(self._place, ())
        return records

    async def commit(self, offset: int, metadata: str = "") -> None:
        """Looked at before, because a client that is no member commits to a group without members, unhindered."""
        self._check_ours()
        try:
            with self._clients.translated():
                await self._consumer.commit({self._place: OffsetAndMetadata(offset, metadata)})
        except CommitFailedError as exc:
            raise NoLongerOurs(f"partition {self.partition} of {self.topic} was given to another member") from exc
        self._check_ours()

    async def add_dead(self, refused: Sequence[Refused]) -> None:
        await self._dead.add(self._place, refused)

    async def look(self) -> None:
        """Ask how far the partition goes, which nobody says while nothing is read. Leaves it as it was known."""
        with suppress(StoreUnavailable), self._clients.translated():
            async with asyncio.timeout(LOOK_SECONDS):
                self._end = (await self._consumer.end_offsets([self._place]))[self._place]

    def waiting(self, since: int) -> int:
        end = max(self._end, self._consumer.last_stable_offset(self._place) or 0) if self._is_ours() else 0
        return max(0, end - since)

    def _tell_lost(self, offset: int, told: str) -> None:
        metrics.ERRORS.labels("lost-offsets").inc()
        where = {"topic": self.topic, "partition": self.partition, "from": offset, "to": self._first}
        _log.error("%s", told, extra=where)

    def _check_ours(self) -> None:
        if not self._is_ours():
            raise NoLongerOurs(f"partition {self.partition} of {self.topic} is no longer this member's")

    def _is_ours(self) -> bool:
        return self._consumer.generation == self._generation and self._place in self._consumer.assignment()
