"""Keeps the spool small: frees what everybody has, and in need what the count alone has."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from clicks import metrics
from clicks.counts import HOUR_MS
from clicks.shipping.events import EventShipping
from clicks.stores.contract import ClickStore
from redirect_core import SpoolReader
from shortlink.clock import Clock

FORGET_EVERY_MS: Final = HOUR_MS
# Of the spool's limit. Above it the room is for clicks that are not counted yet: counts are never given up for events.
FULL: Final = 0.9
SPOOL_FULL: Final = "spool_full"

_log: Final = logging.getLogger(__name__)


class Room:
    """What is done about the spool's size, about once a second.

    Args:
        reader: of the spool.
        store: counts what is dropped.
        sinks: each has to pass a segment before it is freed, unless the spool is full.
        clock: tells when to forget old epochs.
        limit_bytes: of the spool.
    """

    def __init__(
        self, reader: SpoolReader, store: ClickStore, sinks: Sequence[EventShipping], clock: Clock, limit_bytes: int
    ) -> None:
        self._reader = reader
        self._store = store
        self._sinks = sinks
        self._clock = clock
        self._full_bytes = int(FULL * limit_bytes)
        self._forget_at_ms = 0
        self._told: set[str] = set()
        self._told_full: set[str] = set()

    async def tidy(self, counted: Mapping[bytes, int]) -> bool:
        """Free segments, tell of damaged ones, and about once an hour forget epochs that have none.

        Args:
            counted: watermarks of the counts.

        Returns:
            True: the store has forgotten some of them.

        Raises:
            StoreUnavailable, OSError: the store or the spool is in trouble; call again.
        """
        await asyncio.to_thread(self._reader.free, _passed_by_all(counted, self._sinks))
        await self._relieve(counted)
        self._tell_damaged()
        for sink in self._sinks:
            sink.tell_waiting()
        now_ms = self._clock.now_ms()
        if now_ms < self._forget_at_ms:
            return False
        self._forget_at_ms = now_ms + FORGET_EVERY_MS
        epochs = await asyncio.to_thread(self._reader.epochs)
        return await self._store.forget_epochs(epochs, now_ms) > 0

    async def _relieve(self, counted: Mapping[bytes, int]) -> None:
        """With the spool nearly full, free what the count has, oldest first, though sinks will miss it."""
        if not self._sinks:
            return
        lost = await asyncio.to_thread(self._free_what_is_lacking, counted)
        for sink, events in lost.items():
            if events:
                metrics.EVENTS_DROPPED.labels(sink, SPOOL_FULL).inc(events)
                self._tell_full(sink)
                await self._store.add_events_dropped(sink, SPOOL_FULL, events)
        if not lost:
            self._told_full.clear()

    def _free_what_is_lacking(self, counted: Mapping[bytes, int]) -> dict[str, int]:
        """How many events each sink loses by it; empty: there is room.

        What a sink has in hand at this moment is taken for lost, so that the number is never too small.
        """
        lacking = self._reader.size()[0] - self._full_bytes
        if lacking <= 0:
            return {}
        before = {sink.name: (sink.passed, _first_seqs(self._reader, sink.passed)) for sink in self._sinks}
        self._reader.free(counted, lacking)
        return {
            name: _lost(first, _first_seqs(self._reader, passed), counted) for name, (passed, first) in before.items()
        }

    def _tell_full(self, sink: str) -> None:
        if sink not in self._told_full:
            self._told_full.add(sink)
            _log.error(
                "the spool is full, so the oldest events are dropped before %s has them (their clicks are counted);"
                " mend %s, or raise EDGE302_SPOOL_MB",
                sink,
                sink,
            )

    def _tell_damaged(self) -> None:
        for name in self._new(self._reader.damaged):
            _log.error("%s is damaged and was set aside; its clicks are counted as lost where others follow", name)
        for name, reason in self._reader.errors:
            for _ in self._new([name]):
                _log.error("%s can't be read: %s; its worker's clicks wait behind it", name, reason)

    def _new(self, names: Iterable[str]) -> list[str]:
        """Those that were not told of before."""
        new = [name for name in names if name not in self._told]
        self._told.update(new)
        return new


def _passed_by_all(counted: Mapping[bytes, int], sinks: Sequence[EventShipping]) -> dict[bytes, int]:
    return {epoch: min([seq, *(sink.passed.get(epoch, 0) for sink in sinks)]) for epoch, seq in counted.items()}


def _first_seqs(reader: SpoolReader, passed: Mapping[bytes, int]) -> dict[bytes, int]:
    """The first seq that is still there behind each epoch's watermark."""
    return {batch.epoch: batch.last_seq - batch.records + 1 for batch in reader.read_events(passed, 1)}


def _lost(before: Mapping[bytes, int], after: Mapping[bytes, int], counted: Mapping[bytes, int]) -> int:
    """Seqs that were there before and are not now; of an epoch without any left, up to the last that was counted."""
    return sum(after.get(epoch, counted.get(epoch, first - 1) + 1) - first for epoch, first in before.items())
