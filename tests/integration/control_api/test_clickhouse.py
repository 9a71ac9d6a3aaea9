"""The same questions over HTTP, of the same clicks in ClickHouse and in SQLite: the same answers."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from clicks.counts import TrafficClass
from clicks.events.event import ClickEvent
from clicks.questions import Dimension
from clicks.stats import ClickStats
from clicks.stores.clickhouse_database import ClickHouseDatabase
from clicks.stores.clickhouse_events import ClickHouseAnswers
from clicks.stores.memory import MemoryClickStore
from tests.integration.clickhouse.samples import json_lines
from tests.integration.control_api.api import DOMAIN, Api, running
from tests.integration.control_api.clicked import Clicked, click, with_clicks_in_sqlite
from tests.integration.control_api.test_event_exports import hostile_clicks

pytestmark = pytest.mark.slow

QUESTIONS: Final = (
    "summary",
    "summary?period=7d&compare=previous",
    "summary?period=all&zone=Asia/Kathmandu&compare=year-ago",
    "summary?since=2027-01-15T02:20:00&zone=America/St_Johns",
    "summary?code=spring&code=gone&class=bot&class=head",
    "summary?domain=a.example&bots=false",
    "summary?country=DE&country=",
    "summary?country=DE&browser=Firefox",
    "summary?tag=sale",
    "summary?tag=nothing",
    "series?period=24h&interval=1h&zone=Asia/Kathmandu",
    "series?period=30d&interval=1w&compare=previous",
    "series?period=7d&interval=6h&zone=Pacific/Chatham&country=FR",
    "series?period=all&interval=1mo&zone=Europe/Berlin",
    *(f"top/{dimension}?period=7d&compare=previous&limit=100" for dimension in Dimension),
    "top/referrer_host?country=FR",
    "top/code?limit=1",
)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Clicked]:
    with with_clicks_in_sqlite(tmp_path / "sqlite") as clicked:
        yield clicked


@pytest.fixture
def clickhouse(tmp_path: Path, clickhouse_url: str) -> Iterator[Api]:
    with running(tmp_path / "clickhouse") as api:
        answers = ClickHouseAnswers(ClickHouseDatabase(clickhouse_url, timeout_ms=30_000), api.clock, kept_days=90)
        api.run(answers.open())
        stats = ClickStats(MemoryClickStore(api.clock), api.clock, answers)
        api.use(replace(api.plane, clicks=stats))
        yield api
        api.run(stats.close())


def clicks() -> list[ClickEvent]:
    """Of two weeks, of several links and domains, with whatever visitors may write."""
    known = len(hostile_clicks())
    return [
        *hostile_clicks(),
        click(known + 1, 1, traffic=TrafficClass.BOT, reason="crawler", browser="", device="bot"),
        click(known + 2, 2.1, traffic=TrafficClass.HEAD),
        click(known + 3, 5, code="gone", visitor="8", country="FR", clicks=3),
        click(known + 4, 20, domain=DOMAIN, visitor="9", country="FR", variant=1, utm_source="mail"),
        click(known + 5, 24 * 3, code="autumn", visitor="8", country="", referrer_host=""),
        click(known + 6, 24 * 9, visitor="18446744073709551615"),
        click(known + 7, 24 * 13.5, visitor="0"),
    ]


def fill(api: Api, url: str, events: list[ClickEvent]) -> None:
    async def insert() -> None:
        database = ClickHouseDatabase(url, timeout_ms=30_000)
        await database.insert_json_rows("click_event", json_lines(*events), "block")
        await database.close()

    api.run(insert())


def told(api: Api, question: str) -> Any:  # noqa: ANN401 - JSON
    """The answer without visitors: ClickHouse knows some that SQLite does not."""
    reply = api.ask("GET", f"/api/stats/{question}")
    assert reply.status_code == 200, reply.text
    return _without_visitors(reply.json())


def _without_visitors(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, list):
        return [_without_visitors(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name: _without_visitors(each) for name, each in value.items() if not name.startswith("visitors")}


def test_clickhouse_and_sqlite_answer_alike(sqlite: Clicked, clickhouse: Api, clickhouse_url: str) -> None:
    for api in (sqlite.api, clickhouse):
        api.shorten(alias="spring", tags=["sale"])
        api.shorten(alias="autumn", tags=["sale"])
    sqlite.fill(*clicks())
    fill(clickhouse, clickhouse_url, clicks())
    for question in QUESTIONS:
        assert told(clickhouse, question) == told(sqlite.api, question), question
    for visitors in ("summary?period=7d", "summary?code=gone", "series?period=7d"):
        path = f"/api/stats/{visitors}"
        assert clickhouse.ask("GET", path).json() == sqlite.api.ask("GET", path).json()
    for name in ("events.csv", "events.ndjson", "events.ndjson?class=head", "events.csv?country=FR&code=gone"):
        path = f"/api/stats/{name}"
        assert clickhouse.ask("GET", path).text == sqlite.api.ask("GET", path).text
    for path in ("gone", "visitors/2027-01-12/8", "nobody", "visitors/2027-01-12/8"):
        deleted = [api.ask("DELETE", f"/api/stats/{path}").json() for api in (clickhouse, sqlite.api)]
        assert deleted[0] == deleted[1], path
        assert told(clickhouse, "top/code") == told(sqlite.api, "top/code"), path
