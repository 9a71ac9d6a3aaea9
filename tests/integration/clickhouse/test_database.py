"""How a ClickHouse database is used: made, filled by blocks that count once, and told about when it is away."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from clicks.counts import DAY_MS
from clicks.stores.clickhouse_database import ClickHouseDatabase, StatementRefused, statements
from clicks.stores.clickhouse_schema import MIGRATIONS
from devstack.clickhouse import ClickHouse
from shortlink.errors import StoreUnavailable
from tests.integration.clickhouse.samples import json_lines
from tests.servers import clickhouse_in
from tests.store_contract.events.samples import event

COUNTED = ("click_event", "link_quarter", "link_day", "link_month", "domain_quarter")


@pytest.fixture(scope="module")
def own_server(server_folder: Path) -> Iterator[ClickHouse]:
    yield from clickhouse_in(server_folder / "clickhouse-of-database")


def database(url: str, timeout_ms: int = 20_000) -> ClickHouseDatabase:
    return ClickHouseDatabase(url, timeout_ms=timeout_ms)


async def counts(db: ClickHouseDatabase) -> set[int]:
    return {int((await db.rows(f"SELECT sum(clicks) FROM {table}"))[0][0]) for table in COUNTED}


def test_two_processes_may_migrate_at_once(clickhouse_url: str) -> None:
    async def both() -> int:
        one, other = database(clickhouse_url), database(clickhouse_url)
        await asyncio.gather(one.migrate(MIGRATIONS), other.migrate(MIGRATIONS))
        await one.migrate(MIGRATIONS)
        found = await other.rows("SELECT max(number) FROM schema_migration")
        await asyncio.gather(one.close(), other.close())
        return int(found[0][0])

    assert asyncio.run(both()) == len(list(MIGRATIONS.glob("*.sql")))


def test_a_repeated_block_counts_once_everywhere(clickhouse_url: str) -> None:
    async def repeated() -> set[int]:
        db = database(clickhouse_url)
        await db.migrate(MIGRATIONS)
        lines = json_lines(*[event(seq, code=f"code{seq % 7}") for seq in range(1, 1_001)])
        for token in ("clicks-0-0-1000", "clicks-0-0-1000", "clicks-0-1000-2000"):
            await db.insert_json_rows("click_event", lines, token)
        found = await counts(db)
        await db.close()
        return found

    assert asyncio.run(repeated()) == {2_000}


@pytest.mark.slow
def test_a_block_that_a_kill_interrupts_counts_once_when_it_is_repeated(own_server: ClickHouse) -> None:
    async def killed() -> set[int]:
        db = database(own_server.new_database_url())
        await db.migrate(MIGRATIONS)
        lines = json_lines(*[event(seq, code=f"code{seq % 997}", visitor=str(seq)) for seq in range(1, 20_001)])
        for number in range(5):
            token = f"clicks-0-{number}"
            insertion = asyncio.create_task(db.insert_json_rows("click_event", lines, token))
            await asyncio.sleep(0.1 * number)  # somewhere in it
            own_server.kill()
            await asyncio.gather(insertion, return_exceptions=True)
            own_server.start()
            await db.insert_json_rows("click_event", lines, token)
        found = await counts(db)
        await db.close()
        return found

    assert asyncio.run(killed()) == {100_000}


def test_a_block_may_have_clicks_of_any_number_of_months(clickhouse_url: str) -> None:
    async def many_months() -> set[int]:
        db = database(clickhouse_url)
        await db.migrate(MIGRATIONS)
        lines = json_lines(*[event(seq, time=seq * 31 * DAY_MS) for seq in range(1, 121)])
        await db.insert_json_rows("click_event", lines, "token")
        found = await counts(db)
        await db.close()
        return found

    assert asyncio.run(many_months()) == {120}


def test_a_row_that_does_not_fit_is_refused_and_nothing_of_its_block_stored(clickhouse_url: str) -> None:
    async def refused() -> set[int]:
        db = database(clickhouse_url)
        await db.migrate(MIGRATIONS)
        with pytest.raises(StatementRefused, match="Cannot parse"):
            await db.insert_json_rows("click_event", json_lines(event(1)) + b'{"time":"x"}\n', "token")
        found = await counts(db)
        await db.close()
        return found

    assert asyncio.run(refused()) == {0}


def test_a_wrong_statement_is_no_matter_of_being_away(clickhouse_url: str) -> None:
    async def wrong() -> None:
        db = database(clickhouse_url)
        with pytest.raises(StatementRefused, match="bad") as refused:
            await db.rows("SELECT bad")
        assert refused.value.code == 47
        await db.close()

    asyncio.run(wrong())


@pytest.mark.slow
def test_a_server_that_is_away_or_frozen_is_used_when_it_comes(own_server: ClickHouse) -> None:
    async def away() -> None:
        db = database(own_server.new_database_url(), timeout_ms=2_000)
        own_server.kill()
        with pytest.raises(StoreUnavailable):
            await db.rows("SELECT 1")
        own_server.start()
        assert await db.rows("SELECT 1") == [(1,)]
        own_server.pause()
        with pytest.raises(StoreUnavailable, match="EDGE302_CLICKHOUSE_TIMEOUT_MS"):
            await db.rows("SELECT 1")
        own_server.resume()
        assert await db.rows("SELECT 1") == [(1,)]
        await db.close()

    asyncio.run(away())


def test_statements_end_with_a_semicolon_at_a_line_s_end() -> None:
    script = "-- why; really\nSELECT ';' AS a;\n\nSELECT 2;\n"
    assert statements(script) == ["-- why; really\nSELECT ';' AS a", "SELECT 2"]
