"""Many nodes on one database: one schema, one owner of each alias, one link a request, and a feed without gaps."""

import asyncio

import pytest

from devstack.postgres import Postgres
from shortlink.links import Added, Idempotency, LinkKey, LinkPatch, NewLink, Refused
from tests.integration.postgres.stores import opened, store

pytestmark = pytest.mark.slow


def new(code: str | None, idempotency: Idempotency | None = None) -> NewLink:
    return NewLink(code=code, target="https://example.com/", idempotency=idempotency)


def test_ten_that_start_at_once_on_an_empty_database_make_one_schema(
    postgres_server: Postgres, database_url: str
) -> None:
    async def story() -> None:
        stores = [store(database_url) for _ in range(10)]
        async with opened(*stores):
            assert len({await one.generation() for one in stores}) == 1

    asyncio.run(story())
    rows = postgres_server.run("SELECT track, number FROM schema_migration", database_url.rpartition("/")[2])
    assert rows == "links|1"


def test_of_many_who_want_the_same_aliases_one_gets_each(database_url: str) -> None:
    async def story() -> None:
        stores = [store(database_url) for _ in range(4)]
        aliases = [f"alias-{number}" for number in range(50)]
        async with opened(*stores):
            orders = [aliases, aliases[::-1], aliases[25:] + aliases[:25], aliases]
            answers = await asyncio.gather(
                *(one.add([new(code) for code in order]) for one, order in zip(stores, orders, strict=True))
            )
            added = [answer.link.code for some in answers for answer in some if isinstance(answer, Added)]
            assert sorted(added) == sorted(aliases)
            assert all(a is Refused.TAKEN for some in answers for a in some if not isinstance(a, Added))
            assert await stores[0].count() == 50

    asyncio.run(story())


def test_changes_removals_and_additions_at_once_end_without_a_deadlock(database_url: str) -> None:
    async def story() -> None:
        stores = [store(database_url) for _ in range(3)]
        codes = [f"code-{number}" for number in range(20)]
        async with opened(*stores):
            await stores[0].add([new(code) for code in codes])

            async def edit(number: int) -> None:
                one = stores[number]
                for code in codes if number else codes[::-1]:
                    await one.change(LinkKey("", code), LinkPatch({"title": f"{number}"}))
                    await one.remove(LinkKey("", code))
                    await one.add([new(code) for code in codes])

            await asyncio.gather(*map(edit, range(3)))
            assert await stores[0].count() == len(await stores[0].get([LinkKey("", code) for code in codes])) == 20

    asyncio.run(story())


def test_one_request_that_two_nodes_get_at_once_makes_one_link(database_url: str) -> None:
    async def story() -> None:
        stores = [store(database_url) for _ in range(2)]
        async with opened(*stores):
            for number in range(20):
                request = new(None, idempotency=Idempotency("key", f"request {number}", b"\1" * 32))
                (first,), (second,) = await asyncio.gather(*(one.add([request]) for one in stores))
                assert isinstance(first, Added)
                assert isinstance(second, Added)
                assert first.link == second.link
                assert first.replayed != second.replayed
            assert await stores[0].count() == 20

    asyncio.run(story())


def test_a_transaction_that_commits_late_is_not_skipped(database_url: str) -> None:
    async def story() -> None:
        reader, writer = store(database_url), store(database_url)
        async with opened(reader, writer):
            cursor = (await reader.changes(None)).cursor
            async with writer.database.transaction() as early:
                await early.execute(
                    "INSERT INTO link SELECT '', 'early', 'https://example.com/', 302, '', null, null, null, null,"
                    " null, false, null, null, null, '[]', true, null, 1, 1, 1, 1, null"
                )
                later = asyncio.create_task(reader.add([new("later")]))
                page = await reader.changes(cursor)
                assert not page.changes  # whoever comes later waits for its turn
                assert not later.done()
            await later
            page = await reader.changes(page.cursor)
            assert [change.key.code for change in page.changes] == ["early", "later"]

    asyncio.run(story())


def test_a_long_transaction_of_somebody_else_holds_nothing_back(postgres_server: Postgres, database_url: str) -> None:
    async def story() -> None:
        one = store(database_url)
        async with opened(one), one.database.transaction() as other:
            await other.execute("CREATE TABLE somebody_elses ()")
            cursor = (await one.changes(None)).cursor
            await one.add([new("quick")])
            assert [change.key.code for change in (await one.changes(cursor)).changes] == ["quick"]

    asyncio.run(story())


def test_a_change_wakes_who_waits_for_it_on_another_node(database_url: str) -> None:
    async def story() -> None:
        here, there = store(database_url), store(database_url)
        async with opened(here, there):
            await there.changed()  # listening begins with one call for what may have been before
            waiting = asyncio.create_task(there.changed())
            await here.add([new("news")])
            await asyncio.wait_for(waiting, 10)

    asyncio.run(story())
