"""kill -9 of workers and of the shipper at any moment under load: each click is in Kafka, once."""

import asyncio
import random
from collections.abc import Callable
from typing import Final

import pytest

from devstack.kafka import Kafka
from tests.integration.clicks.conftest import figures, folder, start_clicker, start_shipper
from tests.integration.clicks.figures import Figures
from tests.integration.clicks.processes import Clicker, ShipperProcess, wait_until
from tests.integration.kafka.spooled import events_in, seqs

__all__ = ["figures", "folder", "start_clicker", "start_shipper"]

pytestmark = pytest.mark.slow
KILLS: Final = 20
WORKERS: Final = 2


def test_killed_shippers_publish_each_click_once(
    kafka_server: Kafka,
    kafka_topic: str,
    figures: Figures,
    start_shipper: Callable[..., ShipperProcess],
    start_clicker: Callable[[int], Clicker],
) -> None:
    rng = random.Random(302)
    settings = {
        "EDGE302_EVENTS": "true",
        "EDGE302_KAFKA_BOOTSTRAP_SERVERS": kafka_server.address,
        "EDGE302_KAFKA_TOPIC": kafka_topic,
        "EDGE302_CLICKHOUSE_URL": "http://default@127.0.0.1:9",  # not asked by shippers; so Kafka is the only sink
        "EDGE302_DRAIN_SECONDS": "30",
    }
    workers = [start_clicker(worker) for worker in range(WORKERS)]
    killed: list[Clicker] = []
    for kill in range(KILLS):
        shipper = start_shipper(settings)
        # A shipper begins after about a second, by clicks rather than by time: later ones are in the midst of rounds.
        workers[0].wait_for(workers[0].answered + rng.randrange(8_000, 18_000))
        shipper.kill()
        if kill % 5 == 4:
            workers[0].kill()
            killed.append(workers[0])
            workers[0] = start_clicker(0)
    for worker in workers:
        worker.kill()
    clickers = killed + workers
    last = start_shipper(settings)
    wait_until(lambda: figures.total() >= sum(c.answered for c in clickers), what="the count of all answered clicks")
    assert last.stop()[0] == 0

    found = seqs(asyncio.run(events_in(kafka_server, kafka_topic)))
    assert sum(c.answered for c in clickers) <= sum(map(len, found.values())) <= sum(c.begun for c in clickers)
    for of_epoch in found.values():
        assert sorted(of_epoch) == list(range(1, len(of_epoch) + 1))
    assert figures.total() == sum(map(len, found.values()))
