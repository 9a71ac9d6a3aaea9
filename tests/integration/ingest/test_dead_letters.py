"""Dead letters come into ClickHouse once it is mended: each once, though the marks are beyond them by then."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from clicks.ingest import replay
from clicks.ingest.replay import Replayed, WaitingLetters
from clicks.ingest.table import ClickHouseTable
from edge302.cli import exits
from edge302.cli.app import cli
from shortlink import settings as known
from shortlink.settings import Settings
from tests.integration.ingest.chain import Chain, Epoch, chain_of
from tests.integration.ingest.faults import Died

pytestmark = pytest.mark.slow

CLICKS = 120
REFUSED = 12
AT_ONCE = 5


@pytest.fixture(autouse=True)
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "AT_ONCE", AT_ONCE)


async def leave_letters(chain: Chain, epoch: Epoch) -> None:
    """Every tenth click is refused by a constraint, and clicks of the same epoch are stored after them."""
    await chain.database.run("ALTER TABLE click_event ADD CONSTRAINT wrong CHECK city != 'Bonn'")
    async with chain.worker():
        await chain.produce(epoch.next(city="Bonn" if number % 10 == 5 else "") for number in range(CLICKS))
        await chain.until_stored(CLICKS - REFUSED)


async def mend(chain: Chain) -> None:
    await chain.database.run("ALTER TABLE click_event DROP CONSTRAINT wrong")


def test_letters_are_stored_once_it_is_mended_and_none_of_them_twice(settings: Settings) -> None:
    async def run() -> None:
        epoch = Epoch()
        async with chain_of(settings) as chain:
            letters = WaitingLetters(chain.clients, chain.topic)
            await leave_letters(chain, epoch)
            assert await letters.replay(chain.table) == Replayed(refused=REFUSED)
            await mend(chain)
            await chain.produce_values([(b"one", b"not json")])
            async with chain.worker():
                await chain.until_stored(CLICKS - REFUSED)
            assert await letters.replay(chain.table) == Replayed(stored=REFUSED, refused=1)
            assert await letters.replay(chain.table, discard=True) == Replayed(refused=1)
            assert await letters.replay(chain.table) == Replayed()
            assert await chain.stored() == {epoch.name: list(range(1, CLICKS + 1))}
            assert await chain.added_up() == {CLICKS}

    asyncio.run(run())


class DyingAfterwards(ClickHouseTable):
    """Ends the process, so to speak, when ClickHouse has what it was given."""

    async def insert(self, lines: Sequence[bytes], token: str) -> None:
        await super().insert(lines, token)
        raise Died("inserted")


def test_a_replay_that_dies_is_repeated_and_stores_nothing_again(settings: Settings) -> None:
    async def run() -> None:
        epoch = Epoch()
        async with chain_of(settings) as chain:
            letters = WaitingLetters(chain.clients, chain.topic)
            await leave_letters(chain, epoch)
            await mend(chain)
            with pytest.raises(Died):
                await letters.replay(DyingAfterwards(chain.database))
            assert await letters.replay(chain.table) == Replayed(stored=REFUSED - AT_ONCE, known=AT_ONCE)
            assert await chain.stored() == {epoch.name: list(range(1, CLICKS + 1))}
            assert await chain.added_up() == {CLICKS}

    asyncio.run(run())


def test_the_command_lists_and_replays_them(settings: Settings, tmp_path: Path) -> None:
    async def fill() -> None:
        async with chain_of(settings) as chain:
            await leave_letters(chain, Epoch())

    async def count() -> int:
        async with chain_of(settings) as chain:
            await mend(chain)
            return await chain.count()

    def edge302(*words: str) -> Result:
        environ = known.to_environ(msgspec.structs.replace(settings, data=tmp_path))
        return CliRunner().invoke(cli, ["dead-letters", *words], prog_name="edge302", env=environ)

    asyncio.run(fill())
    listed = edge302("list")
    assert listed.stdout.splitlines()[0].split() == ["FROM", "AT", "KIND", "REASON"]
    assert len(listed.stdout.splitlines()) == 1 + REFUSED
    told = [msgspec.json.decode(line) for line in edge302("list", "--json").stdout.splitlines()]
    assert {each["kind"] for each in told} == {"refused-by-clickhouse"}
    assert {msgspec.json.decode(each["event"])["city"] for each in told} == {"Bonn"}
    assert (edge302("replay").exit_code, asyncio.run(count())) == (exits.SOME_REJECTED, CLICKS - REFUSED)
    done = edge302("replay")
    assert (done.exit_code, done.stdout) == (exits.DONE, f"{REFUSED} stored, 0 there already, 0 refused again.\n")


def test_a_new_database_is_filled_with_each_click_of_the_topic_once(settings: Settings) -> None:
    async def run() -> None:
        epoch = Epoch()
        async with chain_of(settings) as chain:
            await leave_letters(chain, epoch)
            await chain.set_group(0)
        anew = msgspec.structs.replace(settings, clickhouse_url=f"{settings.clickhouse_url}_anew")
        async with chain_of(anew) as chain:
            async with chain.worker():
                await chain.until_stored(CLICKS)
            assert await WaitingLetters(chain.clients, chain.topic).replay(chain.table) == Replayed(known=REFUSED)
            assert await chain.stored() == {epoch.name: list(range(1, CLICKS + 1))}
            assert await chain.added_up() == {CLICKS}

    asyncio.run(run())
