"""Single clicks in ClickHouse, where they come from Kafka: which of its tables has the answer."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Final

from clicks.counts import DAY_MS
from clicks.events.event import ClickEvent
from clicks.questions import (
    QUARTER_MS,
    Arrived,
    Covered,
    Dimension,
    Freshness,
    Points,
    Question,
    Step,
    Top,
    Totals,
)
from clicks.stores.clickhouse_counts import CountTables
from clicks.stores.clickhouse_database import ClickHouseDatabase
from clicks.stores.clickhouse_forgetting import forget_link, forget_visitor
from clicks.stores.clickhouse_log import ClickLog, Place
from clicks.stores.clickhouse_schema import prepare
from clicks.stores.clickhouse_spans import Span, span_of
from clicks.stores.clickhouse_sql import OF_COUNTS
from clicks.stores.clickhouse_values import ValueSums, can_answer
from shortlink.clock import Clock
from shortlink.errors import StoreUnavailable
from shortlink.links import LinkKey

# Up to here clicks themselves are quick enough to read where sums would do, and know visitors, which those do not.
READ_ONE_BY_ONE_MS: Final = 31 * DAY_MS


class ClickHouseAnswers:
    """ClickAnswers over the clicks that `edge302 ingest` puts into ClickHouse.

    By time, link, domain and class, clicks are exact for all time. By one other dimension, for domains and the
    service, by whole UTC days for all time; by several, or of single links, for as long as clicks are kept one by one.
    Visitors are estimated beyond some hundreds, and None where only sums are left.

    Args:
        kept_days: how long clicks are kept one by one.
    """

    def __init__(self, database: ClickHouseDatabase, clock: Clock, *, kept_days: int) -> None:
        self._database = database
        self._clock = clock
        self._kept_days = kept_days
        self._counts = CountTables(database)
        self._values = ValueSums(database)
        self._log = ClickLog(database)

    async def open(self) -> None:
        # Zeros can be shown before anything arrived; a database that is away must keep nobody from starting.
        with contextlib.suppress(StoreUnavailable):
            await prepare(self._database, self._kept_days)

    async def close(self) -> None:
        await self._database.close()

    async def totals(self, question: Question) -> Totals:
        span, log = span_of(question), self._log_since_ms()
        if _is_about_nothing(question):
            return Totals({}, 0, Covered(*span))
        if _is_of_counts(question):
            return await self._counts.totals(question, span, log)
        if can_answer(question) and not self._is_soon_read(span):
            return await self._values.totals(question, span, log)
        return await self._log.totals(question, _since(span, log))

    async def series(self, question: Question, step: Step) -> Points:
        span, log = span_of(question), self._log_since_ms()
        if _is_about_nothing(question):
            return Points([], Covered(*span))
        if _is_of_counts(question):
            return await self._counts.series(question, step, span, log)
        if step is Step.DAY and can_answer(question) and not self._is_soon_read(span):
            return await self._values.days(question, span)
        return await self._log.series(question, step, _since(span, -(-log // step) * step))

    async def top(self, question: Question, dimension: Dimension, limit: int) -> Top:
        span, log = span_of(question), self._log_since_ms()
        if _is_about_nothing(question):
            return Top([], Covered(*span))
        if _is_of_counts(question) and dimension in OF_COUNTS:
            return await self._counts.top(question, dimension, limit, span, log)
        if can_answer(question, dimension) and not self._is_soon_read(span):
            return await self._values.top(question, dimension, limit, span, log)
        return await self._log.top(question, dimension, limit, _since(span, log))

    async def export(self, question: Question) -> AsyncIterator[Sequence[ClickEvent]]:
        if not _is_about_nothing(question):
            async for page in self._log.export(question, span_of(question)):
                yield page

    async def arrived(self, question: Question, cursor: str | None, limit: int = 1_000) -> Arrived:
        if cursor is None:
            return Arrived([], str(await self._log.end()))
        place = Place.parsed(cursor)
        if _is_about_nothing(question):
            return Arrived([], str(await self._log.end()))
        return await self._log.arrived(question, span_of(question), place, limit)

    async def forget_link(self, key: LinkKey) -> int:
        return await forget_link(self._database, key)

    async def forget_visitor(self, day: int, visitor: str) -> int:
        return await forget_visitor(self._database, day, visitor)

    async def freshness(self) -> Freshness:
        return Freshness(await self._log.newest_ms())

    def _log_since_ms(self) -> int:
        """Since when all clicks are there one by one: ClickHouse deletes older ones when it comes to it."""
        since_ms = self._clock.now_ms() - self._kept_days * DAY_MS
        return max(0, -(-since_ms // QUARTER_MS) * QUARTER_MS)

    def _is_soon_read(self, span: Span) -> bool:
        is_short = span.until_ms - span.since_ms <= READ_ONE_BY_ONE_MS
        return is_short and span.since_ms >= self._log_since_ms()


def _is_about_nothing(question: Question) -> bool:
    """True where no click can be meant, whatever is stored."""
    nowhere = question.links is not None and not question.links
    return span_of(question).is_empty or nowhere or not question.classes or not all(question.where.values())


def _is_of_counts(question: Question) -> bool:
    return question.where.keys() <= OF_COUNTS


def _since(span: Span, ms: int) -> Span:
    return Span(min(max(span.since_ms, ms), span.until_ms), span.until_ms)
