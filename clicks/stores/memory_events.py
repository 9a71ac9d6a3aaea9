"""Single clicks in memory: the plainest answer to what each question means, and what other stores are compared with."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Final

from clicks.counts import DAY_MS, WATERMARK_KEPT_MS, TrafficClass
from clicks.events.event import ClickEvent
from clicks.questions import (
    Arrived,
    Covered,
    Dimension,
    Freshness,
    Point,
    Points,
    Question,
    Step,
    Top,
    TopValue,
    Totals,
)
from clicks.sinks.contract import DescribedBatch
from clicks.stores.event_batches import events_of
from shortlink.clock import Clock
from shortlink.links import LinkKey

PAGE: Final = 1_000
UNKNOWN_VISITOR: Final = "0"


class MemoryEvents:
    """An EventSink and ClickAnswers over one list; it keeps everything for as long as the object lives.

    Of the dimension CODE, values are given as they are told: "domain/code", "/code".
    """

    name = "memory"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._arrived: list[ClickEvent | None] = []  # None: forgotten, so that cursors stay true
        self._watermarks: dict[bytes, int] = {}
        self._touched_ms: dict[bytes, int] = {}

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Nothing to let go of: what was stored stays."""

    async def watermarks(self) -> dict[bytes, int]:
        return dict(self._watermarks)

    async def add(self, batches: Sequence[DescribedBatch]) -> bool:
        known = self._watermarks
        if any(known.get(described.batch.epoch, 0) != described.batch.after_seq for described in batches):
            return False
        for described in batches:
            batch = described.batch
            await self.add_events(batch.epoch, batch.after_seq, batch.last_seq, events_of(described))
        return True

    async def add_events(self, epoch: bytes, after_seq: int, last_seq: int, events: Sequence[ClickEvent]) -> bool:
        """As `add`, of clicks that are decoded already."""
        if self._watermarks.get(epoch, 0) != after_seq:
            return False
        self._arrived.extend(events)
        self._watermarks[epoch] = last_seq
        self._touched_ms[epoch] = self._clock.now_ms()
        return True

    async def forget_epochs(self, epochs: Sequence[bytes], now_ms: int) -> int:
        self._touched_ms.update((epoch, now_ms) for epoch in epochs if epoch in self._watermarks)
        old = [epoch for epoch, touched in self._touched_ms.items() if touched <= now_ms - WATERMARK_KEPT_MS]
        for epoch in old:
            del self._touched_ms[epoch], self._watermarks[epoch]
        return len(old)

    async def totals(self, question: Question) -> Totals:
        events = self._meant(question)
        return Totals(_by_class(events), _visitors(events), _covered(question))

    async def series(self, question: Question, step: Step) -> Points:
        steps: dict[int, list[ClickEvent]] = defaultdict(list)
        for event in self._meant(question):
            steps[event.time // step * step].append(event)
        points = [
            Point(start_ms, _by_class(events), _visitors(events) if step is Step.DAY else None)
            for start_ms, events in sorted(steps.items())
        ]
        return Points(points, _covered(question))

    async def top(self, question: Question, dimension: Dimension, limit: int) -> Top:
        found: dict[str, list[ClickEvent]] = defaultdict(list)
        for event in self._meant(question):
            found[value_of(event, dimension)].append(event)
        values = [TopValue(value, _clicks(events), _visitors(events)) for value, events in found.items()]
        values.sort(key=lambda value: (-value.clicks, value.value))
        return Top(values[:limit], _covered(question))

    async def export(self, question: Question) -> AsyncIterator[Sequence[ClickEvent]]:
        events = sorted(self._meant(question), key=lambda event: (event.time, event.epoch, event.seq))
        for start in range(0, len(events), PAGE):
            yield events[start : start + PAGE]

    async def arrived(self, question: Question, cursor: str | None, limit: int = 1_000) -> Arrived:
        if cursor is None:
            return Arrived([], str(len(self._arrived)))
        place = parsed_cursor(cursor)
        events: list[ClickEvent] = []
        while place < len(self._arrived) and len(events) < limit:
            event = self._arrived[place]
            place += 1
            if event is not None and is_meant(event, question):
                events.append(event)
        return Arrived(events, str(place))

    async def forget_link(self, key: LinkKey) -> int:
        return self._forget(lambda event: (event.domain, event.code) == key)

    async def forget_visitor(self, day: int, visitor: str) -> int:
        return self._forget(lambda event: event.time // DAY_MS == day and event.visitor == visitor)

    async def freshness(self) -> Freshness:
        return Freshness(max((event.time for event in self._kept()), default=None))

    def _kept(self) -> Iterator[ClickEvent]:
        return (event for event in self._arrived if event is not None)

    def _meant(self, question: Question) -> list[ClickEvent]:
        return [event for event in self._kept() if is_meant(event, question)]

    def _forget(self, meant: Callable[[ClickEvent], bool]) -> int:
        gone = _clicks(event for event in self._kept() if meant(event))
        self._arrived = [None if event is None or meant(event) else event for event in self._arrived]
        return gone


def is_meant(event: ClickEvent, question: Question) -> bool:
    """Whether a question is about a click."""
    return (
        question.since_ms <= event.time < question.until_ms
        and (question.links is None or (event.domain, event.code) in question.links)
        and question.domain in (None, event.domain)
        and event.traffic in question.classes
        and all(value_of(event, dimension) in values for dimension, values in question.where.items())
    )


def value_of(event: ClickEvent, dimension: Dimension) -> str:
    """What a click has of a dimension, as answers tell it."""
    if dimension is Dimension.CODE:
        return f"{event.domain}/{event.code}"
    if dimension is Dimension.CLASS:
        return event.traffic.value
    return str(getattr(event, dimension.value))


def parsed_cursor(cursor: str) -> int:
    """A place in the order of arrival. ValueError: no cursor of a store's."""
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):  # fits 64 bits
        raise ValueError("no such cursor: use one that came with an answer")
    return int(cursor)


def _covered(question: Question) -> Covered:
    return Covered(question.since_ms, question.until_ms)


def _clicks(events: Iterable[ClickEvent]) -> int:
    return sum(event.clicks for event in events)


def _by_class(events: Iterable[ClickEvent]) -> dict[TrafficClass, int]:
    clicks: Counter[TrafficClass] = Counter()
    for event in events:
        clicks[event.traffic] += event.clicks
    return dict(clicks)


def _visitors(events: Iterable[ClickEvent]) -> int:
    return len({(event.time // DAY_MS, event.visitor) for event in events if event.visitor != UNKNOWN_VISITOR})
