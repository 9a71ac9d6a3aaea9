"""Behind PgBouncer in transaction mode, where sessions change hands, stores answer as they do without it."""

import asyncio
from collections.abc import Iterator

import pytest

from clicks.counts import TrafficClass
from clicks.stores.postgres import PostgresClickStore
from devstack.pgbouncer import PgBouncer, installed, pgbouncer
from devstack.postgres import Postgres
from shortlink.errors import StoreUnavailable
from shortlink.links import Added, Link, LinkKey, LinkPatch, LinkQuery, Missed, NewLink
from shortlink.stores.postgres import PostgresLinkStore
from shortlink.stores.postgres_database import PostgresDatabase
from tests.integration.postgres.stores import opened, store
from tests.servers import require
from tests.store_contract.clicks.running import Running
from tests.store_contract.clicks.samples import ManualClock, batch, epoch

pytestmark = pytest.mark.slow

TARGET = "https://example.com/"
KEY = LinkKey("", "abc1234")


@pytest.fixture(scope="module")
def pooler(postgres_server: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PgBouncer]:
    """Two server connections for all clients, so that each of them gets others' all the time."""
    require(installed(), "PgBouncer")
    with pgbouncer(tmp_path_factory.mktemp("pgbouncer"), postgres_server, connections=2) as pooler:
        yield pooler


@pytest.fixture
def pooled(pooler: PgBouncer, database_url: str) -> str:
    """The new database through the pooler."""
    return pooler.url(database_url.rpartition("/")[2])


def behind(pooled: str, database_url: str) -> PostgresLinkStore:
    return store(pooled, statement_cache=0, direct=database_url)


def test_links_are_added_read_changed_listed_and_removed(pooled: str, database_url: str) -> None:
    async def story() -> None:
        one = behind(pooled, database_url)
        async with opened(one):
            (added,) = await one.add([NewLink(code=KEY.code, target=TARGET)])
            assert isinstance(added, Added)
            assert await one.get([KEY]) == {KEY: added.link}
            changed = await one.change(KEY, LinkPatch({"title": "Ünïcode"}), if_version=added.link.version)
            assert isinstance(changed, Link)
            assert (await one.list(LinkQuery(search="ünï"))).links == [changed]
            assert (await one.remove(KEY), await one.remove(KEY)) == (None, Missed.ABSENT)
            assert await one.count() == 0

    asyncio.run(story())


def test_many_writers_at_once_share_its_few_connections(pooled: str, database_url: str) -> None:
    async def story() -> None:
        stores = [behind(pooled, database_url) for _ in range(4)]
        async with opened(*stores):
            start = (await stores[0].changes(None)).cursor
            adds = (one.add([NewLink(target=TARGET) for _ in range(50)]) for one in stores for _ in range(5))
            answers = [answer for answered in await asyncio.gather(*adds) for answer in answered]
            codes = {answer.link.code for answer in answers if isinstance(answer, Added)}
            assert len(codes) == 1_000
            assert {change.key.code for change in (await stores[1].changes(start)).changes} == codes

    asyncio.run(story())


def test_a_commit_is_heard_past_the_pooler(pooled: str, database_url: str) -> None:
    async def story() -> None:
        writer, reader = behind(pooled, database_url), behind(pooled, database_url)
        async with opened(writer, reader):
            await reader.changed()  # it listens
            await writer.add([NewLink(target=TARGET)])
            async with asyncio.timeout(5):
                await reader.changed()

    asyncio.run(story())


def test_a_lease_and_the_salts_are_everybodys(pooled: str, database_url: str) -> None:
    async def story() -> None:
        one, other = behind(pooled, database_url), behind(pooled, database_url)
        async with opened(one, other):
            assert await one.take_lease("relay", "one", 60) == 1
            assert await other.take_lease("relay", "other", 60) is None
            await one.give_lease("relay", "one")
            assert await other.take_lease("relay", "other", 60) == 2
            await one.rotate_salts(1_700_000_000_000)
            assert await one.salts() == await other.salts() != {}

    asyncio.run(story())


def test_clicks_are_counted_once(pooled: str, database_url: str) -> None:
    database = PostgresDatabase(pooled, connections=2, timeout_ms=10_000, statement_cache=0, direct_url=database_url)
    with Running(PostgresClickStore(database, ManualClock())) as clicks:
        assert clicks.add_at_once([batch(1, 0, 5), batch(1, 0, 5), batch(2, 0, 3)]).count(True) == 2
        assert clicks.totals("abcdefg") == {"abcdefg": {TrafficClass.HUMAN: 8}}
        assert clicks.watermarks() == {epoch(1): 5, epoch(2): 3}


def test_a_pooler_that_nobody_was_told_of_is_refused(pooled: str, database_url: str) -> None:
    async def story() -> None:
        # With statements kept they would meet other clients' of the same name; without a direct URL nothing is heard.
        for one in (store(pooled, direct=database_url), store(pooled, statement_cache=0)):
            with pytest.raises(StoreUnavailable, match="EDGE302_DIRECT_DATABASE_URL to the database past it"):
                await one.open()
            await one.close()

    asyncio.run(story())


def test_a_pooler_that_went_away_is_used_again_when_it_is_back(
    pooler: PgBouncer, pooled: str, database_url: str
) -> None:
    async def story() -> None:
        one = behind(pooled, database_url)
        async with opened(one):
            pooler.stop()
            with pytest.raises(StoreUnavailable):
                await one.get([KEY])
            pooler.start()
            assert await one.get([KEY]) == {}
            await one.add([NewLink(code=KEY.code, target=TARGET)])
            assert KEY in await one.get([KEY])

    asyncio.run(story())
