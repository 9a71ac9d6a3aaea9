"""A small benchmark beside Kafka: it hangs while the node is measured, and has every click once in the end."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from bench import kafka_beside
from bench.kafka_beside import CLOSED, OPEN
from bench.kafka_nodes import HANGING, NO_EVENTS
from bench.kafka_topic import Topic
from clicks.sinks.kafka_client import KafkaClients
from devstack import kafka
from devstack.kafka import Kafka
from devstack.services import find
from shortlink.settings import Settings

TWICE = {"epoch": "e", "seq": 2, "clicks": 1}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not kafka.installed() or find("wrk") is None, reason="Kafka or wrk is not installed: `make services`"
    ),
]


def test_with_kafka_hanging_redirects_go_on_and_each_click_is_published_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_beside, "LINKS", 2_000)
    monkeypatch.setattr(kafka_beside, "OFFERED", 1_000)
    monkeypatch.setattr(kafka_beside, "NODES", (NO_EVENTS, HANGING))
    result = kafka_beside.measure(tmp_path, rounds=1, seconds=1)
    rows = {(row.node, row.load): row for row in result.rows}
    assert list(rows) == [(node, load) for load in (OPEN, CLOSED) for node in (NO_EVENTS, HANGING)]
    assert all(row.rate.median > 0 and row.cpu_us.median > 0 for row in result.rows)
    assert rows[HANGING, OPEN].rate_ratio.median > 0
    assert 2_000 < result.published < result.counted
    assert result.answered <= result.counted


def test_a_reader_of_kafka_reads_on_and_notices_what_came_twice(kafka_server: Kafka, kafka_topic: str) -> None:
    topic = Topic(kafka_server.address, kafka_topic)
    assert topic.read_on() == 0
    _publish(kafka_server, kafka_topic, [{"epoch": "e", "seq": 1, "clicks": 3}, TWICE])
    assert (topic.read_on(), topic.twice) == (4, 0)
    _publish(kafka_server, kafka_topic, [{"epoch": "f", "seq": 2, "clicks": 1}, TWICE])
    assert (topic.read_on(), topic.twice) == (6, 1)
    assert topic.read_on() == 6


def _publish(server: Kafka, topic: str, clicks: list[dict[str, object]]) -> None:
    asyncio.run(_publish_all(KafkaClients(Settings(kafka_bootstrap_servers=(server.address,))), topic, clicks))


async def _publish_all(clients: KafkaClients, topic: str, clicks: list[dict[str, object]]) -> None:
    await clients.make_topics({topic: 2}, {})
    producer = clients.producer(None)
    await producer.start()
    try:
        for click in clicks:
            await producer.send_and_wait(topic, key=b"code", value=msgspec.json.encode(click))
    finally:
        await producer.stop()
