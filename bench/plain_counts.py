"""What other shorteners ask: a plain count over all clicks, without sums made before."""

import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, Protocol

from clicks.counts import DAY_MS, HOUR_MS
from clicks.events.event import ClickEvent
from clicks.questions import Question
from devstack.clickhouse import ClickHouse

_COUNTED: Final = {
    "totals": "class",
    "by day": f"time / {DAY_MS}",
    "by hour": f"time / {HOUR_MS}",
    "top code": "code",
    "top referrer_host": "referrer_host",
    "top browser": "browser",
    "top country": "country",
    "from one country": "class",
}


class PlainTable(Protocol):
    """All clicks, a row each."""

    def count(self, name: str, question: Question) -> float:
        """Ms that it takes to count what the question of this name asks about."""
        ...


class PlainSqlite:
    """A table of visits with an index by code, as other shorteners have it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fill(self, chunks: Iterable[Sequence[ClickEvent]]) -> None:
        """Make it, and put all of these clicks into it."""
        with closing(sqlite3.connect(self._path)) as db:
            db.execute(
                "CREATE TABLE visits (id INTEGER PRIMARY KEY, code TEXT, time INTEGER, class TEXT, browser TEXT,"
                " country TEXT, referrer_host TEXT)"
            )
            for chunk in chunks:
                rows = ((e.code, e.time, e.traffic.value, e.browser, e.country, e.referrer_host) for e in chunk)
                with db:
                    db.executemany(
                        "INSERT INTO visits (code, time, class, browser, country, referrer_host)"
                        " VALUES (?, ?, ?, ?, ?, ?)",
                        rows,
                    )
            db.execute("CREATE INDEX visits_code ON visits (code)")
            db.execute("ANALYZE")

    def count(self, name: str, question: Question) -> float:
        sql = _sql(name, question, "visits", divide="/")
        with closing(sqlite3.connect(self._path)) as db:
            begun = time.perf_counter()
            db.execute(sql).fetchall()
            return (time.perf_counter() - begun) * 1e3


class PlainClickHouse:
    """The clicks one by one, where ClickHouse keeps them."""

    def __init__(self, server: ClickHouse, database: str) -> None:
        self._server = server
        self._database = database

    def count(self, name: str, question: Question) -> float:
        sql = _sql(name, question, "click_event", divide="DIV")
        begun = time.perf_counter()
        self._server.query(sql, self._database)
        return (time.perf_counter() - begun) * 1e3


def _sql(name: str, question: Question, table: str, *, divide: str) -> str:
    counted = _COUNTED[name].replace("/", divide)
    wanted = [f"time >= {question.since_ms}", f"time < {question.until_ms}", "class <> 'head'"]
    if question.links is not None:
        wanted.append(f"code IN ({', '.join(repr(key.code) for key in question.links)})")
    if name == "from one country":
        wanted.append("country = 'DE'")
    return (
        f"SELECT {counted} AS what, count(*) AS clicks FROM {table} WHERE {' AND '.join(wanted)}"
        " GROUP BY what ORDER BY clicks DESC LIMIT 10000"
    )
