"""Single clicks in PostgreSQL: filled by the shippers of all nodes, asked by whoever shows statistics."""

# ruff: noqa: S608 (statements are put together from words of these files; values are parameters)

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, TypeVar

from clicks.counts import WATERMARK_KEPT_MS
from clicks.events.event import ClickEvent
from clicks.questions import Arrived, Dimension, Freshness, Points, Question, Step, Top, Totals
from clicks.sinks.contract import DescribedBatch
from clicks.stores import event_answers, event_upkeep
from clicks.stores.event_batches import events_of
from clicks.stores.event_rows import KnownIds, Lookup
from clicks.stores.event_tables import DICTIONARIES, LOG_COLUMNS
from clicks.stores.event_upkeep import TAIL_ROWS, Steps
from shortlink.clock import Clock
from shortlink.errors import StoreUnavailable
from shortlink.links import LinkKey
from shortlink.stores.postgres_database import Connection, PostgresDatabase

Answer = TypeVar("Answer")
Part = tuple[bytes, int, int, Sequence[ClickEvent]]  # epoch, after_seq, last_seq, clicks

MIGRATIONS: Final = Path(__file__).with_name("migrations") / "postgres_events"
TRACK: Final = "events"
# Each click is in some thirty sums: so many stay well within EDGE302_DATABASE_TIMEOUT_MS.
ROLLED_AT_ONCE: Final = 1_000
# One transaction at a time writes: ids are then committed in their order, and sums are changed by one alone.
_ONE_WRITER: Final = "SELECT pg_advisory_xact_lock(7305804402464567349)"
_ONE_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"


