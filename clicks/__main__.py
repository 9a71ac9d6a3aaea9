"""`python -m clicks`: the shipper process of a node."""

import asyncio
import contextlib
import logging
import os
import sys
from typing import Final

from clicks.shipper import Shipper
from clicks.stores.sqlite import SqliteClickStore
from redirect_core import SpoolLocked, SpoolReader
from shortlink import logs, settings
from shortlink.clock import SystemClock
from shortlink.datadir import DataFolder
from shortlink.errors import Edge302Error
from shortlink.stopping import told_to_stop

FAILED: Final = 1
BAD_SETTING: Final = 2
ALREADY_RUNNING: Final = 3
# Where a core is short, redirects go first: counting then has a tenth of it, and what waits is counted in larger and
# so cheaper rounds. A click is late in the statistics rather than a visitor on the way.
NICENESS: Final = 10

_log: Final = logging.getLogger(__name__)


def main() -> int:
    """Ship until told to stop; returns the exit code."""
    try:
        chosen = settings.load(os.environ)
    except settings.BadSetting as exc:
        sys.stderr.write(f"{exc}\n")
        return BAD_SETTING
    logs.setup("shipper", chosen.log_level)
    os.nice(NICENESS)
    folder = DataFolder(chosen.data)
    folder.create()
    try:
        reader = SpoolReader(str(folder.spool))
    except SpoolLocked:
        _log.error("another shipper already reads %s; stop it first, or choose another EDGE302_DATA", folder.spool)
        return ALREADY_RUNNING
    with contextlib.closing(reader):
        return asyncio.run(_serve(folder, reader, chosen.drain_seconds))


async def _serve(folder: DataFolder, reader: SpoolReader, drain_seconds: float) -> int:
    clock = SystemClock()
    store = SqliteClickStore(folder.clicks_db, clock)
    shipper = Shipper(reader, store, clock)
    stopping = told_to_stop(os.environ)
    try:
        await store.open()
        await shipper.run(stopping)
        if not await shipper.drain(drain_seconds):
            _log.error("not all clicks could be counted in %s s; the spool keeps them", drain_seconds)
            return FAILED
    except Edge302Error as exc:
        _log.error("%s", exc)
        return FAILED
    finally:
        await store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
