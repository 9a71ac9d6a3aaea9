"""What waits in Kafka is told while it waits, and so is what Kafka has dropped."""

import asyncio
import logging
from collections.abc import Callable, Sequence

import pytest
from aiokafka.admin import RecordsToDelete  # type: ignore[import-untyped]
from prometheus_client import REGISTRY

from clicks.ingest.table import ClickHouseTable
from clicks.stores.clickhouse_database import ClickHouseDatabase
from shortlink.errors import StoreUnavailable
from shortlink.settings import Settings
from tests.integration.ingest.chain import Epoch, chain_of

pytestmark = pytest.mark.slow


class AwayTable(ClickHouseTable):
    """Takes nothing until it is back."""

    def __init__(self, database: ClickHouseDatabase) -> None:
        super().__init__(database)
        self.away = True

    async def insert(self, lines: Sequence[bytes], token: str) -> None:
        if self.away:
            raise StoreUnavailable("away")
        await super().insert(lines, token)


def test_the_lag_grows_while_clickhouse_is_away_and_what_kafka_drops_meanwhile_is_told(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        epoch = Epoch()
        async with chain_of(settings) as chain:
            table = AwayTable(chain.database)
            async with chain.worker(table):
                for clicks in (4_000, 8_000, 20_000):
                    await chain.produce(epoch.some(clicks - epoch.clicks))
                    await until(lambda least=clicks: lag(chain.topic) >= least)  # type: ignore[misc]
                ends = await chain.ends()
                async with chain.clients.admin() as admin:
                    await admin.delete_records({place: RecordsToDelete(end - 1) for place, end in ends.items()})
                table.away = False
                await until(lambda: caplog.text.count("Kafka dropped clicks") == len(ends))
                await chain.produce(epoch.some(10))
                await until(lambda: lag(chain.topic) == 0)
                await chain.until_more_than(9)
            seqs = (await chain.stored())[epoch.name]
            assert seqs[-10:] == list(range(20_001, 20_011))
            assert len(set(seqs)) == len(seqs) < 20_010

    with caplog.at_level(logging.ERROR):
        asyncio.run(run())


def test_a_partition_that_lost_its_end_is_read_from_its_beginning(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        epoch = Epoch()
        async with chain_of(settings) as chain:
            await chain.produce(epoch.some(500))
            await chain.set_group(1_000_000)  # as after a replica that was behind took over
            async with chain.worker():
                await chain.until_stored(500)
                await chain.produce(epoch.some(30))
                await chain.until_stored(530)
            assert await chain.stored() == {epoch.name: list(range(1, 531))}

    with caplog.at_level(logging.ERROR):
        asyncio.run(run())
    assert "Kafka has fewer clicks than were read" in caplog.text


def lag(topic: str) -> float:
    """Over all partitions."""
    return sum(
        sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
        if sample.name == "kafka_consumer_lag" and sample.labels["topic"] == topic
    )


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 - gauges and logs tell nobody
            await asyncio.sleep(0.05)
