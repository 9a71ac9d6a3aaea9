"""What is counted of clicks: classes, batches with their watermark, totals and series."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
# An epoch's watermark outlives its last segment by a day, so that a segment that comes back (a restored
# backup, a disk that was read-only for a while) is not counted again.
WATERMARK_KEPT_MS: Final = DAY_MS
MAX_ORPHANS: Final = 10_000  # codes without a link whose visits a store keeps


class TrafficClass(enum.StrEnum):
    """Who followed a link. All but HEAD are in a link's total."""

    HUMAN = "human"
    BOT = "bot"
    PREVIEW = "preview"  # a messenger or network that shows what is behind the link
    PREFETCH = "prefetch"  # a browser that guessed (Sec-Purpose, Purpose)
    MONITOR = "monitor"  # an uptime check
    HEAD = "head"  # a HEAD request: nobody followed it

    __hash__ = str.__hash__  # Enum's own is a call into Python, for every key of every batch


class CountKey(NamedTuple):
    """What one count is of: `hour_ms` is the hour's start, in ms since the Unix epoch."""

    domain: str
    code: str
    hour_ms: int
    traffic: TrafficClass


@dataclass(frozen=True, slots=True)
class ClickBatch:
    """Counts of the clicks of one epoch with seq in (after_seq, last_seq], to be stored once and whole.

    Attributes:
        epoch: 16 random bytes that name one start of one worker.
        after_seq: the watermark these counts go on from (compare).
        last_seq: the watermark they reach (set).
        counts: clicks by key.
        dropped: clicks known to be lost, by reason ("power", "memory").
    """

    epoch: bytes
    after_seq: int
    last_seq: int
    counts: Mapping[CountKey, int]
    dropped: Mapping[str, int] = field(default_factory=dict)


class Orphan(NamedTuple):
    """Visits to a code that no link has; the last one was about `last_at_ms`, in ms since the Unix epoch."""

    domain: str
    code: str
    clicks: int
    last_at_ms: int


class SeriesPoint(NamedTuple):
    """Clicks in one interval that begins at `start_ms`."""

    start_ms: int
    clicks: Mapping[TrafficClass, int]


@dataclass(frozen=True, slots=True)
class Series:
    """Clicks interval by interval, oldest first, without holes."""

    points: Sequence[SeriesPoint]


def whole_hours(since_ms: int, until_ms: int) -> range:
    """The starts of the hours in [since_ms, until_ms), in ms. ValueError: a time that is not on the hour."""
    if since_ms % HOUR_MS or until_ms % HOUR_MS:
        raise ValueError("a series begins and ends on the hour")
    return range(since_ms, until_ms, HOUR_MS)
