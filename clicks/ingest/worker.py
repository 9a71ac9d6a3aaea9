"""One ingest worker: joins the group, and joins it anew after trouble with Kafka."""

import asyncio
import contextlib
import logging
from typing import Final

from clicks.ingest import metrics
from clicks.ingest.contract import Table
from clicks.ingest.dead_letters import DeadLetters
from clicks.ingest.member import Partitions, take_part
from clicks.ingest.partition import PartitionIngest
from clicks.ingest.patience import FIRST_SECONDS, MAX_SECONDS, Patience
from clicks.ingest.stream import KafkaStream
from clicks.ingest.turns import Turns
from clicks.sinks.kafka_client import Consumer, KafkaClients
from shortlink.clock import Clock
from shortlink.errors import StoreUnavailable
from shortlink.settings import Settings

# The group waits so long for a member that was killed before others get its partitions.
SESSION_MS: Final = 10_000
HEARTBEAT_MS: Final = 1_000
# Of one answer, over all partitions of a broker.
FETCH_BYTES: Final = 16 << 20
PARTITION_FETCH_BYTES: Final = 4 << 20
# While ClickHouse is away nothing is read, and the member is none the worse for it: its heartbeats tell that it lives.
NEVER_MS: Final = (1 << 31) - 1
DEAD_LETTERS_KEPT_MS: Final = 30 * 24 * 3_600_000

_log: Final = logging.getLogger(__name__)


class Worker:
    """Carries clicks from Kafka into ClickHouse, side by side with the other workers of the group."""

    def __init__(self, settings: Settings, table: Table, clock: Clock, *, member: str) -> None:
        """`member`: a name that no other worker has; with it, one that was killed has its partitions at once again."""
        self._clients = KafkaClients(settings)
        self._table = table
        self._clock = clock
        self._settings = settings
        self._topic = settings.kafka_topic
        self._member = member
        self._patience = Patience()
        self._turns = Turns()

    async def run(self, stopping: asyncio.Event) -> None:
        """Ingest until `stopping` is set. What waits stays in Kafka."""
        pause = FIRST_SECONDS
        while not stopping.is_set():
            started = self._clock.monotonic()
            try:
                await self._take_part(stopping)
            except StoreUnavailable as exc:
                metrics.ERRORS.labels("kafka").inc()
                _log.warning("clicks wait in Kafka: %s", exc)
                healthy = self._clock.monotonic() - started > MAX_SECONDS
                pause = FIRST_SECONDS if healthy else min(2 * pause, MAX_SECONDS)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), pause)

    async def _take_part(self, stopping: asyncio.Event) -> None:
        dead_topic = f"{self._topic}.dead"
        await self._clients.make_topics(
            {self._topic: self._settings.kafka_partitions, dead_topic: 1},
            {dead_topic: {"retention.ms": str(DEAD_LETTERS_KEPT_MS)}},
        )
        dead = DeadLetters(self._clients, dead_topic)
        consumer = self._consumer()
        partitions = Partitions(
            lambda place: KafkaStream(self._clients, consumer, group_of(self._topic), place, dead), self._ingest
        )
        try:
            with self._clients.translated():
                await take_part(consumer, self._topic, partitions, stopping)
        finally:
            await dead.close()

    def _ingest(self, stream: KafkaStream) -> PartitionIngest:
        return PartitionIngest(
            stream,
            self._table,
            self._clock,
            self._patience,
            self._turns,
            block_rows=self._settings.ingest_block_rows,
            block_ms=self._settings.ingest_block_ms,
        )

    def _consumer(self) -> Consumer:
        return self._clients.consumer(
            group=group_of(self._topic),
            group_instance_id=self._member,
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=HEARTBEAT_MS,
            max_poll_interval_ms=NEVER_MS,
            fetch_max_bytes=FETCH_BYTES,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
            auto_offset_reset="none",  # what Kafka has dropped is to be told, not passed over
        )


def group_of(topic: str) -> str:
    """The consumer group of all workers that ingest `topic`."""
    return f"edge302-ingest-{topic}"
