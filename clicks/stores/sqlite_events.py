"""Single clicks in SQLite: one file, filled by the shipper of its node, asked by whoever shows statistics."""

# ruff: noqa: S608 (statements are put together from words of these files; values are parameters)

import asyncio
import re
from collections.abc import AsyncIterator, Generator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from clicks.counts import WATERMARK_KEPT_MS
from clicks.events.event import ClickEvent
from clicks.questions import Arrived, Dimension, Freshness, Points, Question, Step, Top, Totals
from clicks.sinks.contract import DescribedBatch
from clicks.stores import event_answers, event_upkeep
from clicks.stores.event_batches import events_of
from clicks.stores.event_rows import KnownIds, Lookup
from clicks.stores.event_tables import DICTIONARIES, LOG_COLUMNS
from clicks.stores.event_upkeep import ROLLED_AT_ONCE, TAIL_ROWS, Ask, Steps
from shortlink.clock import Clock
from shortlink.links import LinkKey
from shortlink.stores.sqlite_file import Connection, SqliteFile

Answer = TypeVar("Answer")

MIGRATIONS: Final = Path(__file__).with_name("migrations") / "sqlite_events"
READERS: Final = 2  # an export goes on for minutes, page by page, and questions beside it are answered


class SqliteEvents:
    """An EventSink and ClickAnswers in one SQLite file. Opened read-only, a file that is not there yet has no clicks.

    Args:
        path: the file.
        clock: tells when a watermark was touched.
        kept_days, kept_rows: how long, and how many at most, clicks stay one by one.
        read_only: for those who ask; to forget clicks, they write for that moment.
        tail_rows: how many clicks may wait for being added up.
    """

    name = "sqlite"

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        kept_days: int,
        kept_rows: int,
        read_only: bool = False,
        tail_rows: int = TAIL_ROWS,
    ) -> None:
        self._path = path
        self._clock = clock
        self._kept_days = kept_days
        self._kept_rows = kept_rows
        self._read_only = read_only
        self._tail_rows = tail_rows
        self._file = SqliteFile(path, MIGRATIONS, read_only=read_only, readers=READERS)
        self._known = KnownIds()

    async def open(self) -> None:
        if not self._read_only and not await asyncio.to_thread(self._path.exists):
            await self._create()
        await self._file.open()

    async def close(self) -> None:
        await self._file.close()

    async def watermarks(self) -> dict[bytes, int]:
        return dict(map(tuple, await self._ask(_rows("SELECT epoch, seq FROM event_watermark"), [])))

    async def add(self, batches: Sequence[DescribedBatch]) -> bool:
        parts = [
            (described.batch.epoch, described.batch.after_seq, described.batch.last_seq, events)
            for described in batches
            for events in [await asyncio.to_thread(events_of, described)]
        ]
        return await self._add(parts)

    async def add_events(self, epoch: bytes, after_seq: int, last_seq: int, events: Sequence[ClickEvent]) -> bool:
        """As `add`, of clicks that are decoded already."""
        return await self._add([(epoch, after_seq, last_seq, events)])

    async def forget_epochs(self, epochs: Sequence[bytes], now_ms: int) -> int:
        """As the contract says; clicks that were kept for long enough are given up here too."""
        await self.keep(now_ms)

        def work(db: Connection) -> int:
            db.executemany(
                "UPDATE event_watermark SET touched_at = ? WHERE epoch = ?", [(now_ms, epoch) for epoch in epochs]
            )
            db.execute("DELETE FROM event_watermark WHERE touched_at <= ?", (now_ms - WATERMARK_KEPT_MS,))
            return db.changes()

        return await self._file.write(work)

    async def keep(self, now_ms: int) -> None:
        """Add up what waits, then give up clicks and visitors whose time is over: in short transactions."""
        await self._roll_up(0)
        await self._write(event_upkeep.give_up_log(now_ms, self._kept_days, self._kept_rows))
        while await self._write(event_upkeep.delete_old()):
            pass
        scope: int | None = None
        while (scope := await self._write(event_upkeep.close_days(now_ms, scope))) is not None:
            pass
        await self._write(event_upkeep.delete_texts())

    async def totals(self, question: Question) -> Totals:
        return await self._ask(event_answers.totals(question), Totals({}, 0, event_answers.asked_time(question)))

    async def series(self, question: Question, step: Step) -> Points:
        return await self._ask(event_answers.series(question, step), Points([], event_answers.asked_time(question)))

    async def top(self, question: Question, dimension: Dimension, limit: int) -> Top:
        return await self._ask(
            event_answers.top(question, dimension, limit), Top([], event_answers.asked_time(question))
        )

    async def export(self, question: Question) -> AsyncIterator[Sequence[ClickEvent]]:
        page: Sequence[ClickEvent] = await self._ask(event_answers.export_page(question, None), [])
        while page:
            yield page
            page = await self._ask(event_answers.export_page(question, page[-1]), [])

    async def arrived(self, question: Question, cursor: str | None, limit: int = 1_000) -> Arrived:
        return await self._ask(event_answers.arrived(question, cursor, limit), Arrived([], cursor or "0"))

    async def forget_link(self, key: LinkKey) -> int:
        return await self._forget(event_upkeep.forget_link(key))

    async def forget_visitor(self, day: int, visitor: str) -> int:
        return await self._forget(event_upkeep.forget_visitor(day, visitor))

    async def freshness(self) -> Freshness:
        return await self._ask(event_answers.freshness(), Freshness(None))

    async def _create(self) -> None:
        """Make the file under another name and move it into place: no reader meets it without its tables."""
        draft = self._path.with_suffix(".new")
        file = SqliteFile(draft, MIGRATIONS)
        await file.open()
        await file.close()  # which leaves no log behind
        await asyncio.to_thread(draft.rename, self._path)

    async def _add(self, parts: Sequence[tuple[bytes, int, int, Sequence[ClickEvent]]]) -> bool:
        now_ms = self._clock.now_ms()
        try:
            added = await self._file.write(lambda db: _add(db, parts, self._known, now_ms))
        except BaseException:
            self._known.forget()
            raise
        await self._roll_up(self._tail_rows)
        return added

    async def _roll_up(self, tail_rows: int) -> None:
        """Add up clicks until no more than these wait."""
        waiting = (await self._file.read(lambda db: _run(db, _rows(_WAITING))))[0][0]
        while waiting > tail_rows and await self._write(event_upkeep.roll_up()):
            waiting -= ROLLED_AT_ONCE

    async def _forget(self, steps: Steps[int]) -> int:
        if not self._read_only:
            await self._roll_up(0)
            return await self._write(steps)
        if not await asyncio.to_thread(self._path.exists):
            return 0
        writer = SqliteEvents(
            self._path, self._clock, kept_days=self._kept_days, kept_rows=self._kept_rows, tail_rows=self._tail_rows
        )
        await writer.open()
        try:
            return await writer._forget(steps)
        finally:
            await writer.close()

    async def _write(self, steps: Steps[Answer]) -> Answer:
        return await self._file.write(lambda db: _run(db, steps))

    async def _ask(self, steps: Steps[Answer], nothing: Answer) -> Answer:
        if self._read_only and not self._path.exists():
            return nothing
        return await self._file.read(lambda db: _run(db, steps))


