"""What readers of committed clicks meet in a topic of Kafka: how many clicks, and whether any came twice."""

import asyncio
from typing import Final

import msgspec

from clicks.sinks.kafka_client import KafkaClients, TopicPartition
from shortlink.settings import Settings

NOTHING_MORE_MS: Final = 500


class _Click(msgspec.Struct, frozen=True):
    """What names a click of ClickEvent, and how many it stands for."""

    epoch: str
    seq: int
    clicks: int


_decode: Final = msgspec.json.Decoder(_Click).decode


class Topic:
    """A topic, read on with each call.

    Attributes:
        clicks: met so far.
        twice: events met whose epoch and seq had been met before.
    """

    def __init__(self, broker: str, name: str = "clicks") -> None:
        self._clients = KafkaClients(Settings(kafka_bootstrap_servers=(broker,)))
        self._name = name
        self._at: dict[TopicPartition, int] = {}
        self._met: dict[str, bytearray] = {}  # by epoch and seq: a byte each is less than any set of them takes
        self.clicks = 0
        self.twice = 0

    def read_on(self) -> int:
        """Read what has come since; the clicks met so far. StoreUnavailable, TimeoutError: Kafka does not answer."""
        asyncio.run(self._read_on())
        return self.clicks

    async def _read_on(self) -> None:
        partitions = await self._clients.partitions_of(self._name)
        if not partitions:
            return
        consumer = self._clients.consumer()
        await consumer.start()
        try:
            places = [TopicPartition(self._name, number) for number in range(partitions)]
            consumer.assign(places)
            for place in places:
                consumer.seek(place, self._at.get(place, 0))
            while found := await consumer.getmany(timeout_ms=NOTHING_MORE_MS):
                for records in found.values():
                    for record in records:
                        self._take(_decode(record.value))
            self._at = {place: await consumer.position(place) for place in places}
        finally:
            await consumer.stop()

    def _take(self, click: _Click) -> None:
        met = self._met.setdefault(click.epoch, bytearray())
        met.extend(bytes(max(0, click.seq + 1 - len(met))))
        self.twice += met[click.seq]
        met[click.seq] = 1
        self.clicks += click.clicks
