"""The shipper: carries clicks from the spool of this node into the store and to sinks of events, each exactly once."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Final

from clicks.shipping.backoff import FIRST_SECONDS
from clicks.shipping.counting import Counting
from clicks.shipping.events import Describes, EventShipping
from clicks.shipping.room import Room
from clicks.sinks.contract import EventSink
from clicks.stores.contract import ClickStore
from redirect_core import SpoolReader
from shortlink.clock import Clock
from shortlink.errors import StoreUnavailable

# A pause after each round, not a period: the longer rounds take, the more clicks share a row of the next one. A third
# of the second within which a click is to be seen, because twice as many clicks a round cost a fifth less each.
PAUSE_SECONDS: Final = 0.3
# As many links at most in one transaction, which so stays well under a second in SQLite.
MAX_RECORDS: Final = 50_000
TIDY_EVERY_SECONDS: Final = 1.0
SPOOL_BYTES: Final = 4 << 30

_log: Final = logging.getLogger(__name__)


class Shipper:
    """Counts what waits in the spool, brings it to each sink, and frees what all of them have.

    Counts and sinks go at their own pace; none waits for another.

    Args:
        reader: of the spool.
        store: of the counts.
        clock: tells the time.
        max_records: in one round of counting, of each epoch.
        sinks: of single clicks; opened here, and closed by the caller.
        describer: tells what is known of clicks; needed where there are sinks.
        spool_bytes: the limit of the spool.
    """

    def __init__(
        self,
        reader: SpoolReader,
        store: ClickStore,
        clock: Clock,
        max_records: int = MAX_RECORDS,
        *,
        sinks: Sequence[EventSink] = (),
        describer: Describes | None = None,
        spool_bytes: int = SPOOL_BYTES,
    ) -> None:
        assert describer is not None or not sinks
        self._clock = clock
        self._counting = Counting(reader, store, clock, max_records)
        self._events = [EventShipping(reader, sink, describer, clock) for sink in sinks] if describer else []
        self._room = Room(reader, store, self._events, clock, spool_bytes)
        self._tidy_at = 0.0
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self, stopping: asyncio.Event) -> None:
        """Ship until `stopping` is set. StoreCorrupt: the store is damaged; what is spooled waits."""
        self._begin_events()
        while not stopping.is_set():
            try:
                pause = 0.0 if await self.ship() else PAUSE_SECONDS
            except (StoreUnavailable, OSError) as exc:
                pause = self._counting.trouble(exc)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause)

    async def drain(self, seconds: float) -> bool:
        """Ship all that is spooled by now; what the sinks can't take in that time waits for the next shipper.

        Returns:
            False: not all of it could be counted within `seconds`. The rest stays in the spool for the next shipper.
        """
        deadline = self._clock.monotonic() + seconds
        self._begin_events()
        self._stopping.set()
        counted = await self._drain_counts(deadline)
        await self._drain_events(deadline - self._clock.monotonic())
        if counted:
            await self._tidy(at_once=True)
        return counted

    async def ship(self) -> bool:
        """One round of counting, and of tidying up.

        Returns:
            True: more may wait. False: all that was spooled before the call is counted.

        Raises:
            StoreUnavailable, OSError: the store or the spool is in trouble; nothing is lost, call again.
        """
        more = await self._counting.round()
        await self._tidy()
        return more

    async def close(self) -> None:
        """Let go of what the sinks are about, wherever that is."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin_events(self) -> None:
        if not self._tasks:
            self._tasks = [asyncio.create_task(events.run(self._stopping)) for events in self._events]

    async def _drain_counts(self, deadline: float) -> bool:
        while self._clock.monotonic() < deadline:
            try:
                if not await self.ship():
                    return True
            except (StoreUnavailable, OSError) as exc:
                await asyncio.sleep(min(self._counting.trouble(exc), FIRST_SECONDS))
        return False

    async def _drain_events(self, seconds: float) -> None:
        if not self._tasks:
            return
        await asyncio.wait(self._tasks, timeout=max(0.0, seconds))
        for events, task in zip(self._events, self._tasks, strict=True):
            if not task.done():
                _log.warning("not all events went to %s; the spool keeps them for the next shipper", events.name)
        await self.close()

    async def _tidy(self, *, at_once: bool = False) -> None:
        """About once a second."""
        counted = self._counting.watermarks
        if counted is None or (self._clock.monotonic() < self._tidy_at and not at_once):
            return
        self._tidy_at = self._clock.monotonic() + TIDY_EVERY_SECONDS
        if await self._room.tidy(counted):
            self._counting.forget_watermarks()