class PostgresEvents:
    """An EventSink and ClickAnswers that any number of nodes share.

    Args:
        database: a pool of its own.
        clock: tells when a watermark was touched.
        kept_days, kept_rows: how long, and how many at most, clicks of all nodes stay one by one.
        node: names the node whose watermarks these are: only it knows when its segments are gone.
        read_only: for those who ask; to forget clicks, they write all the same.
        tail_rows: how many clicks may wait for being added up.
    """

    name = "postgres"

    def __init__(
        self,
        database: PostgresDatabase,
        clock: Clock,
        *,
        kept_days: int,
        kept_rows: int,
        node: str = "",
        read_only: bool = False,
        tail_rows: int = TAIL_ROWS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._kept_days = kept_days
        self._kept_rows = kept_rows
        self._node = node
        self._read_only = read_only
        self._tail_rows = tail_rows
        self._known = KnownIds()

    async def open(self) -> None:
        # Zeros can be shown before anything arrived; a database that is away must keep nobody from starting.
        with contextlib.suppress(*([StoreUnavailable] if self._read_only else [])):
            await self._database.migrate(TRACK, MIGRATIONS)

    async def close(self) -> None:
        await self._database.close()

    async def watermarks(self) -> dict[bytes, int]:
        return dict(map(tuple, await self._database.fetch("SELECT epoch, seq FROM event_watermark")))

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
        await self._database.write(_TOUCH, now_ms, list(epochs))
        return len(await self._database.write(_FORGET, now_ms - WATERMARK_KEPT_MS, self._node))

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
        return await self._ask(event_answers.totals(question))

    async def series(self, question: Question, step: Step) -> Points:
        return await self._ask(event_answers.series(question, step))

    async def top(self, question: Question, dimension: Dimension, limit: int) -> Top:
        return await self._ask(event_answers.top(question, dimension, limit))

    async def export(self, question: Question) -> AsyncIterator[Sequence[ClickEvent]]:
        page: Sequence[ClickEvent] = await self._ask(event_answers.export_page(question, None))
        while page:
            yield page
            page = await self._ask(event_answers.export_page(question, page[-1]))

    async def arrived(self, question: Question, cursor: str | None, limit: int = 1_000) -> Arrived:
        return await self._ask(event_answers.arrived(question, cursor, limit))

    async def forget_link(self, key: LinkKey) -> int:
        await self._roll_up(0)
        return await self._write(event_upkeep.forget_link(key))

    async def forget_visitor(self, day: int, visitor: str) -> int:
        await self._roll_up(0)
        return await self._write(event_upkeep.forget_visitor(day, visitor))

    async def freshness(self) -> Freshness:
        return await self._ask(event_answers.freshness())

    async def _add(self, parts: Sequence[Part]) -> bool:
        try:
            async with self._database.transaction(_ONE_WRITER) as connection:
                added = await _add(connection, parts, self._known, self._clock.now_ms(), self._node)
        except BaseException:
            self._known.forget()
            raise
        await self._roll_up(self._tail_rows)
        return added

    async def _roll_up(self, tail_rows: int) -> None:
        """Add up clicks until no more than these wait."""
        waiting = await self._database.fetchval(_WAITING)
        while waiting > tail_rows and await self._write(event_upkeep.roll_up(ROLLED_AT_ONCE)):
            waiting -= ROLLED_AT_ONCE

    async def _write(self, steps: Steps[Answer]) -> Answer:
        async with self._database.transaction(_ONE_WRITER) as connection:
            return await _run(connection, steps)

    async def _ask(self, steps: Steps[Answer]) -> Answer:
        async with self._database.transaction(_ONE_SNAPSHOT) as connection:
            return await _run(connection, steps)


async def _run(connection: Connection, steps: Steps[Answer]) -> Answer:
    """Ask what the steps give, within the transaction that is open."""
    try:
        ask = next(steps)
        while True:
            ask = steps.send([tuple(row) for row in await connection.fetch(ask.sql, *ask.parameters)])
    except StopIteration as done:
        answer: Answer = done.value
        return answer


async def _add(connection: Connection, parts: Sequence[Part], known: KnownIds, now_ms: int, node: str) -> bool:
    """Compare the watermarks, then store and set them; called within one transaction."""
    for epoch, after_seq, _, _ in parts:
        if (await connection.fetchval(_REACHED, epoch) or 0) != after_seq:
            return False
    for epoch, _, last_seq, events in parts:
        lookups = known.rows(events, now_ms)
        try:
            wanted = next(lookups)
            while True:
                wanted = lookups.send(await _ids(connection, wanted))
        except StopIteration as found:
            await connection.copy_records_to_table("event_log", records=found.value, columns=LOG_COLUMNS)
        await connection.execute(_SET_WATERMARK, epoch, last_seq, now_ms, node)
    return True


async def _ids(connection: Connection, wanted: Lookup) -> list[int]:
    """Found first, since an insert that finds its key taken uses up an id."""
    name = wanted.dictionary
    found: dict[bytes, int] = dict(map(tuple, await connection.fetch(_FIND[name], wanted.keys)))
    if name == "text":
        await connection.execute(_STILL_USED, list(found.values()), wanted.rows[0][-1])
    if missing := [(key, *row) for key, row in zip(wanted.keys, wanted.rows, strict=True) if key not in found]:
        columns = map(list, zip(*missing, strict=True))
        found |= dict(map(tuple, await connection.fetch(_MAKE[name], *columns)))
    return [found[key] for key in wanted.keys]


def _making(name: str) -> str:
    numbers = {"link": ("domain",), "origin": ("worker",), "text": ("used_day",)}.get(name, ())
    columns = DICTIONARIES[name]
    types = ["bytea", *("integer" if column in numbers else "text" for column in columns)]
    lists = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(types, 1))
    return f"""INSERT INTO event_{name} (key, {", ".join(columns)}) SELECT * FROM unnest({lists})
        RETURNING key, id"""


_WAITING: Final = "SELECT count(*) FROM event_log WHERE id > (SELECT rolled FROM event_state)"
_REACHED: Final = "SELECT seq FROM event_watermark WHERE epoch = $1"
_SET_WATERMARK: Final = """INSERT INTO event_watermark (epoch, seq, touched_at, node) VALUES ($1, $2, $3, $4)
    ON CONFLICT (epoch) DO UPDATE SET seq = excluded.seq, touched_at = excluded.touched_at"""
_TOUCH: Final = "UPDATE event_watermark SET touched_at = $1 WHERE epoch = ANY($2)"
_FORGET: Final = "DELETE FROM event_watermark WHERE touched_at <= $1 AND node = $2 RETURNING 1"
_FIND: Final = {name: f"SELECT key, id FROM event_{name} WHERE key = ANY($1)" for name in DICTIONARIES}
_MAKE: Final = {name: _making(name) for name in DICTIONARIES}
_STILL_USED: Final = "UPDATE event_text SET used_day = $2 WHERE id = ANY($1) AND used_day < $2"
