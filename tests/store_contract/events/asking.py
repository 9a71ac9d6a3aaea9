"""A store of single clicks on a loop of its own, so that tests fill and ask it in plain calls."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar
from uuid import UUID

from clicks.events.event import ClickEvent
from clicks.questions import Arrived, ClickAnswers, Dimension, Freshness, Points, Question, Step, Top, Totals
from shortlink.links import LinkKey

T = TypeVar("T")
Fill = Callable[[Sequence[ClickEvent]], Awaitable[None]]


class TakesEvents(Protocol):
    """What the stores that shippers fill have beside their answers."""

    async def watermarks(self) -> dict[bytes, int]: ...

    async def add_events(self, epoch: bytes, after_seq: int, last_seq: int, events: Sequence[ClickEvent]) -> bool: ...


class Asking:
    """An open store; its methods are the store's, waited for."""

    def __init__(self, store: ClickAnswers, fill: Fill) -> None:
        self.store = store
        self._fill = fill
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self.run(self.store.open())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self.store.close())
        self._runner.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def fill(self, *events: ClickEvent) -> None:
        """Make the store have these clicks, in this order."""

        async def filled() -> None:
            await self._fill(events)

        self.run(filled())

    def totals(self, question: Question) -> Totals:
        return self.run(self.store.totals(question))

    def series(self, question: Question, step: Step) -> Points:
        return self.run(self.store.series(question, step))

    def top(self, question: Question, dimension: Dimension, limit: int = 10) -> Top:
        return self.run(self.store.top(question, dimension, limit))

    def export(self, question: Question) -> list[ClickEvent]:
        async def whole() -> list[ClickEvent]:
            return [event async for page in self.store.export(question) for event in page]

        return self.run(whole())

    def arrived(self, question: Question, cursor: str | None, limit: int = 1_000) -> Arrived:
        return self.run(self.store.arrived(question, cursor, limit))

    def forget_link(self, key: LinkKey) -> int:
        return self.run(self.store.forget_link(key))

    def forget_visitor(self, day: int, visitor: str) -> int:
        return self.run(self.store.forget_visitor(day, visitor))

    def freshness(self) -> Freshness:
        return self.run(self.store.freshness())


def through_add_events(store: TakesEvents) -> Fill:
    """Filling as a shipper does it: each epoch's clicks behind its watermark."""

    async def fill(events: Sequence[ClickEvent]) -> None:
        of_epochs: dict[bytes, list[ClickEvent]] = defaultdict(list)
        for event in events:
            of_epochs[UUID(event.epoch).bytes].append(event)
        reached = await store.watermarks()
        for epoch, clicks in of_epochs.items():
            assert await store.add_events(epoch, reached.get(epoch, 0), max(click.seq for click in clicks), clicks)

    return fill
