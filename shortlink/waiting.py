"""Waiting for a store that starts later than the process that needs it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shortlink.errors import StoreUnavailable

Answer = TypeVar("Answer")


async def as_soon_as_it_answers(
    ask: Callable[[], Awaitable[Answer]],
    stopping: asyncio.Event,
    log: logging.Logger,
    words: str,
    *,
    pause_seconds: float = 1.0,
) -> Answer | None:
    """Ask until the store is there; None: `stopping` was set before. `words` tell once what waits, before why."""
    told = False
    while not stopping.is_set():
        try:
            return await ask()
        except StoreUnavailable as exc:
            if not told:
                log.warning("%s: %s", words, exc)
            told = True
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause_seconds)
    return None
