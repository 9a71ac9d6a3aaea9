"""Add up clicks by link and class from Kafka, each once: `python consume_clicks.py localhost:9092 counts.db`.

Places in the topic are kept in the same transaction as the sums, so it may be killed at any moment and goes on without
losing or doubling a click. With `--until-end` it stops at the end of the topic.
"""

import argparse
import asyncio
import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing

from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]

VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS place (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS sum (
    domain TEXT, code TEXT, class TEXT, clicks INTEGER NOT NULL, PRIMARY KEY (domain, code, class)
);
"""
ADD = "INSERT INTO sum VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET clicks = clicks + excluded.clicks"


async def consume(brokers: str, topic: str, file: str, *, until_end: bool) -> None:
    """Read all partitions from where the file says."""
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=brokers,
        isolation_level="read_committed",  # else you meet clicks of transactions that came to nothing
        enable_auto_commit=False,  # places are kept in the file
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        with closing(sqlite3.connect(file)) as db:
            db.executescript(SCHEMA)
            await go_on(consumer, dict(db.execute("SELECT partition, next FROM place")))
            ends = await consumer.end_offsets(consumer.assignment())
            while not (until_end and await reached(consumer, ends)):
                for partition, messages in (await consumer.getmany(timeout_ms=500)).items():
                    add_up(db, partition.partition, messages)
    finally:
        await consumer.stop()


async def go_on(consumer: AIOKafkaConsumer, places: dict[int, int]) -> None:
    """Where the file says, and from the start where it says nothing. Partitions added later need a restart."""
    for partition in consumer.assignment():  # all of them: this consumer is in no group
        if partition.partition in places:
            consumer.seek(partition, places[partition.partition])
        else:
            await consumer.seek_to_beginning(partition)


async def reached(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    """True when every partition is read to this end."""
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


def add_up(db: sqlite3.Connection, partition: int, messages: Iterable[object]) -> None:
    """The clicks and the place behind them, in one transaction."""
    with db:
        for message in messages:
            click = json.loads(message.value)  # type: ignore[attr-defined]
            if click["v"] != VERSION:
                raise SystemExit(f"this program knows version {VERSION} of clicks, and meets {click['v']}")
            db.execute(ADD, (click["domain"], click["code"], click["class"], click["clicks"]))
        db.execute("INSERT OR REPLACE INTO place VALUES (?, ?)", (partition, message.offset + 1))  # type: ignore[attr-defined]


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("brokers")
    arguments.add_argument("file")
    arguments.add_argument("--topic", default="clicks")
    arguments.add_argument("--until-end", action="store_true")
    chosen = arguments.parse_args()
    asyncio.run(consume(chosen.brokers, chosen.topic, chosen.file, until_end=chosen.until_end))
