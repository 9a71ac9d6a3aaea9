"""Answers from clicks themselves in ClickHouse: everything that can be asked, for as long as they are kept."""

import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, NamedTuple, Self

import msgspec

from clicks.counts import DAY_MS
from clicks.events.event import ClickEvent
from clicks.questions import Arrived, Covered, Dimension, Points, Question, Step, Top, TopValue, Totals
from clicks.stores.clickhouse_answers import by_class, points
from clicks.stores.clickhouse_database import ClickHouseDatabase
from clicks.stores.clickhouse_spans import Span, next_month
from clicks.stores.clickhouse_sql import Meant, in_time, of_scope, of_values, time_start, told

PAGE: Final = 10_000  # clicks: some MB of JSON
# An insertion that began this long ago has ended, one way or the other.
ARRIVING_MS: Final = 600_000
# A visitor has another number each day, so that those of several days can be told apart by one number.
_VISITORS: Final = (
    f"uniqCombined64If(17)(visitor + toUInt64(intDiv(time, {DAY_MS})) * 11400714819323198485,"
    " visitor != 0 AND clicks > 0)"
)
_LAST_OF_BLOCK: Final = (1 << 63) - 1


class ClickLog:
    """Clicks one by one."""

    def __init__(self, database: ClickHouseDatabase) -> None:
        self._database = database

    async def totals(self, question: Question, span: Span) -> Totals:
        counts, visitors = _told_apart(await self._grouped(question, span, "0"))
        return Totals(by_class(counts), visitors.get(0, 0), Covered(*span))

    async def series(self, question: Question, step: Step, span: Span) -> Points:
        counts, visitors = _told_apart(await self._grouped(question, span, time_start(step)))
        return Points(points(counts, visitors if step is Step.DAY else None), Covered(*span))

    async def top(self, question: Question, dimension: Dimension, limit: int, span: Span) -> Top:
        meant = _meant(question, span)
        rows = await self._database.rows(
            f"SELECT {told(dimension)} AS key, sum(clicks) AS n, {_VISITORS} FROM click_event WHERE {meant}"
            " GROUP BY key HAVING n != 0 ORDER BY n DESC, key LIMIT {limit:UInt32}",
            meant.values | {"limit": limit},
        )
        return Top([TopValue(*row) for row in rows], Covered(*span))

    async def export(self, question: Question, span: Span) -> AsyncIterator[Sequence[ClickEvent]]:
        """All clicks in pages; month by month, as they lie, so that a page is never picked from more than one."""
        span = await self._filled(span)
        while not span.is_empty:
            month = Span(span.since_ms, min(span.until_ms, next_month(span.since_ms)))
            page = await self._page(question, month, None)
            while page:
                yield page
                page = await self._page(question, month, page[-1]) if len(page) == PAGE else []
            span = Span(month.until_ms, span.until_ms)

    async def arrived(self, question: Question, span: Span, place: "Place", limit: int) -> Arrived:
        """What came behind a place."""
        end = await self.end()
        meant = _meant(question, span)
        lines = await self._database.json_lines(
            f"SELECT {_FIELDS}, _block_number AS block, _block_offset AS offset FROM click_event"
            f" WHERE {meant} AND {_BEHIND} ORDER BY block, offset LIMIT {{limit:UInt32}}",
            meant.values | place._asdict() | {"last_block": end.block, "limit": limit},
        )
        events = _EVENTS.decode_lines(lines)
        if len(events) == limit:
            last = _BLOCKS.decode(lines.splitlines()[-1])
            end = Place(last.block, last.offset, place.arrived_ms)
        return Arrived(events, str(end))

    async def end(self) -> "Place":
        """The place behind the click that came last."""
        block, now_ms = (await self._database.rows(_LAST_BLOCK))[0]
        return Place(block, _LAST_OF_BLOCK, now_ms - ARRIVING_MS)

    async def newest_ms(self) -> int | None:
        """Time of the newest click; None: there is none."""
        clicks, newest_ms = (await self._database.rows("SELECT count(), max(time) FROM click_event"))[0]
        return newest_ms if clicks else None

    async def _grouped(self, question: Question, span: Span, key: str) -> Sequence[Sequence[Any]]:
        """Key, class, clicks and visitors; an empty class: the key's visitors, over all classes."""
        meant = _meant(question, span)
        return await self._database.rows(
            f"SELECT {key} AS key, class, sum(clicks) AS n, {_VISITORS} FROM click_event WHERE {meant}"
            " GROUP BY GROUPING SETS ((key, class), (key)) HAVING n != 0",
            meant.values,
        )

    async def _filled(self, span: Span) -> Span:
        """The part of a span in which there are clicks."""
        rows = await self._database.rows("SELECT count(), min(time), max(time) FROM click_event")
        clicks, oldest_ms, newest_ms = rows[0]
        if not clicks:
            return Span(span.until_ms, span.until_ms)
        return Span(max(span.since_ms, oldest_ms), min(span.until_ms, newest_ms + 1))

    async def _page(self, question: Question, span: Span, after: ClickEvent | None) -> Sequence[ClickEvent]:
        if after is not None:
            span = Span(after.time, span.until_ms)
        meant = _meant(question, span)
        if after is not None:
            meant.add(
                "(time, epoch, seq) > ({after_time:Int64}, {after_epoch:String}, {after_seq:UInt64})",
                after_time=after.time,
                after_epoch=after.epoch,
                after_seq=after.seq,
            )
        return _EVENTS.decode_lines(
            await self._database.json_lines(
                f"SELECT {_FIELDS} FROM click_event WHERE {meant} ORDER BY time, epoch, seq LIMIT {PAGE}", meant.values
            )
        )


