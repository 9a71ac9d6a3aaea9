"""What ClickHouse's rows of sums mean."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from clicks.counts import TrafficClass
from clicks.questions import Point


def by_class(rows: Iterable[Sequence[Any]]) -> dict[TrafficClass, int]:
    """Clicks by class, of rows of one key, class and clicks."""
    return {TrafficClass(traffic): clicks for _, traffic, clicks in rows}


def points(rows: Iterable[Sequence[Any]], visitors: Mapping[int, int] | None = None) -> list[Point]:
    """Steps of a series, of rows of the step's start, class and clicks.

    `visitors`: of each step; None: not known of any.
    """
    steps: dict[int, dict[TrafficClass, int]] = defaultdict(dict)
    for start_ms, traffic, clicks in rows:
        steps[start_ms][TrafficClass(traffic)] = clicks
    return [
        Point(start_ms, clicks, None if visitors is None else visitors.get(start_ms, 0))
        for start_ms, clicks in sorted(steps.items())
    ]
