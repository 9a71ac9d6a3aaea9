"""Asking ClickHouse again, ever more slowly, while it is away."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from clicks.ingest import metrics
from shortlink.errors import StoreUnavailable

FIRST_SECONDS: Final = 0.1
MAX_SECONDS: Final = 5.0

Answer = TypeVar("Answer")

_log: Final = logging.getLogger(__name__)


class Patience:
    """What all partitions of a worker share, so that an outage is told once and not by each of them."""

    def __init__(self) -> None:
        self._troubled = False

    async def until_done(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask until it is answered."""
        seconds = FIRST_SECONDS
        while True:
            try:
                answer = await ask()
            except StoreUnavailable as exc:
                self._note(exc)
            else:
                self._note_done()
                return answer
            # Partitions that failed together are not to come back together.
            await asyncio.sleep(random.uniform(seconds / 2, seconds))  # noqa: S311
            seconds = min(2 * seconds, MAX_SECONDS)

    def _note(self, error: StoreUnavailable) -> None:
        metrics.ERRORS.labels("clickhouse").inc()
        if not self._troubled:
            _log.warning("clicks wait in Kafka: %s", error)
        self._troubled = True

    def _note_done(self) -> None:
        if self._troubled:
            _log.info("clicks go to ClickHouse again")
        self._troubled = False
