"""Does Kafka answer, and is the topic of clicks there?"""

import asyncio
from collections.abc import Iterator
from typing import Final

from edge302.doctor.findings import Finding, ok, warn
from shortlink.errors import StoreUnavailable
from shortlink.settings import Settings

SECONDS: Final = 5.0


def check(settings: Settings) -> Iterator[Finding]:
    """Nothing where no Kafka is named; the topics are looked at, and not made."""
    if settings.kafka_bootstrap_servers:
        yield asyncio.run(_look(settings))


async def _look(settings: Settings) -> Finding:
    from clicks.sinks.kafka_client import KafkaClients

    clients = KafkaClients(settings)
    try:
        with clients.translated():
            async with asyncio.timeout(SECONDS):
                partitions = await clients.partitions_of(settings.kafka_topic)
    except StoreUnavailable as exc:
        return warn("kafka", str(exc), "counts are right without it, and events wait in the spool until it answers")
    if not partitions:
        return ok("kafka", f"it answers; the shipper will make the topic {settings.kafka_topic} with its first events")
    return ok("kafka", f"it answers; the topic {settings.kafka_topic} has {partitions} partitions")
