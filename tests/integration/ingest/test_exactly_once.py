"""Each click that is committed in Kafka is in ClickHouse once, whatever came twice or was cut off."""

import asyncio

import msgspec
import pytest

from shortlink.settings import Settings
from tests.integration.ingest.chain import Epoch, chain_of
from tests.integration.ingest.faults import STEPS, Died, DyingTable

pytestmark = pytest.mark.slow


def test_every_click_is_stored_and_added_up(settings: Settings) -> None:
    async def run() -> None:
        one, other = Epoch(), Epoch()
        async with chain_of(settings) as chain, chain.worker():
            for _ in range(5):
                await chain.produce([*one.some(500), *other.some(300)])
            await chain.until_stored(4_000)
            assert await chain.stored() == {one.name: list(range(1, 2_501)), other.name: list(range(1, 1_501))}
            assert await chain.added_up() == {4_000}

    asyncio.run(run())


def test_a_click_that_comes_at_two_offsets_is_stored_once(settings: Settings) -> None:
    async def run() -> None:
        epoch = Epoch()
        async with chain_of(settings) as chain:
            clicks = epoch.some(500)
            await chain.produce(clicks + clicks)
            async with chain.worker():
                await chain.until_stored(500)
                await chain.produce(clicks[250:] + epoch.some(10))
                await chain.until_stored(510)
            async with chain.worker():  # it knows of them from ClickHouse
                await chain.produce(clicks + epoch.some(10))
                await chain.until_stored(520)
            assert await chain.stored() == {epoch.name: list(range(1, 521))}
            assert await chain.added_up() == {520}

    asyncio.run(run())


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_that_dies_at_a_step_leaves_a_block_that_the_next_one_repeats(step: str, settings: Settings) -> None:
    async def run() -> None:
        epoch = Epoch()
        async with chain_of(settings) as chain:
            await chain.produce(epoch.some(300))
            async with chain.worker():
                await chain.until_stored(300)
            await chain.produce(epoch.some(2_700))
            for _ in range(2):
                with pytest.raises(Died):
                    async with chain.worker(DyingTable(chain.database, step)) as running:
                        await asyncio.wait([running], timeout=30)
            assert any(place.metadata for place in (await chain.committed()).values())
            async with chain.worker():
                await chain.until_stored(3_000)
            assert await chain.stored() == {epoch.name: list(range(1, 3_001))}
            assert await chain.added_up() == {3_000}

    asyncio.run(run())


def test_a_group_that_is_set_back_stores_nothing_again(settings: Settings) -> None:
    async def run() -> None:
        epoch = Epoch()
        async with chain_of(settings) as chain:
            for clicks in (700, 900):
                await chain.produce(epoch.some(clicks))
                async with chain.worker():
                    await chain.until_stored(epoch.clicks)
                await chain.set_group(0)
            async with chain.worker():
                await chain.produce(epoch.some(10))
                await chain.until_stored(1_610)
            assert await chain.stored() == {epoch.name: list(range(1, 1_611))}
            assert await chain.added_up() == {1_610}

    asyncio.run(run())


def test_what_a_transaction_that_was_aborted_left_behind_is_not_stored(settings: Settings) -> None:
    async def run() -> None:
        epoch, aborted = Epoch(), Epoch()
        async with chain_of(settings) as chain, chain.worker():
            producer = chain.clients.producer(f"test-{chain.topic}")
            await producer.start()
            await producer.begin_transaction()
            for click in aborted.some(100):
                await producer.send(chain.topic, msgspec.json.encode(click), click.code.encode())
            await producer.flush()
            await producer.abort_transaction()
            await producer.stop()
            await chain.produce(epoch.some(100))
            await chain.until_stored(100)
            assert await chain.stored() == {epoch.name: list(range(1, 101))}

    asyncio.run(run())
