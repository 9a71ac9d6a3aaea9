"""A database that is away is an answer, in time; when it is back, so is everything, without a restart."""

import asyncio
from pathlib import Path

import pytest

from devstack.postgres import Postgres, postgres
from shortlink.errors import StoreUnavailable
from shortlink.links import LinkKey, NewLink
from shortlink.stores.postgres import PostgresLinkStore
from tests.integration.postgres.stores import opened, store

pytestmark = pytest.mark.slow

KEY = LinkKey("", "abc1234")


async def answers(one: PostgresLinkStore) -> bool:
    try:
        return KEY in await one.get([KEY])
    except StoreUnavailable:
        return False


async def again(one: PostgresLinkStore) -> None:
    """Return when it answers. TimeoutError."""
    async with asyncio.timeout(20):
        while not await answers(one):  # noqa: ASYNC110 (a server that starts tells nobody)
            await asyncio.sleep(0.05)


def test_it_is_away_frozen_and_back(tmp_path: Path, postgres_server: Postgres) -> None:
    async def story(server: Postgres) -> None:
        one = store(server.create_database(), timeout_ms=500)
        async with opened(one):
            await one.add([NewLink(code=KEY.code, target="https://example.com/")])
            server.pause()
            for _ in range(6):  # more than there are connections
                with pytest.raises(StoreUnavailable, match="in time"):
                    await one.get([KEY])
            server.resume()
            await again(one)
            server.kill()
            with pytest.raises(StoreUnavailable):
                await one.get([KEY])
            with pytest.raises(StoreUnavailable):
                await one.add([NewLink(target="https://example.com/")])
            server.start()
            await again(one)

    with postgres(tmp_path) as server:
        asyncio.run(story(server))


def test_a_process_may_start_before_its_database(tmp_path: Path, postgres_server: Postgres) -> None:
    async def story(server: Postgres) -> None:
        url = server.create_database()
        async with opened(store(url)):
            pass
        server.stop()
        early = store(url, timeout_ms=500)
        with pytest.raises(StoreUnavailable):
            await early.open()
        server.start()
        await early.add([NewLink(code=KEY.code, target="https://example.com/")])
        assert await answers(early)
        await early.close()

    with postgres(tmp_path) as server:
        asyncio.run(story(server))


def test_the_text_says_what_is_wrong_and_no_password(postgres_server: Postgres) -> None:
    async def story() -> None:
        one = store(postgres_server.url("nowhere").replace("postgres@", "postgres:s3cret@"))
        with pytest.raises(StoreUnavailable, match='"nowhere" does not exist') as caught:
            await one.open()
        assert "s3cret" not in str(caught.value)
        await one.close()

    asyncio.run(story())


def test_a_replica_answers_only_when_it_has_what_was_announced(tmp_path: Path, postgres_server: Postgres) -> None:
    async def story(server: Postgres, replica: Postgres) -> None:
        url = server.create_database()
        name = url.rpartition("/")[2]
        one = store(url, replicas=[replica.url(name)])
        async with opened(one):
            await one.add([NewLink(code=KEY.code, target="https://example.com/")])
            one.announced((await one.changes(None)).cursor)
            await again(one)
            replica.pause_replay()
            await one.remove(KEY)
            one.announced((await one.changes(None)).cursor)
            assert await one.get([KEY]) == {}
            replica.resume_replay()
            replica.stop()
            assert await one.get([KEY]) == {}

    with postgres(tmp_path / "primary") as server, server.replica(tmp_path / "replica") as replica:
        asyncio.run(story(server, replica))
