"""Answers from ClickHouse's sums by value: of one dimension, for domains and the service, by whole days."""

from collections.abc import Callable, Sequence
from typing import Any

from clicks.questions import Covered, Dimension, Points, Question, Top, TopValue, Totals
from clicks.stores.clickhouse_answers import by_class, points
from clicks.stores.clickhouse_database import ClickHouseDatabase
from clicks.stores.clickhouse_spans import Span, split_by_days, whole_days
from clicks.stores.clickhouse_sql import (
    DAY_START,
    OF_COUNTS,
    Source,
    in_days,
    in_time,
    is_of_links,
    most_clicked,
    of_scope,
    of_values,
    summed,
    told,
    values_of,
)


class ValueSums:
    """Sums by value; visitors are not known of them. Parts of days come from clicks, and where those are gone, whole
    days are answered for."""

    def __init__(self, database: ClickHouseDatabase) -> None:
        self._database = database

    async def totals(self, question: Question, span: Span, log_since_ms: int) -> Totals:
        sources, span = _sources(question, _dimension(question, None), "0", "0", span, log_since_ms)
        return Totals(by_class(await self._ask(summed, sources)), None, Covered(*span))

    async def days(self, question: Question, span: Span) -> Points:
        """A series by days."""
        source = _source(question, _dimension(question, None), DAY_START, span)
        return Points(points(await self._ask(summed, [source])), Covered(*span))

    async def top(self, question: Question, dimension: Dimension, limit: int, span: Span, log_since_ms: int) -> Top:
        key = told(dimension) if dimension in OF_COUNTS else "value"
        kept = _dimension(question, dimension)
        sources, span = _sources(question, kept, key, told(dimension), span, log_since_ms)
        rows = await self._ask(most_clicked, sources, limit=limit)
        return Top([TopValue(value, clicks, None) for value, clicks in rows], Covered(*span))

    async def _ask(
        self, statement: Callable[[Sequence[Source]], str], sources: Sequence[Source], **values: object
    ) -> Sequence[Sequence[Any]]:
        return await self._database.rows(statement(sources), values_of(sources) | values)


def can_answer(question: Question, asked: Dimension | None = None) -> bool:
    """Whether it is about one of the dimensions whose values are summed up, and about no single links."""
    return len(_dimensions(question, asked)) == 1 and not is_of_links(question) and asked is not Dimension.CODE


def _dimension(question: Question, asked: Dimension | None) -> Dimension:
    (dimension,) = _dimensions(question, asked)
    return dimension


def _dimensions(question: Question, asked: Dimension | None) -> set[Dimension]:
    return ({*question.where} | ({asked} if asked else set())) - OF_COUNTS


def _sources(
    question: Question, dimension: Dimension, key: str, key_of_clicks: str, span: Span, log_since_ms: int
) -> tuple[list[Source], Span]:
    """Whole days and the clicks around them, and the time that they are about."""
    days, parts = split_by_days(span)
    if any(part.since_ms < log_since_ms for part in parts):
        days, parts = whole_days(span), ()
        span = days
    clicks = of_scope(question) & of_values(question) & in_time(*parts)
    return [_source(question, dimension, key, days), Source("click_event", key_of_clicks, clicks)], span


def _source(question: Question, dimension: Dimension, key: str, days: Span) -> Source:
    meant = of_scope(question) & of_values(question, "value") & in_days(days)
    meant.add("dimension = {dimension:String}", dimension=dimension.value)
    return Source("value_day", key, meant)
