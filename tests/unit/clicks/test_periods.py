"""Times that are asked about."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clicks.intervals import BadSpan, local, midnight
from clicks.periods import (
    EARLIEST_MS,
    LATEST_MS,
    Compare,
    Period,
    Span,
    change,
    compared,
    compared_from,
    of_period,
    of_times,
)
from clicks.questions import QUARTER_MS
from tests.unit.clicks.test_intervals import BERLIN, ms

UTC_ZONE = ZoneInfo("UTC")
NOW = "2026-03-17T14:20:30"


def of(since: str, until: str, zone: ZoneInfo = BERLIN) -> Span:
    return Span(ms(since, zone), ms(until, zone))


@pytest.mark.parametrize(
    ("period", "since", "until"),
    [
        (Period.HOURS_24, "2026-03-16T15:00", "2026-03-17T15:00"),
        (Period.DAYS_7, "2026-03-11", "2026-03-18"),
        (Period.DAYS_30, "2026-02-16", "2026-03-18"),
        (Period.DAYS_90, "2025-12-18", "2026-03-18"),
        (Period.MONTHS_12, "2025-04-01", "2026-03-18"),
        (Period.MONTH_TO_DATE, "2026-03-01", "2026-03-18"),
        (Period.YEAR_TO_DATE, "2026-01-01", "2026-03-18"),
    ],
)
def test_periods_end_with_the_hour_or_the_day_that_it_is(period: Period, since: str, until: str) -> None:
    assert of_period(period, BERLIN, ms(NOW, BERLIN)) == of(since, until)


def test_the_last_twelve_months_of_a_december_are_its_year() -> None:
    assert of_period(Period.MONTHS_12, BERLIN, ms("2026-12-05", BERLIN)) == of("2026-01-01", "2026-12-06")


def test_all_begins_before_any_click() -> None:
    assert of_period(Period.ALL, UTC_ZONE, ms(NOW)).since_ms == EARLIEST_MS


@given(st.sampled_from(list(Period)), st.integers(EARLIEST_MS + 800 * 86_400_000, LATEST_MS - 86_400_000 * 2))
def test_every_period_holds_now(period: Period, now_ms: int) -> None:
    span = of_period(period, BERLIN, now_ms)
    assert span.since_ms <= now_ms < span.until_ms
    assert span.since_ms % QUARTER_MS == span.until_ms % QUARTER_MS == 0


@pytest.mark.parametrize(
    ("since", "until", "wanted"),
    [
        ("2026-03-01", "2026-03-31", ("2026-03-01", "2026-04-01")),
        ("2026-03-29", "2026-03-29", ("2026-03-29", "2026-03-30")),
        ("2026-03-01T10:07:00+01:00", "2026-03-01T11:01:00.5+01:00", ("2026-03-01T10:00", "2026-03-01T11:15")),
        ("2026-03-01t09:00:00z", "2026-03-01T10:00:00Z", ("2026-03-01T10:00", "2026-03-01T11:00")),
        ("2026-03-01T10:00", "2026-03-01 11:00:00", ("2026-03-01T10:00", "2026-03-01T11:00")),
        ("2026-03-17", None, ("2026-03-17", "2026-03-17T14:30")),
    ],
)
def test_times_are_widened_to_quarters_and_dates_to_days(
    since: str, until: str | None, wanted: tuple[str, str]
) -> None:
    assert of_times(since, until, BERLIN, ms(NOW, BERLIN)) == of(*wanted)


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("yesterday", None),
        ("2026-02-30", None),
        ("2026-3-1", None),
        ("20260301", None),
        ("2026-W10-1", None),
        ("2026-03-01T25:00:00Z", None),
        ("2026-03-01T10:00:00+99:00", None),
        ("1999-12-30", None),
        ("9999-12-31", None),
        ("0001-01-01", None),
        ("2026-03-02", "2026-02-01"),
        ("2026-03-18", None),
        ("２０２６-03-01", None),
    ],
)
def test_what_is_no_time_is_refused(since: str, until: str | None) -> None:
    with pytest.raises(BadSpan):
        of_times(since, until, BERLIN, ms(NOW, BERLIN))


def test_only_what_has_passed_of_a_span_is_compared() -> None:
    now_ms = ms(NOW, BERLIN)
    week = of_period(Period.DAYS_7, BERLIN, now_ms)
    assert compared(week, Compare.PREVIOUS, BERLIN, now_ms) == of("2026-03-04", "2026-03-10T14:30")
    assert compared(week, Compare.YEAR_AGO, BERLIN, now_ms) == of("2025-03-11", "2025-03-17T14:30")
    assert compared_from(week, "2026-01-01", BERLIN, now_ms) == of("2026-01-01", "2026-01-07T14:30")


def test_what_is_over_is_compared_whole() -> None:
    february = of("2026-02-01", "2026-03-01")
    assert compared(february, Compare.PREVIOUS, BERLIN, ms(NOW)) == of("2026-01-04", "2026-02-01")
    assert compared(february, Compare.YEAR_AGO, BERLIN, ms(NOW)) == of("2025-02-01", "2025-03-01")


def test_days_are_compared_with_days_across_a_change_of_clocks() -> None:
    march, november = of("2026-03-01", "2026-04-01"), of("2026-11-01", "2026-12-01")
    for before in (
        compared(march, Compare.PREVIOUS, BERLIN, ms("2027-01-01")),
        compared_from(march, "2026-01-29", BERLIN, ms("2027-01-01")),
    ):
        assert before == of("2026-01-29", "2026-03-01")
    assert compared(november, Compare.PREVIOUS, BERLIN, ms("2027-01-01")) == of("2026-10-02", "2026-11-01")
    so_far = compared(november, Compare.PREVIOUS, BERLIN, ms("2026-11-20T12:00", BERLIN))
    assert so_far == of("2026-10-02", "2026-10-21T12:15")


def test_hours_are_compared_with_as_many_hours() -> None:
    hours = of("2026-03-28T12:00", "2026-03-29T12:00")  # 23, for clocks change between
    before = compared(hours, Compare.PREVIOUS, BERLIN, ms("2027-01-01"))
    assert before == of("2026-03-27T13:00", "2026-03-28T12:00")


@given(
    st.sampled_from(sorted(available_timezones())),
    st.dates(date(2012, 2, 1), date(2090, 1, 1)),  # two zones leave out 30 December 2011
    st.integers(1, 400),
    st.integers(0, 500 * 96),
)
def test_what_is_compared_with_ends_where_the_time_begins_once_that_is_over(
    name: str, first: date, days: int, passed: int
) -> None:
    zone = ZoneInfo(name)
    span = Span(midnight(first, zone), midnight(first + timedelta(days), zone))
    before = compared(span, Compare.PREVIOUS, zone, span.since_ms + passed * QUARTER_MS)
    assert before.since_ms < before.until_ms <= span.since_ms
    assert (before.until_ms == span.since_ms) or span.since_ms + passed * QUARTER_MS < span.until_ms
    assert before.since_ms % QUARTER_MS == before.until_ms % QUARTER_MS == 0


def test_a_leap_day_is_compared_with_the_28th() -> None:
    leap = of("2024-02-29", "2024-03-01")
    assert compared(leap, Compare.YEAR_AGO, BERLIN, ms(NOW)) == of("2023-02-28", "2023-03-01")


def test_all_has_nothing_before_it() -> None:
    everything = of_period(Period.ALL, BERLIN, ms(NOW))
    with pytest.raises(BadSpan, match="no such time to compare with"):
        compared(everything, Compare.PREVIOUS, BERLIN, ms(NOW))


def test_dates_are_those_of_the_zone() -> None:
    span = of_times("2026-03-01", "2026-03-01", ZoneInfo("Asia/Kathmandu"), ms(NOW))
    assert local(span.since_ms, UTC_ZONE).isoformat() == "2026-02-28T18:15:00+00:00"


def test_a_change_from_nothing_has_no_percent() -> None:
    assert change(3, 0) == (3, None)
    assert change(30, 40) == (-10, -25.0)


@pytest.mark.parametrize(
    ("since", "until", "before"),
    [
        ("2024-02-28", "2024-02-29", ("2023-02-28", "2023-03-01")),
        ("2025-02-22", "2025-03-01", ("2024-02-22", "2024-02-29")),
        ("2025-02-01", "2025-03-01", ("2024-02-01", "2024-03-01")),
        ("2024-02-01", "2024-03-01", ("2023-02-01", "2023-03-01")),
    ],
)
def test_a_year_ago_ends_on_the_same_date_and_whole_months_are_whole(
    since: str, until: str, before: tuple[str, str]
) -> None:
    assert compared(of(since, until), Compare.YEAR_AGO, BERLIN, ms(NOW)) == of(*before)
