"""Intervals of a series in a time zone: where each begins, and how finely a store must be asked for them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from clicks.questions import QUARTER_MS, Step

MAX_POINTS: Final = 5_000  # in one series
PATTERN: Final = r"^[1-9][0-9]{0,2}(m|h|d|w|mo|q|y)$"

_MINUTE_MS: Final = 60_000
_DAY_MINUTES: Final = 1_440
_HOUR_MINUTES: Final = 60
_QUARTER_MINUTES: Final = 15
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)


class BadSpan(ValueError):
    """A time, a zone or an interval can't be used; the text says how to mend it."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A length of time as calendars have it. Exactly one of the three is not 0.

    Attributes:
        minutes: at most a day, counted from each local midnight; the last one of a day may be shorter.
        days: counted from a Monday, so that seven are an ISO 8601 week.
        months: counted from January, so that three are a quarter and twelve a year.
    """

    minutes: int = 0
    days: int = 0
    months: int = 0


def parse_interval(text: str) -> Interval:
    """An interval of "15m", "6h", "1d", "1w", "1mo", "1q", "1y" and their multiples. Raises BadSpan."""
    match = re.fullmatch(PATTERN, text)
    if match is None:
        raise BadSpan(f"{text!r} is no interval; write one such as 15m, 1h, 1d, 1w, 1mo, 1q or 1y")
    unit = match[1]
    number = int(text.removesuffix(unit))
    if unit not in _MINUTES:
        return _days_or_months(number, unit)
    minutes = number * _MINUTES[unit]
    if minutes % _QUARTER_MINUTES or minutes > _DAY_MINUTES:
        raise BadSpan(f"{text} is no interval: minutes go by 15, and past 24 hours there are days, such as 2d")
    return Interval(minutes=minutes)


def parse_zone(name: str) -> ZoneInfo:
    """A zone of the IANA time zone database. Raises BadSpan."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as exc:  # a name such as "../x" or "Europe" is no key of the database
        raise BadSpan(f"there is no time zone {name[:64]!r}; write one such as UTC or Europe/Berlin") from exc


def bounds(interval: Interval, zone: tzinfo, since_ms: int, until_ms: int) -> list[int]:
    """`since_ms`, the start of each interval between the two, and `until_ms`: multiples of QUARTER_MS if those are.

    BadSpan: there are more than MAX_POINTS.
    """
    found = [since_ms]
    for start in _starts(interval, zone, since_ms):
        if start >= until_ms:
            break
        if start > found[-1]:
            found.append(start)
        if len(found) > MAX_POINTS:
            raise BadSpan(f"there are more than {MAX_POINTS:,} intervals; choose a longer one, or a shorter time")
    return [*found, until_ms]


def step_of(bounds_ms: Sequence[int]) -> Step:
    """The longest step that all of these are multiples of: the fewer steps, the faster the answer."""
    return next(step for step in sorted(Step, reverse=True) if step == QUARTER_MS or _all_on(bounds_ms, step))


def whole_days(bounds_ms: Sequence[int]) -> tuple[int, int] | None:
    """The longest run of intervals that begin and end at midnight UTC: its start and its end; None: there is none."""
    best: tuple[int, int] | None = None
    begin: int | None = None
    for start, end in pairwise(bounds_ms):
        if not _all_on((start, end), Step.DAY):
            begin = None
            continue
        begin = start if begin is None else begin
        if best is None or end - begin > best[1] - best[0]:
            best = begin, end
    return best


def local(ms: int, zone: tzinfo) -> datetime:
    """A time as clocks of the zone show it."""
    return (_EPOCH + timedelta(milliseconds=ms)).astimezone(zone)


def instant(wall: datetime) -> int:
    """Milliseconds since the Unix epoch of a time with its zone, down to a quarter of an hour.

    A time that clocks skip is the moment of the skip or after; one that they show twice, the first of the two.
    """
    return (wall.astimezone(UTC) - _EPOCH) // _MS // QUARTER_MS * QUARTER_MS


def midnight(day: date, zone: tzinfo) -> int:
    """When a day begins in a zone."""
    return instant(datetime.combine(day, time(), zone))


_MINUTES: Final = {"m": 1, "h": _HOUR_MINUTES}
_DAYS: Final = {"d": 1, "w": 7}
_MONTHS: Final = {"mo": 1, "q": 3, "y": 12}


def _days_or_months(number: int, unit: str) -> Interval:
    return Interval(days=number * _DAYS[unit]) if unit in _DAYS else Interval(months=number * _MONTHS[unit])


def _all_on(times_ms: Sequence[int], step: Step) -> bool:
    return all(ms % step == 0 for ms in times_ms)


def _starts(interval: Interval, zone: tzinfo, since_ms: int) -> Iterator[int]:
    """Where intervals begin, from the one that holds `since_ms`; never less than the one before."""
    day = _first_day(interval, local(since_ms, zone).date())
    while True:
        if interval.minutes:
            yield from _within(day, interval.minutes, zone)
        else:
            yield midnight(day, zone)
        day = _next_day(interval, day)


def _within(day: date, minutes: int, zone: tzinfo) -> Iterator[int]:
    """The starts within one day: up to an hour as time passes, so that an hour that comes twice is two; longer ones
    as clocks show it, so that an evening begins at six on every day."""
    begin, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    if minutes <= _HOUR_MINUTES:
        yield from range(begin, end, minutes * _MINUTE_MS)
        return
    shown = (timedelta(minutes=passed) for passed in range(0, _DAY_MINUTES, minutes))
    first = datetime.combine(day, time(), zone)
    yield from sorted(start for start in {instant(first + passed) for passed in shown} if begin <= start < end)


def _first_day(interval: Interval, day: date) -> date:
    if interval.days:
        return day - timedelta(days=(day.toordinal() - 1) % interval.days)  # 1 January of the year 1 was a Monday
    return _month(_months(day) // interval.months * interval.months) if interval.months else day


def _next_day(interval: Interval, day: date) -> date:
    if interval.months:
        return _month(_months(day) + interval.months)
    return day + timedelta(days=interval.days or 1)


def _months(day: date) -> int:
    return day.year * 12 + day.month - 1


def _month(months: int) -> date:
    year, month = divmod(months, 12)
    return date(year, month + 1, 1)
