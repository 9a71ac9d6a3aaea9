"""A batch of clicks as rows, in the order of the tables' keys, and classes as numbers."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from clicks.counts import HOUR_MS, ClickBatch, TrafficClass

# A class is stored as its place here: never reorder, only append.
CLASSES: Final = (
    TrafficClass.HUMAN,
    TrafficClass.BOT,
    TrafficClass.PREVIEW,
    TrafficClass.PREFETCH,
    TrafficClass.MONITOR,
    TrafficClass.HEAD,
)
_NUMBERS: Final = {traffic: number for number, traffic in enumerate(CLASSES)}


class BatchRows(NamedTuple):
    """Sorted: neighbours share pages, which halves a batch's time, and writers in one order never wait in a circle.

    Attributes:
        hours: (domain, code, hour since the Unix epoch, class, clicks).
        service: (hour, class, clicks), of all links.
    """

    hours: Sequence[tuple[str, str, int, int, int]]
    service: Sequence[tuple[int, int, int]]


def batch_rows(batch: ClickBatch) -> BatchRows:
    """The rows that a batch adds to."""
    hours = sorted(
        (domain, code, hour_ms // HOUR_MS, _NUMBERS[traffic], clicks)
        for (domain, code, hour_ms, traffic), clicks in batch.counts.items()
    )
    service: Counter[tuple[int, int]] = Counter()
    for _, _, hour, number, clicks in hours:
        service[hour, number] += clicks
    return BatchRows(hours, sorted((hour, number, clicks) for (hour, number), clicks in service.items()))


def by_class(rows: Iterable[Sequence[int]]) -> dict[TrafficClass, int]:
    """Clicks by class, from rows of (class, clicks)."""
    return {CLASSES[number]: clicks for number, clicks in rows}


# What single clicks were dropped for is kept beside what clicks were lost for, under names that no such reason has.
_EVENTS: Final = "events:"


def events_reason(sink: str, reason: str) -> str:
    """The name under which it is kept how many single clicks a sink did not get."""
    return f"{_EVENTS}{sink}:{reason}"


def of_clicks(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Clicks lost by reason, of all that is kept."""
    return {reason: clicks for reason, clicks in rows if not reason.startswith(_EVENTS)}


def of_events(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Single clicks that a sink did not get, by "sink:reason", of all that is kept."""
    return {reason.removeprefix(_EVENTS): events for reason, events in rows if reason.startswith(_EVENTS)}
