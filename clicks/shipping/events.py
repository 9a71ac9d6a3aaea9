"""Brings single clicks from the spool to one sink, round by round, whatever becomes of the others."""

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Final, Protocol

from clicks import metrics
from clicks.counts import HOUR_MS
from clicks.shipping.backoff import Backoff
from clicks.sinks.contract import DescribedBatch, EventSink, SinkTakenOver
from redirect_core import EventBatch, SpoolReader
from shortlink.clock import Clock
from shortlink.errors import StoreCorrupt, StoreUnavailable

# A pause after each round, as that of the counts is.
PAUSE_SECONDS: Final = 0.3
# Of all epochs together, so that workers are no reason for more memory: some 20 MB of JSON at most.
MAX_RECORDS: Final = 20_000
MIN_RECORDS_OF_AN_EPOCH: Final = 500

_log: Final = logging.getLogger(__name__)


class Describes(Protocol):
    """What is asked of a Describer here."""

    async def describe(self, batches: Sequence[EventBatch]) -> list[DescribedBatch]:
        """StoreUnavailable: what it asks is away; call again."""
        ...


class EventShipping:
    """One sink's way through the spool. The sink's watermarks say how far it has come, and only they do."""

    def __init__(
        self,
        reader: SpoolReader,
        sink: EventSink,
        describer: Describes,
        clock: Clock,
        *,
        max_records: int = MAX_RECORDS,
    ) -> None:
        self._reader = reader
        self._sink = sink
        self._describer = describer
        self._clock = clock
        self._max_records = max_records
        self._opened = False
        self._watermarks: dict[bytes, int] | None = None  # None: ask the sink
        self._passed: dict[bytes, int] = {}
        self._waiting_since_ms: int | None = None
        self._forget_at_ms = 0
        self._backoff = Backoff()
        metrics.has_sink(sink.name)

    @property
    def name(self) -> str:
        """The sink's."""
        return self._sink.name

    @property
    def passed(self) -> dict[bytes, int]:
        """How far the sink has come at least, by epoch."""
        return self._passed

    async def run(self, stopping: asyncio.Event) -> None:
        """Ship until `stopping` is set and the spool is empty, or in trouble then; or until the sink is lost for us.

        An error that nobody foresaw, such as a driver's, costs freshness too, and not the counts beside it.
        """
        while True:
            try:
                more = await self.round()
                pause = 0.0 if more else PAUSE_SECONDS
            except (SinkTakenOver, StoreCorrupt) as exc:
                self._give_up(exc)
                return
            except Exception as exc:
                more, pause = False, self._trouble(exc)
            if stopping.is_set() and not more:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause)

    async def round(self) -> bool:
        """Read what waits, describe it, hand it to the sink.

        Returns:
            True: more may wait. False: the sink has all that was spooled before the call.

        Raises:
            StoreUnavailable, OSError: the sink or the spool is in trouble; nothing is lost, call again.
            SinkTakenOver, StoreCorrupt: leave the sink alone; what is spooled waits for the next shipper.
        """
        watermarks = await self._known_watermarks()
        read, limit = await asyncio.to_thread(self._read, watermarks)
        self._waiting_since_ms = min((batch.oldest_ms for batch in read if batch.records), default=None)
        self.tell_waiting()
        accepted = not read or await self._hand_over(read)
        more = not accepted or any(batch.records >= limit for batch in read)
        if not more:
            self._waiting_since_ms = None
            self.tell_waiting()
        if self._backoff.well():
            _log.info("events go to %s again", self.name)
        await self._forget_epochs()
        return more

    def tell_waiting(self) -> None:
        """Tell Prometheus how old the oldest event is that waits."""
        since_ms = self._waiting_since_ms
        metrics.EVENTS_WAITING.labels(self.name).set(
            0 if since_ms is None else max(0, self._clock.now_ms() - since_ms) / 1_000
        )

    async def _known_watermarks(self) -> dict[bytes, int]:
        if not self._opened:
            await self._sink.open()
            self._opened = True
        if self._watermarks is None:
            self._watermarks = await self._sink.watermarks()
            self._passed = self._watermarks
        return self._watermarks

    def _read(self, watermarks: dict[bytes, int]) -> tuple[Sequence[EventBatch], int]:
        """At most one batch an epoch, and the most records that one has."""
        limit = max(MIN_RECORDS_OF_AN_EPOCH, self._max_records // max(1, len(self._reader.epochs())))
        return self._reader.read_events(watermarks, limit), limit

    async def _hand_over(self, read: Sequence[EventBatch]) -> bool:
        """False: the sink had some of them already."""
        known, self._watermarks = self._watermarks or {}, None  # unless all goes well, only the sink knows
        if not await self._sink.add(await self._describer.describe(read)):
            _log.warning("%s has events that this shipper did not know of; reading on from there", self.name)
            return False
        metrics.EVENTS_SHIPPED.labels(self.name).inc(sum(batch.records for batch in read))
        self._watermarks = {**known, **{batch.epoch: batch.last_seq for batch in read}}
        self._passed = self._watermarks
        return True

    async def _forget_epochs(self) -> None:
        """About once an hour."""
        now_ms = self._clock.now_ms()
        if now_ms >= self._forget_at_ms:
            self._forget_at_ms = now_ms + HOUR_MS
            epochs = await asyncio.to_thread(self._reader.epochs)
            if await self._sink.forget_epochs(epochs, now_ms):
                self._watermarks = None

    def _trouble(self, error: Exception) -> float:
        kind = _kind(error)
        metrics.EVENTS_ERRORS.labels(self.name, kind).inc()
        if self._waiting_since_ms is None:  # it could not even be asked how far it had come
            self._waiting_since_ms = self._clock.now_ms()
        self.tell_waiting()
        if not self._backoff.in_trouble:
            traceback = error if kind == "unexpected" else None
            _log.warning("events for %s wait in the spool: %s", self.name, error, exc_info=traceback)
        return self._backoff.trouble()

    def _give_up(self, error: Exception) -> None:
        metrics.EVENTS_ERRORS.labels(self.name, "taken_over" if isinstance(error, SinkTakenOver) else "corrupt").inc()
        _log.error("no more events go to %s: %s", self.name, error)


def _kind(error: Exception) -> str:
    if isinstance(error, StoreUnavailable):
        return "unavailable"
    return "spool" if isinstance(error, OSError) else "unexpected"
