"""Answers from ClickHouse's tables of counts: by time, link, domain and class, exact for all time."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from clicks.counts import DAY_MS
from clicks.questions import Covered, Dimension, Points, Question, Step, Top, TopValue, Totals
from clicks.stores.clickhouse_answers import by_class, points
from clicks.stores.clickhouse_database import ClickHouseDatabase
from clicks.stores.clickhouse_spans import Span, split_by_days, split_by_months
from clicks.stores.clickhouse_sql import (
    DAY_START,
    Source,
    in_days,
    in_quarters,
    in_time,
    is_of_links,
    links_told,
    most_clicked,
    of_scope,
    quarter_start,
    summed,
    told,
    values_of,
)

# Of clicks that have a visitor, with the day that tables of visitors have.
_CLICKS: Final = (
    f"(SELECT domain, code, class, visitor, toDate(intDiv(time, {DAY_MS})) AS day"
    " FROM click_event WHERE {meant} AND visitor != 0 AND clicks > 0)"
)


class CountTables:
    """Sums that were made as clicks came in. Visitors come from states of whole days, and of a day's part from its
    clicks; None where those are gone."""

    def __init__(self, database: ClickHouseDatabase) -> None:
        self._database = database

    async def totals(self, question: Question, span: Span, log_since_ms: int) -> Totals:
        """`log_since_ms`: since when there are clicks one by one."""
        counts, visitors = await asyncio.gather(
            self._ask(summed, _sources(question, span, "0")), self._visitors(question, span, log_since_ms, "0")
        )
        return Totals(by_class(counts), None if visitors is None else visitors.get(0, 0), Covered(*span))

    async def series(self, question: Question, step: Step, span: Span, log_since_ms: int) -> Points:
        counts = self._ask(summed, [_steps(question, span, step)])
        if step is not Step.DAY:
            return Points(points(await counts), Covered(*span))
        days = self._visitors(question, span, log_since_ms, DAY_START)
        return Points(points(*await asyncio.gather(counts, days)), Covered(*span))

    async def top(self, question: Question, dimension: Dimension, limit: int, span: Span, log_since_ms: int) -> Top:
        key, by_link = told(dimension), dimension is Dimension.CODE
        sources = _links(question, span, key) if by_link else _sources(question, span, key)
        counts = await self._ask(most_clicked, sources, limit=limit)
        if by_link:  # of which there are many more than are shown
            question = replace(question, links=[link for value, _ in counts for link in links_told(value)])
        visitors = await self._visitors(question, span, log_since_ms, key) if counts else {}
        return Top(
            [TopValue(value, n, None if visitors is None else visitors.get(value, 0)) for value, n in counts],
            Covered(*span),
        )

    async def _visitors(self, question: Question, span: Span, log_since_ms: int, key: str) -> Mapping[Any, int] | None:
        """Different visitors by a key, each day's added up."""
        days, parts = split_by_days(span)
        if any(part.since_ms < log_since_ms for part in parts):
            return None
        table, registers = ("link_visitors", 13) if is_of_links(question) else ("domain_visitors", 17)
        kept, rest = of_scope(question) & in_days(days), of_scope(question) & in_time(*parts)
        rows = await self._database.rows(
            f"SELECT key, sum(visitors) FROM (SELECT {key} AS key, day, uniqCombined64Merge({registers})(visitors) AS"
            f" visitors FROM {table} WHERE {kept} GROUP BY key, day UNION ALL"
            f" SELECT {key} AS key, day, uniqCombined64(17)(visitor) AS visitors"
            f" FROM {_CLICKS.format(meant=rest)} GROUP BY key, day) GROUP BY key",
            kept.values | rest.values,
        )
        return {row[0]: row[1] for row in rows}

    async def _ask(
        self, statement: Callable[[Sequence[Source]], str], sources: Sequence[Source], **values: object
    ) -> Sequence[Sequence[Any]]:
        return await self._database.rows(statement(sources), values_of(sources) | values)


def _sources(question: Question, span: Span, key: str) -> list[Source]:
    if not is_of_links(question):
        return [Source("domain_quarter", key, of_scope(question) & in_quarters(span))]
    days, parts = split_by_days(span)
    return [
        Source("link_day", key, of_scope(question) & in_days(days)),
        Source("link_quarter", key, of_scope(question) & in_quarters(*parts)),
    ]


def _links(question: Question, span: Span, key: str) -> list[Source]:
    """Of all links there are too many rows a day to read a year of them."""
    if is_of_links(question):
        return _sources(question, span, key)
    months, rest = split_by_months(span)
    splits = [split_by_days(part) for part in rest]
    return [
        Source("link_month", key, of_scope(question) & in_days(months, column="month")),
        Source("link_day", key, of_scope(question) & in_days(*(split.whole for split in splits))),
        Source(
            "link_quarter", key, of_scope(question) & in_quarters(*(part for split in splits for part in split.parts))
        ),
    ]


def _steps(question: Question, span: Span, step: Step) -> Source:
    if not is_of_links(question):
        return Source("domain_quarter", quarter_start(step), of_scope(question) & in_quarters(span))
    if step is Step.DAY:
        return Source("link_day", DAY_START, of_scope(question) & in_days(span))
    return Source("link_quarter", quarter_start(step), of_scope(question) & in_quarters(span))
