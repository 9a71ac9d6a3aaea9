"""A database that can't be reached costs its callers a deadline, and nothing that was told to be stored is missing."""

import asyncio
from collections.abc import Iterator

import pytest

from devstack.fault_proxy import FaultProxy, fault_proxy
from devstack.postgres import Postgres
from shortlink.errors import StoreUnavailable
from shortlink.links import Added, LinkKey, NewLink
from shortlink.stores.postgres import PostgresLinkStore
from tests.integration.postgres.stores import opened, store

pytestmark = pytest.mark.slow

TARGET = "https://example.com/"
KEY = LinkKey("", "abc1234")
DEADLINE_MS = 500
# What a busy machine may add to a deadline; without one, a half-open connection costs minutes.
PATIENCE_SECONDS = 5.0


@pytest.fixture
def cable(postgres_server: Postgres) -> Iterator[FaultProxy]:
    """What leads to the server and can be pulled."""
    with fault_proxy(postgres_server.port) as cable:
        yield cable


@pytest.fixture
def far_url(cable: FaultProxy, postgres_server: Postgres, database_url: str) -> str:
    """The new database at the other end of it."""
    return database_url.replace(f":{postgres_server.port}/", f":{cable.port}/")


async def is_refused(one: PostgresLinkStore) -> None:
    """A read and a write fail, each in time."""
    for asked in (one.get([KEY]), one.add([NewLink(target=TARGET)])):
        async with asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises(StoreUnavailable):
                await asked


async def again(one: PostgresLinkStore) -> None:
    """Return when it answers. TimeoutError."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await one.get([KEY])
            except StoreUnavailable:
                await asyncio.sleep(0.02)
            else:
                return


def test_half_open_connections_cost_a_deadline_each_and_are_replaced(cable: FaultProxy, far_url: str) -> None:
    async def story() -> None:
        one = store(far_url, timeout_ms=DEADLINE_MS)
        async with opened(one):
            # As many connections as the pool may hold are there when they become half-open.
            await asyncio.gather(*(one.get([KEY]) for _ in range(8)))
            cable.half_open()
            await is_refused(one)
            async with asyncio.timeout(PATIENCE_SECONDS):
                asked = await asyncio.gather(*(one.get([KEY]) for _ in range(20)), return_exceptions=True)
            assert all(isinstance(answer, StoreUnavailable) for answer in asked)
            cable.heal()
            await again(one)

    asyncio.run(story())


def test_connections_that_are_cut_are_made_anew(cable: FaultProxy, far_url: str) -> None:
    async def story() -> None:
        one = store(far_url, timeout_ms=DEADLINE_MS)
        async with opened(one):
            cable.cut()
            await is_refused(one)
            cable.heal()
            # The first read meets what was closed meanwhile, and is asked again without its caller knowing.
            assert await one.get([KEY]) == {}

    asyncio.run(story())


def test_a_reset_in_the_middle_of_answers_loses_no_link_that_was_told_stored(cable: FaultProxy, far_url: str) -> None:
    async def story() -> None:
        one = store(far_url, timeout_ms=DEADLINE_MS)
        told = []
        async with opened(one):
            for number in range(40):
                cable.reset_after(40 * number)  # now within a handshake, now within the answer to the commit
                try:
                    (answer,) = await one.add([NewLink(target=TARGET)])
                except StoreUnavailable:
                    continue
                assert isinstance(answer, Added)
                told.append(answer.link.key)
            cable.heal()
            assert told
            assert (await one.get(told)).keys() == set(told)

    asyncio.run(story())


def test_a_listener_that_was_cut_off_hears_again(cable: FaultProxy, far_url: str) -> None:
    async def story() -> None:
        reader = store(far_url, timeout_ms=DEADLINE_MS)
        async with opened(reader):
            start = (await reader.changes(None)).cursor
            await reader.changed()
            cable.cut()
            cable.heal()
            writer = store(far_url)
            async with opened(writer):
                await writer.add([NewLink(code=KEY.code, target=TARGET)])
            async with asyncio.timeout(PATIENCE_SECONDS):
                await reader.changed()
            assert [change.key for change in (await reader.changes(start)).changes] == [KEY]

    asyncio.run(story())


def test_a_slow_link_within_the_deadline_is_only_slow(cable: FaultProxy, far_url: str) -> None:
    async def story() -> None:
        one = store(far_url)
        async with opened(one):
            cable.delay(30)
            await one.add([NewLink(code=KEY.code, target=TARGET)])
            assert KEY in await one.get([KEY])

    asyncio.run(story())
