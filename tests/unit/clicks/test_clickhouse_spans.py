"""Spans of time, split by days and by months."""

from hypothesis import given
from hypothesis import strategies as st

from clicks.counts import DAY_MS
from clicks.questions import QUARTER_MS, Question
from clicks.stores.clickhouse_spans import (
    END_MS,
    Span,
    Split,
    month_of,
    next_month,
    span_of,
    split_by_days,
    split_by_months,
    whole_days,
)

MAY, JUNE, JULY = 1_777_593_600_000, 1_780_272_000_000, 1_782_864_000_000  # of 2026


def spans() -> st.SearchStrategy[Span]:
    times = st.integers(0, END_MS // QUARTER_MS).map(lambda number: number * QUARTER_MS)
    return st.tuples(times, times).map(lambda pair: Span(min(pair), max(pair)))


def length(*parts: Span) -> int:
    return sum(part.until_ms - part.since_ms for part in parts)


@given(span=spans())
def test_a_split_covers_its_span_once(span: Span) -> None:
    for whole, parts in (split_by_days(span), split_by_months(span)):
        assert length(whole, *parts) == length(span)
        inside = [part for part in (whole, *parts) if not part.is_empty]
        assert all(span.since_ms <= part.since_ms and part.until_ms <= span.until_ms for part in inside)


@given(span=spans())
def test_whole_days_begin_and_end_at_midnight(span: Span) -> None:
    for days in (split_by_days(span).whole, split_by_months(span).whole, whole_days(span)):
        assert days.since_ms % DAY_MS == days.until_ms % DAY_MS == 0


def test_a_span_within_one_day_has_no_whole_one() -> None:
    span = Span(JUNE + 1, JUNE + 2)
    assert split_by_days(span).whole.is_empty
    assert split_by_days(span).parts == [span]


def test_months_are_the_calendar_s() -> None:
    assert (month_of(JULY - 1), next_month(MAY), next_month(JULY - 1)) == (JUNE, JUNE, JULY)
    assert split_by_months(Span(MAY + 1, JULY + 5)) == Split(
        Span(JUNE, JULY), [Span(MAY + 1, JUNE), Span(JULY, JULY + 5)]
    )
    assert split_by_months(Span(MAY, JULY)) == Split(Span(MAY, JULY), [])


def test_no_click_is_before_1970_or_past_clickhouse_s_time() -> None:
    assert span_of(Question(-QUARTER_MS, 1 << 60)) == (0, END_MS)
