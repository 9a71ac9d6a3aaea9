"""Spans of time, and the whole days and months in them, of which sums are kept."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Final, NamedTuple

from clicks.counts import DAY_MS
from clicks.questions import Question

END_MS: Final = 1_000 << 32  # where ClickHouse's DateTime ends: no click is later


class Span(NamedTuple):
    """Time from `since_ms` up to `until_ms`, which is not in it."""

    since_ms: int
    until_ms: int

    @property
    def is_empty(self) -> bool:
        return self.since_ms >= self.until_ms


class Split(NamedTuple):
    """Whole days or months of a span (one that is empty: none), and what is left of it before and behind them."""

    whole: Span
    parts: Sequence[Span]


def span_of(question: Question) -> Span:
    """The time asked about, as far as clicks can have one."""
    return Span(max(question.since_ms, 0), min(question.until_ms, END_MS))


def split_by_days(span: Span) -> Split:
    """Whole UTC days."""
    return _split(span, -(-span.since_ms // DAY_MS) * DAY_MS, span.until_ms // DAY_MS * DAY_MS)


def split_by_months(span: Span) -> Split:
    """Whole months of the calendar, in UTC."""
    first = month_of(span.since_ms)
    return _split(span, first if first == span.since_ms else next_month(first), month_of(span.until_ms))


def whole_days(span: Span) -> Span:
    """The days that the span touches."""
    return Span(span.since_ms // DAY_MS * DAY_MS, -(-span.until_ms // DAY_MS) * DAY_MS)


def month_of(ms: int) -> int:
    """Where the month begins that this time is in."""
    first = datetime.fromtimestamp(ms // 1_000, UTC).date().replace(day=1)
    return (first - date(1970, 1, 1)).days * DAY_MS


def next_month(ms: int) -> int:
    """Where the month behind that begins."""
    return month_of(month_of(ms) + 31 * DAY_MS)


def _split(span: Span, first: int, last: int) -> Split:
    if first >= last:
        return Split(Span(first, first), [] if span.is_empty else [span])
    around = (Span(span.since_ms, first), Span(last, span.until_ms))
    return Split(Span(first, last), [part for part in around if not part.is_empty])
