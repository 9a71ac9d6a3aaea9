"""Rounds in, one figure out: the median, with the quartiles around it."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A median and its quartiles over the rounds of one run."""

    median: float
    low: float
    high: float

    def shown(self, digits: int = 2) -> str:
        """As a table prints it: `5.20 (5.11–5.34)`."""
        return f"{self.median:,.{digits}f} ({self.low:,.{digits}f}–{self.high:,.{digits}f})"


def figure(values: Sequence[float]) -> Figure:
    """The figure of one value a round; at least one."""
    if len(values) == 1:
        return Figure(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Figure(median, low, high)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` (0–1) of all are not above: a value that was really seen."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
