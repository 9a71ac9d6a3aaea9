"""Times that are asked about: periods that end today, times and dates as they are written, and what to compare with."""

import enum
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

from clicks.intervals import BadSpan, instant, local, midnight
from clicks.questions import QUARTER_MS, Step

# No click is older than the service, nor much newer than now; calendars need an end somewhere.
EARLIEST_MS: Final = 946_684_800_000  # 2000-01-01
LATEST_MS: Final = 4_102_444_800_000  # 2100-01-01

_YEAR_MONTHS: Final = 12


class BadEnd(BadSpan):
    """It is the end of a time that can't be used."""


class Period(enum.StrEnum):
    """A time up to now: the hour or the day that it is in the zone is counted in, and asked for whole."""

    HOURS_24 = "24h"
    DAYS_7 = "7d"
    DAYS_30 = "30d"
    DAYS_90 = "90d"
    MONTHS_12 = "12mo"
    MONTH_TO_DATE = "month-to-date"
    YEAR_TO_DATE = "year-to-date"
    ALL = "all"


class Compare(enum.StrEnum):
    """With what a time is compared."""

    PREVIOUS = "previous"  # as long a time, just before: as many days of the zone, if the time is whole days
    # The same dates of the year before, 29 February being the 28th there; of whole months the same months, so that
    # February is compared with all of February, however many days either has.
    YEAR_AGO = "year-ago"


@dataclass(frozen=True, slots=True)
class Span:
    """[since_ms, until_ms), both multiples of QUARTER_MS."""

    since_ms: int
    until_ms: int


def of_period(period: Period, zone: tzinfo, now_ms: int) -> Span:
    """The span of a period. ALL begins at EARLIEST_MS: whoever can ask for the first click does better."""
    today = local(now_ms, zone).date()
    if period is Period.HOURS_24:
        end = (now_ms // Step.HOUR + 1) * Step.HOUR
        return Span(end - Step.DAY, end)
    end = midnight(today + timedelta(days=1), zone)
    return Span(EARLIEST_MS if period is Period.ALL else midnight(_FIRST_DAYS[period](today), zone), end)


def of_times(since: str, until: str | None, zone: tzinfo, now_ms: int) -> Span:
    """The span between two times, widened to quarters of an hour.

    Args:
        since: RFC 3339, such as "2026-03-01T12:00:00Z"; without an offset it is a time of the zone; or a date.
        until: the same; a date is in it to its end. None: now.
        zone: where dates and times without an offset are meant.
        now_ms: the time it is.

    Raises:
        BadSpan: `since` is no time, or lies outside 2000 to 2100, or is yet to come where there is no `until`.
        BadEnd: `until` is no time, or too far from now, or not after `since`.
    """
    begin = _floor(_read(since, zone))
    if until is not None:
        return Span(begin, _end(until, begin, zone))
    if begin >= (end := _after(now_ms)):
        raise BadSpan(f"{since[:64]!r} is yet to come; name an earlier time, or a later `until`")
    return Span(begin, end)


def compared(span: Span, compare: Compare, zone: tzinfo, now_ms: int) -> Span:
    """What a span is compared with: as much of it as has passed by now, earlier. Raises BadSpan."""
    ended = _ended(span, now_ms)
    if compare is Compare.PREVIOUS:
        earlier = _moved(span, ended, _begin_before(span, zone), zone)
    else:
        earlier = _year_before(Span(span.since_ms, ended), zone)
    if earlier.since_ms < EARLIEST_MS or earlier.since_ms >= earlier.until_ms:
        raise BadSpan("there is no such time to compare with; choose a shorter or a later one")
    return earlier


def compared_from(span: Span, since: str, zone: tzinfo, now_ms: int) -> Span:
    """As `compared`, with what begins at `since`. Raises BadSpan."""
    return _moved(span, _ended(span, now_ms), _floor(_read(since, zone)), zone)


def change(now: int, before: int) -> tuple[int, float | None]:
    """The change between two numbers, and the same in percent of the former; None: there is no percent of 0."""
    return now - before, round(100 * (now - before) / before, 1) if before else None


def _first_of_12_months(today: date) -> date:
    months = today.year * _YEAR_MONTHS + today.month - _YEAR_MONTHS
    return date(months // _YEAR_MONTHS, months % _YEAR_MONTHS + 1, 1)


_FIRST_DAYS: Final[Mapping[Period, Callable[[date], date]]] = {
    Period.DAYS_7: lambda today: today - timedelta(days=6),
    Period.DAYS_30: lambda today: today - timedelta(days=29),
    Period.DAYS_90: lambda today: today - timedelta(days=89),
    Period.MONTHS_12: _first_of_12_months,
    Period.MONTH_TO_DATE: lambda today: today.replace(day=1),
    Period.YEAR_TO_DATE: lambda today: today.replace(month=1, day=1),
}

_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})?", re.ASCII)


