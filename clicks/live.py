"""Clicks as they arrive, for everybody who watches: one poller asks the store, and only while somebody listens."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from clicks.counts import TrafficClass
from clicks.events.event import ClickEvent
from clicks.periods import LATEST_MS
from clicks.questions import ClickAnswers, Question
from clicks.stores.memory_events import is_meant
from shortlink.errors import Edge302Error, StoreUnavailable
from shortlink.links import LinkKey

POLL_SECONDS: Final = 0.25
HEARTBEAT_SECONDS: Final = 15.0
MOST_LISTENERS: Final = 100
PAGE: Final = 1_000
# Of more than 5,000 clicks in one round nobody watches each: what is past them is left out, and that is said.
PAGES_A_ROUND: Final = 5
PAGES_WAITING: Final = 64  # for one listener; who does not take them is let go, and may go on from its cursor

ANY: Final = Question(0, LATEST_MS, classes=frozenset(TrafficClass))

_log: Final = logging.getLogger(__name__)


class TooManyListeners(Edge302Error):
    """As many as may listen at once do already."""


class LivePage(NamedTuple):
    """Clicks that came, none where only time passed; `cursor`: where to go on after them; `skipped`: some were left
    out before them, since too many came at once."""

    events: Sequence[ClickEvent]
    cursor: str
    skipped: bool = False


class LiveFeed:
    """Clicks as a store takes them.

    Args:
        answers: the store.
        poll_seconds: how often it is asked.
        heartbeat_seconds: how long a listener waits at most for a page, which may be empty.
    """

    def __init__(
        self,
        answers: ClickAnswers,
        poll_seconds: float = POLL_SECONDS,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        most_listeners: int = MOST_LISTENERS,
    ) -> None:
        self._answers = answers
        self._poll_seconds = poll_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._most_listeners = most_listeners
        self._present = 0  # listeners, those who are still catching up included
        self._seats: set[_Seat] = set()
        self._turn = asyncio.Lock()
        self._cursor = ""
        self._poller: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()

    async def listen(self, question: Question, cursor: str | None = None) -> AsyncGenerator[LivePage, None]:
        """Pages of the clicks that a question is about, whenever they are from; an empty one at once.

        With a cursor, what came since is told first. The pages end when the feed does, or when the listener takes
        them so slowly that it must go on from its cursor.

        Raises:
            TooManyListeners: try again later.
            ValueError: no such cursor.
            StoreUnavailable: the store can't answer; once pages have come they go on when it answers again.
        """
        if self._present >= self._most_listeners:
            raise TooManyListeners(f"{self._most_listeners} listen already")
        self._present += 1
        question = replace(question, since_ms=ANY.since_ms, until_ms=ANY.until_ms)
        seat = _Seat(question)
        try:
            if cursor is not None:
                async for page in self._since(question, cursor):
                    cursor = page.cursor
                    yield page
            async with self._turn:
                await self._join(seat)
            if cursor is None:
                yield LivePage((), self._cursor)
            else:
                yield await self._overlap(seat, cursor)
            async for page in self._pages(seat):
                yield page
        finally:
            self._present -= 1
            await self._leave(seat)

    def end(self) -> None:
        """End the pages of everybody, now and from now on."""
        self._ended.set()
        for seat in self._seats:
            seat.end()

    async def _since(self, question: Question, cursor: str) -> AsyncIterator[LivePage]:
        """What came after a cursor, up to now or so."""
        while not self._ended.is_set():
            found = await self._answers.arrived(question, cursor, PAGE)
            yield LivePage(found.events, found.cursor)
            if len(found.events) < PAGE:
                return
            cursor = found.cursor

    async def _join(self, seat: "_Seat") -> None:
        """Take a seat: from the place on that the store has come to now."""
        if self._poller is None:
            self._cursor = (await self._answers.arrived(ANY, None)).cursor
            self._poller = asyncio.create_task(self._poll_on())
        else:
            await self._poll()
        self._seats.add(seat)
        if self._ended.is_set():
            seat.end()

    async def _overlap(self, seat: "_Seat", cursor: str) -> LivePage:
        """What came between the end of `_since` and the listener's seat. As much of it as comes again is left out
        there: cursors can't be compared, clicks can."""
        events: list[ClickEvent] = []
        while True:
            found = await self._answers.arrived(seat.question, cursor, PAGE)
            events += found.events
            seat.told |= {(event.epoch, event.seq) for event in found.events}
            cursor = found.cursor
            if len(found.events) < PAGE:
                return LivePage(events, cursor)

    async def _pages(self, seat: "_Seat") -> AsyncIterator[LivePage]:
        cursor = self._cursor
        while True:
            try:
                page = await asyncio.wait_for(seat.pages.get(), self._heartbeat_seconds)
            except TimeoutError:
                if seat.pages.empty():  # all that came so far was told, or is not for this listener
                    cursor = self._cursor
                page = LivePage((), cursor)
            if page is None:
                return
            cursor = page.cursor
            yield page._replace(events=seat.new(page.events))

    async def _leave(self, seat: "_Seat") -> None:
        self._seats.discard(seat)
        if self._present or self._poller is None:
            return
        poller, self._poller = self._poller, None
        poller.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await poller

    async def _poll_on(self) -> None:
        trouble = False
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                async with self._turn:
                    await self._poll()
                trouble = False
            except StoreUnavailable as exc:
                if not trouble:
                    _log.warning("the live feed waits for its store: %s", exc)
                trouble = True
            except ValueError:  # another store answers now, which knows nothing of our place
                self._cursor = ""

    async def _poll(self) -> None:
        """Hand on what came since the last time."""
        for _ in range(PAGES_A_ROUND if self._cursor else 0):
            found = await self._answers.arrived(ANY, self._cursor, PAGE)
            self._hand_on(found.events, found.cursor)
            if len(found.events) < PAGE:
                return
        end = await self._answers.arrived(ANY, None)
        self._hand_on((), end.cursor, skipped=True)

    def _hand_on(self, events: Sequence[ClickEvent], cursor: str, *, skipped: bool = False) -> None:
        self._cursor = cursor
        for seat in list(self._seats):
            if not seat.take(events, cursor, skipped=skipped):
                self._seats.discard(seat)


class _Seat:
    """One listener: what it wants, and the pages that wait for it; None is the end."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.told: set[tuple[str, int]] = set()  # clicks that it has had already
        self.pages: asyncio.Queue[LivePage | None] = asyncio.Queue()
        self._links = None if question.links is None else frozenset(question.links)
        self._rest = replace(question, links=None)

    def take(self, events: Sequence[ClickEvent], cursor: str, *, skipped: bool) -> bool:
        """Let a page wait. False: too many wait already, and the listener is let go."""
        wanted = [event for event in events if self._wants(event)]
        if not (wanted or skipped):
            return True
        if self.pages.qsize() >= PAGES_WAITING:
            self.end()
            return False
        self.pages.put_nowait(LivePage(wanted, cursor, skipped))
        return True

    def end(self) -> None:
        """Let go of what waits, and end."""
        while not self.pages.empty():
            self.pages.get_nowait()
        self.pages.put_nowait(None)

    def new(self, events: Sequence[ClickEvent]) -> Sequence[ClickEvent]:
        """Those that were not told before."""
        return [event for event in events if (event.epoch, event.seq) not in self.told] if self.told else events

    def _wants(self, event: ClickEvent) -> bool:
        of_link = self._links is None or LinkKey(event.domain, event.code) in self._links
        return of_link and is_meant(event, self._rest)
