"""Intervals in time zones: they tile what is asked for, and fall where calendars have them."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from clicks.intervals import MAX_POINTS, BadSpan, bounds, local, parse_interval, parse_zone, step_of, whole_days
from clicks.questions import QUARTER_MS, Step

HOUR_MS = int(Step.HOUR)
DAY_MS = int(Step.DAY)
BERLIN = ZoneInfo("Europe/Berlin")
TEXTS = ["15m", "30m", "45m", "1h", "5h", "6h", "12h", "24h", "1d", "2d", "7d", "1w", "2w", "1mo", "5mo", "1q", "1y"]
# The first and the last quarter of an hour that can be asked for.
QUARTERS = st.integers(946_684_800_000 // QUARTER_MS, 4_102_444_800_000 // QUARTER_MS)


def ms(text: str, zone: ZoneInfo | None = None) -> int:
    """A time as it is written: of the zone, or of UTC."""
    time = datetime.fromisoformat(text)
    return int((time if time.tzinfo else time.replace(tzinfo=zone or UTC)).timestamp()) * 1_000


def shown(text: str, zone: ZoneInfo, since: str, until: str) -> list[str]:
    """The bounds as clocks of the zone show them, the ends left out."""
    found = bounds(parse_interval(text), zone, ms(since, zone), ms(until, zone))
    return [local(each, zone).strftime("%m-%d %H:%M%z") for each in found[1:-1]]


@given(
    text=st.sampled_from(TEXTS),
    zone=st.sampled_from(sorted(available_timezones())),
    since=QUARTERS,
    quarters=st.integers(1, 40_000),
)
def test_intervals_tile_the_span_in_any_zone(text: str, zone: str, since: int, quarters: int) -> None:
    since_ms, until_ms = since * QUARTER_MS, (since + quarters) * QUARTER_MS
    try:
        found = bounds(parse_interval(text), parse_zone(zone), since_ms, until_ms)
    except BadSpan:
        assume(False)
    assert (found[0], found[-1]) == (since_ms, until_ms)
    assert all(start < end for start, end in pairwise(found))
    assert all(each % QUARTER_MS == 0 for each in found)
    step = step_of(found)
    assert all(each % step == 0 for each in found)
    inner = bounds(parse_interval(text), parse_zone(zone), found[len(found) // 2], until_ms) if len(found) > 2 else []
    assert set(inner) <= set(found), "where an interval begins does not hang on what was asked for"


@pytest.mark.parametrize(
    ("text", "since", "until", "wanted"),
    [
        ("1d", "2026-03-28", "2026-03-31", ["03-29 00:00+0100", "03-30 00:00+0200"]),
        ("12h", "2026-03-28", "2026-03-30", ["03-28 12:00+0100", "03-29 00:00+0100", "03-29 12:00+0200"]),
        ("1w", "2026-01-01", "2026-01-13", ["01-05 00:00+0100", "01-12 00:00+0100"]),
        ("7d", "2026-01-01", "2026-01-13", ["01-05 00:00+0100", "01-12 00:00+0100"]),
        ("1mo", "2026-01-15", "2026-04-02", ["02-01 00:00+0100", "03-01 00:00+0100", "04-01 00:00+0200"]),
        ("1q", "2026-02-01", "2026-08-01", ["04-01 00:00+0200", "07-01 00:00+0200"]),
        ("1y", "2024-06-01", "2026-06-01", ["01-01 00:00+0100", "01-01 00:00+0100"]),
        ("10h", "2026-01-01T14:00", "2026-01-02T11:00", ["01-01 20:00+0100", "01-02 00:00+0100", "01-02 10:00+0100"]),
    ],
)  # fmt: skip
def test_intervals_begin_where_calendars_have_them(text: str, since: str, until: str, wanted: list[str]) -> None:
    assert shown(text, BERLIN, since, until) == wanted


def lengths(text: str, zone: ZoneInfo, since: str, until: str) -> list[float]:
    """How long the intervals are, in hours."""
    found = bounds(parse_interval(text), zone, ms(since, zone), ms(until, zone))
    return [(end - start) / HOUR_MS for start, end in pairwise(found)]


def test_a_day_has_23_or_25_hours_when_clocks_change() -> None:
    assert lengths("1d", BERLIN, "2026-03-28", "2026-03-31") == [24, 23, 24]
    assert lengths("1d", BERLIN, "2026-10-24", "2026-10-27") == [24, 25, 24]


def test_an_hour_that_comes_twice_is_two_hours() -> None:
    assert shown("1h", BERLIN, "2026-10-25T01:00", "2026-10-25T04:00") == [
        "10-25 02:00+0200", "10-25 02:00+0100", "10-25 03:00+0100",
    ]  # fmt: skip


def test_a_day_that_a_country_left_out_is_none() -> None:
    apia = ZoneInfo("Pacific/Apia")  # went from 29 to 31 December 2011
    assert shown("1d", apia, "2011-12-28T12:00", "2011-12-31T12:00") == ["12-29 00:00-1000", "12-31 00:00+1400"]


def test_the_longest_step_that_fits_is_asked_for() -> None:
    day = ms("2026-03-02")
    assert step_of([day, day + DAY_MS]) is Step.DAY
    assert step_of([day, day + 23 * HOUR_MS]) is Step.HOUR
    assert step_of([day, day + HOUR_MS + QUARTER_MS]) is Step.QUARTER


def test_whole_days_are_the_longest_run_of_them() -> None:
    day = ms("2026-03-02")
    assert whole_days([day + HOUR_MS, day + DAY_MS, day + 2 * DAY_MS, day + 2 * DAY_MS + HOUR_MS]) == (
        day + DAY_MS,
        day + 2 * DAY_MS,
    )
    assert whole_days([day, day + HOUR_MS]) is None


@pytest.mark.parametrize("text", ["", "0d", "1", "d", "1D", "-1d", "1 d", "7m", "25h", "1mo1d", "1000d", "１d"])
def test_what_is_no_interval_is_refused(text: str) -> None:
    with pytest.raises(BadSpan, match="no interval"):
        parse_interval(text)


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe", "a\0b", "x" * 500]
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(BadSpan, match="there is no time zone"):
        parse_zone(name)


def test_too_many_intervals_are_refused_before_they_are_made() -> None:
    with pytest.raises(BadSpan, match=f"more than {MAX_POINTS:,}"):
        bounds(parse_interval("15m"), UTC, 0, 4_102_444_800_000)
