"""Counts what waits in the spool, each click exactly once."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from clicks import metrics
from clicks.batches import click_batch
from clicks.counts import ClickBatch
from clicks.shipping.backoff import Backoff
from clicks.stores.contract import ClickStore
from redirect_core import SpoolReader
from shortlink.clock import Clock

_log: Final = logging.getLogger(__name__)


class Counting:
    """Round by round: read what waits, add it to the store.

    The store moves each epoch's watermark in the transaction that counts, and takes only a batch that follows it.
    So whoever counts may be killed at any moment, repeat itself or meet another: nothing is counted twice or left out.
    """

    def __init__(self, reader: SpoolReader, store: ClickStore, clock: Clock, max_records: int) -> None:
        self._reader = reader
        self._store = store
        self._clock = clock
        self._max_records = max_records
        self._watermarks: dict[bytes, int] | None = None  # None: ask the store
        self._waiting_since_ms: int | None = None
        self._backoff = Backoff()

    @property
    def watermarks(self) -> dict[bytes, int] | None:
        """How far the store has counted; None: only the store knows."""
        return self._watermarks

    def forget_watermarks(self) -> None:
        """Ask the store next time: it has forgotten some."""
        self._watermarks = None

    async def round(self) -> bool:
        """Count what waits.

        Returns:
            True: more may wait. False: all that was spooled before the call is counted.

        Raises:
            StoreUnavailable, OSError: the store or the spool is in trouble; nothing is lost, call again.
        """
        started = self._clock.monotonic()
        watermarks = await self._known_watermarks()
        read = await asyncio.to_thread(self._reader.read, watermarks, self._max_records)
        self._waiting_since_ms = min((batch.oldest_ms for batch in read if batch.records), default=None)
        self._tell_waiting()
        accepted = await self._count([click_batch(batch) for batch in read])
        if read:  # rounds that found nothing would hide the others
            metrics.SECONDS.observe(self._clock.monotonic() - started)
        more = not accepted or any(batch.records >= self._max_records for batch in read)
        if not more:
            self._waiting_since_ms = None
            self._tell_waiting()
        if self._backoff.well():
            _log.info("clicks are counted again")
        return more

    def trouble(self, error: Exception) -> float:
        """Tell of trouble once; returns how long to wait before the next round, in seconds."""
        self._tell_waiting()
        if not self._backoff.in_trouble:
            _log.warning("clicks wait in the spool: %s", error)
        return self._backoff.trouble()

    async def _known_watermarks(self) -> dict[bytes, int]:
        if self._watermarks is None:
            self._watermarks = await self._store.watermarks()
        return self._watermarks

    async def _count(self, batches: Sequence[ClickBatch]) -> bool:
        """Store the batches side by side (one commit serves them all). False: one did not follow its watermark."""
        known, self._watermarks = self._watermarks or {}, None  # unless all goes well, only the store knows
        answers = await asyncio.gather(*map(self._store.add, batches), return_exceptions=True)
        for batch, answer in zip(batches, answers, strict=True):
            if answer is True:
                known[batch.epoch] = batch.last_seq
                metrics.stored(batch)
        if error := next((answer for answer in answers if isinstance(answer, BaseException)), None):
            raise error
        if not all(answers):
            _log.warning("the store has counted clicks that this shipper did not know of; reading on from there")
            return False
        self._watermarks = known
        return True

    def _tell_waiting(self) -> None:
        since_ms = self._waiting_since_ms
        metrics.WAITING.set(0 if since_ms is None else max(0, self._clock.now_ms() - since_ms) / 1_000)