def _read(text: str, zone: tzinfo, *, to_its_end: bool = False) -> int:
    """The time that a text names, in ms; of a date its begin or its end."""
    try:
        if _DATE.fullmatch(text):
            return _in_range(midnight(date.fromisoformat(text) + timedelta(days=to_its_end), zone), text)
        if not _TIME.fullmatch(text):
            raise ValueError
        read = datetime.fromisoformat(text.upper())
    except (ValueError, OverflowError) as exc:
        raise BadSpan(
            f"{text[:64]!r} is no time; write one such as 2026-03-01 or 2026-03-01T12:00:00Z (in a query, + is %2B)"
        ) from exc
    seconds = (read if read.tzinfo else read.replace(tzinfo=zone)).timestamp()
    return _in_range(round(seconds * 1_000), text)


def _end(text: str, begin_ms: int, zone: tzinfo) -> int:
    """The end that a text names, for a time that begins at `begin_ms`. Raises BadEnd."""
    try:
        end = _ceil(_read(text, zone, to_its_end=True))
    except BadSpan as exc:
        raise BadEnd(str(exc)) from exc
    if begin_ms >= end:
        raise BadEnd(f"{text[:64]!r} is not after the begin of the time asked for; name a later one")
    return end


def _in_range(ms: int, text: str) -> int:
    if not EARLIEST_MS <= ms <= LATEST_MS:
        raise BadSpan(f"{text[:64]!r} is too far from now: times of the years 2000 to 2099 can be asked for")
    return ms


def _ended(span: Span, now_ms: int) -> int:
    """The end of what has passed of a span, a quarter of an hour at least."""
    return max(min(span.until_ms, _after(now_ms)), span.since_ms + QUARTER_MS)


def _begin_before(span: Span, zone: tzinfo) -> int:
    """Where as long a time begins that ends where the span does begin."""
    if not _are_midnights((span.since_ms, span.until_ms), zone):
        return span.since_ms - (span.until_ms - span.since_ms)
    first, end = _date(span.since_ms, zone), _date(span.until_ms, zone)
    return midnight(first - (end - first), zone)


def _moved(span: Span, ended_ms: int, since_ms: int, zone: tzinfo) -> Span:
    """What has passed of a span, beginning at `since_ms`.

    Days are compared with days, whatever clocks did meanwhile: else each would have an hour of its neighbour.
    """
    if not _are_midnights((span.since_ms, span.until_ms, since_ms), zone):
        return Span(since_ms, since_ms + ended_ms - span.since_ms)
    days = _date(since_ms, zone) - _date(span.since_ms, zone)
    return Span(since_ms, instant(local(ended_ms, zone) + days))


def _are_midnights(times_ms: Sequence[int], zone: tzinfo) -> bool:
    return all(midnight(_date(ms, zone), zone) == ms for ms in times_ms)


def _date(ms: int, zone: tzinfo) -> date:
    return local(ms, zone).date()


def _year_before(span: Span, zone: tzinfo) -> Span:
    """The same dates a year earlier. An end at midnight is the end of the day before it: of 28 February that is not
    where 29 February's year before would be, and 28 February has one in every year."""
    since, until = local(span.since_ms, zone), local(span.until_ms, zone)
    whole_months = _are_midnights((span.since_ms, span.until_ms), zone) and since.day == until.day == 1
    if whole_months or not _are_midnights((span.until_ms,), zone):
        return Span(_a_year_earlier(since), _a_year_earlier(until))
    last = _date_a_year_earlier(until.date() - timedelta(days=1))
    return Span(_a_year_earlier(since), midnight(last + timedelta(days=1), zone))


def _a_year_earlier(wall: datetime) -> int:
    return instant(datetime.combine(_date_a_year_earlier(wall.date()), wall.time().replace(fold=0), wall.tzinfo))


def _date_a_year_earlier(day: date) -> date:
    return day.replace(year=day.year - 1, day=28 if (day.month, day.day) == (2, 29) else day.day)


def _floor(ms: int) -> int:
    return ms // QUARTER_MS * QUARTER_MS


def _after(now_ms: int) -> int:
    """The end of the quarter of an hour that it is."""
    return _floor(now_ms) + QUARTER_MS


def _ceil(ms: int) -> int:
    return -(-ms // QUARTER_MS) * QUARTER_MS
