"""How fast questions about single clicks are answered: from sums, and as a plain count over all clicks."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from bench.clickhouse_filling import fill_clickhouse
from bench.event_filling import KEPT_DAYS, KEPT_ROWS, World, code, fill_sqlite, made_up
from bench.figures import percentile
from bench.plain_counts import PlainClickHouse, PlainSqlite, PlainTable
from clicks.counts import DAY_MS
from clicks.questions import ClickAnswers, Dimension, Question, Step
from clicks.stores.clickhouse_database import ClickHouseDatabase
from clicks.stores.clickhouse_events import ClickHouseAnswers
from clicks.stores.sqlite_events import SqliteEvents
from devstack.clickhouse import ClickHouse, clickhouse
from shortlink.clock import SystemClock
from shortlink.links import DEFAULT_DOMAIN, LinkKey

SQLITE_CLICKS: Final = 5_000_000
CLICKHOUSE_CLICKS: Final = 50_000_000
LINKS: Final = 100_000
DAYS: Final = 365
A_TAG: Final = 100  # links
TURNS: Final = 20  # each question, each time about another link or a time a little shorter
DATABASE: Final = "edge302"

Ask = Callable[[ClickAnswers, Question], Awaitable[object]]
KINDS: Final[dict[str, Ask]] = {
    "totals": lambda store, question: store.totals(question),
    "by day": lambda store, question: store.series(question, Step.DAY),
    "by hour": lambda store, question: store.series(question, Step.HOUR),
    **{
        f"top {dimension}": lambda store, question, dimension=dimension: store.top(question, dimension, 10)  # type: ignore[misc]
        for dimension in (Dimension.CODE, Dimension.REFERRER_HOST, Dimension.BROWSER, Dimension.COUNTRY)
    },
    "from one country": lambda store, question: store.totals(_filtered(question)),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One question to one store; `plain_ms`: of the plain count that answers it, the median."""

    store: str
    clicks: int
    question: str
    scope: str
    p50_ms: float
    p95_ms: float
    max_ms: float
    plain_ms: float


@dataclass(frozen=True, slots=True)
class Questions:
    """All rows; times of a client on the same machine."""

    rows: Sequence[Row]


class Asked(NamedTuple):
    """A store that is filled, and the plain table beside it."""

    name: str
    clicks: int
    world: World
    store: ClickAnswers
    plain: PlainTable


def measure(folder: Path, rounds: int, seconds: int) -> Questions:
    """Fill both stores with a year of clicks, and ask each question twenty times."""
    del rounds, seconds  # questions take what they take
    return Questions(asyncio.run(_measure(folder)))


async def _measure(folder: Path) -> list[Row]:
    end_ms = SystemClock().now_ms() // DAY_MS * DAY_MS
    world = World(LINKS, end_ms - DAYS * DAY_MS, DAYS)
    rows: list[Row] = []
    async with AsyncExitStack() as held:
        rows += await _rows(await _sqlite(folder / "events.db", world, held))
    async with AsyncExitStack() as held:
        (folder / "questions").mkdir()
        server = held.enter_context(clickhouse(folder / "questions"))
        rows += await _rows(await _clickhouse(server, world, held))
    return rows


async def _sqlite(path: Path, world: World, held: AsyncExitStack) -> Asked:
    plain = PlainSqlite(path.with_name("plain.db"))
    await asyncio.to_thread(fill_sqlite, path, world, SQLITE_CLICKS)
    await asyncio.to_thread(plain.fill, made_up(world, SQLITE_CLICKS))
    store = SqliteEvents(path, SystemClock(), kept_days=KEPT_DAYS, kept_rows=KEPT_ROWS, read_only=True)
    await store.open()
    held.push_async_callback(store.close)
    return Asked("SQLite", SQLITE_CLICKS, world, store, plain)


async def _clickhouse(server: ClickHouse, world: World, held: AsyncExitStack) -> Asked:
    database = ClickHouseDatabase(server.url(DATABASE), timeout_ms=60_000)
    store = ClickHouseAnswers(database, SystemClock(), kept_days=DAYS + 30)
    await store.open()
    held.push_async_callback(store.close)
    await asyncio.to_thread(fill_clickhouse, server, DATABASE, world, CLICKHOUSE_CLICKS)
    return Asked("ClickHouse", CLICKHOUSE_CLICKS, world, store, PlainClickHouse(server, DATABASE))


async def _rows(asked: Asked) -> list[Row]:
    rows = []
    for scope, links in _scopes().items():
        for name, ask in KINDS.items():
            rows.append(await _row(asked, name, ask, scope, links))
            print(rows[-1], file=sys.stderr, flush=True)
    return rows


def _scopes() -> dict[str, Callable[[int], Sequence[LinkKey] | None]]:
    """What questions are about, by turn: links of about the same rank."""
    return {
        "service": lambda turn: None,
        "a hot link": lambda turn: [LinkKey(DEFAULT_DOMAIN, code(turn % 3))],
        "a cold link": lambda turn: [LinkKey(DEFAULT_DOMAIN, code(LINKS // 2 + turn))],
        "a tag of 100 links": lambda turn: [
            LinkKey(DEFAULT_DOMAIN, code(turn + number * 50)) for number in range(A_TAG)
        ],
    }


async def _row(asked: Asked, name: str, ask: Ask, scope: str, links: Callable[[int], Sequence[LinkKey] | None]) -> Row:
    taken, plain = [], []
    for turn in range(TURNS):
        since_ms = asked.world.first_ms + turn % 5 * DAY_MS
        question = Question(since_ms, asked.world.first_ms + DAYS * DAY_MS, links(turn))
        if name == "from one country":  # two dimensions at once (class is one): as far back as clicks are kept
            question = Question(question.until_ms - 7 * DAY_MS, question.until_ms, question.links)
        begun = time.perf_counter()
        await ask(asked.store, question)
        taken.append((time.perf_counter() - begun) * 1e3)
        if turn < 3:
            plain.append(await asyncio.to_thread(asked.plain.count, name, question))
    return Row(
        asked.name,
        asked.clicks,
        name,
        scope,
        percentile(taken, 0.5),
        percentile(taken, 0.95),
        max(taken),
        percentile(plain, 0.5),
    )


def _filtered(question: Question) -> Question:
    return Question(question.since_ms, question.until_ms, question.links, where={Dimension.COUNTRY: ["DE"]})
