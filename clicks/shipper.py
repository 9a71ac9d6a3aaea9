"""The shipper: carries clicks from the spool of this node into the store, each exactly once."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable, Sequence
from typing import Final

from clicks import metrics
from clicks.batches import click_batch
from clicks.counts import HOUR_MS, ClickBatch
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
FORGET_EVERY_MS: Final = HOUR_MS
FIRST_BACKOFF_SECONDS: Final = 0.1
MAX_BACKOFF_SECONDS: Final = 5.0

_log: Final = logging.getLogger(__name__)


class Shipper:
    """Reads what waits in the spool, counts it in the store, and frees what is counted.

    The store moves each epoch's watermark in the transaction that counts, and takes only a batch that follows it.
    So a shipper may be killed at any moment, repeat itself or meet another: nothing is counted twice or left out.
    """

    def __init__(self, reader: SpoolReader, store: ClickStore, clock: Clock, max_records: int = MAX_RECORDS) -> None:
        self._reader = reader
        self._store = store
        self._clock = clock
        self._max_records = max_records
        self._watermarks: dict[bytes, int] | None = None  # None: ask the store
        self._waiting_since_ms: int | None = None
        self._tidy_at = 0.0
        self._forget_at_ms = 0
        self._backoff_seconds = FIRST_BACKOFF_SECONDS
        self._told_damaged: set[str] = set()

    async def run(self, stopping: asyncio.Event) -> None:
        """Ship until `stopping` is set. StoreCorrupt: the store is damaged; what is spooled waits."""
        while not stopping.is_set():
            try:
                pause = 0.0 if await self.ship() else PAUSE_SECONDS
            except (StoreUnavailable, OSError) as exc:
                pause = self._back_off(exc)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause)

    async def drain(self, seconds: float) -> bool:
        """Ship all that is spooled by now.

        Returns:
            False: not all of it could be counted within `seconds`. The rest stays in the spool for the next shipper.
        """
        deadline = self._clock.monotonic() + seconds
        while self._clock.monotonic() < deadline:
            try:
                if not await self.ship():
                    await self._tidy(at_once=True)
                    return True
            except (StoreUnavailable, OSError) as exc:
                await asyncio.sleep(min(self._back_off(exc), FIRST_BACKOFF_SECONDS))
        return False

    async def ship(self) -> bool:
        """One round: read what waits, count it, free what is counted.

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
        if self._backoff_seconds != FIRST_BACKOFF_SECONDS:
            self._backoff_seconds = FIRST_BACKOFF_SECONDS
            _log.info("clicks are counted again")
        await self._tidy()
        return more

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

    async def _tidy(self, *, at_once: bool = False) -> None:
        """Free counted segments about once a second, and forget old epochs about once an hour."""
        if self._watermarks is None or (self._clock.monotonic() < self._tidy_at and not at_once):
            return
        self._tidy_at = self._clock.monotonic() + TIDY_EVERY_SECONDS
        await asyncio.to_thread(self._reader.free, self._watermarks)
        self._tell_damaged(self._reader.damaged)
        now_ms = self._clock.now_ms()
        if now_ms >= self._forget_at_ms:
            self._forget_at_ms = now_ms + FORGET_EVERY_MS
            if await self._store.forget_epochs(self._reader.epochs(), now_ms):
                self._watermarks = None

    def _tell_waiting(self) -> None:
        since_ms = self._waiting_since_ms
        metrics.WAITING.set(0 if since_ms is None else max(0, self._clock.now_ms() - since_ms) / 1_000)

    def _tell_damaged(self, names: Iterable[str]) -> None:
        for name in set(names) - self._told_damaged:
            _log.error("%s is damaged and was set aside; its clicks are counted as lost where others follow", name)
            self._told_damaged.add(name)

    def _back_off(self, error: Exception) -> float:
        """How long to wait after trouble, in seconds: longer each time, until a round succeeds."""
        self._tell_waiting()
        if self._backoff_seconds == FIRST_BACKOFF_SECONDS:
            _log.warning("clicks wait in the spool: %s", error)
        seconds = self._backoff_seconds
        self._backoff_seconds = min(2 * seconds, MAX_BACKOFF_SECONDS)
        return seconds
