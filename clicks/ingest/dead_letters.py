"""The topic for events that can't be stored: each as it came, as far as it has room, and why."""

from collections.abc import Sequence
from typing import Final

from clicks.ingest.block import Refused
from clicks.sinks.kafka_client import KafkaClients, Producer, TopicPartition

# Of a reason, which may repeat what somebody sent.
MAX_REASON: Final = 1_000
# Of the event: half of what brokers take by default. Another producer's may be larger, and have come because it was
# compressed; refused as a dead letter, it would hold up its partition for ever. A click of ours is far shorter.
MAX_VALUE: Final = 512 << 10


class DeadLetters:
    """Appends to `<topic>.dead`. The same event may come there more than once: its key says where it came from."""

    def __init__(self, clients: KafkaClients, topic: str) -> None:
        """`topic`: that of dead letters; it exists."""
        self._clients = clients
        self._topic = topic
        self._producer: Producer | None = None  # few ever need one

    async def add(self, place: TopicPartition, refused: Sequence[Refused]) -> None:
        """Returns when all in-sync replicas have them. StoreUnavailable: some may be missing; add all of them again."""
        with self._clients.translated():
            producer = await self._started()
            sent = [
                await producer.send(
                    self._topic,
                    one.value and one.value[:MAX_VALUE],
                    f"{place.topic}/{place.partition}/{one.offset}".encode(),
                    headers=headers(place, one),
                )
                for one in refused
            ]
            for answer in sent:
                await answer

    async def close(self) -> None:
        """May be called twice."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.abandon()  # whoever awaited an answer has it, or sends again

    async def _started(self) -> Producer:
        if self._producer is None:
            producer = self._clients.producer(None)
            try:
                await producer.start()
            except BaseException:
                await producer.abandon()
                raise
            self._producer = producer
        return self._producer


def headers(place: TopicPartition, refused: Refused) -> list[tuple[str, bytes]]:
    """What stands beside a dead letter."""
    return [
        ("reason", refused.kind.encode()),
        ("detail", refused.reason[:MAX_REASON].encode(errors="replace")),
        ("topic", place.topic.encode()),
        ("partition", str(place.partition).encode()),
        ("offset", str(refused.offset).encode()),
        ("bytes", str(len(refused.value or b"")).encode()),
    ]
