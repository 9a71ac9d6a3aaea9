"""How long clicks stay one by one in ClickHouse, and what stays of them."""

import asyncio

import pytest

from clicks.counts import DAY_MS, TrafficClass
from clicks.questions import Dimension, Question, Step, Totals
from clicks.stores.clickhouse_database import ClickHouseDatabase
from clicks.stores.clickhouse_events import ClickHouseAnswers
from clicks.stores.clickhouse_schema import prepare
from devstack.clickhouse import ClickHouse
from shortlink.clock import SystemClock
from tests.integration.clickhouse.samples import json_lines
from tests.store_contract.events.samples import event

TODAY_MS = SystemClock().now_ms() // DAY_MS * DAY_MS
OLD_MS = TODAY_MS - 40 * DAY_MS
WHOLE = Question(OLD_MS, TODAY_MS + DAY_MS)
GERMAN = Question(OLD_MS, TODAY_MS + DAY_MS, where={Dimension.COUNTRY: ["DE"]})
BOTH = Question(OLD_MS, TODAY_MS + DAY_MS, where={Dimension.COUNTRY: ["DE"], Dimension.OS: ["Linux"]})
HUMAN = TrafficClass.HUMAN


def test_the_table_says_how_long_and_is_told_again_when_the_setting_changes(
    clickhouse_server: ClickHouse, clickhouse_url: str
) -> None:
    async def kept(*days: int) -> None:
        database = ClickHouseDatabase(clickhouse_url, timeout_ms=30_000)
        for number in days:
            await prepare(database, number)
        await database.close()

    for days in ((90,), (90, 30), (1_000_000,)):
        asyncio.run(kept(*days))
        table = clickhouse_server.query("SHOW CREATE TABLE click_event", clickhouse_url.rpartition("/")[2])
        assert f"toIntervalDay({min(days[-1], 20_000)})" in table


@pytest.mark.slow
def test_sums_stay_when_clicks_one_by_one_are_gone(clickhouse_url: str) -> None:
    async def asked() -> list[Totals]:
        database = ClickHouseDatabase(clickhouse_url, timeout_ms=30_000)
        store = ClickHouseAnswers(database, SystemClock(), kept_days=30)
        await store.open()
        clicks = [event(1, time=OLD_MS + 5), event(2, time=OLD_MS + 6, visitor="2"), event(3, time=TODAY_MS)]
        await database.insert_json_rows("click_event", json_lines(*clicks), "block")
        await database.run("OPTIMIZE TABLE click_event FINAL", timeout_seconds=60)
        assert await database.rows("SELECT seq FROM click_event") == [(3,)]
        answers = [await store.totals(question) for question in (WHOLE, GERMAN, BOTH)]
        days = await store.series(WHOLE, Step.DAY)
        assert [(point.start_ms, point.by_class, point.visitors) for point in days.points] == [
            (OLD_MS, {HUMAN: 2}, 2),
            (TODAY_MS, {HUMAN: 1}, 1),
        ]
        await store.close()
        return answers

    whole, german, both = asyncio.run(asked())
    assert whole == ({HUMAN: 3}, 3, (WHOLE.since_ms, WHOLE.until_ms))
    assert german == ({HUMAN: 3}, None, (WHOLE.since_ms, WHOLE.until_ms))
    assert both.by_class == {HUMAN: 1}
    assert both.covered.since_ms > TODAY_MS - 31 * DAY_MS
    assert both.covered.until_ms == WHOLE.until_ms
