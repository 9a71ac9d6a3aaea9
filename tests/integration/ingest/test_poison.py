"""Events that can't be stored go to a topic of their own, with the reason, and stop nothing."""

import asyncio
from typing import Final

import msgspec
import pytest

from clicks.ingest.contract import RowsRefused
from clicks.ingest.dead_letters import MAX_VALUE
from shortlink.settings import Settings
from tests.integration.ingest.chain import Epoch, chain_of
from tests.store_contract.events.samples import event

FIELD_TWICE: Final = msgspec.json.encode(event(1))[:-1] + b',"city":"Bonn"}'
POISON: Final[dict[bytes, str]] = {
    b"not json": "not-json",
    b"[1, 2]": "not-an-event",
    msgspec.json.encode(event(1, v=2)): "other-version",
    msgspec.json.encode(event(1, epoch="one")): "not-an-event",
    FIELD_TWICE: "refused-by-clickhouse",
}


@pytest.mark.slow
def test_poison_goes_to_the_dead_letters_and_the_rest_is_stored(settings: Settings) -> None:
    async def run() -> None:
        epoch = Epoch()
        async with chain_of(settings) as chain, chain.worker():
            clicks = [(click.code.encode(), msgspec.json.encode(click)) for click in epoch.some(900)]
            for place, value in enumerate(POISON):
                clicks.insert(100 + 150 * place, (b"one", value))
            await chain.produce_values(clicks)
            await chain.until_stored(900)
            assert await chain.stored() == {epoch.name: list(range(1, 901))}
            assert await chain.added_up() == {900}
            letters = await chain.dead_letters()
            assert {value: told["reason"].decode() for _, value, told in letters} == POISON
            for key, _, told in letters:
                source = b"/".join([told["topic"], told["partition"], told["offset"]])
                assert (key, told["topic"]) == (source, chain.topic.encode())
                assert told["detail"]

    asyncio.run(run())


@pytest.mark.slow
def test_poison_too_large_for_a_dead_letter_is_cut_and_stops_nothing(settings: Settings) -> None:
    async def run() -> None:
        epoch = Epoch()
        async with chain_of(settings) as chain, chain.worker():
            large = b"x" * 1_700_000  # which is little when it is compressed
            await chain.produce_values([(b"one", large), (b"one", msgspec.json.encode(epoch.next()))])
            await chain.until_stored(1)
            [(_, value, told)] = await chain.dead_letters()
            assert (value, told["bytes"]) == (large[:MAX_VALUE], b"1700000")

    asyncio.run(run())


@pytest.mark.slow
def test_clickhouse_refuses_in_an_attempt_what_it_refuses_in_a_block(settings: Settings) -> None:
    async def run() -> None:
        async with chain_of(settings) as chain:
            for insert in (chain.table.attempt([FIELD_TWICE]), chain.table.insert([FIELD_TWICE], "a token")):
                with pytest.raises(RowsRefused):
                    await insert
            await chain.table.attempt([msgspec.json.encode(event(1))])
            assert await chain.count() == 0

    asyncio.run(run())