class Place(NamedTuple):
    """A place in the order of arrival.

    Blocks of a MergeTree get their number under the lock that makes them visible, so no block appears behind a place
    that was given out: nothing is skipped, however long an insertion takes. `arrived_ms` only tells which parts of the
    table need not be read.

    Attributes:
        block, offset: of the last click before it; a block's number, and the place in the block.
        arrived_ms: what is behind the place arrived later.
    """

    block: int
    offset: int
    arrived_ms: int

    def __str__(self) -> str:
        return f"{self.block}.{self.offset}.{self.arrived_ms}"

    @classmethod
    def parsed(cls, cursor: str) -> Self:
        """ValueError: no cursor of ours."""
        if not _CURSOR.fullmatch(cursor):
            raise ValueError("no such cursor: use one that came with an answer")
        return cls(*map(int, cursor.split(".")))


class _Block(msgspec.Struct):
    block: int
    offset: int


def _meant(question: Question, span: Span) -> Meant:
    return of_scope(question) & of_values(question) & in_time(span)


def _told_apart(rows: Sequence[Sequence[Any]]) -> tuple[Sequence[Sequence[Any]], dict[Any, int]]:
    """Clicks by key and class, and visitors by key."""
    counts = [(key, traffic, clicks) for key, traffic, clicks, _ in rows if traffic]
    return counts, {key: visitors for key, traffic, _, visitors in rows if not traffic}


_FIELDS: Final = ", ".join(
    "toString(visitor) AS visitor" if field.encode_name == "visitor" else field.encode_name
    for field in msgspec.structs.fields(ClickEvent)
)
_EVENTS: Final = msgspec.json.Decoder(ClickEvent)
_BLOCKS: Final = msgspec.json.Decoder(_Block)
_CURSOR: Final = re.compile(r"[0-9]{1,18}\.[0-9]{1,19}\.[0-9]{1,18}")
_LAST_BLOCK: Final = """SELECT (SELECT max(max_block_number) FROM system.parts
    WHERE database = currentDatabase() AND table = 'click_event' AND active), toUnixTimestamp64Milli(now64(3))"""
_BEHIND: Final = """clicks > 0 AND _block_number <= {last_block:UInt64}
    AND arrived >= fromUnixTimestamp64Milli({arrived_ms:Int64})
    AND (_block_number > {block:UInt64} OR _block_number = {block:UInt64} AND _block_offset > {offset:UInt64})"""