def _add(
    db: Connection, parts: Sequence[tuple[bytes, int, int, Sequence[ClickEvent]]], known: KnownIds, now_ms: int
) -> bool:
    """Compare the watermarks, then store and set them; called within one transaction."""
    for epoch, after_seq, _, _ in parts:
        reached = db.execute("SELECT seq FROM event_watermark WHERE epoch = ?", (epoch,)).fetchone()
        if (reached[0] if reached else 0) != after_seq:
            return False
    for epoch, _, last_seq, events in parts:
        lookups = known.rows(events, now_ms)
        try:
            wanted = next(lookups)
            while True:
                wanted = lookups.send(_ids(db, wanted))
        except StopIteration as found:
            db.executemany(_INSERT, found.value)
        db.execute("INSERT OR REPLACE INTO event_watermark VALUES (?, ?, ?)", (epoch, last_seq, now_ms))
    return True


def _ids(db: Connection, wanted: Lookup) -> list[int]:
    sql = _FIND[wanted.dictionary]
    return [db.execute(sql, (key, *row)).get for key, row in zip(wanted.keys, wanted.rows, strict=True)]


def _run(db: Connection, steps: Steps[Answer]) -> Answer:
    """Ask what the steps give, within one snapshot or transaction."""
    try:
        ask = next(steps)
        while True:
            ask = steps.send(db.execute(in_sqlite(ask.sql), tuple(map(_bound, ask.parameters))).fetchall())
    except StopIteration as done:
        answer: Answer = done.value
        return answer


@lru_cache(maxsize=1_000)
def in_sqlite(sql: str) -> str:
    """A statement as SQLite writes it: ?1 for $1, and lists as JSON; keys, which are bytes, in hex."""
    sql = sql.replace("/* by id */", "NOT INDEXED")  # but for the id, which is the table itself
    sql = re.sub(r"\bkey = ANY\(\$(\d+)\)", r"key IN (SELECT unhex(value) FROM json_each(?\1))", sql)
    sql = re.sub(r"= ANY\(\$(\d+)\)", r"IN (SELECT value FROM json_each(?\1))", sql)
    return re.sub(r"\$(\d+)", r"?\1", sql)


def _bound(value: object) -> Any:  # noqa: ANN401 (what SQLite takes)
    if not isinstance(value, list):
        return value
    return msgspec.json.encode([part.hex() if isinstance(part, bytes) else part for part in value]).decode()


def _rows(sql: str) -> Generator[Ask, Sequence[Sequence[Any]], Sequence[Sequence[Any]]]:
    return (yield Ask(sql))


_WAITING: Final = "SELECT count(*) FROM event_log WHERE id > (SELECT rolled FROM event_state)"
_INSERT: Final = f"INSERT INTO event_log ({', '.join(LOG_COLUMNS)}) VALUES ({', '.join('?' * len(LOG_COLUMNS))})"
# The update makes it return the id of an entry that is there, and keeps texts that are still in use.
_FIND: Final = {
    name: f"""INSERT INTO event_{name} (key, {", ".join(columns)}) VALUES ({", ".join("?" * (len(columns) + 1))})
    ON CONFLICT (key) DO UPDATE SET {columns[-1]} = excluded.{columns[-1]} RETURNING id"""
    for name, columns in DICTIONARIES.items()
}
