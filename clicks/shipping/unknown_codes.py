"""Brings visits to unknown codes from the workers' files into the store, every few seconds."""

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Final

from clicks.orphans import collect
from clicks.stores.contract import ClickStore
from shortlink.errors import StoreUnavailable

EVERY_SECONDS: Final = 2.0

_log: Final = logging.getLogger(__name__)


async def keep_collecting(folder: Path, store: ClickStore, stopping: asyncio.Event) -> None:
    """Collect until `stopping` is set, and once more then. Files wait while the store is away."""
    while True:
        last = stopping.is_set()
        try:
            await collect(folder, store)
        except (StoreUnavailable, OSError) as exc:
            _log.debug("visits to unknown codes wait: %s", exc)  # the counts say loudly that the store is away
        if last:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), EVERY_SECONDS)
