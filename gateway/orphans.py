"""Hands over what the engine counted of visits to codes that no link has."""

import asyncio
import logging
from pathlib import Path
from typing import Final

from gateway.engines.contract import Engine
from shortlink import orphans
from shortlink.clock import Clock
from shortlink.orphans import OrphanFile

EVERY_SECONDS: Final = 2.0

_log: Final = logging.getLogger(__name__)


class OrphanFiles:
    """Writes a worker's counts for the shipper, and none while too many files wait: the engine's memory is bounded.

    A worker that is killed takes along what it had not written: at most one file's counts.
    """

    def __init__(self, engine: Engine, folder: Path, worker: int, clock: Clock) -> None:
        self._engine = engine
        self._folder = folder
        self._worker = worker
        self._clock = clock
        self._failed = False

    async def run(self) -> None:
        """Write about every EVERY_SECONDS, until cancelled."""
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            await self.write()

    async def write(self) -> None:
        """Write what there is, if there is room for it. A folder that can't be written costs these counts."""
        try:
            if await asyncio.to_thread(orphans.has_room, self._folder) and (taken := self._engine.take_orphans()):
                content = OrphanFile(self._clock.now_ms(), taken)
                await asyncio.to_thread(orphans.write, self._folder, self._worker, content)
        except OSError as exc:
            if not self._failed:
                _log.warning("visits to unknown codes are not counted: %s", exc)
            self._failed = True
        else:
            self._failed = False
