"""Each click that is committed in Kafka is in ClickHouse once, whatever came twice or was cut off."""

import asyncio

from shortlink.settings import Settings
from tests.integration.ingest.chain import Epoch, chain_of


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
