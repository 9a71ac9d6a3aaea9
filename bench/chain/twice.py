"""Puts clicks into the topic a second time, as a producer would that lost its memory."""

import asyncio
from typing import Final

from clicks.sinks.kafka_client import KafkaClients, TopicPartition
from shortlink.settings import Settings

MAX_EVENTS: Final = 5_000  # of each partition


def publish_again(broker: str, topic: str = "clicks") -> int:
    """Publish the newest clicks of each partition once more, as they are; how many."""
    return asyncio.run(_publish_again(KafkaClients(Settings(kafka_bootstrap_servers=(broker,))), topic))


async def _publish_again(clients: KafkaClients, topic: str) -> int:
    producer, published = clients.producer(None), 0
    await producer.start()
    try:
        for partition in sorted(await producer.partitions_for(topic)):
            for key, value in await _newest(clients, TopicPartition(topic, partition)):
                await producer.send(topic, key=key, value=value, partition=partition)
                published += 1
        await producer.flush()
    finally:
        await producer.stop()
    return published


async def _newest(clients: KafkaClients, place: TopicPartition) -> list[tuple[bytes, bytes]]:
    found: list[tuple[bytes, bytes]] = []
    async with clients.reading(place) as consumer:
        end = (await consumer.end_offsets([place]))[place]
        consumer.seek(place, max(0, end - MAX_EVENTS))
        while await consumer.position(place) < end:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [(record.key, record.value) for record in records]
    return found
