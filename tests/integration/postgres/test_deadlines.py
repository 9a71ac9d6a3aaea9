"""What is past its deadline ends at the server too, and what is frozen holds up nobody else."""

import asyncio
from pathlib import Path

import pytest

from devstack.postgres import Postgres, postgres
from shortlink.errors import StoreUnavailable
from shortlink.links import Added, LinkKey, LinkPatch, LinkQuery, NewLink
from shortlink.stores.postgres import PostgresLinkStore
from shortlink.stores.postgres_links.replicas import PATIENCE_SECONDS
from shortlink.stores.postgres_links.rows import LOCK
from tests.integration.postgres.stores import opened, store

pytestmark = pytest.mark.slow

KEY = LinkKey("", "abc1234")


async def gone(one: PostgresLinkStore, condition: str) -> None:
    """Return when no session of the server is so. TimeoutError."""
    async with asyncio.timeout(10):
        while await one.database.fetchval(  # noqa: ASYNC110 (a server tells nobody)
            f"SELECT count(*) FROM pg_stat_activity WHERE {condition}"
        ):
            await asyncio.sleep(0.02)


def new(code: str | None = KEY.code) -> NewLink:
    return NewLink(code=code, target="https://example.com/")


def test_a_write_that_was_given_up_is_not_stored_later(database_url: str) -> None:
    async def story() -> None:
        hasty, patient = store(database_url, timeout_ms=300), store(database_url)
        async with opened(hasty, patient):
            async with patient.database.transaction(LOCK):
                with pytest.raises(StoreUnavailable, match="in time"):
                    await hasty.add([new()])
                await gone(patient, "datname = current_database() AND wait_event = 'advisory'")
            (answer,) = await hasty.add([new("another")])
            assert isinstance(answer, Added)
            assert await patient.get([KEY]) == {}

    asyncio.run(story())


def test_a_read_that_was_given_up_ends_at_the_server(database_url: str) -> None:
    async def story() -> None:
        hasty, patient = store(database_url, timeout_ms=300), store(database_url)
        async with opened(hasty, patient):
            with pytest.raises(StoreUnavailable, match="in time"):
                await hasty.database.fetch("SELECT pg_sleep(60)")
            await gone(patient, "state = 'active' AND query = 'SELECT pg_sleep(60)'")

    asyncio.run(story())


def test_a_writer_that_stands_still_loses_its_turn(database_url: str) -> None:
    async def stand(still: PostgresLinkStore, other: PostgresLinkStore) -> None:
        async with still.database.transaction(LOCK) as connection:
            await other.add([new()])  # waits until the server has ended the transaction of `still`
            await connection.execute("SELECT 1")

    async def story() -> None:
        still, other = store(database_url, timeout_ms=30_000), store(database_url)
        async with opened(still, other):
            with pytest.raises(StoreUnavailable):
                await stand(still, other)
            assert KEY in await still.get([KEY])

    asyncio.run(story())


def test_a_server_that_freezes_inside_a_transaction_costs_one_deadline(
    tmp_path: Path, postgres_server: Postgres
) -> None:
    async def freeze(server: Postgres, one: PostgresLinkStore) -> None:
        async with one.database.transaction(LOCK) as connection:
            server.pause()
            await connection.execute("SELECT 1")

    async def story(server: Postgres) -> None:
        one = store(server.create_database(), timeout_ms=500)
        async with opened(one):
            with pytest.raises(StoreUnavailable, match="in time"):
                async with asyncio.timeout(10):
                    await freeze(server, one)
            server.resume()
            await one.add([new()])
            assert KEY in await one.get([KEY])

    with postgres(tmp_path) as server:
        asyncio.run(story(server))


def test_a_frozen_replica_holds_up_few_and_serves_again_later(tmp_path: Path, postgres_server: Postgres) -> None:
    async def story(server: Postgres, replica: Postgres) -> None:
        url = server.create_database()
        one = store(url, replicas=[replica.url(url.rpartition("/")[2])], timeout_ms=1_000)
        loop = asyncio.get_running_loop()

        async def waited() -> float:
            begun = loop.time()
            assert KEY in await one.get([KEY])
            return loop.time() - begun

        async with opened(one):
            await one.add([new()])
            await one.changes((await one.changes(None)).cursor)
            await waited()
            replica.pause()
            await asyncio.gather(*(waited() for _ in range(8)))
            # Trials go on beside these, each with the deadline of a second.
            slow = 0
            for _ in range(400):
                slow += await waited() > PATIENCE_SECONDS
                await asyncio.sleep(0.005)
            assert slow < 5  # none, but for a busy machine's own pauses
            replica.resume()
            server.pause()  # now only the replica can answer
            async with asyncio.timeout(30):
                while not await answers(one):  # noqa: ASYNC110 (a server that thaws tells nobody)
                    await asyncio.sleep(0.1)
            server.resume()

    with postgres(tmp_path / "primary") as server, server.replica(tmp_path / "replica") as replica:
        asyncio.run(story(server, replica))


async def answers(one: PostgresLinkStore) -> bool:
    try:
        return KEY in await one.get([KEY])
    except StoreUnavailable:
        return False


def test_who_listens_hears_at_once_that_the_server_was_away(tmp_path: Path, postgres_server: Postgres) -> None:
    async def story(server: Postgres) -> None:
        one = store(server.create_database())
        async with opened(one):
            await one.changed()
            server.kill()
            server.start()
            await asyncio.wait_for(one.changed(), 2)

    with postgres(tmp_path) as server:
        asyncio.run(story(server))


@pytest.mark.parametrize("query", [LinkQuery(search="\0"), LinkQuery(tag="\0"), LinkQuery(domain="\0")])
def test_what_postgresql_cannot_spell_is_found_nowhere(database_url: str, query: LinkQuery) -> None:
    async def story() -> None:
        one = store(database_url)
        async with opened(one):
            await one.add([new()])
            assert (await one.list(query)).links == []

    asyncio.run(story())


def test_a_change_is_refused_in_time_while_another_writer_holds_the_turn(database_url: str) -> None:
    async def story() -> None:
        hasty, patient = store(database_url, timeout_ms=300), store(database_url)
        async with opened(hasty, patient):
            await patient.add([new()])
            async with patient.database.transaction(LOCK):
                with pytest.raises(StoreUnavailable, match="in time"):
                    await hasty.change(KEY, LinkPatch({"title": "never"}))
            assert (await patient.get([KEY]))[KEY].title is None

    asyncio.run(story())
