"""Steps of a series as stores tell them, added up into intervals without holes."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from clicks.counts import TrafficClass
from clicks.questions import Point


class Bucket(NamedTuple):
    """Clicks in [start_ms, end_ms). `visitors`: different ones a UTC day, days added up; None: not known."""

    start_ms: int
    end_ms: int
    by_class: Mapping[TrafficClass, int]
    visitors: int | None = None


def fold(points: Sequence[Point], bounds_ms: Sequence[int]) -> list[Bucket]:
    """One bucket between each two bounds, zeros where nothing was clicked; no visitors, since steps may be short."""
    sums: list[Counter[TrafficClass]] = [Counter() for _ in bounds_ms[1:]]
    for point in points:
        sums[_place(point, bounds_ms)].update(point.by_class)
    return [Bucket(start, end, dict(each)) for (start, end), each in zip(pairwise(bounds_ms), sums, strict=True)]


def with_visitors(buckets: Sequence[Bucket], days: Sequence[Point], since_ms: int, until_ms: int) -> list[Bucket]:
    """The buckets, those in [since_ms, until_ms) with their visitors: all of these are whole UTC days."""
    found: dict[int, int | None] = {
        bucket.start_ms: 0 for bucket in buckets if since_ms <= bucket.start_ms and bucket.end_ms <= until_ms
    }
    bounds_ms = [*found, until_ms]
    for day in days:
        start = bounds_ms[_place(day, bounds_ms)]
        before = found[start]
        found[start] = None if before is None or day.visitors is None else before + day.visitors
    return [bucket._replace(visitors=found.get(bucket.start_ms)) for bucket in buckets]


def _place(point: Point, bounds_ms: Sequence[int]) -> int:
    """Between which two bounds a step lies; what a store adds at the ends (its answer's `covered` says so) is in the
    first or the last."""
    return min(max(bisect_right(bounds_ms, point.start_ms) - 1, 0), len(bounds_ms) - 2)
